from datetime import datetime
from unittest.mock import patch

from odoo import Command, fields, models
from odoo.orm.model_classes import add_to_registry
from odoo.tests import tagged

from .common import LicenseBillingCommon


def fake_sale_subscription():
    """Return the fields that Enterprise's sale_subscription adds, as classes.

    The module can't be had here; names and meanings are those of versions 17 to 19.
    They are made in a function, so that nothing but these tests ever loads them.
    """

    class AccountMoveLine(models.Model):
        _module = None
        _name = "account.move.line"
        _inherit = ["account.move.line"]

        subscription_id = fields.Many2one("sale.order", copy=True)
        deferred_start_date = fields.Date(copy=True)
        deferred_end_date = fields.Date(copy=True)

    class SaleOrder(models.Model):
        _module = None
        _name = "sale.order"
        _inherit = ["sale.order"]

        origin_order_id = fields.Many2one("sale.order")

    return AccountMoveLine, SaleOrder


@tagged("post_install", "-at_install")
class TestSubscriptionEnterprise(LicenseBillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ["account.move.line", "sale.order"]
        for name in names:
            model = cls.registry[name]
            cls.addClassCleanup(
                setattr, model, "_base_classes__", model._base_classes__
            )
        for model in fake_sale_subscription():
            add_to_registry(cls.registry, model)
        cls.registry._setup_models__(cls.env.cr, names)
        cls.registry.init_models(cls.env.cr, names, {"models_to_check": True})

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.doClassCleanups()  # the classes first, then what is made of them
        with cls.registry.cursor() as cr:
            cls.registry._setup_models__(cr, ["account.move.line", "sale.order"])

    def _create_order(self, **vals):
        return self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.product.id})],
                **vals,
            }
        )

    def _bill(self, order, start, end, quantity=1):
        invoice = self._create_license_invoice(
            date=start,
            invoice_line_ids=[
                Command.create(
                    {
                        "product_id": self.product.id,
                        "quantity": quantity,
                        "price_unit": 100,
                        "tax_ids": False,
                        "subscription_id": order.id,
                        "deferred_start_date": start,
                        "deferred_end_date": end,
                        "sale_line_ids": [Command.set(order.order_line.ids)],
                    }
                )
            ],
        )
        invoice.action_post()
        self._pay(invoice)
        return invoice

    def test_the_period_is_that_of_the_deferred_dates(self):
        order = self._create_order()
        license_ = self._bill(order, "2026-01-01", "2026-01-31").license_ids
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))
        self.assertEqual(license_.subscription_ref, order)

    def test_a_renewal_order_extends_the_key_of_its_origin(self):
        order = self._create_order()
        first = self._bill(order, "2026-01-01", "2026-12-31")
        renewal = self._create_order(origin_order_id=order.id)
        second = self._bill(renewal, "2027-01-01", "2027-12-31")
        self.assertEqual(second.license_ids, first.license_ids)
        self.assertEqual(first.license_ids.expires_at, datetime(2028, 1, 1))
        self.assertEqual(first.license_ids.subscription_ref, order)

    def test_an_upsell_order_adds_seats_to_the_key_of_its_origin(self):
        order = self._create_order()
        license_ = self._bill(order, "2026-01-01", "2099-12-31").license_ids
        upsell = self._create_order(origin_order_id=order.id)
        self._bill(upsell, "2026-06-01", "2099-12-31", quantity=2)
        self.assertEqual(license_.quantity, 3)

    def test_a_renewal_order_gives_no_key_before_it_is_paid(self):
        self.policy.write({"issue_on": "order", "trial_days": 14})
        order = self._create_order()
        order.action_confirm()
        license_ = order.license_ids
        self.assertTrue(license_.trial_ends_at)
        paid = self._bill(order, "2026-01-01", "2099-12-31")
        self.assertEqual(paid.license_ids, license_)
        self.assertEqual(license_.subscription_ref, order)
        renewal = self._create_order(origin_order_id=order.id)
        renewal.action_confirm()
        self.assertFalse(renewal.license_ids)
        self.assertEqual(len(license_.term_ids), 2)

    def test_a_duplicated_invoice_extends_nothing(self):
        invoice = self._bill(self._create_order(), "2026-01-01", "2026-01-31")
        duplicate = invoice.copy({"invoice_date": invoice.invoice_date})
        duplicate.action_post()
        self._pay(duplicate)
        self.assertFalse(duplicate.license_ids)

    def test_a_line_without_dates_lasts_as_long_as_the_policy_says(self):
        invoice = self._create_license_invoice(date="2026-01-01")
        order = self._create_order()
        adapter = self.env["software.license.subscription.enterprise"]
        line = invoice.invoice_line_ids
        line.subscription_id = order
        self.assertEqual(adapter._get_period(line, order), (None, None))
        line._stamp_license_source([adapter])
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.expires_at, datetime(2027, 1, 1))
        self.assertEqual(invoice.license_ids.subscription_ref, order)

    def test_without_the_module_the_adapter_is_not_there(self):
        field = self.env["account.move.line"]._fields["subscription_id"]
        adapter = self.env["software.license.subscription.enterprise"]
        self.assertTrue(adapter._is_available())
        with patch.object(field, "comodel_name", "somebody.elses"):
            self.assertFalse(adapter._is_available())
