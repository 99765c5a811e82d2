"""Is this license good, may this device run; and if not, why.

One table, in order of precedence (api.md): revoked, suspended, expired,
application, device. Every endpoint, the portal, the list's status and the client
read it; nothing else decides.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from . import entitlement, lease, period

#: What asks: software on a device, or a self-hosted instance.
DEVICE, INSTANCE = "device", "instance"


class Facts(NamedTuple):
    """What is known of a license and, where one was asked about, of a device.

    Moments are naive UTC.
    """

    license_id: int
    state: str
    expires_at: datetime | None
    is_payment_reversed: bool
    is_customer_active: bool
    application: str
    grace_days: int = 0
    trial_ends_at: datetime | None = None
    own_features: dict | None = None
    policy_features: dict | None = None
    own_max_activations: int = entitlement.INHERIT
    policy_max_activations: int = 0
    #: Self-hosted instances hold seats, as devices do.
    instances_take_seats: bool = False
    quantity: float = 1
    quantity_until: datetime | None = None
    seats_used: int = 0
    #: The device's row, seated or not; None: never seen.
    activation_id: int | None = None
    has_seat: bool = False
    is_blocked: bool = False
    device_name: str | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    #: 0: node-locked. Else ``seats_used`` and ``has_seat`` leave out lapsed leases.
    lease_minutes: int = 0
    license_key: str = ""
    company_id: int = 0
    partner_id: int = 0
    plan: str | None = None
    organization_name: str = ""
    #: For how long software may run on a token (``tools/token.py``).
    offline_days: int = 0
    #: Of the company's signing keys: another one with each change of them.
    ring_version: int | None = None
    #: What bills it, and where its company wants to be paid: told to instances.
    subscription_ref: str | None = None
    sale_order_id: int | None = None
    billing_url: str | None = None

    @property
    def valid_until(self):
        """The end with its grace, None when the license never ends."""
        return self.expires_at and period.add_days(self.expires_at, self.grace_days)

    @property
    def features(self):
        return entitlement.features(self.policy_features, self.own_features)

    @property
    def seat_limit(self):
        """How many devices may hold a seat, None when unlimited."""
        return entitlement.seat_limit(
            self.policy_max_activations, self.own_max_activations, self.quantity
        )

    @property
    def lease_ends_at(self):
        """When the device's seat is free again, None: never, or it has none."""
        return lease.end(self.last_seen, self.lease_minutes) if self.has_seat else None

    def at(self, now, kind):
        """Return these facts as they are at a moment for what asks.

        An instance has no lease: it asks once a day.
        """
        if not self.lease_minutes:
            return self
        if kind == INSTANCE:
            return self._replace(lease_minutes=0)
        return self._replace(has_seat=self.has_seat and self.lease_ends_at > now)

    @property
    def is_full(self):
        return self.seat_limit is not None and self.seats_used >= self.seat_limit


class Question(NamedTuple):
    """What is asked, and when. Left out: the license alone is asked about."""

    now: datetime
    application: str | None = None
    device_id: str | None = None
    #: The device is to be given a seat if it has none (validate, not verify).
    takes_seat: bool = False
    kind: str = DEVICE

    def counts_in(self, facts):
        """Would a seat that is taken now count against the limit?"""
        return self.kind == DEVICE or facts.instances_take_seats


class Verdict(NamedTuple):
    """The answer: ``error`` is None exactly when ``is_valid``."""

    is_valid: bool
    status: str
    error: str | None
    message: str | None
    #: End of the grace, while it lasts.
    grace_ends_at: datetime | None = None


class Rule(NamedTuple):
    """A refusal: its code, the license's status, a sentence, and when it applies."""

    error: str
    status: str
    message: str
    applies: Callable[[Facts, Question], bool]


RULES = (
    Rule(
        "license_revoked",
        "revoked",
        "This license was revoked.",
        lambda facts, question: facts.state == "revoked",
    ),
    Rule(
        "license_suspended",
        "suspended",
        "This license is suspended.",
        lambda facts, question: (
            facts.state == "suspended"
            or facts.is_payment_reversed
            or not facts.is_customer_active
        ),
    ),
    Rule(
        "license_expired",
        "expired",
        "This license has expired.",
        lambda facts, question: (
            facts.valid_until is not None and question.now >= facts.valid_until
        ),
    ),
    Rule(
        "application_mismatch",
        "active",
        "This license is for another application.",
        lambda facts, question: (
            question.application is not None
            and question.application != facts.application
        ),
    ),
    Rule(
        "device_blocked",
        "active",
        "This device is blocked.",
        lambda facts, question: question.device_id is not None and facts.is_blocked,
    ),
    Rule(
        "activation_limit_reached",
        "active",
        "All seats of this license are taken.",
        lambda facts, question: (
            question.takes_seat
            and not facts.has_seat
            and facts.is_full
            and question.counts_in(facts)
        ),
    ),
    Rule(
        "device_not_activated",
        "active",
        "This device is not activated on this license.",
        lambda facts, question: (
            question.device_id is not None
            and not question.takes_seat
            and not facts.has_seat
        ),
    ),
)


def judge(facts, question):
    """Return the verdict of the first rule that applies, else a valid one."""
    for rule in RULES:
        if rule.applies(facts, question):
            return Verdict(False, rule.status, rule.error, rule.message)
    in_grace = facts.expires_at is not None and question.now >= facts.expires_at
    return Verdict(True, "active", None, None, facts.valid_until if in_grace else None)
