"""All of it put together: one `with` gives a script its Odoo, PostgreSQL, databases.

In a test or a script:

    from ground.workplace import Workplace, locked
    with locked(), Workplace() as place:
        db = place.databases.fresh("mine", base="core", install=["software_license"])
        with place.server(db, workers=4) as server:
            urllib.request.urlopen(server.url + "/api/licenses/jwks.json")

A test that dev/test runs finds all of this running, and joins it:

    from ground import workplace
    place = workplace.attach()
"""

import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from . import addon, oca, odoo_tree, paths, postgres, process, programs, venv
from .console import Failure, say
from .database import Databases
from .postgres import Postgres
from .server import Odoo, OdooServer


class Workplace:
    """Everything fetched, PostgreSQL up; stopped again at the end. Enter it locked."""

    def __init__(self, db_port=None):
        self.db_port = db_port
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            process.stop_leftovers()
            tree, postgres = prepare(self.db_port)
            self.postgres = stack.enter_context(postgres)
            stack.callback(process.stop_leftovers)
            self.odoo = Odoo(tree, self.postgres.environment())
            self.databases = Databases(self.postgres, self.odoo)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def server(self, db, **options):
        """A server on a database; see OdooServer."""
        return OdooServer(self.odoo, db, **options)


def attach():
    """The workplace of the script that runs this one, for tests in e2e/."""
    if "PGPASSWORD" not in os.environ:
        raise Failure("nothing to attach to: run this with dev/test e2e")
    place = Workplace()
    place.postgres = Postgres()
    place.postgres.port = int(os.environ["PGPORT"])
    place.odoo = Odoo(odoo_tree.find_or_fetch(), place.postgres.environment())
    place.databases = Databases(place.postgres, place.odoo)
    return place


def prepare(db_port=None):
    """Fetch what is missing, two downloads at a time."""
    odoo_tree.check_home()  # before anything takes long
    with ThreadPoolExecutor(2) as pool:
        packages = pool.submit(_python_side)
        system = pool.submit(_debian_side, db_port)
        packages.result()
        tree, postgres = system.result()
    addon.link()
    return tree, postgres


def _python_side():
    venv.prepare()
    oca.prepare()


def _debian_side(db_port):
    tree = odoo_tree.find_or_fetch()
    programs.prepare("wkhtmltopdf")  # what Odoo prints PDFs with
    return tree, Postgres(db_port)


class locked:
    """Only one script works in a checkout at a time."""

    def __enter__(self):
        paths.DEV.mkdir(exist_ok=True)
        self.stream = (paths.DEV / "lock").open("w")
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                "another dev/run or dev/test works in this checkout: stop it first"
            ) from None
        return self

    def __exit__(self, *_exception):
        self.stream.close()


def clean():
    """Stop what runs, remove `.dev/` and the folder that the cluster may have."""
    if not paths.DEV.exists():
        say("nothing to clean")
        return
    with locked():
        process.stop_leftovers()
        postgres.stop_leftover()
        for folder in (postgres.PRIVATE, paths.DEV):
            shutil.rmtree(folder, ignore_errors=True)
    say("removed .dev")
