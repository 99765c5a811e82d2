from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from threading import Barrier
from time import monotonic
from types import SimpleNamespace
from unittest.mock import patch

from psycopg2.pool import PoolError

from odoo import fields
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import SQL, config

from ..models import software_license_facts
from ..tools import prepared
from ..tools.prepared import MAX_READERS, Reader, Readers
from .common import LicenseCommon

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

    def fetch(self, statement):
        return self.readers.fetch(get_db_name(), statement)

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
        two = SQL("SELECT %s::text, %s::text, '%%'", "it's; --", "second")
        for _again in range(2):
            self.assertEqual(self.fetch(add(2)), [(42,)])
            self.assertEqual(self.fetch(two), [("it's; --", "second", "%")])

    def test_one_name_stands_for_one_statement_also_on_a_pooler(self):
        sent = self._record()
        self.fetch(add(2))
        self.fetch(BACKEND)
        other = Readers()
        self.addCleanup(other.close)
        other.fetch(get_db_name(), BACKEND)
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

    def test_behind_a_pooler_that_loses_what_was_prepared_there_is_none_for_good(self):
        self.fetch(add(2))
        (reader,) = self.readers._readers
        reader._cursor.execute("DEALLOCATE ALL")
        self.assertIsNone(self.fetch(add(2)))
        self._wait(prepared.PAUSE + 10**6)
        self.assertIsNone(self.fetch(add(2)))

    def test_a_statement_that_is_wrong_is_told_to_the_administrator(self):
        with self.assertLogs(prepared._logger, "WARNING"):
            self.assertIsNone(self.fetch(SQL("SELECT nothing")))

    def test_one_database_that_fails_is_no_matter_to_another(self):
        self.assertIsNone(self.readers.fetch("no such database", BACKEND))
        self.assertTrue(self.fetch(BACKEND))

    def test_whatever_breaks_a_reader_leaves_none_that_is_busy(self):
        with (
            self.assertRaises(KeyboardInterrupt),
            patch.object(Reader, "_execute", side_effect=KeyboardInterrupt),
        ):
            self.fetch(BACKEND)
        self.assertFalse(self.readers._readers)
        self.assertTrue(self.fetch(BACKEND))

    def test_a_connection_that_was_quiet_is_replaced(self):
        ((backend,),) = self.fetch(BACKEND)
        self._wait(prepared.IDLE - 1)
        self.assertEqual(self.fetch(BACKEND), [(backend,)])
        self._wait(2 * prepared.IDLE)
        self.assertNotEqual(self.fetch(BACKEND), [(backend,)])
        self.assertEqual(len(self.readers._readers), 1)

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

    def test_a_small_pool_is_left_to_those_who_can_give_back(self):
        for size, most in ((4, 0), (8, 1), (64, MAX_READERS)):
            with self.subTest(size), patch.dict(config.options, db_maxconn=size):
                self.assertEqual(prepared._get_most(), most)
        with patch.dict(config.options, db_maxconn=4):
            self.assertIsNone(self.fetch(BACKEND))

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

    @staticmethod
    def _raise_full():
        raise PoolError("The Connection Pool Is Full")


@tagged("post_install", "-at_install")
class TestPreparedFacts(LicenseCommon):
    """Each form of the look-up can be prepared, and finds what it finds else."""

    def test_each_look_up_is_prepared(self):
        license_ = self._create_license()
        License = self.env["software.license"]
        statements = []

        def fetch(_licenses, statement):
            statements.append(statement)
            self.env.cr.execute(statement)
            return self.env.cr.fetchall()

        self.patch(self.env.registry["software.license"], "_fetch", fetch)
        now = fields.Datetime.now()
        for device, counts, named, kind in product(
            (None, "laptop"), (False, True), (False, True), ("device", "instance")
        ):
            key = license_.license_key
            self.assertTrue(License._read_facts(key, device, counts, now, kind, named))
        License._read_former_facts("a key of nobody")
        with patch.object(software_license_facts, "_counts_otherwise", bool):
            License._read_facts(key, "laptop", True, now)
        readers = Readers()
        self.addCleanup(readers.close)
        self.assertEqual(len({it.code for it in statements}), 18)
        for statement in statements:
            # The license is not committed.
            self.assertEqual(readers.fetch(get_db_name(), statement), [])
