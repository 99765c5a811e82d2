from datetime import datetime

from odoo import Command
from odoo.tests import tagged

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestPaymentFollows(LicenseBillingCommon):
    """Validity follows the money, both ways, and no hook undoes anything."""

    def test_unpaid_suspends_and_paid_again_brings_the_same_key_back(self):
        invoice = self._sell(date="2099-01-01")
        license_ = invoice.license_ids
        for _turn in range(2):
            self._unpay(invoice)
            self.assertEqual(invoice.payment_state, "not_paid")
            self.assertTrue(license_.is_payment_reversed)
            self.assertEqual(license_.status, "suspended")
            self._pay(invoice)
            self.assertEqual(license_.status, "active")
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(len(license_.term_ids), 1)

    def test_the_chatter_says_whose_payment_is_gone_and_made_again(self):
        self.patch(type(self), "env", self.env(context={}))  # tests track nothing
        invoice = self._sell(date="2099-01-01")
        license_ = invoice.license_ids
        for change, text in (
            (self._unpay, "No longer granted by"),
            (self._pay, "Granted again by"),
        ):
            self.env.flush_all()
            self.env.cr.precommit.run()
            change(invoice)
            self.env.flush_all()
            self.env.cr.precommit.run()
            license_.invalidate_recordset(["message_ids"])
            body = license_.message_ids[0].body
            with self.subTest(text):
                self.assertIn(text, body)
                self.assertIn(invoice.name, body)

    def test_a_cancelled_payment_suspends(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.action_post()
        payment = self._pay(invoice)
        payment.action_cancel()
        self.assertEqual(invoice.license_ids.status, "suspended")

    def test_a_paid_invoice_set_to_draft_suspends_until_it_is_posted(self):
        invoice = self._sell(date="2099-01-01")
        invoice.button_draft()
        self.assertEqual(invoice.license_ids.status, "suspended")
        invoice.action_post()
        if invoice.payment_state != "paid":
            self._pay(invoice)
        self.assertEqual(invoice.license_ids.status, "active")
        self.assertEqual(len(invoice.license_ids.term_ids), 1)

    def test_a_full_credit_note_after_payment_suspends(self):
        invoice = self._sell(date="2099-01-01", quantity=2)
        refund = self._refund(invoice)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(invoice.license_ids.status, "suspended")
        refund.button_draft()
        self.assertEqual(invoice.license_ids.status, "active")

    def test_a_credit_note_not_yet_posted_changes_nothing(self):
        invoice = self._sell(date="2099-01-01")
        invoice._reverse_moves()
        self.assertEqual(invoice.license_ids.status, "active")

    def test_a_partial_credit_note_takes_as_many_units(self):
        invoice = self._sell(date="2099-01-01", quantity=5)
        self._refund(invoice, quantity=2)
        license_ = invoice.license_ids
        self.assertEqual(license_.status, "active")
        self.assertEqual(license_.quantity, 3)
        self.assertEqual(license_.seat_limit, 6)

    def test_a_partial_credit_note_suspends_the_last_keys(self):
        self.policy.quantity_rule = "licenses"
        invoice = self._sell(date="2099-01-01", quantity=3)
        self._refund(invoice, quantity=2)
        licenses = invoice.license_ids.sorted("billing_unit")
        self.assertEqual(
            licenses.mapped("status"), ["active", "suspended", "suspended"]
        )

    def test_a_corrected_invoice_keeps_the_key(self):
        invoice = self._sell(date="2099-01-01")
        license_ = invoice.license_ids
        corrected = self._correct(invoice)
        self.assertEqual(corrected.license_ids, license_)
        self.assertEqual(license_.status, "active")
        self.assertEqual(license_.quantity, 1)

    def _change(self, invoice, **vals):
        """Set a paid invoice to draft, change its line, post it and pay it."""
        invoice.button_draft()
        invoice.invoice_line_ids.write(vals)
        invoice.action_post()
        if invoice.payment_state != "paid":
            self._pay(invoice)
        self.assertEqual(invoice.payment_state, "paid")

    def test_an_invoice_changed_to_more_seats_grants_them(self):
        invoice = self._sell(quantity=1)
        license_ = invoice.license_ids
        self._change(invoice, quantity=5)
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(license_.quantity, 5)
        self._change(invoice, quantity=2)
        self.assertEqual(license_.quantity, 2)

    def test_an_invoice_changed_to_more_or_fewer_keys_grants_them(self):
        self.policy.quantity_rule = "licenses"
        invoice = self._sell(date="2099-01-01", quantity=1)
        self._change(invoice, quantity=3)
        licenses = invoice.license_ids.sorted("billing_unit")
        self.assertEqual(licenses.mapped("status"), ["active"] * 3)
        self._change(invoice, quantity=2)
        self.assertEqual(licenses.mapped("status"), ["active", "active", "suspended"])
        self._change(invoice, quantity=3)
        self.assertEqual(invoice.license_ids, licenses)
        self.assertEqual(licenses.mapped("status"), ["active"] * 3)

    def test_an_invoice_changed_to_another_product_grants_that(self):
        server = self._create_licensed_product(
            self._create_policy(name="Server", application="acme-server"),
            property_account_income_id=self.product.property_account_income_id.id,
        )
        invoice = self._sell(date="2099-01-01")
        old = invoice.license_ids
        self._change(invoice, product_id=server.id, tax_ids=False)
        self.assertEqual(old.status, "suspended")
        new = invoice.license_ids - old
        self.assertEqual((new.application, new.status), ("acme-server", "active"))

    def test_a_policy_archived_later_takes_nothing_from_what_was_granted(self):
        invoice = self._sell(date="2099-01-01")
        for label, hide in (
            ("archived", lambda: self.policy.write({"active": False})),
            ("cleared", lambda: self.product.write({"license_policy_id": False})),
        ):
            hide()
            self._change(invoice, name=label)
            self.env["account.move"]._issue_licenses()
            with self.subTest(label):
                self.assertEqual(invoice.license_ids.status, "active")

    def test_units_come_and_go_as_the_invoice_says(self):
        self.policy.quantity_rule = "licenses"
        invoice = self._sell(date="2099-01-01", quantity=3)
        for quantity in (1, 4, 2, 5):
            self._change(invoice, quantity=quantity)
            self.assertFalse(invoice.license_problem)
            active = invoice.license_ids.filtered(lambda it: it.status == "active")
            self.assertEqual(len(active), quantity)
            self.assertEqual(active.mapped("quantity"), [1] * quantity)

    def test_a_unit_sold_to_another_invoice_meanwhile_is_not_sold_twice(self):
        self.policy.quantity_rule = "licenses"
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.product.id, "product_uom_qty": 4}
                    )
                ],
            }
        )
        order.action_confirm()
        first = order._create_invoices()
        first.invoice_date = "2099-01-01"
        first.action_post()
        self._pay(first)
        self._change(first, quantity=2)
        second = order._create_invoices()
        second.invoice_date = "2099-01-01"
        second.action_post()
        self._pay(second)
        self._change(first, quantity=4)
        licenses = (first + second).license_ids.filtered(
            lambda it: it.status == "active"
        )
        self.assertEqual(len(licenses), 6)
        self.assertEqual(set(licenses.mapped("quantity")), {1})

    def test_a_line_deleted_from_the_invoice_takes_its_grant_along(self):
        invoice = self._sell(date="2099-01-01")
        license_ = invoice.license_ids
        invoice.button_draft()
        invoice.invoice_line_ids.unlink()
        self.assertEqual(license_.status, "suspended")
        self.assertEqual(len(license_.term_ids), 1)

    def test_a_policy_changed_later_changes_no_period_that_was_paid(self):
        invoice = self._sell(date="2026-01-01")
        self.policy.validity_interval = 3
        self._unpay(invoice)
        self._pay(invoice)
        self._change(invoice, quantity=2)
        self.assertEqual(invoice.license_ids.expires_at, datetime(2027, 1, 1))

    def test_a_credit_note_taken_back_brings_the_license_back(self):
        invoice = self._sell(date="2099-01-01")
        refund = self._refund(invoice)
        self.assertEqual(invoice.license_ids.status, "suspended")
        again = refund._reverse_moves([{"invoice_date": invoice.invoice_date}], True)
        self.assertEqual(again.state, "posted")
        self.assertEqual(invoice.license_ids.status, "active")
        self.assertFalse(again.license_ids)

    def test_a_credit_note_takes_back_the_very_line_it_names(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.invoice_line_ids = [
            Command.create(
                {"product_id": self.product.id, "price_unit": 100, "tax_ids": False}
            )
        ]
        invoice.action_post()
        self._pay(invoice)
        first, second = invoice.invoice_line_ids.license_term_ids.sorted(
            lambda term: term.move_line_id.id
        ).license_id
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        refund.invoice_line_ids.filtered(
            lambda line: line.license_origin_line_id == invoice.invoice_line_ids[0]
        ).unlink()
        refund.action_post()
        self.assertEqual(first.status, "active")
        self.assertEqual(second.status, "suspended")
        second.sudo().term_ids._compute_effective()
        self.assertEqual((first.status, second.status), ("active", "suspended"))

    def test_a_discount_given_later_takes_no_seat(self):
        invoice = self._sell(date="2099-01-01")
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        refund.invoice_line_ids.price_unit = 10
        refund.action_post()
        self.assertEqual(invoice.license_ids.status, "active")

    def test_a_rounded_price_is_no_discount(self):
        tax = self.env["account.tax"].create(
            {
                "name": "21 % included",
                "amount": 21,
                "price_include_override": "tax_included",
            }
        )
        for price in (14.90, 24.99, 9.99, 49.95, 0.07):
            invoice = self._create_license_invoice(date="2099-01-01", quantity=2)
            invoice.invoice_line_ids.write(
                {"price_unit": price, "tax_ids": [Command.set(tax.ids)]}
            )
            invoice.action_post()
            self._pay(invoice)
            self._refund(invoice, quantity=1)
            with self.subTest(price=price):
                self.assertEqual(invoice.license_ids.quantity, 1)

    def test_a_credit_in_another_unit_of_measure_counts_in_the_products_own(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.invoice_line_ids.write(
            {"product_uom_id": self.env.ref("uom.product_uom_dozen").id}
        )
        invoice.invoice_line_ids.price_unit = 1200
        invoice.action_post()
        self._pay(invoice)
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        line = refund.invoice_line_ids
        line.product_uom_id = self.product.uom_id
        line.write({"quantity": 2, "price_unit": 100, "tax_ids": False})
        refund.action_post()
        self.assertEqual(invoice.license_ids.quantity, 10)

    def test_a_credit_note_of_a_corrected_invoice_takes_that_back(self):
        invoice = self._sell(date="2099-01-01", quantity=3)
        corrected = self._correct(invoice, price_unit=80)
        license_ = corrected.license_ids
        self.assertEqual((license_.status, license_.quantity), ("active", 3))
        self._refund(corrected)
        self.assertEqual(license_.status, "suspended")

    def test_a_chain_of_credit_notes_is_followed_to_its_end(self):
        invoice = self._sell(date="2099-01-01")
        date = [{"invoice_date": invoice.invoice_date}]
        document, statuses = invoice, []
        for _turn in range(4):
            document = document._reverse_moves(date)
            document.action_post()
            statuses.append(invoice.license_ids.status)
        self.assertEqual(statuses, ["suspended", "active"] * 2)

    def test_a_credit_line_for_another_product_takes_nothing(self):
        other = self._create_licensed_product(
            license_policy_id=False,
            property_account_income_id=self.product.property_account_income_id.id,
        )
        invoice = self._sell(date="2099-01-01")
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        refund.invoice_line_ids.write({"product_id": other.id, "tax_ids": False})
        refund.action_post()
        self.assertEqual(invoice.license_ids.status, "active")

    def test_a_charge_on_a_credit_note_adds_no_seat(self):
        other = self._create_licensed_product(
            license_policy_id=False,
            property_account_income_id=self.product.property_account_income_id.id,
        )
        invoice = self._sell(date="2099-01-01", quantity=2)
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        refund.invoice_line_ids.write({"product_id": other.id, "price_unit": 100})
        charge = {"product_id": self.product.id, "quantity": -1, "price_unit": 100}
        refund.invoice_line_ids = [Command.create({**charge, "tax_ids": False})]
        refund.action_post()
        self.assertEqual(invoice.license_ids.quantity, 2)

    def test_a_debit_note_grants_nothing(self):
        invoice = self._sell(date="2099-01-01")
        note = invoice.with_context(include_business_fields=True).copy_data(
            {"debit_origin_id": invoice.id}
        )[0]
        note.pop("debit_origin_id", None)
        note = self.env["account.move"].create(note)
        note.invoice_date = invoice.invoice_date
        note.action_post()
        self._pay(note)
        self.assertFalse(note.license_ids)
        self.assertEqual(invoice.license_ids.quantity, 1)

    def test_a_copy_of_a_corrected_plain_invoice_is_a_new_sale(self):
        invoice = self._sell()
        copy = self._correct(invoice).copy({"invoice_date": invoice.invoice_date})
        copy.action_post()
        self._pay(copy)
        self.assertEqual(len(copy.license_ids), 1)
        self.assertNotEqual(copy.license_ids, invoice.license_ids)

    def test_goodwill_while_unpaid_ends_when_it_is_paid_again(self):
        invoice = self._sell(date="2099-01-01")
        license_ = invoice.license_ids
        self._unpay(invoice)
        license_.expires_at = "2098-12-24"
        self.assertEqual(license_.status, "active")
        self._pay(invoice)
        self.assertEqual(license_.expires_at, datetime(2100, 1, 1))

    def test_a_duplicate_of_a_plain_invoice_is_a_new_sale(self):
        invoice = self._sell()
        duplicate = invoice.copy({"invoice_date": invoice.invoice_date})
        duplicate.action_post()
        self._pay(duplicate)
        self.assertEqual(len(duplicate.license_ids), 1)
        self.assertNotEqual(duplicate.license_ids, invoice.license_ids)

    def test_a_suspended_license_stays_suspended_whatever_is_paid(self):
        invoice = self._sell(date="2099-01-01")
        invoice.license_ids.action_suspend()
        self._unpay(invoice)
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.status, "suspended")

    def test_a_date_set_by_hand_survives_a_payment_undone_and_made_again(self):
        invoice = self._sell(date="2099-01-01")
        license_ = invoice.license_ids
        license_.expires_at = "2099-06-01"
        self._unpay(invoice)
        self.assertEqual(license_.status, "suspended")
        self._pay(invoice)
        self.assertEqual(license_.expires_at, datetime(2099, 6, 1))

    def test_a_license_never_billed_does_not_depend_on_payments(self):
        license_ = self._create_license(expires_at=False)
        self.assertFalse(license_.is_payment_reversed)
        self.assertEqual(license_.status, "active")

    def test_the_clock_moves_the_quantity_on(self):
        invoice = self._sell(date="2026-01-01", quantity=2)
        license_ = invoice.license_ids
        self.assertEqual(license_.quantity_until, datetime(2027, 1, 1))
        self.env.cr.execute(
            "UPDATE software_license SET quantity = 9, quantity_until = '2020-01-01' "
            "WHERE id = %s",
            [license_.id],
        )
        license_.invalidate_recordset()
        self._run_cron("cron_refresh_quantities")
        self.assertEqual(license_.quantity, 2)
