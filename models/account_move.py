import logging
from collections import Counter

from psycopg2 import OperationalError
from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError

from .software_license_term import PAID_STATES

_logger = logging.getLogger(__name__)


class AccountMove(models.Model):
    _inherit = "account.move"

    license_term_ids = fields.One2many("software.license.term", "move_id")
    license_ids = fields.Many2many(
        "software.license",
        compute="_compute_license_ids",
        compute_sudo=True,  # whoever opens an invoice or a bill may lack the rights
        string="Licenses",
    )
    license_count = fields.Integer(compute="_compute_license_ids", compute_sudo=True)
    is_license_due = fields.Boolean(
        copy=False,
        index="btree_not_null",
        readonly=True,
        help="Booked with licensed products, which are not issued yet.",
    )
    license_problem = fields.Text(
        copy=False,
        readonly=True,
        help="Why the licenses of this invoice could not be issued.",
    )

    @api.depends("license_term_ids.license_id")
    def _compute_license_ids(self):
        for move in self:
            move.license_ids = move.license_term_ids.license_id
            move.license_count = len(move.license_ids)

    # === HOOKS OF BILLING === #

    def _post(self, soft=True):
        posted = super()._post(soft)
        licensed = posted.filtered(
            lambda move: move.invoice_line_ids._filter_licensed()
        )
        licensed.sudo().is_license_due = True
        licensed._issue_licenses()  # a draft may have been paid before
        return posted

    def _invoice_paid_hook(self):
        res = super()._invoice_paid_hook()
        self._issue_licenses()
        return res

    # === ISSUING === #

    def action_issue_licenses(self):
        """Try again to issue the licenses of these invoices."""
        self.check_access("write")
        self._issue_licenses()

    @api.model
    def _cron_issue_licenses(self, limit=100):
        """Issue what was paid on a way that calls no hook, or failed before."""
        due = [
            ("is_license_due", "=", True),
            ("state", "=", "posted"),
            ("payment_state", "in", PAID_STATES),
        ]
        untried = [*due, ("license_problem", "=", False)]
        moves = self.search(untried, limit=limit)
        moves._issue_licenses()
        remaining = self.search_count(untried)
        if not remaining:  # what failed before, once a run
            self.search([*due, ("license_problem", "!=", False)])._issue_licenses()
        self.env["ir.cron"]._commit_progress(len(moves), remaining=remaining)

    def _issue_licenses(self):
        """Issue what the paid lines of these invoices bought; safe to call again.

        Money comes first: whatever goes wrong here is noted on the invoice, and
        the payment is booked.
        """
        paid = self.sudo().filtered(
            lambda move: move.state == "posted" and move.payment_state in PAID_STATES
        )
        for move in paid:
            lines = move.invoice_line_ids._filter_licensed()
            lines = lines.filtered(lambda line: not line.license_term_ids)
            if lines or move.is_license_due:
                move._issue_licenses_of(lines)

    def _issue_licenses_of(self, lines):
        self.ensure_one()
        License = self.env["software.license"].with_company(self.company_id)
        self.env.flush_all()  # what fails of others' work is not ours to note
        try:
            with self.env.cr.savepoint():
                License._grant(lines)
        except OperationalError:
            raise  # a rival's commit: Odoo tries the whole payment again
        except Exception as error:  # noqa: BLE001 a payment is never lost to us
            if _is_rival(error):
                raise ConcurrencyError(str(error)) from error
            self._note_license_problem(error)
        else:
            self.write({"is_license_due": False, "license_problem": False})

    def _note_license_problem(self, error):
        """Say on the invoice, and in the log, why nothing was issued."""
        problem = str(error)
        _logger.warning(
            "Licenses of invoice %s were not issued: %s", self.name, problem
        )
        if problem != self.license_problem:
            self.write({"license_problem": problem, "is_license_due": True})
            self._message_log(
                body=self.env._(
                    "The licenses of this invoice could not be issued: %(problem)s",
                    problem=problem,
                )
            )

    # === REFUNDS === #

    def _get_credited_license_quantities(self):
        """Return {credit key: units} that posted credit notes of these took back."""
        credited = Counter()
        refunds = self.reversal_move_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_refund"
        )
        for line in refunds.invoice_line_ids:
            if line.display_type == "product" and line.product_id:
                credited[line._license_credit_key()] += line._get_license_quantity()
        return credited

    def action_view_licenses(self):
        """Open the licenses that this invoice paid for."""
        action = self.env["ir.actions.actions"]._for_xml_id(
            "software_license.software_license_action"
        )
        return {**action, "domain": [("id", "in", self.license_ids.ids)], "context": {}}


def _is_rival(error):
    """Did another payment issue the license of the same subscription just now?"""
    return (
        isinstance(error, UniqueViolation)
        and error.diag.constraint_name == "software_license_billing_unique"
    )
