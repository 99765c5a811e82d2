"""PostgreSQL clusters of a test's own, beside the one that all tests share."""

import shutil
import subprocess

from . import process
from .console import Failure, as_user
from .postgres import SETTINGS, Postgres, give


class Cluster(Postgres):
    """A small cluster on a port of its own, gone when the `with` block ends.

    Entered, it is an empty folder: `create` fills it, or a copy of another cluster,
    whose password is its own, too: `Cluster("standby", like=primary)`.
    """

    #: What others copy of it is what PostgreSQL writes for them: its own defaults.
    settings = {
        **{name: SETTINGS[name] for name in ("listen_addresses", "fsync")},
        "unix_socket_directories": "",
        "shared_buffers": "64MB",
    }

    def __init__(self, name, like=None):
        super().__init__()
        self.home = self.home / name
        self.data = self.home / "data"
        self.running = self.home / "running"
        self.like = like

    def __enter__(self):
        shutil.rmtree(self.home, ignore_errors=True)  # of a script that was killed
        self.folder("")
        if self.like:
            shutil.copy2(self.like.home / "password", self.home)
        self.port = process.free_port()
        return self

    def folder(self, name):
        """Make a folder of its own user; return its path."""
        path = self.home / name
        path.mkdir(mode=0o700)
        give(path, self.owner)
        return path

    def __exit__(self, *_exception):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def create(self, settings=""):
        """Make it anew, with lines of one's own in its settings; start it."""
        self._create()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(settings)
        self.start()

    def start(self):
        super().start()
        process.remember(self.pid)

    def stop(self):
        pid = self.pid
        super().stop()
        if pid:
            process.forget(pid)

    @property
    def pid(self):
        """The pid of its main process, None when it does not run."""
        path = self.data / "postmaster.pid"
        return int(path.read_text().split()[0]) if path.exists() else None

    def paste(self, text, as_owner=False):
        """Run commands in a shell with its programs; return what they print.

        The owner of the server is the one to write its data.
        """
        env = {**self._library_environment(), **self.environment()}
        env["PATH"] = f"{self.bin}:{env['PATH']}"
        done = subprocess.run(
            ["bash", "-e"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=self.home,
            **as_user(self.owner if as_owner else None),
        )
        if done.returncode:
            raise Failure(f"{text}\n{done.stdout}{done.stderr}")
        return done.stdout
