"""The suites of the modules that the addon changes, run with the addon installed.

A suite that shrank proves less than it says: each must run at least as many tests as
it had when it was listed here.
"""

from dataclasses import dataclass
from functools import partial

from . import paths
from .console import say
from .pytest_run import pytest


@dataclass(frozen=True)
class Suite:
    """Test modules of one addon (all, if none is named), and how many tests pass."""

    addon: str
    tests: int
    modules: tuple = ()
    about: str = "own tests"
    #: It runs when the peers' suites are asked for, not each time with all the rest.
    is_on_request: bool = False

    @property
    def packages(self):
        package = f"odoo.addons.{self.addon}.tests"
        return [f"{package}.{name}" for name in self.modules] or [package]


# Side by side on two databases, so that both cores work.
HALVES = (
    (
        Suite("subscription_oca", 62),
        Suite("contract", 76),
        Suite("account_payment", 26),
        Suite(
            "sale",
            67,
            (
                "test_accrued_sale_orders",
                "test_payment_flow",
                "test_sale_refund",
                "test_sale_to_invoice",
            ),
            "tests of invoices",
        ),
        Suite(
            "account",
            143,
            (
                "test_account_move_out_invoice",
                "test_account_move_out_refund",
                "test_payment_term",
                "test_early_payment_discount",
            ),
            "tests of invoices",
            is_on_request=True,
        ),
    ),
    (
        Suite(
            "account",
            172,
            (
                "test_account_move_payments_widget",
                "test_account_move_reconcile",
                "test_account_payment",
                "test_account_payment_duplicate",
                "test_account_payment_items",
                "test_account_payment_register",
                "test_res_partner_merge",
            ),
            "tests of payments",
        ),
    ),
)
#: These fail on this Odoo without the addon just the same. Why, by test.
KNOWN_FAILURES = {
    "test_generate_and_send_invoice_with_qr_code": "needs the package rlPyCairo",
    "test_invoice_report_without_invoice_date": "needs wkhtmltopdf",
    "test_narration_preserved_when_use_invoice_terms_disabled": "expects an older lxml",
    "test_narration_translation_on_partner_language_change": "expects an older lxml",
    "test_post_valid_invoices_when_auto_post": "expects an older lxml",
}


#: What the databases of the suites are made from.
BASE = "oca"


def _run_suites(place, match, live, number, suites):
    """Run some suites on a database of their own; nothing is shown while they run."""
    installed = place.databases.installed(BASE)
    db = place.databases.clone(installed, f"test_peers_{number}")
    config = place.odoo.config(db, http_enable=True)
    env = place.odoo.environment(ODOO_RC=str(config))
    if number == 1:
        for test, reason in KNOWN_FAILURES.items():
            say(f"           left out, fails without it too: {test} ({reason})")
    return [_run_suite(suite, match, env) for suite in suites]


def _run_suite(suite, match, env):
    """Run a suite; its output is of interest only when something is wrong."""
    wanted = f"not ({' or '.join(KNOWN_FAILURES)})"
    wanted = f"({match}) and {wanted}" if match else wanted
    ini = paths.ROOT / "dev" / "pytest.ini"
    title = f"{suite.addon}'s {suite.about}"
    result = pytest(
        title, ini, suite.packages, wanted, env, paths.ADDONS / paths.MODULE, live=False
    )
    if not match and result.passed < suite.tests:
        result.ok = False
        result.text = f"{result.passed} tests passed, not {suite.tests}"
        result.failed = result.failed or 1
    if result.ok:
        result.held_back = []
    return result


def jobs(is_asked_for):
    """The jobs: all suites when they are asked for, else without the longest."""
    return [
        partial(
            _run_suites,
            number=number,
            suites=[
                suite for suite in suites if is_asked_for or not suite.is_on_request
            ],
        )
        for number, suites in enumerate(HALVES, 1)
    ]
