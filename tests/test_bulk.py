from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LicenseBillingCommon


class LicenseBulkCommon(LicenseBillingCommon):
    """Base of the tests that count the queries of many invoices."""

    def _prepare_invoice_vals(self, count):
        line = Command.create(
            {"product_id": self.product.id, "price_unit": 10, "tax_ids": False}
        )
        return [{"invoice_line_ids": [line] * 10}] * count

    def _post_invoices(self, count):
        defaults = {
            "move_type": "out_invoice",
            "partner_id": self.customer.id,
            "invoice_date": "2026-01-01",
        }
        invoices = self.env["account.move"].create(
            [{**defaults, **vals} for vals in self._prepare_invoice_vals(count)]
        )
        invoices.action_post()
        self.env.flush_all()
        self.env.invalidate_all()
        return invoices

    def _get_statements(self, function, *about):
        """Return the SQL statements about these that a function makes."""
        statements = []
        for _turn in self._patchExecute(statements):
            function()
        return [sql for sql in map(str, statements) if any(it in sql for it in about)]

    def _count_payment(self, count):
        """Return how many statements about licenses one payment of all makes."""
        invoices = self._post_invoices(count)
        statements = self._get_statements(
            lambda: self._pay(invoices, group_payment=True), "license", "subscription"
        )
        lines = invoices.invoice_line_ids
        self.assertEqual(len(lines.license_term_ids.license_id), len(lines))
        return len(statements)


@tagged("post_install", "-at_install")
class TestBulk(LicenseBulkCommon):
    """What issuing costs: so much for each batch, and not for each license."""

    def test_one_payment_of_many_invoices_issues_all_licenses_at_once(self):
        self._count_payment(1)  # what is read once and kept in memory
        few, many = self._count_payment(2), self._count_payment(8)
        self.assertEqual(few, many)  # 20 and 80 licenses

    def test_one_payment_of_many_renewals_by_name_renews_all_at_once(self):
        self._count_renewal(1)  # what is read once and kept in memory
        few, many = self._count_renewal(2), self._count_renewal(8)
        self.assertEqual(few, many)

    def _count_renewal(self, count):
        """Return how many statements a payment of orders makes that renew licenses."""
        licenses = self._post_invoices(count)
        self._pay(licenses, group_payment=True)
        licenses = licenses.license_ids
        orders = [self._order(license_id=license_.id) for license_ in licenses]
        invoices = self.env["sale.order"].union(*orders)._create_invoices(grouped=True)
        invoices.action_post()
        self.env.flush_all()
        self.env.invalidate_all()
        statements = self._get_statements(
            lambda: self._pay(invoices, group_payment=True), "license", "subscription"
        )
        self.assertEqual(invoices.license_ids, licenses)
        self.assertEqual({len(license_.term_ids) for license_ in licenses}, {2})
        return len(statements)

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
        license_, body = invoice.license_ids, invoice.message_ids[0].body
        self.assertIn(f'data-oe-id="{license_.id}"', body)
        self.assertNotIn(license_.license_key, body)  # not all may see it who see this
        self.assertIn(invoice.name, invoice.license_ids.message_ids[0].body)

    def test_posting_and_paying_what_has_no_license_costs_one_query(self):
        self.product.license_policy_id = False
        self.env.flush_all()
        self._post_invoices(1)  # what is read once and kept in memory
        posting = self._get_statements(
            lambda: self._post_invoices(5), "software_license"
        )
        self.assertEqual(posting, [])
        invoices = self._post_invoices(5)
        paying = self._get_statements(
            lambda: self._pay(invoices, group_payment=True), "software_license"
        )
        self.assertEqual(len(paying), 1, paying)
