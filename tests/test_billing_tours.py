from odoo.tests import HttpCase, new_test_user, tagged

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestBillingTours(LicenseBillingCommon, HttpCase):
    """What sales and accountants click, in a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy.key_prefix = "TOUR"
        cls.product.name = "Tour Editor"
        cls.customer.name = "Tour Customer"

    def _tour(self, path, name, groups):
        """Let a new user of these groups go through a tour."""
        login = f"{name} user"
        company = self.env.company
        new_test_user(
            self.env, login, groups, company_id=company.id, company_ids=company.ids
        )
        self.start_tour(path, name, login=login)
        self.env.invalidate_all()

    def test_a_salesperson_sells_a_product_and_sees_the_key_on_the_paid_invoice(self):
        self._tour(
            "/odoo/action-sale.action_quotations",
            "software_license_sell",
            "sales_team.group_sale_salesman,account.group_account_invoice",
        )
        orders = self.env["sale.order"]
        order = orders.search([("partner_id", "=", self.customer.id)])
        self.assertEqual(order.invoice_ids.payment_state, "paid")
        license_ = order.invoice_ids.license_ids
        self.assertEqual(license_.sale_order_id, order)
        self.assertEqual(license_.product_id, self.product)
        self.assertEqual(license_.status, "active")
        self.assertTrue(license_.license_key.startswith("TOUR-"))

    def test_an_accountant_refunds_an_invoice_and_sees_its_license_suspended(self):
        invoice = self._sell()
        self._tour(
            f"/odoo/action-account.action_move_out_invoice_type/{invoice.id}",
            "software_license_refund",
            "account.group_account_invoice",
        )
        refund = invoice.reversal_move_ids
        self.assertEqual((refund.move_type, refund.state), ("out_refund", "posted"))
        self.assertEqual(invoice.license_ids.status, "suspended")
        self.assertTrue(invoice.license_ids.is_payment_reversed)
