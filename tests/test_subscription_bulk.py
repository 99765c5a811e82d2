from odoo import Command
from odoo.tests import tagged

from .test_bulk import LicenseBulkCommon


@tagged("post_install", "-at_install")
class TestSubscriptionBulk(LicenseBulkCommon):
    """Subscriptions paid together cost no query each."""

    def _prepare_invoice_vals(self, count):
        template = self.env["sale.subscription.template"].create({"name": "Monthly"})
        pricelist = self.env["product.pricelist"].create({"name": "Public"})
        subscriptions = self.env["sale.subscription"].create(
            [
                {
                    "partner_id": self.customer.id,
                    "template_id": template.id,
                    "pricelist_id": pricelist.id,
                }
            ]
            * count
        )
        line = Command.create(
            {"product_id": self.product.id, "price_unit": 10, "tax_ids": False}
        )
        return [
            {"subscription_id": subscription.id, "invoice_line_ids": [line]}
            for subscription in subscriptions
        ]

    def test_one_payment_of_many_subscriptions_issues_all_licenses_at_once(self):
        self._count_payment(1)  # what is read once and kept in memory
        few, many = self._count_payment(3), self._count_payment(12)
        self.assertEqual(few, many)

    def test_each_license_names_its_subscription(self):
        invoices = self._post_invoices(3)
        self._pay(invoices, group_payment=True)
        self.env.invalidate_all()
        for invoice in invoices:
            self.assertEqual(
                invoice.license_ids.subscription_ref, invoice.subscription_id
            )
