"""Odoo's own program: one-off runs, and servers that answer HTTP."""

import configparser
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import addon, oca, paths, process, programs, venv
from .console import Failure, run, shown

LOGIN = PASSWORD = "admin"  # Odoo's own, in a new database
#: Seconds that a server has to stop by itself. Its processes look up each 4 seconds,
#: and what one of them does not finish PostgreSQL undoes.
PATIENCE = 2


class Odoo:
    """How to start Odoo: its tree, the PostgreSQL it talks to, and what it runs on.

    `python` is the interpreter, `folders` are where it finds addons beside its own.
    """

    def __init__(
        self,
        tree,
        postgres_environment,
        python=venv.PYTHON,
        folders=(paths.ADDONS, oca.ADDONS),
    ):
        self.tree = tree
        self.postgres = postgres_environment
        self.python = python
        self.folders = folders

    def environment(self, **more):
        """The environment in which `import odoo` finds everything."""
        env = {**os.environ, **self.postgres, "PYTHONPATH": str(self.tree.python_path)}
        # Compiled files go where dev/clean finds them, not into the checkout.
        env["PYTHONPYCACHEPREFIX"] = str(paths.CACHE / "pyc")
        env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(paths.CACHE / "hypothesis")
        env["PATH"] = programs.search_path()
        env.update(more)
        return env

    def addons_path(self, *more):
        """Where Odoo finds addons: its option of this name."""
        folders = (*self.tree.addons, *self.folders, *more)
        return ",".join(str(folder) for folder in folders)

    def config(self, db, name=None, **options):
        """Write a configuration file for one database and return its path."""
        values = {
            "db_name": db,
            "db_host": self.postgres["PGHOST"],
            "db_port": self.postgres["PGPORT"],
            "db_user": self.postgres["PGUSER"],
            "db_password": self.postgres["PGPASSWORD"],
            "db_maxconn": "60",
            "addons_path": self.addons_path(),
            "data_dir": str(paths.DATA),
            "http_interface": "127.0.0.1",
            "list_db": "False",
            "max_cron_threads": "0",
            # Odoo calls its JSON-RPC deprecated at each call of ours.
            "log_handler": ":INFO,odoo.addons.rpc.controllers:ERROR",
            "admin_passwd": self.postgres["PGPASSWORD"],
            **{key: str(value) for key, value in options.items()},
        }
        parser = configparser.RawConfigParser()
        parser["options"] = values
        path = paths.DEV / "conf" / f"{name or db}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("w") as stream:
            parser.write(stream)
        return path

    def command(self, config, *arguments):
        """The command line of Odoo's program."""
        return [self.python, self.tree.program, "-c", config, *arguments]

    def manage(self, db, *arguments):
        """Install or update modules: `manage(db, "-i", "sale")`."""
        addon.link()
        config = self.config(db, f"{db}-manage", http_enable=False)
        log = paths.LOGS / f"odoo-{db}.log"
        log.unlink(missing_ok=True)
        command = self.command(config, *arguments, "--stop-after-init")
        try:
            run(command, log.stem, env=self.environment())
        except Failure as error:
            said = f"odoo {' '.join(arguments)}: {_last_error(log)}"
            raise Failure(f"{said}; read {shown(log)}") from error


class OdooServer:
    """A real Odoo server process on a database, up while the `with` block runs.

    `workers=0` is one process with threads; more are processes of their own, as in
    production. `options` are entries of Odoo's configuration file. `headers` lead to
    the database, where a server has several.
    """

    def __init__(
        self,
        odoo,
        db,
        *,
        workers=0,
        port=None,
        cron_threads=0,
        headers=None,
        **options,
    ):
        self.odoo = odoo
        self.db = db
        self.port = process.free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = paths.LOGS / f"server-{db}.log"
        self.process = None
        self.headers = headers or {}
        self.options = {
            "workers": workers,
            "max_cron_threads": cron_threads,
            "http_port": self.port,
            "gevent_port": process.free_port(),
            **options,
        }

    def __enter__(self):
        return self.start()

    def start(self):
        """Start the server and wait until it answers."""
        addon.link()
        config = self.odoo.config(self.db, f"server-{self.db}", **self.options)
        command = self.odoo.command(config)
        self.process = process.spawn(command, self.log, self.odoo.environment())
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception):
        self.stop()

    def wait(self):
        """Wait until the server ends by itself, which it should not."""
        self.process.wait()
        raise Failure(f"the Odoo server ended: read {shown(self.log)}")

    def stop(self):
        """Stop the server and its workers."""
        if self.process:
            process.stop(self.process, PATIENCE)
            self.process = None

    def kill(self):
        """Kill the server and its workers (SIGKILL); `start` starts it again."""
        process.kill(self.process)
        self.process = None

    def _wait(self, seconds=120):
        """Wait until the server answers from its database."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                # Served from the database: the registry is loaded when it answers.
                login = urllib.request.Request(
                    f"{self.url}/web/login", headers=self.headers
                )
                urllib.request.urlopen(login, timeout=60).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise Failure(f"the Odoo server did not come up: read {shown(self.log)}")


def _last_error(log):
    """The line of a log that names the last exception."""
    pattern = r"^(?:[\w.]+\.)?(\w+(?:Error|Exception|Warning): .*)$"
    found = re.findall(pattern, log.read_text(errors="replace"), re.M)
    return found[-1] if found else "failed"


def filestore(db):
    """Where Odoo keeps a database's attachments."""
    return Path(paths.DATA) / "filestore" / db
