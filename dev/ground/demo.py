"""dev/run: a demo database that is kept, a server on it, the story, then serving."""

import json
import time

from . import addon, paths, process
from .console import say, step
from .rpc import Rpc
from .server import LOGIN, PASSWORD
from .story import play
from .workplace import Workplace, locked

DB = f"{paths.MODULE}_demo"
STATE = paths.DEV / "demo.json"


def run(options):
    """Prepare, serve, play; stay up unless told otherwise."""
    port = options.port and process.free_port(options.port)
    begin = time.monotonic()
    with locked(), Workplace(options.db_port) as place:
        ensure_database(place, options.fresh)
        with step("Odoo server"):
            server = place.server(DB, port=port).start()
        try:
            play(server, Rpc(server.url, DB, LOGIN, PASSWORD))
            say(f"\nAll of it held, {time.monotonic() - begin:.0f} s after the start.")
            if not options.once:
                _serve(server)
        finally:
            server.stop()
    return 0


def ensure_database(place, fresh=False):
    """The demo database with the addon as it is now; updated only when it changed."""
    now = {"template": place.databases.template("demo"), "addon": addon.digest()}
    before = json.loads(STATE.read_text()) if STATE.exists() else {}
    usable = before.get("template") == now["template"] and place.databases.exists(DB)
    if usable and before == now and not fresh:
        return
    STATE.unlink(missing_ok=True)  # until the database is complete, there is none
    if usable and not fresh:
        with step("the addon changed: updating the demo database"):
            place.odoo.manage(DB, "-u", paths.MODULE)
    else:
        with step("demo database with the addon"):
            place.databases.fresh(DB, base="demo", install=[paths.MODULE])
    STATE.write_text(json.dumps(now))


def _serve(server):
    """Tell how to get in, and wait for Ctrl-C."""
    say()
    say(f"Odoo:      {server.url}/odoo")
    say(f"login:     {LOGIN}")
    say(f"password:  {PASSWORD}")
    say(f"log:       {server.log.relative_to(paths.ROOT)}")
    say("Ctrl-C stops it.")
    server.wait()
