"""The suites of the modules that the addon changes, run with the addon installed.

A suite that shrank proves less than it says: each must run at least as many tests as
it had when it was listed here.
"""

from dataclasses import dataclass, field
from functools import partial

from . import paths
from .console import say
from .pytest_run import pytest

OLDER_LXML = "expects an older lxml"


@dataclass(frozen=True)
class Suite:
    """Test modules of one addon (all, if none is named), and how many tests pass."""

    addon: str
    tests: int
    modules: tuple = ()
    about: str = "own tests"
    #: These fail on this Odoo without the addon just the same: {test: why}.
    known_failures: dict = field(default_factory=dict)

    @property
    def packages(self):
        package = f"odoo.addons.{self.addon}.tests"
        return [f"{package}.{name}" for name in self.modules] or [package]


#: Each on a database of its own, side by side, so that both cores work.
HALVES = (
    (
        Suite("subscription_oca", 62),
        Suite("contract", 76),
        Suite(
            "account_payment",
            26,
            known_failures={
                "test_generate_and_send_invoice_with_qr_code": "needs rlPyCairo",
            },
        ),
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
#: They run when the peers' suites are asked for, not each time with all the rest.
ON_REQUEST = (
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
        {
            "test_invoice_report_without_invoice_date": "needs wkhtmltopdf",
            "test_narration_preserved_when_use_invoice_terms_disabled": OLDER_LXML,
            "test_narration_translation_on_partner_language_change": OLDER_LXML,
            "test_post_valid_invoices_when_auto_post": OLDER_LXML,
        },
    ),
)

#: What the databases of the suites are made from.
BASE = "oca"


def _run_suites(place, match, live, number, suites):
    """Run some suites on a database of their own; nothing is shown while they run."""
    installed = place.databases.installed(BASE)
    db = place.databases.clone(installed, f"test_peers_{number}")
    config = place.odoo.config(db, http_enable=True)
    env = place.odoo.environment(ODOO_RC=str(config))
    return [_run_suite(suite, match, env) for suite in suites]


def _run_suite(suite, match, env):
    """Run a suite; its output is of interest only when something is wrong."""
    for test, reason in suite.known_failures.items():
        say(f"           left out, fails without it too: {test} ({reason})")
    wanted = [f"({match})"] if match else []
    wanted += [f"not {test}" for test in suite.known_failures]
    ini = paths.ROOT / "dev" / "pytest.ini"
    title = f"{suite.addon}'s {suite.about}"
    folder, wanted = paths.ADDONS / paths.MODULE, " and ".join(wanted)
    result = pytest(title, ini, suite.packages, wanted, env, folder, live=False)
    if not match and result.passed < suite.tests:
        result.ok = False
        result.text = f"{result.passed} tests passed, not {suite.tests}"
        result.failed = result.failed or 1
    if result.ok:
        result.held_back = []
    return result


def jobs(is_asked_for):
    """The jobs: all suites if they are asked for, else those of every day."""
    parts = (*HALVES, ON_REQUEST) if is_asked_for else HALVES
    return [
        partial(_run_suites, number=number, suites=suites)
        for number, suites in enumerate(parts, 1)
    ]
