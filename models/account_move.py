import logging
from collections import Counter, defaultdict

from odoo import api, fields, models

from .res_config_settings import WAIT_FOR_BANK

_logger = logging.getLogger(__name__)

#: Payment states in which an invoice may count as paid.
PAID_STATES = ("paid", "in_payment", "reversed")


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
        # What was never posted granted nothing: the ledger need not be asked.
        fresh = self.filtered(lambda move: not move.posted_before)
        self._fields["license_term_ids"]._insert_cache(fresh, [()] * len(fresh))
        posted = super()._post(soft)
        licensed = posted.sudo().filtered(
            lambda move: (
                move.invoice_line_ids._filter_licensed_products()
                or move.license_term_ids
            )
        )
        licensed.invoice_line_ids._filter_licensed()._stamp_past()
        licensed.is_license_due = True  # it may have been changed since it paid
        licensed.invoice_line_ids.sale_line_ids._update_license_due_date()
        licensed._issue_licenses()  # a draft may have been paid before
        licensed._note_license_duplicates()
        return posted

    def _note_license_duplicates(self):
        """Say on a copy of a subscription's invoice that it grants nothing."""
        copies = self.invoice_line_ids._filter_licensed_products().filtered(
            "is_license_duplicate"
        )
        for move in copies.move_id:
            move._message_log(
                body=self.env._(
                    "This invoice is a copy of one that bills a subscription's "
                    "period. Paying it does not extend a license."
                )
            )

    def write(self, vals):
        res = super().write(vals)
        if "state" in vals:
            self._recompute_order_licenses()
        return res

    def _recompute_order_licenses(self):
        """Decide anew about licenses of the orders that these credit notes are of.

        A dependency would cost every invoice of an order a query.
        """
        taking = self.invoice_line_ids._filter_licensed_products().filtered(
            lambda line: line.move_id.move_type == "out_refund" or line.quantity < 0
        )
        sale_lines = taking.sudo().sale_line_ids
        if sale_lines:
            sale_lines._get_license_terms()._recompute_effective()

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if default and default.get("debit_origin_id"):
            # A debit note changes a price; it sells nothing once more.
            for vals in vals_list:
                for _command, _id, line_vals in vals.get("line_ids", []):
                    line_vals["is_license_duplicate"] = True
        return vals_list

    def _invoice_paid_hook(self):
        res = super()._invoice_paid_hook()
        refunds = self.filtered(lambda move: move.move_type == "out_refund")
        # What a credit note pays is not told to the hook.
        paid_by_credit = refunds.line_ids.matched_debit_ids.debit_move_id.move_id
        (self | paid_by_credit)._issue_licenses()
        return res

    # === ISSUING === #

    def action_issue_licenses(self):
        """Try again to issue the licenses of these invoices."""
        self.check_access("write")
        self._issue_licenses()
        return True  # XML-RPC has no None

    @api.model
    def _cron_issue_licenses(self, limit=100):
        """Issue what was paid on a way that calls no hook, or failed before."""
        due = self.search(
            [
                ("is_license_due", "=", True),
                ("state", "=", "posted"),
                ("payment_state", "in", PAID_STATES),
            ]
        )
        # Each once a run: some stay due, as what failed, or waits for the bank.
        moves = due.sorted(lambda move: bool(move.license_problem))
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(moves))
        for start in range(0, len(moves), limit):
            batch = moves[start : start + limit]
            batch._issue_licenses()
            if not cron._commit_progress(len(batch)):
                break  # out of time: the scheduler calls again

    def _issue_licenses(self):
        """Issue what the paid lines of these invoices bought; safe to call again.

        Money comes first: whatever goes wrong here is noted on the invoice, and
        the payment is booked.
        """
        due = self.sudo().filtered(
            lambda move: move.is_license_due and move._is_paid_for_licenses()
        )
        for company, moves in due.grouped("company_id").items():
            moves.with_company(company)._issue_licenses_together()

    def _is_paid_for_licenses(self):
        """Is this invoice booked and paid?

        Odoo calls it reversed, too, when it was paid with the credit of another sale.
        """
        if self.state != "posted":
            return False
        if self.payment_state == "in_payment":
            return not self.env["ir.config_parameter"].sudo().get_param(WAIT_FOR_BANK)
        if self.payment_state != "reversed":
            return self.payment_state == "paid"
        # Set to draft, a credit note stays reconciled; it pays nothing for that.
        own = self.line_ids.matched_credit_ids.filtered(
            lambda part: part.credit_move_id.move_id in self.reversal_move_ids
        )
        credited = sum(own.mapped("debit_amount_currency"))
        return self.currency_id.compare_amounts(credited, self.amount_total) < 0

    def _issue_licenses_together(self):
        """Issue for the lines that can be; note why for those that can't."""
        lines = self.invoice_line_ids._filter_licensed()
        self._note_license_problems(self._try_licenses(lines))

    def _try_licenses(self, lines):
        """Issue for lines of these invoices; return {invoice: why not} of the others.

        What fails for invoices together is tried for each of them alone.
        """
        lines.sale_line_ids.license_id.fetch()  # each line alone would ask for its own
        problems = {line: line._get_license_problem() for line in lines}
        problems.update(lines._get_revoked_license_problems())
        good = lines.filtered(lambda line: not problems[line])
        unpaid = good.filtered(lambda line: not line.license_term_ids)
        error = self.env["software.license"]._try(
            lambda: self._grant_licenses(good), ", ".join(self[:9].mapped("name"))
        )
        if error and len(self) > 1:
            failed = {}
            for move in self:
                failed.update(move._try_licenses(lines & move.invoice_line_ids))
            return failed
        if not error:
            unpaid._log_licenses()
        texts = defaultdict(list, {self[:1]: [error] if error else []})
        for line in lines - good:
            texts[line.move_id].append(problems[line])
        return {move: "\n".join(texts[move]) for move in self if texts[move]}

    def _grant_licenses(self, lines):
        self.license_term_ids._filter_outdated()._set_quantity(0)
        self.env["software.license"]._grant(lines)

    def _note_license_problems(self, problems):
        """Say on the invoices, and in the log, why something was not issued."""
        failed = self.browse([move.id for move in problems])
        failed.is_license_due = True
        (self - failed).is_license_due = False
        (self - failed).filtered("license_problem").license_problem = False
        for move, text in problems.items():
            _logger.warning(
                "Licenses of invoice %s were not issued: %s", move.name, text
            )
            if text != move.license_problem:
                move.license_problem = text
                move._message_log(
                    body=self.env._(
                        "The licenses of this invoice could not be issued: %(problem)s",
                        problem=text,
                    )
                )

    # === REFUNDS === #

    def _get_unassigned_license_credits(self):
        """Return a Counter {credit key: units} of credit lines that name no line.

        They were typed onto a credit note, which knows the invoice only.
        """
        credited = Counter()
        refunds = self.reversal_move_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_refund"
        )
        for line in refunds.invoice_line_ids:
            is_typed = line._is_product_sold() and not line.license_origin_line_id
            if is_typed and line.quantity > 0:
                of_invoice, _of_order = line._get_license_credit_keys()
                credited[of_invoice] += line._get_credited_units(0)
        return credited

    def action_view_licenses(self):
        """Open the licenses that this invoice paid for."""
        domain = [("id", "in", self.license_ids.ids)]
        return self.env["software.license"]._get_list_action(self, domain)
