"""A PostgreSQL cluster of a test's own on small disks, which may fill and be killed."""

import os
import signal
from contextlib import suppress

from ground import process
from ground.cluster import Cluster
from ground.postgres import Postgres


class SmallCluster(Cluster):
    """A cluster with its data on one disk and its WAL on another."""

    settings = {
        **Cluster.settings,
        # Little of it is kept: what is written soon needs new room.
        "min_wal_size": "2MB",
        "max_wal_size": "16MB",
        "autovacuum": "off",
    }

    def __init__(self, data, wal):
        super().__init__("small")
        self.home = data.path / "cluster"
        self.data = self.home / "data"
        self.running = self.home / "running"
        self.wal = wal.path / "wal"

    def start(self):
        """Start it if it does not run; it may be gone again at once."""
        Postgres.start(self)
        if pid := self.pid:
            process.remember(pid)

    def _run(self, program, *arguments):
        if program == "initdb":
            arguments += ("--wal-segsize=1", f"--waldir={self.wal}")
        super()._run(program, *arguments)

    def copy(self, source, name):
        """Make a database a copy of one in the cluster that all tests share."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        env = source.postgres.environment()
        login = f"PGPORT={env['PGPORT']} PGPASSWORD={env['PGPASSWORD']}"
        dump, restore = f"pg_dump {source.db}", f"psql -Xq -v ON_ERROR_STOP=1 {name}"
        self.paste(f"set -o pipefail; {login} {dump} | {restore} > /dev/null")
        self.sql("CHECKPOINT")

    def has_panicked(self):
        return "PANIC:" in (self.home / "server.log").read_text(errors="replace")

    def kill_backends(self):
        """Kill those that work for clients: PostgreSQL starts anew by itself."""
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        for pid in self.sql(f"{query} AND pid != pg_backend_pid()"):
            with suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(int(pid), signal.SIGKILL)

    def kill(self):
        """Kill the main process, which the others notice; somebody must start it."""
        os.kill(self.pid, signal.SIGKILL)
