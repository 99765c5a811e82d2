"""The disks of PostgreSQL are full: reads go on, writes are 503, nothing is lost.

PostgreSQL's data and its WAL are on a small disk each. Without room for data it
refuses what needs some; without room for WAL it goes down. Odoo is never restarted.
"""

import itertools
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from urllib.error import URLError

import pytest
import requests
from books import Books
from conftest import Site
from small_disk import SmallDisk
from storm import during
from test_bad_days import assert_refused_politely, seated, told
from test_killed import LINES

from ground.cluster import Cluster
from ground.console import Failure
from ground.server import Odoo, OdooServer, filestore

NAME = "e2e_disk_full"
INVOICES = 12


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


@pytest.fixture(scope="module")
def disks():
    """The small disks: of the data, and of the WAL."""
    with ExitStack() as stack:
        owner = Cluster("small").owner
        yield tuple(stack.enter_context(SmallDisk(n, owner)) for n in (384, 192))


@pytest.fixture(scope="module")
def cluster(disks, place, installed):
    with SmallCluster(*disks) as cluster:
        cluster.create()
        cluster.copy(SimpleNamespace(postgres=place.postgres, db=installed), NAME)
        yield cluster


@pytest.fixture(scope="module")
def site(cluster, place, installed):
    files = filestore(NAME)
    shutil.rmtree(files, ignore_errors=True)
    shutil.copytree(filestore(installed), files, copy_function=os.link)
    odoo = Odoo(place.odoo.tree, cluster.environment())
    with OdooServer(odoo, NAME, workers=2) as server:
        yield Site(server, SimpleNamespace(postgres=cluster))
    shutil.rmtree(files)


class Shop:
    """Devices that take seats and customers who pay, whatever happens meanwhile."""

    def __init__(self, site):
        self.site = site
        self.books = Books(site.server)
        self.license_, self.key = site.license(max_activations=-1)
        product = self.books.product(license_policy_id=self.books.policy())
        self.invoices = self.books.invoices(INVOICES, product)
        #: Those whose payment the server acknowledged.
        self.paid = []

    def devices(self):
        """Ever new ones."""
        numbers = itertools.count()
        return ({"licenseKey": self.key, "deviceId": f"new-{n}"} for n in numbers)

    def pay(self, *invoices):
        """Pay one after the other, each at most once."""
        for invoice in invoices:
            with suppress(Failure, URLError, ConnectionError):
                self.books.pay(invoice)
                self.paid.append(invoice)

    def run_through(self, event):
        """Let it happen while devices ask and customers pay; return the answers."""
        first, *middle, last = self.invoices
        self.pay(first)
        with ThreadPoolExecutor(1) as pool:
            paying = pool.submit(self.pay, *middle)
            answers = during(event, self.site.url("validate"), self.devices(), 4)
            paying.result()
        self.pay(last)
        assert {first, last} <= set(self.paid)
        return answers

    def assert_nothing_is_lost(self, answers):
        """Who was told to have a seat has one; what was paid has its license."""
        rows = seated(self.site, self.license_)
        assert len(rows) == len(set(rows))
        assert told(answers, True) <= set(rows)
        # A call that was refused may have been done when the connection was lost.
        assert len(rows) <= len(answers)
        postgres, db = self.site.place.postgres, self.site.server.db
        paid = ",".join(map(str, self.paid))
        states = f"SELECT payment_state FROM account_move WHERE id IN ({paid})"
        assert set(postgres.sql(states, db=db)) == {"paid"}
        owed = f"SELECT * FROM ({LINES}) AS line WHERE wanted != found"
        assert postgres.sql(owed, db=db) == []
        assert len(self.books.licenses(*self.paid)) == len(self.paid)


def ask(site, call, **body):
    """Make a call; return its status."""
    return requests.post(site.url(call), json=body, timeout=60).status_code


def until(is_so, seconds=60):
    """Wait until something is so; after a while that is a failure."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def writes(site, key):
    """Is a device let in that is new?"""
    device = f"probe-{time.monotonic()}"
    return ask(site, "validate", licenseKey=key, deviceId=device) == 200


def test_without_room_for_data_writes_are_503_and_reads_go_on(disks, site):
    data, _wal = disks
    shop = Shop(site)
    _license, other = site.license(max_activations=-1)
    reads = []

    def event():
        data.fill()
        until(lambda: not writes(site, other))
        reads.append(ask(site, "verify", licenseKey=shop.key))
        reads.append(site.manage("GET").status_code)
        data.free()
        until(lambda: writes(site, other))

    site.manage("GET")  # its key is made while there is room
    try:
        answers = shop.run_through(event)
    finally:
        data.free()
    print(f"{len(answers)} calls, {assert_refused_politely(answers)} refused")
    assert reads == [200, 200]
    assert answers[-1].status == 200
    assert "could not extend file" in site.log()
    shop.assert_nothing_is_lost(answers)


def test_without_room_for_wal_all_is_503_until_there_is_some(disks, cluster, site):
    _data, wal = disks
    shop = Shop(site)
    _license, other = site.license(max_activations=-1)
    much = "CREATE TABLE much AS SELECT generate_series(1, 1000000)"

    def event():
        wal.fill()
        with suppress(Failure):
            cluster.sql(much, db=NAME)
        until(cluster.has_panicked)
        until(lambda: not writes(site, other))
        wal.free()
        # As systemd does when PostgreSQL has ended, and not when it came back.
        until(lambda: cluster.start() or writes(site, other))

    try:
        answers = shop.run_through(event)
    finally:
        wal.free()
        cluster.start()
    refused = assert_refused_politely(answers)
    print(f"{len(answers)} calls, {refused} refused, {len(shop.paid)} payments")
    assert refused
    assert answers[-1].status == 200
    shop.assert_nothing_is_lost(answers)
