from datetime import datetime, timedelta
from itertools import combinations

from odoo.tests import BaseCase

from ..tools.verdict import RULES, Facts, Question, judge

NOW = datetime(2026, 6, 1, 12)
GOOD = Facts(
    license_id=1,
    state="active",
    expires_at=NOW + timedelta(days=1),
    is_payment_reversed=False,
    is_customer_active=True,
    application="acme-editor",
    policy_max_activations=1,
)
ASK = Question(NOW)
VERIFY = Question(NOW, "acme-editor", "laptop")
VALIDATE = VERIFY._replace(takes_seat=True)

#: What to change in the facts or the question so that exactly this rule applies.
BREAKS = {
    "license_revoked": {"state": "revoked"},
    "license_suspended": {"is_payment_reversed": True},
    "license_expired": {"expires_at": NOW},
    "application_mismatch": {"application": "acme-server"},
    "device_blocked": {"is_blocked": True},
    "activation_limit_reached": {"seats_used": 1},
}


class TestVerdict(BaseCase):
    def assertVerdict(self, facts, question, error, status="active"):
        verdict = judge(facts, question)
        self.assertEqual((verdict.error, verdict.status), (error, status))
        self.assertEqual(verdict.is_valid, error is None)
        self.assertEqual(bool(verdict.message), bool(error))

    def test_a_good_license_is_valid(self):
        self.assertVerdict(GOOD, ASK, None)

    def test_each_fault_has_its_error_and_status(self):
        for changes, error, status in (
            ({"state": "revoked"}, "license_revoked", "revoked"),
            ({"state": "suspended"}, "license_suspended", "suspended"),
            ({"is_payment_reversed": True}, "license_suspended", "suspended"),
            ({"is_customer_active": False}, "license_suspended", "suspended"),
            ({"expires_at": NOW}, "license_expired", "expired"),
            ({"application": "other"}, "application_mismatch", "active"),
            ({"is_blocked": True}, "device_blocked", "active"),
            ({"seats_used": 1}, "activation_limit_reached", "active"),
        ):
            with self.subTest(changes):
                self.assertVerdict(GOOD._replace(**changes), VALIDATE, error, status)

    def test_of_two_faults_the_earlier_rule_wins(self):
        order = list(BREAKS)
        self.assertEqual(order, [rule.error for rule in RULES][: len(order)])
        for first, second in combinations(order, 2):
            facts = GOOD._replace(**{**BREAKS[second], **BREAKS[first]})
            with self.subTest(first=first, second=second):
                self.assertEqual(judge(facts, VALIDATE).error, first)

    def test_a_license_is_good_until_the_very_moment_it_ends(self):
        facts = GOOD._replace(expires_at=NOW + timedelta(microseconds=1))
        self.assertVerdict(facts, ASK, None)
        self.assertVerdict(
            facts._replace(expires_at=NOW), ASK, "license_expired", "expired"
        )

    def test_a_perpetual_license_never_expires(self):
        self.assertVerdict(
            GOOD._replace(expires_at=None, grace_days=3),
            ASK._replace(now=datetime(9999, 1, 1)),
            None,
        )

    def test_the_year_9999_with_a_grace_is_no_error(self):
        self.assertVerdict(
            GOOD._replace(expires_at=datetime.max, grace_days=30), ASK, None
        )

    def test_in_its_grace_a_license_stays_active_and_says_until_when(self):
        facts = GOOD._replace(expires_at=NOW - timedelta(days=2), grace_days=3)
        self.assertVerdict(facts, ASK, None)
        self.assertEqual(judge(facts, ASK).grace_ends_at, NOW + timedelta(days=1))

    def test_no_grace_is_told_of_before_the_end(self):
        self.assertIsNone(judge(GOOD._replace(grace_days=3), ASK).grace_ends_at)

    def test_after_its_grace_a_license_is_expired(self):
        facts = GOOD._replace(expires_at=NOW - timedelta(days=3), grace_days=3)
        self.assertVerdict(facts, ASK, "license_expired", "expired")

    def test_a_device_without_a_seat_is_told_so_by_verify(self):
        self.assertVerdict(GOOD, VERIFY, "device_not_activated")
        self.assertVerdict(GOOD._replace(seats_used=1), VERIFY, "device_not_activated")
        self.assertVerdict(GOOD._replace(has_seat=True), VERIFY, None)

    def test_a_device_with_a_seat_is_let_in_however_full_the_license_is(self):
        facts = GOOD._replace(has_seat=True, seats_used=7)
        self.assertVerdict(facts, VALIDATE, None)

    def test_an_application_not_asked_about_does_not_matter(self):
        self.assertVerdict(GOOD._replace(application="other"), ASK, None)

    def test_the_license_sets_its_limit_else_the_policy_for_each_unit(self):
        for own, policy, quantity, limit in (
            (0, 0, 1, None),
            (0, 0, 7, None),
            (0, 3, 1, 3),
            (0, 3, 4, 12),
            (0, 2, 1.5, 3),
            (0, 1, 0.5, 1),
            (0, 100, 0.29, 29),
            (5, 3, 4, 5),
            (-1, 3, 4, None),
        ):
            facts = GOOD._replace(
                own_max_activations=own,
                policy_max_activations=policy,
                quantity=quantity,
            )
            with self.subTest(own=own, policy=policy, quantity=quantity):
                self.assertEqual(facts.seat_limit, limit)

    def test_the_licenses_own_features_win_over_the_policys(self):
        facts = GOOD._replace(
            policy_features={"export": True, "max_users": 5},
            own_features={"max_users": 9},
        )
        self.assertEqual(facts.features, {"export": True, "max_users": 9})
        self.assertEqual(GOOD.features, {})
