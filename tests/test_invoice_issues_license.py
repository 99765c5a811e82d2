from datetime import date, datetime
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import LicenseBillingCommon

MOVES = "odoo.addons.software_license.models.account_move"


@tagged("post_install", "-at_install")
class TestInvoiceIssuesLicense(LicenseBillingCommon):
    def test_a_paid_invoice_issues_a_license(self):
        invoice = self._sell(date="2026-01-01")
        license_ = invoice.license_ids
        self.assertEqual(len(license_), 1)
        self.assertEqual(license_.partner_id, self.customer)
        self.assertEqual(license_.product_id, self.product)
        self.assertEqual(license_.policy_id, self.policy)
        self.assertEqual(license_.company_id, invoice.company_id)
        self.assertTrue(license_.license_key.startswith("ACME-"))
        self.assertEqual(license_.expires_at, datetime(2027, 1, 1))
        term = license_.term_ids
        self.assertEqual(term.move_line_id, invoice.invoice_line_ids)
        self.assertEqual(term.date_start, date(2026, 1, 1))
        self.assertEqual(term.date_end, date(2026, 12, 31))

    def test_an_unpaid_invoice_issues_nothing(self):
        invoice = self._create_license_invoice()
        invoice.action_post()
        self.assertFalse(invoice.license_ids)
        self.assertTrue(invoice.is_license_due)

    def test_a_partial_payment_issues_nothing_until_the_rest_is_paid(self):
        invoice = self._create_license_invoice()
        invoice.action_post()
        self._pay(invoice, amount=40)
        self.assertFalse(invoice.license_ids)
        self._pay(invoice)
        self.assertTrue(invoice.license_ids)

    def test_a_product_without_policy_issues_nothing(self):
        product = self._create_licensed_product(license_policy_id=False)
        invoice = self._sell(product=product)
        self.assertFalse(invoice.license_ids)
        self.assertFalse(invoice.is_license_due)

    def test_a_zero_invoice_issues_when_it_is_posted(self):
        invoice = self._create_license_invoice()
        invoice.invoice_line_ids.price_unit = 0
        invoice.action_post()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(len(invoice.license_ids), 1)

    def test_a_draft_that_was_paid_issues_when_it_is_posted(self):
        invoice = self._create_license_invoice()
        self._pay(invoice)
        self.assertEqual((invoice.state, invoice.payment_state), ("draft", "paid"))
        self.assertFalse(invoice.license_ids)
        invoice.action_post()
        self.assertEqual(len(invoice.license_ids), 1)
        self.assertEqual(invoice.license_ids.status, "active")

    def test_a_bill_and_a_credit_note_issue_nothing(self):
        for move_type in ("in_invoice", "out_refund"):
            move = self._create_license_invoice(move_type=move_type)
            move.action_post()
            self._pay(move)
            with self.subTest(move_type):
                self.assertFalse(move.license_ids)

    def test_a_sales_receipt_issues(self):
        receipt = self._sell(move_type="out_receipt")
        self.assertEqual(len(receipt.license_ids), 1)

    def test_issuing_again_changes_nothing(self):
        invoice = self._sell()
        for _turn in range(2):
            invoice._invoice_paid_hook()
            invoice._issue_licenses()
        self._run_cron("cron_issue_licenses")
        self.assertEqual(len(invoice.license_ids.term_ids), 1)
        self.assertFalse(invoice.is_license_due)

    def test_quantity_buys_seats_or_licenses(self):
        seats = self._sell(quantity=3).license_ids
        self.assertEqual(len(seats), 1)
        self.assertEqual(seats.seat_limit, 6)
        self.policy.quantity_rule = "licenses"
        licenses = self._sell(quantity=3).license_ids
        self.assertEqual(len(licenses), 3)
        self.assertEqual(licenses.mapped("seat_limit"), [2, 2, 2])
        self.assertEqual(len(set(licenses.mapped("license_key"))), 3)

    def test_quantity_counts_in_the_products_own_unit(self):
        invoice = self._create_license_invoice(quantity=1)
        invoice.invoice_line_ids.product_uom_id = self.env.ref("uom.product_uom_dozen")
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.quantity, 12)

    def test_each_line_of_a_plain_invoice_is_a_license(self):
        invoice = self._create_license_invoice()
        invoice.invoice_line_ids = [
            Command.create({"product_id": self.product.id, "price_unit": 5})
        ]
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(len(invoice.license_ids), 2)

    def test_several_invoices_paid_at_once_issue_each(self):
        invoices = self._create_license_invoice() + self._create_license_invoice()
        invoices.action_post()
        self._pay(invoices, group_payment=True)
        for invoice in invoices:
            self.assertEqual(len(invoice.license_ids), 1)

    def test_an_invoice_of_an_order_names_its_order_line(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.product.id})],
            }
        )
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        license_ = invoice.license_ids
        self.assertEqual(license_.sale_line_id, order.order_line)
        self.assertEqual(license_.sale_order_id, order)
        salesman = new_test_user(
            self.env, "salesman", "sales_team.group_sale_salesman_all_leads"
        )
        order.invalidate_recordset(["license_ids"])
        action = order.with_user(salesman).action_view_licenses()
        self.assertEqual(action["domain"], [("id", "in", license_.ids)])
        self.assertEqual(license_.partner_id, self.customer)

    def test_the_second_invoice_of_an_order_line_adds_to_its_license(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.product.id, "product_uom_qty": 5}
                    )
                ],
            }
        )
        order.action_confirm()
        for quantity in (2, 3):
            invoice = order._create_invoices()
            invoice.invoice_line_ids.quantity = quantity
            invoice.invoice_date = "2026-01-01"
            invoice.action_post()
            self._pay(invoice)
        license_ = order.order_line.invoice_lines.license_term_ids.license_id
        self.assertEqual(len(license_), 1)
        self.assertEqual(license_.quantity, 5)
        self.assertEqual(license_.seat_limit, 10)

    def test_the_second_invoice_of_an_order_line_makes_the_other_keys(self):
        self.policy.quantity_rule = "licenses"
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.product.id, "product_uom_qty": 3}
                    )
                ],
            }
        )
        order.action_confirm()
        for quantity in (1, 2):
            invoice = order._create_invoices()
            invoice.invoice_line_ids.quantity = quantity
            invoice.invoice_date = "2026-01-01"
            invoice.action_post()
            self._pay(invoice)
            self.assertEqual(len(invoice.license_ids), quantity)
        terms = order.order_line.invoice_lines.license_term_ids
        self.assertEqual(len(terms.license_id), 3)

    def test_a_down_payment_issues_nothing(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.product.id})],
            }
        )
        order.action_confirm()
        wizard = self.env["sale.advance.payment.inv"].create(
            {
                "advance_payment_method": "percentage",
                "amount": 50,
                "sale_order_ids": [Command.set(order.ids)],
            }
        )
        wizard.create_invoices()
        invoice = order.invoice_ids
        invoice.action_post()
        self._pay(invoice)
        self.assertFalse(invoice.license_ids)

    def test_an_accountant_without_licensing_rights_books_the_payment(self):
        accountant = new_test_user(
            self.env,
            "accountant",
            "account.group_account_invoice",
            company_id=self.env.company.id,
            company_ids=self.env.company.ids,
        )
        invoice = self._create_license_invoice().with_user(accountant)
        invoice.action_post()
        self.env["account.payment.register"].with_user(accountant).with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(invoice.license_count, 1)

    # === WHAT GOES WRONG === #

    def assertPaidWithProblem(self, invoice, problem):
        with self.assertLogs(MOVES, "WARNING") as logs:
            self._pay(invoice)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertFalse(invoice.license_ids)
        self.assertIn(problem, invoice.license_problem)
        self.assertIn(problem, logs.output[-1])
        self.assertIn(problem, invoice.message_ids[0].body)

    def test_a_product_set_up_wrongly_leaves_a_note_and_the_money_is_booked(self):
        self.policy.active = False
        invoice = self._create_license_invoice()
        invoice.action_post()
        self.assertPaidWithProblem(invoice, "Editor: its license policy is archived")

    def test_a_policy_of_another_company_is_noted(self):
        invoice = self._create_license_invoice()
        invoice.action_post()
        other = self.env["res.company"].create({"name": "Other"})
        self.env.cr.execute(
            "UPDATE software_license_policy SET company_id = %s WHERE id = %s",
            [other.id, self.policy.id],
        )
        self.policy.invalidate_recordset()
        self.assertPaidWithProblem(invoice, "another company")

    def test_half_a_license_is_noted(self):
        self.policy.quantity_rule = "licenses"
        invoice = self._create_license_invoice(quantity=1.5)
        invoice.action_post()
        self.assertPaidWithProblem(invoice, "whole licenses")

    def test_a_fault_in_somebodys_override_is_noted_and_writes_nothing(self):
        invoice = self._create_license_invoice()
        invoice.action_post()
        License = self.env.registry["software.license"]
        with patch.object(License, "_prepare_term_vals", side_effect=KeyError("oops")):
            self.assertPaidWithProblem(invoice, "KeyError")
        self.assertNotIn("oops", invoice.license_problem)

    def test_a_line_set_up_wrongly_does_not_hold_up_the_others(self):
        other = self._create_policy(application="acme-server")
        product = self._create_licensed_product(other)
        invoice = self._create_license_invoice()
        invoice.invoice_line_ids = [
            Command.create({"product_id": product.id, "price_unit": 5})
        ]
        invoice.action_post()
        other.active = False
        with mute_logger(MOVES):
            self._pay(invoice)
        self.assertEqual(invoice.license_ids.application, "acme-editor")
        self.assertIn("archived", invoice.license_problem)
        other.active = True
        self._run_cron("cron_issue_licenses")
        self.assertEqual(len(invoice.license_ids), 2)
        self.assertFalse(invoice.license_problem)

    def test_a_receipt_without_customer_is_noted_without_a_key(self):
        receipt = self._create_license_invoice(move_type="out_receipt")
        receipt.partner_id = False
        receipt.action_post()
        with self.assertNoLogs("odoo.sql_db"):
            self.assertPaidWithProblem(receipt, "names no customer")

    def test_a_branch_sells_under_the_policy_of_its_parent(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.env.company.id}
        )
        self.policy.company_id = self.env.company
        line = self._create_license_invoice().invoice_line_ids
        self.env.cr.execute(
            "UPDATE account_move_line SET company_id = %s WHERE id = %s",
            [branch.id, line.id],
        )
        line.invalidate_recordset(["company_id"])
        self.assertFalse(line._get_license_problem())

    def test_what_went_wrong_is_issued_once_it_is_mended(self):
        self.policy.active = False
        invoice = self._create_license_invoice()
        invoice.action_post()
        with mute_logger(MOVES):
            self._pay(invoice)
            self._run_cron("cron_issue_licenses")
        self.assertEqual(
            len(invoice.message_ids.filtered(lambda it: "archived" in it.body)), 1
        )
        self.policy.active = True
        self._run_cron("cron_issue_licenses")
        self.assertEqual(len(invoice.license_ids), 1)
        self.assertFalse(invoice.license_problem)
        self.assertFalse(invoice.is_license_due)

    def test_the_button_tries_again(self):
        self.policy.active = False
        invoice = self._create_license_invoice()
        invoice.action_post()
        with mute_logger(MOVES):
            self._pay(invoice)
        self.policy.active = True
        invoice.action_issue_licenses()
        self.assertEqual(len(invoice.license_ids), 1)

    def test_what_no_hook_saw_is_issued_by_the_daily_sweep(self):
        invoice = self._create_license_invoice()
        invoice.action_post()
        Move = self.env.registry["account.move"]
        with patch.object(Move, "_issue_licenses"):
            self._pay(invoice)
        self.assertFalse(invoice.license_ids)
        self._run_cron("cron_issue_licenses")
        self.assertEqual(len(invoice.license_ids), 1)

    def test_an_invoice_paid_before_its_product_was_licensed_issues_nothing(self):
        product = self._create_licensed_product(license_policy_id=False)
        invoice = self._sell(product=product)
        product.license_policy_id = self.policy
        self._run_cron("cron_issue_licenses")
        self.assertFalse(invoice.license_ids)

    def test_an_open_invoice_issues_what_got_its_policy_before_it_is_paid(self):
        product = self._create_licensed_product(license_policy_id=False)
        invoice = self._create_license_invoice(product=product)
        invoice.action_post()
        product.license_policy_id = self.policy
        self._pay(invoice)
        self.assertEqual(len(invoice.license_ids), 1)

    def test_what_another_thread_read_before_the_commit_is_forgotten_after_it(self):
        product = self._create_licensed_product(self.policy)
        Product = self.env["product.product"]
        with patch.object(self.env.registry[Product._name], "_search", return_value=[]):
            self.env.registry.clear_cache()
            self.assertNotIn(product.id, Product._get_licensed_ids())  # as of before
        self.assertNotIn(product.id, Product._get_licensed_ids())
        self.env.cr.postcommit.run()
        self.assertIn(product.id, Product._get_licensed_ids())

    def test_a_policy_in_use_can_not_be_deleted(self):
        self._sell()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.policy.unlink()
