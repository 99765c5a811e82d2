from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestBulk(LicenseBillingCommon):
    """What issuing costs: so much for each batch, and not for each license."""

    def _post_invoices(self, count, product=None):
        line = Command.create(
            {
                "product_id": (product or self.product).id,
                "price_unit": 10,
                "tax_ids": False,
            }
        )
        invoices = self.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer.id,
                    "invoice_date": "2026-01-01",
                    "invoice_line_ids": [line] * 10,
                }
                for _number in range(count)
            ]
        )
        invoices.action_post()
        self.env.flush_all()
        self.env.invalidate_all()
        return invoices

    def _get_license_statements(self, function):
        """Return the SQL statements about licenses that a function makes."""
        statements = []
        for _turn in self._patchExecute(statements):
            function()
        return [str(sql) for sql in statements if "software_license" in str(sql)]

    def _count_payment(self, count):
        invoices = self._post_invoices(count)
        statements = self._get_license_statements(
            lambda: self._pay(invoices, group_payment=True)
        )
        self.assertEqual(len(invoices.license_ids), count * 10)
        self.assertEqual(len(invoices.license_term_ids), count * 10)
        return len(statements)

    def test_one_payment_of_many_invoices_issues_all_licenses_at_once(self):
        self._count_payment(1)  # what is read once and kept in memory
        few, many = self._count_payment(2), self._count_payment(8)
        self.assertEqual(few, many)  # 20 and 80 licenses

    def test_what_fails_together_is_issued_for_each_invoice_alone(self):
        good, bad = self._post_invoices(1), self._post_invoices(1)
        License = self.env.registry["software.license"]
        prepare = License._prepare_term_vals

        def fail_for_one(license_, line):
            if line.move_id == bad:
                raise KeyError(line.id)
            return prepare(license_, line)

        with (
            patch.object(License, "_prepare_term_vals", fail_for_one),
            mute_logger("odoo.addons.software_license"),
        ):
            self._pay(good + bad, group_payment=True)
        self.assertEqual(set((good + bad).mapped("payment_state")), {"paid"})
        self.assertEqual(len(good.license_ids), 10)
        self.assertFalse(good.license_problem)
        self.assertFalse(bad.license_ids)
        self.assertIn("KeyError", bad.license_problem)
        self._run_cron("cron_issue_licenses")
        self.assertEqual(len(bad.license_ids), 10)
        self.assertFalse(bad.license_problem)

    def test_an_invoice_and_its_licenses_say_what_was_paid(self):
        invoice = self._sell()
        self.assertIn(invoice.license_ids.license_key, invoice.message_ids[0].body)
        self.assertIn(invoice.name, invoice.license_ids.message_ids[0].body)

    def test_posting_and_paying_what_has_no_license_costs_one_query(self):
        product = self._create_licensed_product(license_policy_id=False)
        self._post_invoices(1, product)
        posting = self._get_license_statements(lambda: self._post_invoices(5, product))
        self.assertEqual(posting, [])
        invoices = self._post_invoices(5, product)
        paying = self._get_license_statements(
            lambda: self._pay(invoices, group_payment=True)
        )
        self.assertEqual(len(paying), 1, paying)
