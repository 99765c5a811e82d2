"""A private PostgreSQL: own data directory, own port on the loopback, own password."""

import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

from . import debian, paths
from .console import Failure, as_user, run, shown, step
from .process import free_port

USER = "odoo"  # Odoo refuses to work as `postgres`
LINK = paths.DEV / "postgres"
PRIVATE = Path("/var/tmp") / f"{paths.MODULE}-{paths.digest(str(paths.ROOT))}"

# The cluster holds nothing that cannot be made again: speed goes before safety.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a path below a deep checkout can be too long
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "max_connections": "300",
    "shared_buffers": "512MB",
    "work_mem": "16MB",
}


class Postgres:
    """The cluster, running while the `with` block runs."""

    settings = SETTINGS

    def __init__(self, port=None):
        self.asked_port = port
        self.port = None
        self.owner = _owner()
        self.home = _home(self.owner)
        self.data = self.home / "data"
        self.running = self.home / "running"  # there, with the boot, while it runs
        self.bin = _binaries(self.home)

    def __enter__(self):
        if self._is_damaged() or not (self.data / "PG_VERSION").is_file():
            self._create()
        self.stop()  # one that a killed script left running
        self.port = free_port(self.asked_port, "--db-port")
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()

    def environment(self):
        """What a PostgreSQL client, Odoo included, needs to get in."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": (self.home / "password").read_text(),
        }

    def sql(self, *statements, db="postgres"):
        """Run statements as the superuser; the last one's rows as text."""
        arguments = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", db]
        for statement in statements:
            arguments += ["-c", statement]
        return self.client("psql", *arguments).splitlines()

    def client(self, program, *arguments):
        """Run a program of PostgreSQL's that connects to it; what it prints."""
        command = [str(part) for part in (self.bin / program, *arguments)]
        env = {**self._library_environment(), **self.environment()}
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        if done.returncode:
            raise Failure(f"PostgreSQL: {done.stderr.strip()}")
        return done.stdout

    def stop(self):
        """Stop the cluster, whoever started it; nothing when it does not run."""
        if self._runs():
            self._run("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.running.unlink(missing_ok=True)

    def _is_damaged(self):
        """Whether the machine went down while it ran: without fsync, files may lack."""
        return self.running.exists() and self.running.read_text() != _boot()

    def _runs(self):
        return not subprocess.call(
            [self.bin / "pg_ctl", "status", "-D", self.data],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
            env=self._library_environment(),
            **as_user(self.owner),
        )

    def _create(self):
        """initdb, then settings that suit a throwaway cluster."""
        with step("PostgreSQL cluster"):
            half_made, password = self.home / "data.new", self.home / "password"
            for folder in (half_made, self.data):
                shutil.rmtree(folder, ignore_errors=True)
            password.touch(mode=0o600)
            password.write_text(secrets.token_hex(16))
            give(password, self.owner)
            arguments = f"-U {USER} -A scram-sha-256 -E UTF8 --locale=C.UTF-8 -N"
            self._run(
                "initdb", *arguments.split(), f"--pwfile={password}", "-D", half_made
            )
            with (half_made / "postgresql.conf").open("a") as conf:
                lines = (f"{name} = '{v}'\n" for name, v in self.settings.items())
                conf.writelines(lines)
            half_made.rename(self.data)

    def start(self):
        """Start in the background; pg_ctl waits until the server answers.

        Nothing when it runs: a test that stops it makes sure that it is back.
        """
        if self._runs():
            return
        self.running.write_text(_boot())
        log = self.home / "server.log"
        options = f"-p {self.port}"
        start = ["start", "-D", self.data, "-l", log, "-o", options, "-w", "-t", "90"]
        try:
            self._run("pg_ctl", *start)
        except Failure as error:
            raise Failure(
                f"PostgreSQL did not start: read {shown(log)}; dev/clean makes it anew"
            ) from error

    def _library_environment(self):
        return debian.library_environment(self.bin.parents[4])

    def _run(self, program, *arguments):
        """Run a server program as the owner, from a folder that it can enter."""
        run(
            [self.bin / program, *arguments],
            "postgres",
            env=self._library_environment(),
            cwd=self.home,
            user=self.owner,
        )


def stop_leftover():
    """Stop the cluster of a script that was killed."""
    if (LINK / "data" / "PG_VERSION").is_file():
        Postgres().stop()


def _boot():
    """What tells this run of the machine from those before; empty if nothing does."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text() if boot.exists() else ""


def _owner():
    """Who runs the server: PostgreSQL refuses root, which then lends it a user."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("no user `nobody` to run PostgreSQL as: run this as a normal user")


def _home(owner):
    """The folder of the cluster, made for its owner.

    It is `.dev/postgres`, unless the owner cannot get there, as in a checkout below
    /root: then a private folder, which `.dev/postgres` links to.
    """
    paths.DEV.mkdir(exist_ok=True)
    home = LINK if _reaches(owner, paths.DEV) else PRIVATE
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid not in (os.geteuid(), owner.pw_uid if owner else -1):
        raise Failure(f"{home} belongs to somebody else: remove it and run this again")
    give(home, owner)
    if home is PRIVATE and not LINK.is_symlink():
        LINK.symlink_to(home)
    return home


def _reaches(owner, folder):
    """Whether the owner may enter the folder."""
    return not subprocess.call(["test", "-x", folder], **as_user(owner))


def give(path, owner):
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _binaries(home):
    """The newest server programs on the machine, else Debian's, unpacked in private.

    Unpacked rather than installed: installing `postgresql` would make and start a
    cluster on this machine, and needs root. The programs find their files from where
    they lie. They go where the owner can read them: into the folder of the cluster.
    """
    private = home / "packages"
    key = paths.digest("postgresql")
    for root in (Path("/"), private if paths.is_current(private, key) else None):
        found = _newest(root) if root else None
        if found:
            return found
    debian.prepare()
    with step("PostgreSQL (Debian's packages)"):
        shutil.rmtree(private, ignore_errors=True)
        debian.fetch(debian.with_missing_dependencies(["postgresql"]), private)
        found = _newest(private)
        if not found:
            raise Failure("Debian's postgresql holds no server: install one and retry")
        paths.mark_current(private, key)
    return found


def _newest(root):
    """The folder with the newest complete set of server programs below a root."""
    folders = [
        path.parent
        for path in root.glob("usr/lib/postgresql/*/bin/initdb")
        if all((path.parent / name).exists() for name in ("pg_ctl", "postgres", "psql"))
    ]
    return max(folders, key=lambda path: int(path.parent.name), default=None)
