"""Statements that PostgreSQL plans once, not at each call.

Odoo's pool sends DISCARD ALL whenever it hands out a connection, which forgets what
was prepared; and planning the look-up of a license takes several times as long as
running it. So a process keeps cursors of that pool, and reads what is committed.
"""

import logging
import re
from hashlib import md5
from itertools import count
from math import inf
from threading import Lock
from time import monotonic

import psycopg2
from psycopg2.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from odoo.sql_db import db_connect
from odoo.tools import config

_logger = logging.getLogger(__name__)

#: Cursors that a process keeps, for all databases. They count in ``db_maxconn``, and
#: the pool can't take them back: so that is not to be small.
MAX_READERS, POOL_FOR_EACH = 2, 8
#: Seconds without use, after which one is closed: firewalls forget what is quiet.
IDLE = 60
#: Seconds without any, after PostgreSQL failed.
PAUSE = 30
#: What a pooler between makes of it, which gives each transaction another connection.
#: PostgreSQL logs the statement then, and the key in it: that shall not go on.
POOLED = (DuplicatePreparedStatement, InvalidSqlStatementName)


class Readers:
    """The cursors of this process on which statements stay prepared."""

    def __init__(self):
        self._lock = Lock()
        self._readers = []
        self._paused_until = {}

    def fetch(self, database, statement):
        """Return the rows of an ``SQL`` that reads, from what is committed by now.

        None if it can't be done: execute it on a cursor of your own, then.
        """
        reader = self._take(database)
        if reader is None:
            return None
        try:
            rows = reader.fetch(statement)
        except psycopg2.Error as error:
            self._pause(database, error)
            self._drop(reader)
            return None
        except BaseException:
            self._drop(reader)
            raise
        reader.is_busy = False
        return rows

    def close(self):
        """Close all connections."""
        for reader in [*self._readers]:
            self._drop(reader)

    def _take(self, database):
        """Return a reader that nobody else uses until it is not busy, or None."""
        now = monotonic()
        with self._lock:
            if now < self._paused_until.get(database, 0):
                return None
            free = [reader for reader in self._readers if not reader.is_busy]
            for reader in free:
                if now - reader.used_at > IDLE:
                    self._readers.remove(reader)
                    reader.disconnect()
                elif reader.database == database:
                    break
            else:
                if len(self._readers) >= _get_most():
                    return None
                reader = Reader(database)
                self._readers.append(reader)
            reader.is_busy, reader.used_at = True, now
        return reader

    def _pause(self, database, error):
        """Do without for a while; behind a pooler, for as long as the process lives."""
        is_pooled = isinstance(error, POOLED)
        is_odd = isinstance(error, psycopg2.ProgrammingError) and not is_pooled
        level = logging.WARNING if is_odd else logging.INFO
        _logger.log(level, "No prepared statements on %s: %r", database, type(error))
        self._paused_until[database] = monotonic() + (inf if is_pooled else PAUSE)

    def _drop(self, reader):
        with self._lock:
            self._readers.remove(reader)
        reader.disconnect()


class Reader:
    """A cursor on which statements stay prepared; it connects when it is needed."""

    def __init__(self, database):
        self.database = database
        self.is_busy = False
        self.used_at = 0
        self._cursor = None
        self._prepared = {}

    def fetch(self, statement):
        """Return the rows of an ``SQL``; raise ``psycopg2.Error`` if it fails."""
        if self._cursor is None:
            self._cursor = db_connect(self.database).cursor()
            # Nothing else is set: behind a pooler it would be for others, too.
            self._cursor.connection.autocommit = True
        execute = self._prepared.get(statement.code) or self._prepare(statement)
        self._execute(execute, statement.params)
        return self._cursor.fetchall()

    def disconnect(self):
        """Close the connection, in whatever state it is; the pool forgets it then."""
        if self._cursor and not self._cursor.closed:
            self._cursor.connection.close()

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


def _get_most():
    return min(MAX_READERS, config["db_maxconn"] // POOL_FOR_EACH)


def _number(code):
    """Return a statement with places as PostgreSQL numbers them: $1, $2 for its %s."""
    numbers = count(1)
    texts = {"%s": lambda: f"${next(numbers)}", "%%": lambda: "%"}
    return re.sub("%[s%]", lambda found: texts[found[0]](), code)
