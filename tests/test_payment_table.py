from odoo import Command
from odoo.tests import tagged

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestPaymentTable(LicenseBillingCommon):
    """The ways in which Odoo says that an invoice is paid, or no longer."""

    def _create_posted(self, **kwargs):
        invoice = self._create_license_invoice(date="2099-01-01", **kwargs)
        invoice.action_post()
        return invoice

    def assertIssued(self, invoice, status="active"):
        self.assertEqual(invoice.license_ids.mapped("status"), [status])

    def test_one_invoice_in_several_payments(self):
        invoice = self._create_posted()
        for amount in (30, 30, 40):
            self.assertFalse(invoice.license_ids)
            self._pay(invoice, amount=amount)
        self.assertIssued(invoice)

    def test_a_difference_written_off(self):
        invoice = self._create_posted()
        self._pay(
            invoice,
            amount=95,
            payment_difference_handling="reconcile",
            writeoff_account_id=self.company_data["default_account_expense"].id,
        )
        self.assertIssued(invoice)

    def test_another_currency(self):
        currency = self.setup_other_currency("EUR")
        invoice = self._create_posted(currency_id=currency.id)
        self._pay(invoice)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertIssued(invoice)

    def test_a_bank_statement_line(self):
        invoice = self._create_posted()
        statement_line = self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "amount": 100,
                "date": "2099-01-05",
                "partner_id": self.customer.id,
            }
        )
        receivable = invoice.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        _liquidity, suspense, _other = statement_line._seek_for_lines()
        suspense.account_id = receivable.account_id
        (suspense + receivable).reconcile()
        self.assertIssued(invoice)
        statement_line.action_undo_reconciliation()
        self.assertIssued(invoice, "suspended")

    def test_a_credit_note_of_another_sale_as_payment(self):
        refund = self._create_license_invoice(move_type="out_refund", date="2099-01-01")
        refund.action_post()
        invoice = self._create_posted()
        lines = (refund + invoice).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        lines.reconcile()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertIssued(invoice)
        invoice.line_ids.remove_move_reconcile()
        self.assertIssued(invoice, "suspended")

    def test_blocked_then_paid_then_unblocked(self):
        invoice = self._create_posted()
        invoice.action_toggle_block_payment()
        self._pay(invoice)
        self.assertEqual(invoice.payment_state, "blocked")
        self.assertFalse(invoice.license_ids)
        invoice.action_toggle_block_payment()
        self.assertEqual(invoice.payment_state, "paid")
        self._run_cron("cron_issue_licenses")
        self.assertIssued(invoice)

    def _wait_for_bank(self, is_waiting):
        settings = self.env["res.config.settings"].sudo()
        settings.create({"license_wait_for_bank": is_waiting}).execute()

    def test_in_payment_counts_as_paid_unless_the_seller_waits_for_the_bank(self):
        invoice = self._create_posted()
        invoice.payment_state = "in_payment"  # as Enterprise has it until the match
        invoice._invoice_paid_hook()
        self.assertIssued(invoice)
        self._wait_for_bank(True)
        self.assertIssued(invoice, "suspended")
        self._wait_for_bank(False)
        self.assertIssued(invoice)

    def test_in_payment_issues_nothing_while_the_seller_waits_for_the_bank(self):
        self._wait_for_bank(True)
        invoice = self._create_posted()
        invoice.payment_state = "in_payment"
        invoice._invoice_paid_hook()
        self._run_cron("cron_issue_licenses")
        self.assertFalse(invoice.license_ids)
        invoice.payment_state = "paid"
        self._run_cron("cron_issue_licenses")
        self.assertIssued(invoice)

    def test_an_unpaid_invoice_fully_credited(self):
        invoice = self._create_posted()
        invoice._reverse_moves([{"invoice_date": invoice.invoice_date}], cancel=True)
        self.assertEqual(invoice.payment_state, "reversed")
        self._run_cron("cron_issue_licenses")
        self.assertFalse(invoice.license_ids)

    def test_a_credit_note_set_to_draft_does_not_pay_the_invoice_it_reversed(self):
        invoice = self._create_posted()
        credit_note = self._refund(invoice)
        self.assertEqual(invoice.payment_state, "reversed")
        credit_note.button_draft()
        self.assertEqual(invoice.payment_state, "reversed")  # still reconciled
        self._run_cron("cron_issue_licenses")
        self.assertFalse(invoice.license_ids)

    def test_the_sweep_tries_once_a_run_what_stays_due(self):
        reversed_ = self._create_posted()
        self._refund(reversed_)
        self._wait_for_bank(True)
        waiting = self._create_posted()
        waiting.payment_state = "in_payment"
        self._run_cron("cron_issue_licenses")
        self.assertEqual((reversed_ + waiting).mapped("is_license_due"), [True] * 2)
        cron = self.env.ref("software_license.cron_issue_licenses")
        progress = self.env["ir.cron.progress"].search([("cron_id", "=", cron.id)])
        self.assertEqual(progress.mapped("remaining"), [0])

    def test_a_zero_invoice_set_to_draft_and_posted_again(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.invoice_line_ids.price_unit = 0
        invoice.action_post()
        self.assertIssued(invoice)
        invoice.button_draft()
        self.assertIssued(invoice, "suspended")
        invoice.action_post()
        self.assertIssued(invoice)
        self.assertEqual(len(invoice.license_ids.term_ids), 1)

    def test_a_payment_set_to_draft_leaves_the_invoice_paid(self):
        invoice = self._create_posted()
        payment = self._pay(invoice)
        payment.action_draft()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertIssued(invoice)

    def test_cancelled_after_payment(self):
        invoice = self._create_posted()
        self._pay(invoice)
        invoice.button_draft()
        invoice.button_cancel()
        self.assertIssued(invoice, "suspended")

    def test_payments_of_many_invoices_at_once(self):
        invoices = self.env["account.move"]
        for _number in range(5):
            invoices += self._create_posted()
        self._pay(invoices, group_payment=True)
        self.assertEqual(len(invoices.license_ids), 5)
        self.assertEqual(len(set(invoices.license_ids.mapped("license_key"))), 5)

    def test_an_invoice_without_licensed_products_costs_one_query_at_most(self):
        product = self._create_licensed_product(license_policy_id=False)
        invoice = self._create_license_invoice(product=product)
        invoice.invoice_line_ids = [Command.create({"product_id": product.id})]
        invoice.action_post()
        self.env.flush_all()
        self.env.invalidate_all()
        lines = invoice.invoice_line_ids
        lines.mapped("product_id.license_policy_id")  # Odoo reads the products anyway
        lines.mapped("parent_state")
        invoice.mapped("payment_state")
        with self.assertQueryCount(1):
            invoice._issue_licenses()
