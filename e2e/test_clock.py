"""The clock of Odoo, of PostgreSQL or of both jumps, and is set right again.

Meanwhile everybody works as the clock says; afterwards all is as it was before.
"""

import time
import uuid
from datetime import datetime, timedelta, timezone

import jwt
import pytest
import requests
from books import Books
from clock import Clocks
from conftest import Site
from machine import BY_SERVER, BY_TOKEN, Machine, told

from ground import workplace

NAME = "e2e_clock"
SEATS = 2
LEASE_MINUTES = 10
DAY_BACK, YEAR_ON = -1, 365
CRONS = (
    "issue_licenses",
    "refresh_quantities",
    "free_lapsed_seats",
    "tidy_signing_keys",
    "send_license_messages",
    "update_license_statuses",
    "send_license_events",
)
FOR_EVER = {"validity_unit": "perpetual"}
#: What must be as it was, of each license.
FIELDS = ("state", "status", "expires_at", "policy_id", "seat_limit", "quantity")
JUMPS = [
    pytest.param(dict.fromkeys(who, days), id=f"{'+'.join(who)} {days:+d}")
    for who in (("odoo", "postgres"), ("odoo",), ("postgres",))
    for days in (DAY_BACK, YEAR_ON)
]


@pytest.fixture(scope="module")
def clocks():
    with Clocks(workplace.attach()) as clocks:
        yield clocks


@pytest.fixture(scope="module")
def site(clocks, installed):
    place = clocks.place
    place.databases.clone(installed, NAME)
    # No key signs before it was made: this one was, before a clock that is a day back.
    made = "UPDATE software_license_signing_key SET signs_from = '2026-01-01'"
    place.postgres.sql(made, db=NAME)
    with clocks.server(NAME) as server:
        yield Site(server, place)
    place.databases.drop(NAME)


@pytest.fixture(autouse=True)
def is_set_right(clocks, site):
    """Whatever a test does, the next one begins at the right time."""
    yield
    clocks.jump(site)


@pytest.fixture(scope="module")
def vendor(site):
    return Vendor(site)


