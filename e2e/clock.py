"""Clocks that jump: of an Odoo server, and of the PostgreSQL that all tests share."""

import shutil
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests

from ground import faketime
from ground.postgres import give
from ground.server import Odoo, OdooServer

#: What a clock may be off while it is right.
TOLERANCE = timedelta(minutes=1)
SLEEP = Path(__file__).with_name("fakeclock")


class Clock:
    """What some programs take for the time: the machine's, and so many days more.

    Only what a clock tells jumps. What measures how long something takes does not,
    as on a machine whose clock is set.
    """

    def __init__(self, folder, name, owner=None):
        self.days = folder / f"{name}.days"
        self.library = folder / f"{name}.so"
        shutil.copy(faketime.prepare(), self.library)  # where the owner can read it
        self.set(0)
        give(self.library, owner)

    def set(self, days):
        """Jump at once."""
        half = self.days.with_suffix(".new")  # nobody reads half of it
        half.write_text(f"{days:+d}d\n")
        half.chmod(0o644)
        half.rename(self.days)

    def environment(self):
        """What a program must be started with."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.days),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


class Clocks:
    """The clocks of Odoo and of PostgreSQL, which is started anew to have one.

    They are right again, and PostgreSQL without one, when the `with` block ends.
    """

    def __init__(self, place):
        self.place = place
        home = place.postgres.home
        self.odoo = Clock(home, "clock-odoo")
        self.postgres = Clock(home, "clock-postgres", place.postgres.owner)

    def __enter__(self):
        env = self.place.postgres._library_environment()
        env.update(self.postgres.environment())
        self.place.postgres._library_environment = lambda: env
        self._restart()
        return self

    def __exit__(self, *_exception):
        del self.place.postgres._library_environment
        self._restart()

    def _restart(self):
        self.place.postgres.stop()
        self.place.postgres.start()

    def server(self, db, **options):
        """A server that has such a clock; see OdooServer."""
        odoo = Odoo(self.place.odoo.tree, self.place.odoo.postgres)
        usual = odoo.environment
        path = f"{SLEEP}:{odoo.tree.python_path}"
        more = {**self.odoo.environment(), "PYTHONPATH": path}
        odoo.environment = lambda **settings: usual(**more, **settings)
        return OdooServer(odoo, db, **options)

    def jump(self, site, odoo=0, postgres=0):
        """Let each be so many days off."""
        self.odoo.set(odoo)
        self.postgres.set(postgres)
        for told, days in ((_told_by_odoo, odoo), (_told_by_postgres, postgres)):
            off = told(site) - datetime.now(timezone.utc) - timedelta(days=days)
            assert abs(off) < TOLERANCE, f"no jump by {days} days"


def _told_by_odoo(site):
    answer = requests.get(site.url("jwks.json"), timeout=60)
    # Odoo and Werkzeug send one each.
    first, _gmt, _second = answer.headers["Date"].partition(" GMT")
    return parsedate_to_datetime(f"{first} GMT")


def _told_by_postgres(site):
    (seconds,) = site.place.postgres.sql("SELECT extract(epoch FROM now())")
    return datetime.fromtimestamp(float(seconds), timezone.utc)
