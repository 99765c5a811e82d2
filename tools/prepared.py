"""Statements that PostgreSQL plans once, not at each call.

Odoo's pool sends DISCARD ALL whenever it hands out a connection, which forgets what
was prepared; and planning the look-up of a license takes several times as long as
running it. So a process keeps cursors of that pool, and reads what is committed.
"""

import logging
import re
from hashlib import md5
from itertools import count
from threading import Lock
from time import monotonic

import psycopg2

from odoo.sql_db import db_connect

_logger = logging.getLogger(__name__)

#: Cursors that a process keeps, for all databases: they count in ``db_maxconn``.
MAX_READERS = 2
#: Seconds without use, after which another database may have a cursor instead.
IDLE = 60
#: Seconds without any, after PostgreSQL failed, or a pooler lost what was prepared.
PAUSE = 30


class Readers:
    """The cursors of this process on which statements stay prepared."""

    def __init__(self):
        self._lock = Lock()
        self._readers = []
        self._paused_until = 0

    def fetch(self, cursor, statement):
        """Return the rows of an ``SQL`` that reads, from where ``cursor`` would read.

        None if it can't be done: execute it on the cursor itself, then. It is for
        transactions that have written nothing, as what is not committed is not seen.
        """
        reader = self._take(cursor.dbname, cursor.readonly)
        if reader is None:
            return None
        try:
            rows = reader.fetch(statement)
        except psycopg2.Error as error:
            self._drop(reader, error)
            return None
        reader.is_busy = False
        return rows

    def close(self):
        """Give all connections back to the pool."""
        with self._lock:
            while self._readers:
                self._readers.pop().close()

    def _take(self, database, readonly):
        """Return a reader that nobody else uses until it is not busy, or None."""
        now = monotonic()
        with self._lock:
            if now < self._paused_until:
                return None
            free = [reader for reader in self._readers if not reader.is_busy]
            place = database, readonly
            reader = next((it for it in free if it.place == place), None)
            if reader is None and self._make_room(free, now):
                reader = Reader(place)
                self._readers.append(reader)
            if reader:
                reader.is_busy, reader.used_at = True, now
        return reader

    def _make_room(self, free, now):
        """Return whether one more may be made, maybe for one that nobody needs."""
        if len(self._readers) < MAX_READERS:
            return True
        idle = next((it for it in free if now - it.used_at > IDLE), None)
        if idle:
            self._readers.remove(idle)
            idle.close()
        return idle is not None

    def _drop(self, reader, error):
        _logger.info("No prepared statements for %d s: %r", PAUSE, type(error))
        with self._lock:
            self._readers.remove(reader)
            self._paused_until = monotonic() + PAUSE
        reader.disconnect()


class Reader:
    """A cursor on which statements stay prepared; it connects when it is needed."""

    def __init__(self, place):
        self.place = place
        self.is_busy = False
        self.used_at = 0
        self._cursor = None
        self._prepared = {}

    def fetch(self, statement):
        """Return the rows of an ``SQL``; raise ``psycopg2.Error`` if it fails."""
        if self._cursor is None:
            self._open()
        execute = self._prepared.get(statement.code)
        if execute is None:
            execute = self._prepare(statement)
        self._execute(execute, statement.params)
        return self._cursor.fetchall()

    def close(self):
        """Give the connection back to the pool."""
        if self._cursor:
            self._cursor.close()

    def disconnect(self):
        """Close the connection, in whatever state it is."""
        if self._cursor and not self._cursor.closed:
            self._cursor.connection.close()

    def _open(self):
        database, readonly = self.place
        self._cursor = db_connect(database, readonly=readonly).cursor()
        # Nothing else is set: behind a pooler it would be for others, too.
        self._cursor.connection.autocommit = True

    def _prepare(self, statement):
        """Prepare a statement; return the one that executes it."""
        code = statement.code
        # Behind a pooler, too, one name never stands for two statements.
        name = f"software_license_{md5(code.encode()).hexdigest()}"
        self._execute(f"PREPARE {name} AS {_number(code)}")
        places = ", ".join(["%s"] * len(statement.params))
        self._prepared[code] = f"EXECUTE {name}" + (f" ({places})" if places else "")
        return self._prepared[code]

    def _execute(self, statement, params=None):
        # The statement may hold a key, which no log may tell.
        self._cursor.execute(statement, params, log_exceptions=False)


def _number(code):
    """Return a statement with places as PostgreSQL numbers them: $1, $2 for its %s."""
    numbers = count(1)
    return re.sub("%s", lambda _match: f"${next(numbers)}", code)
