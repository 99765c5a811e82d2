"""Devices that take seats and customers who pay, while something bad happens."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException

from books import Books
from storm import during
from test_bad_days import seated, told
from test_killed import LINES

from ground.console import Failure

INVOICES = 12


class Shop:
    """One license with ever more devices, and invoices to pay."""

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
            with suppress(Failure, OSError, HTTPException):
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
