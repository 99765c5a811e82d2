"""Who calls a server all day: devices, managers, accountants, customers.

Each is a thread of its own that asks, waits a moment and asks again, checks every
answer, and keeps what it was told: the database is compared with that at the end.
"""

import random
import threading
import time
import traceback
import uuid
from typing import NamedTuple

import requests
from books import Books

SEATS = 10
PASSWORD = "customer of the soak"


class Call(NamedTuple):
    """One call of a device, which is what p99 is taken of."""

    moment: float
    seconds: float
    status: int


class Caller(threading.Thread):
    """Takes steps until it is over; the first one that fails ends it."""

    #: Seconds between two steps: the load is steady, and not all that the machine can.
    pause = 0.05

    def __init__(self, site):
        super().__init__(name=type(self).__name__, daemon=True)
        self.site = site
        self.steps = 0
        self.problem = None
        self.http = requests.Session()
        self.has_begun = threading.Event()
        self._is_over = threading.Event()

    def run(self):
        try:
            while not self._is_over.is_set():
                self.step()
                self.steps += 1
                self.has_begun.set()
                self._is_over.wait(self.pause)
        except Exception:  # whatever it is, it is for the test to tell
            where = traceback.format_exc()
            self.problem = f"{self.name}, step {self.steps + 1}: {where}"
            self.has_begun.set()

    def finish(self):
        """Let the step that is on its way be the last one."""
        self._is_over.set()
        self.join()

    def step(self):
        raise NotImplementedError


class Fleet(Caller):
    """The devices and instances of one region, which share licenses with others.

    Nobody else has these devices: what they were told last is what must be so.
    """

    pause = 0.02
    MIX = {"verify": 30, "known": 30, "new": 15, "full": 10, "free": 10, "instance": 5}

    def __init__(self, site, region, keys, full_key):
        super().__init__(site)
        self.name = f"Fleet {region}"
        self.region = region
        self.keys = keys
        self.full_key = full_key
        self.calls = []
        #: (key, device) of those that hold a seat.
        self.seated = set()
        #: (key, address) of the instances that called.
        self.instances = set()

    def step(self):
        (kind,) = random.choices(list(self.MIX), list(self.MIX.values()))
        key = random.choice(self.keys)
        known = random.choice(sorted(self.seated)) if self.seated else None
        if kind == "verify":
            assert self._ask("verify", licenseKey=key)["valid"]
        elif kind == "full":
            body = self._ask("validate", licenseKey=self.full_key, deviceId="late")
            assert body["error"] == "activation_limit_reached", body
        elif kind == "instance":
            self._check_instance_in(key)
        elif known and kind == "free":
            self._free(*known)
        elif known and kind == "known":
            assert self._validate(*known), "a device that has a seat was refused"
        else:
            self._validate(key, f"{self.region}-{uuid.uuid4().hex[:12]}")

    def _validate(self, key, device):
        body = self._ask("validate", licenseKey=key, deviceId=device)
        assert body["currentActivations"] <= SEATS, body
        if body["valid"]:
            assert body["token"]
            self.seated.add((key, device))
        else:
            assert body["error"] == "activation_limit_reached", body
        return body["valid"]

    def _free(self, key, device):
        assert self._ask("deactivate", licenseKey=key, deviceId=device)["success"]
        self.seated.remove((key, device))

    def _check_instance_in(self, key):
        url = f"https://{self.region}-{random.randrange(3)}.example.com"
        self._ask("/api/v1/licensing/validate", licenseKey=key, instanceUrl=url)
        self.instances.add((key, url))

    def _ask(self, call, **body):
        begin = time.monotonic()
        response = self.http.post(self.site.url(call), json=body, timeout=60)
        end = time.monotonic()
        self.calls.append(Call(end, end - begin, response.status_code))
        assert response.status_code == 200, (response.status_code, response.text)
        return response.json()


class Manager(Caller):
    """A program of the vendor's, which lists licenses and issues some."""

    pause = 0.5

    def __init__(self, site, customer, product):
        super().__init__(site)
        self.wanted = {"customerId": str(customer), "productId": str(product)}
        self.issued = []

    def step(self):
        listed = self.site.manage("GET", "", params={"limit": 20, "status": "active"})
        assert listed.status_code == 200, listed.text
        assert len(listed.json()) == min(20, int(listed.headers["X-Total-Count"]))
        if self.steps % 4 == 0:
            self.issued.append(self._issue())

    def _issue(self):
        """Issue a license, and send the same again, as after an answer got lost."""
        once = {"Idempotency-Key": uuid.uuid4().hex}
        first, again = (
            self.site.manage("POST", "", json=self.wanted, headers=once)
            for _time in range(2)
        )
        assert (first.status_code, again.status_code) == (201, 201), first.text
        assert first.json()["licenseKey"] == again.json()["licenseKey"]
        return first.json()["licenseKey"]


class Accountant(Caller):
    """Invoices that are paid, each third of them credited again."""

    pause = 1.0

    def __init__(self, site, product):
        super().__init__(site)
        self.books = Books(site.server)
        self.product = product
        self.paid, self.refunded = [], []

    def step(self):
        invoice = self.books.invoice(self.product, quantity=2)
        self.books.pay(invoice)
        self.paid.append(invoice)
        if len(self.paid) % 3 == 0:
            self.books.refund(invoice)
            self.refunded.append(invoice)


class Customer(Caller):
    """A person in the portal."""

    pause = 1.0

    def __init__(self, site, login):
        super().__init__(site)
        params = {"db": site.server.db, "login": login, "password": PASSWORD}
        session = self.http.post(
            site.url("/web/session/authenticate"),
            json={"jsonrpc": "2.0", "params": params},
            timeout=60,
        )
        assert session.json()["result"]["uid"], session.text

    def step(self):
        page = self.http.get(self.site.url("/my/licenses"), timeout=60)
        assert page.status_code == 200, page.status_code
        assert "/my/licenses/" in page.text