class Vendor:
    """Licenses of all kinds, their devices, and what is asked about them."""

    def __init__(self, site):
        self.site, self.rpc = site, site.rpc
        self.books = Books(site.server)
        self.policy = site.policy(**FOR_EVER)
        self.crons = [self.rpc.xmlid(f"software_license.cron_{it}") for it in CRONS]
        self.forever = self._license()
        #: Those that end before the year is over, and around that day.
        self.ends = [self._license(days) for days in (30, 363, 368)]
        self.floating = site.license(
            site.policy(max_activations=SEATS, lease_minutes=LEASE_MINUTES, **FOR_EVER)
        )
        self.devices = [(self.forever[1], "tower")]
        self.devices += [(self.floating[1], f"old-{n}") for n in range(SEATS)]
        for key, device in self.devices:
            assert self.ask("validate", key, device)["valid"]
        self.run_crons()

    def _license(self, days=None):
        ends = days and datetime.now(timezone.utc) + timedelta(days=days)
        vals = {"expires_at": f"{ends:%Y-%m-%d %H:%M:%S}"} if ends else {}
        return self.site.license(self.policy, max_activations=1, **vals)

    @property
    def all(self):
        return [self.forever, *self.ends, self.floating]

    def ask(self, call, key, device=None):
        """Make a public call; return its answer, which is none of a server's fault."""
        body = {"licenseKey": key, "deviceId": device}
        answer = requests.post(self.site.url(call), json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def judge(self):
        """Return what is said of each license and device."""
        ids = [license_ for license_, _key in self.all]
        rows = self.rpc("software.license", "read", ids, [*FIELDS], load="")
        asked = [(key, None) for _id, key in self.all] + self.devices[:1]
        return rows, [self.ask("verify", *pair) for pair in asked]

    def work(self):
        """Have everybody call, and the scheduled actions run."""
        for _id, key in self.all:
            self.ask("verify", key)
        for key, device in self.devices:
            self.ask("validate", key, device)
        self.ask("validate", self.floating[1], "new")
        self.run_crons()
        self.issue_once()

    def run_crons(self):
        for cron in self.crons:
            self.rpc("ir.cron", "method_direct_trigger", [cron])

    def issue_once(self):
        """Issue a license, and send the same again, as after an answer got lost."""
        product = self.books.product(license_policy_id=self.books.policy())
        body = {"customerId": str(self.books.customer()), "productId": str(product)}
        once = {"Idempotency-Key": uuid.uuid4().hex}
        keys = [
            self.site.manage("POST", json=body, headers=once).json()["licenseKey"]
            for _time in range(2)
        ]
        assert keys[0] == keys[1]

    def leases(self):
        """Return the minutes for which each floating seat is still held."""
        rows = self.rpc(
            "software.license.activation",
            "search_read",
            [["license_id", "=", self.floating[0]], ["status", "=", "seated"]],
            ["lease_expires_at"],
        )
        ends = [datetime.fromisoformat(row["lease_expires_at"]) for row in rows]
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        return [(end - now) / timedelta(minutes=1) for end in ends]

    def count_messages(self):
        """Return {(kind, license): how many messages its customer got}."""
        rows = self.site.place.postgres.sql(
            "SELECT kind, license.id, count(*) FROM software_license_message message"
            " JOIN software_license_message_license_rel told"
            " ON told.message_id = message.id"
            " JOIN software_license license ON license.id = told.license_id"
            " GROUP BY 1, 2",
            db=NAME,
        )
        return {tuple(row.split("|")[:2]): int(row.split("|")[2]) for row in rows}


@pytest.mark.parametrize("jump", JUMPS)
def test_after_a_jump_every_license_is_as_before(clocks, site, vendor, jump):
    before = vendor.judge()
    clocks.jump(site, **jump)
    vendor.work()
    clocks.jump(site)
    vendor.work()
    assert vendor.judge() == before
    leases = vendor.leases()
    assert len(leases) <= SEATS
    assert all(minutes <= LEASE_MINUTES for minutes in leases), leases
    told = vendor.count_messages()
    assert set(told.values()) <= {1}
    assert "Traceback" not in site.log()


def test_a_year_ahead_the_clock_decides_and_only_then(clocks, site, vendor):
    clocks.jump(site, odoo=YEAR_ON, postgres=YEAR_ON)
    assert [vendor.ask("verify", key)["status"] for _id, key in vendor.ends] == [
        "expired",
        "expired",
        "active",
    ]
    clocks.jump(site)
    statuses = {vendor.ask("verify", key)["status"] for _id, key in vendor.ends}
    assert statuses == {"active"}


def test_a_token_of_a_wrong_clock_is_taken_as_the_clock_says(clocks, site, vendor):
    (key,) = [jwt.PyJWK(it) for it in site.jwks()]

    def decode(days):
        clocks.jump(site, odoo=days, postgres=days)
        token = vendor.ask("validate", *vendor.devices[0])["token"]
        clocks.jump(site)
        return jwt.decode(token, key.key, ["EdDSA"], audience="acme-editor", leeway=300)

    assert decode(DAY_BACK)["exp"] > time.time()
    with pytest.raises(jwt.ImmatureSignatureError):
        decode(YEAR_ON)


@pytest.mark.parametrize("days", [DAY_BACK, YEAR_ON])
def test_the_client_runs_on_once_the_server_is_right_again(
    clocks, site, vendor, tmp_path, days
):
    laptop = Machine("laptop", site.server.url, site.jwks()[0], tmp_path)
    _license, key = site.license(vendor.policy)
    assert told(laptop.start(key).sync()) == BY_SERVER
    clocks.jump(site, odoo=days, postgres=days)
    assert laptop.start().sync().valid
    clocks.jump(site)
    assert told(laptop.start().sync()) == BY_SERVER
    assert told(laptop.start(offline=True).check()) == BY_TOKEN


def test_guesses_under_a_wrong_clock_shut_out_nobody_later(clocks, site, vendor):
    wrong = {"licenseKey": "WRONG-KEY"}

    def guess():
        return requests.post(site.url("verify"), json=wrong, timeout=60).status_code

    clocks.jump(site, odoo=YEAR_ON)
    while guess() != 429:
        pass
    clocks.jump(site)
    assert guess() == 404
