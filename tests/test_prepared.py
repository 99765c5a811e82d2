from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from time import monotonic
from types import SimpleNamespace

from psycopg2.pool import PoolError

from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import SQL

from ..tools import prepared
from ..tools.prepared import MAX_READERS, Reader, Readers

BACKEND = SQL("SELECT pg_backend_pid()")
LOGGED = SQL("SELECT count(*) FROM ir_logging WHERE name = %s", "prepared")


def add(number):
    return SQL("SELECT 40 + %s::integer", number)


@tagged("post_install", "-at_install")
class TestPrepared(BaseCase):
    """Statements that are planned once, on connections of Odoo's pool."""

    def setUp(self):
        super().setUp()
        self.readers, self.begin = Readers(), monotonic()
        self.addCleanup(self.readers.close)
        self.here = SimpleNamespace(dbname=get_db_name(), readonly=False)

    def fetch(self, statement):
        return self.readers.fetch(self.here, statement)

    def test_a_statement_is_prepared_once_then_executed_with_other_values(self):
        sent = self._record()
        self.assertEqual(self.fetch(add(2)), [(42,)])
        prepare, execute = sent
        self.assertRegex(prepare, r"^PREPARE \w+ AS SELECT 40 \+ \$1::integer$")
        self.assertRegex(execute, r"^EXECUTE \w+ \(%s\)$")
        sent.clear()
        self.assertEqual(self.fetch(add(3)), [(43,)])
        self.assertEqual(sent, [execute])

    def test_each_statement_gets_its_own_values_in_their_order(self):
        two = SQL("SELECT %s::text, %s::text", "it's; --", "second")
        for _again in range(2):
            self.assertEqual(self.fetch(add(2)), [(42,)])
            self.assertEqual(self.fetch(two), [("it's; --", "second")])

    def test_one_name_stands_for_one_statement_also_on_a_pooler(self):
        sent = self._record()
        self.fetch(add(2))
        self.fetch(BACKEND)
        other = Readers()
        self.addCleanup(other.close)
        other.fetch(self.here, BACKEND)
        names = [it.split()[1] for it in sent if it.startswith("PREPARE")]
        self.assertEqual(len(names), 3)
        self.assertNotEqual(names[0], names[1])
        self.assertEqual(names[1], names[2])
        # Whatever else was set would be set for others there.
        self.assertEqual({it.split()[0] for it in sent}, {"PREPARE", "EXECUTE"})

    def test_what_others_commit_is_seen_at_once(self):
        with self._rival() as rival:
            self._log(rival)
            self.assertEqual(self.fetch(LOGGED), [(0,)])
            rival.commit()
            self.assertEqual(self.fetch(LOGGED), [(1,)])

    def test_nobody_who_alters_a_table_has_to_wait_for_a_reader(self):
        self.fetch(LOGGED)
        with self._rival() as rival:
            rival.execute("SET lock_timeout = '2s'")
            rival.execute("LOCK TABLE ir_logging")

    def test_a_lost_connection_is_told_and_replaced_after_a_pause(self):
        for times in range(1, MAX_READERS + 3):
            ((backend,),) = self.fetch(BACKEND)
            with self._rival() as rival:
                rival.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
            self.assertIsNone(self.fetch(BACKEND))
            self.assertIsNone(self.fetch(BACKEND), "there was no pause")
            self._wait(times * (prepared.PAUSE + 1))

    def test_a_pooler_that_loses_what_was_prepared_makes_it_none(self):
        self.fetch(add(2))
        (reader,) = self.readers._readers
        reader._cursor.execute("DEALLOCATE ALL")
        self.assertIsNone(self.fetch(add(2)))
        self._wait(prepared.PAUSE + 1)
        self.assertEqual(self.fetch(add(2)), [(42,)])

    def test_a_pool_that_is_full_makes_it_none(self):
        full = SimpleNamespace(cursor=self._raise_full)
        self.patch(prepared, "db_connect", lambda *_args, **_kwargs: full)
        self.assertIsNone(self.fetch(add(2)))

    def test_so_many_read_at_once_and_no_more(self):
        crowd = MAX_READERS + 2
        together = Barrier(crowd, timeout=20)
        take = self.readers._take

        def take_together(*place):
            reader = take(*place)
            together.wait()
            return reader

        self.patch(self.readers, "_take", take_together)
        with ThreadPoolExecutor(crowd) as pool:
            rows = list(pool.map(self.fetch, [BACKEND] * crowd))
        backends = [row[0][0] for row in rows if row]
        self.assertEqual(len(backends), MAX_READERS)
        self.assertEqual(len(set(backends)), MAX_READERS)

    def test_another_server_has_a_reader_of_its_own_once_there_is_room(self):
        self.here.readonly = True
        opened = []
        self.patch(prepared, "db_connect", self._connect_here(opened))
        self.fetch(BACKEND)
        self.here.readonly = False
        self.fetch(BACKEND)
        self.assertEqual(opened, [True, False])
        self.here.dbname = "another"
        self.assertIsNone(self.fetch(BACKEND), "nobody's reader is idle for long")
        self._wait(prepared.IDLE + 1)
        self.assertTrue(self.fetch(BACKEND))
        self.assertEqual(len(self.readers._readers), MAX_READERS)

    def _record(self):
        """Return the list that what is sent to PostgreSQL goes into."""
        sent, execute = [], Reader._execute

        def record(reader, statement, params=None):
            sent.append(statement)
            execute(reader, statement, params)

        self.patch(Reader, "_execute", record)
        return sent

    def _wait(self, seconds):
        """Let it be so many seconds after the test began."""
        now = self.begin
        self.patch(prepared, "monotonic", lambda: now + seconds)

    @contextmanager
    def _rival(self):
        with db_connect(get_db_name()).cursor() as cursor:
            yield cursor

    def _log(self, rival):
        """Write a row that is gone again after the test."""
        rival.execute(
            """INSERT INTO ir_logging (name, type, message, path, line, func)
               VALUES ('prepared', 'server', '', '', '', '')"""
        )

        def delete():
            with self._rival() as cursor:
                cursor.execute("DELETE FROM ir_logging WHERE name = 'prepared'")

        self.addCleanup(delete)

    def _connect_here(self, opened):
        """Stand for other servers and databases; note whether each is a replica."""

        def connect(_database, readonly):
            opened.append(readonly)
            return db_connect(get_db_name())

        return connect

    @staticmethod
    def _raise_full():
        raise PoolError("The Connection Pool Is Full")
