from odoo import Command
from odoo.tests import tagged

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestPaymentWays(LicenseBillingCommon):
    """Where the money comes from: online, for many invoices at once, by cash basis."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A missing module is a failure here, not a skip.
        demo = cls.env.ref("payment.payment_provider_demo").sudo()
        cls.provider = demo.copy({"company_id": cls.env.company.id, "state": "test"})
        cls.provider.journal_id = cls.company_data["default_journal_bank"]

    def _create_posted(self, **kwargs):
        invoice = self._create_license_invoice(date="2099-01-01", **kwargs)
        invoice.action_post()
        return invoice

    def _create_transaction(self, invoices, **vals):
        method = self.env.ref("payment_demo.payment_method_demo")
        return (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": self.provider.id,
                    "payment_method_id": method.id,
                    "operation": "online_direct",
                    "amount": sum(invoices.mapped("amount_total")),
                    "currency_id": invoices.currency_id.id,
                    "partner_id": invoices.partner_id.id,
                    "invoice_ids": [Command.set(invoices.ids)],
                    **vals,
                }
            )
        )

    # === ONLINE === #

    def test_an_online_payment_issues_when_it_is_processed(self):
        invoice = self._create_posted()
        transaction = self._create_transaction(invoice)
        transaction.action_demo_set_done()
        transaction._post_process()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(invoice.license_ids.status, "active")

    def test_an_online_payment_of_a_draft_posts_it_and_issues(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        transaction = self._create_transaction(invoice)
        transaction.action_demo_set_done()
        transaction._post_process()
        self.assertEqual(invoice.license_ids.status, "active")

    def test_an_online_payment_of_several_invoices_issues_for_each(self):
        invoices = self._create_posted() + self._create_posted()
        transaction = self._create_transaction(invoices)
        transaction.action_demo_set_done()
        transaction._post_process()
        self.assertEqual(invoices.license_ids.mapped("status"), ["active"] * 2)

    def test_an_online_payment_refused_issues_nothing(self):
        for refuse in ("action_demo_set_error", "action_demo_set_canceled"):
            invoice = self._create_posted()
            transaction = self._create_transaction(invoice)
            getattr(transaction, refuse)()
            transaction._post_process()
            with self.subTest(refuse):
                self.assertFalse(invoice.license_ids)

    def test_an_online_payment_pending_issues_when_it_is_done(self):
        invoice = self._create_posted()
        transaction = self._create_transaction(invoice)
        transaction._set_pending()
        transaction._post_process()
        self.assertFalse(invoice.license_ids)
        transaction.action_demo_set_done()
        transaction._post_process()
        self.assertEqual(invoice.license_ids.status, "active")

    def test_an_online_payment_processed_twice_issues_once(self):
        invoice = self._create_posted()
        transaction = self._create_transaction(invoice)
        transaction.action_demo_set_done()
        for _turn in range(2):
            transaction._post_process()
        self.assertEqual(len(invoice.license_ids.term_ids), 1)

    def test_a_license_problem_does_not_undo_an_online_payment(self):
        self.policy.active = False
        invoice = self._create_posted()
        transaction = self._create_transaction(invoice)
        transaction.action_demo_set_done()
        transaction._post_process()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertFalse(invoice.license_ids)
        self.assertIn("archived", invoice.license_problem)

    def test_an_online_refund_leaves_the_key_until_the_credit_note_takes_it(self):
        # The money goes back by a payment of its own; the invoice stays paid.
        invoice = self._create_posted()
        transaction = self._create_transaction(invoice)
        transaction.action_demo_set_done()
        transaction._post_process()
        refund = transaction._refund()
        refund._post_process()
        self.assertEqual(refund.payment_id.payment_type, "outbound")
        self.assertEqual(invoice.license_ids.status, "active")
        self._refund(invoice)
        self.assertEqual(invoice.license_ids.status, "suspended")

    # === CASH BASIS === #

    def _create_cash_basis_tax(self):
        self.env.company.tax_exigibility = True
        account = self.company_data["default_account_revenue"].copy({"reconcile": True})
        return self.env["account.tax"].create(
            {
                "name": "Due when paid",
                "amount": 20,
                "tax_exigibility": "on_payment",
                "cash_basis_transition_account_id": account.id,
            }
        )

    def test_an_invoice_with_a_tax_due_when_paid(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        tax = self._create_cash_basis_tax()
        invoice.invoice_line_ids.tax_ids = [Command.set(tax.ids)]
        invoice.action_post()
        self._pay(invoice, amount=60)
        self.assertFalse(invoice.license_ids)
        self._pay(invoice)
        self.assertTrue(invoice.tax_cash_basis_created_move_ids)
        self.assertEqual(invoice.license_ids.status, "active")
        self.assertEqual(len(invoice.license_ids.term_ids), 1)
        self._unpay(invoice)
        self.assertEqual(invoice.license_ids.status, "suspended")

    # === ONE PAYMENT, MANY INVOICES === #

    def test_a_grouped_payment_cancelled_suspends_all_it_paid(self):
        invoices = self._create_posted() + self._create_posted()
        payment = self._pay(invoices, group_payment=True)
        self.assertEqual(len(payment), 1)
        self.assertEqual(invoices.license_ids.mapped("status"), ["active"] * 2)
        payment.action_cancel()
        self.assertEqual(invoices.license_ids.mapped("status"), ["suspended"] * 2)

    def test_a_payment_that_covers_one_of_two_invoices_issues_for_that(self):
        invoices = self._create_posted() + self._create_posted()
        self._pay(invoices, group_payment=True, amount=150)
        self.assertEqual(sorted(invoices.mapped("payment_state")), ["paid", "partial"])
        self.assertEqual(len(invoices.license_ids), 1)

    def test_a_payment_of_invoices_with_and_without_licenses(self):
        plain = self._create_licensed_product(license_policy_id=False)
        other = self._create_posted(product=plain)
        invoice = self._create_posted()
        self._pay(invoice + other, group_payment=True)
        self.assertEqual(len(invoice.license_ids), 1)
        self.assertFalse(other.license_ids)
