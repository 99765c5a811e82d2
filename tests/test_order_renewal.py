from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LicenseBillingCommon

MOVES = "odoo.addons.software_license.models.account_move"


@tagged("post_install", "-at_install")
@freeze_time("2026-03-01")
class TestOrderRenewal(LicenseBillingCommon):
    """An order line can name the license that it renews or upgrades."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.license = cls._sell(date="2026-01-01", quantity=2).license_ids
        cls.team = cls._create_licensed_product(
            cls._create_policy(name="Editor Team", plan="team", max_activations=10),
            name="Editor Team",
            property_account_income_id=cls.product.property_account_income_id.id,
        )

    def _renew(self, product=None, is_paid=True, date="2026-03-01", **vals):
        """Return the paid invoice of an order that names the license."""
        order = self._order(product, license_id=self.license.id, **vals)
        invoice = order._create_invoices()
        invoice.invoice_date = date
        invoice.action_post()
        if is_paid:
            self._pay(invoice)
        return invoice

    def test_a_renewal_paid_early_begins_when_the_license_ends(self):
        invoice = self._renew(quantity=2)
        self.assertEqual(invoice.license_ids, self.license)
        self.assertEqual(self.license.expires_at, datetime(2028, 1, 1))
        self.assertEqual(self.license.quantity, 2)

    def test_a_renewal_paid_late_begins_with_its_invoice(self):
        with freeze_time("2027-06-01"):
            self._renew(date="2027-06-01")
            self.assertEqual(self.license.expires_at, datetime(2028, 6, 1))

    def test_two_renewals_paid_together_follow_each_other(self):
        invoices = self._renew(is_paid=False) + self._renew(is_paid=False)
        self._pay(invoices, group_payment=True)
        self.assertEqual(invoices.license_ids, self.license)
        self.assertEqual(self.license.expires_at, datetime(2029, 1, 1))

    def test_a_renewal_reset_and_posted_again_keeps_its_period(self):
        invoice = self._renew()
        invoice.button_draft()
        self.assertEqual(self.license.expires_at, datetime(2027, 1, 1))
        invoice.action_post()
        if invoice.payment_state != "paid":
            self._pay(invoice)
        self.assertEqual(self.license.expires_at, datetime(2028, 1, 1))
        self.assertEqual(len(invoice.license_term_ids), 1)

    def test_a_renewal_refunded_takes_its_year_back(self):
        self._refund(self._renew())
        self.assertEqual(self.license.expires_at, datetime(2027, 1, 1))
        self.assertEqual(self.license.status, "active")

    def test_a_period_refunded_is_gone_though_a_later_one_is_paid(self):
        self._renew()
        self._refund(self.license.term_ids.move_id.sorted("invoice_date")[0])
        self.assertEqual(self.license.status, "suspended")
        with freeze_time("2027-01-01"):
            self.license._refresh_quantities()
            self.license.invalidate_recordset()
            self.assertEqual(self.license.status, "active")
            self.assertEqual(self.license.expires_at, datetime(2028, 1, 1))

    def test_more_keys_than_were_sold_together_are_not_renewed_by_one_name(self):
        self.policy.quantity_rule = "licenses"
        self.license = self._sell(date="2026-01-01", quantity=2).license_ids[0]
        self.assertRefused("more licenses", quantity=3)

    def test_a_product_of_another_software_by_now_leaves_a_note(self):
        invoice = self._renew(is_paid=False)
        self.product.license_policy_id = self._create_policy(application="acme-server")
        with mute_logger(MOVES):
            self._pay(invoice)
        self.assertIn("another application", invoice.license_problem)
        self.assertEqual(self.license.application, "acme-editor")

    def test_an_upgrade_begins_at_once_and_takes_the_place_of_the_old_plan(self):
        invoice = self._renew(self.team)
        self.assertEqual(invoice.license_ids, self.license)
        self.assertEqual(self.license.plan, "team")
        self.assertEqual(self.license.quantity, 1)
        self.assertEqual(self.license.seat_limit, 10)
        self.assertEqual(self.license.expires_at, datetime(2027, 3, 1))

    def test_an_upgrade_revives_no_seat_that_lapsed_by_the_old_plan(self):
        self.policy.lease_minutes = 60
        for device in ("laptop", "desktop"):
            self._activate(self.license, device)
        seen = fields.Datetime.now() - timedelta(hours=5)
        self.license.activation_ids.sudo().last_seen = seen
        self._renew(self.team)
        self.assertEqual(self.license.policy_id.lease_minutes, 0)
        self.assertEqual(self.license.seat_count, 0)

    def test_an_upgrade_refunded_brings_the_old_plan_back(self):
        self._refund(self._renew(self.team))
        self.assertEqual(self.license.plan, "pro")
        self.assertEqual(self.license.seat_limit, 4)

    def test_a_longer_period_of_the_same_plan_is_a_renewal(self):
        two_years = self._create_licensed_product(
            self._create_policy(name="Two Years", validity_interval=2)
        )
        order = self._order(two_years, license_id=self.license.id)
        self.assertEqual(order.order_line.license_change, "renewal")
        order = self._order(self.team, license_id=self.license.id)
        self.assertEqual(order.order_line.license_change, "upgrade")
        order.order_line.license_change = "renewal"
        self.assertEqual(order.order_line.license_change, "renewal")

    def test_a_license_issued_by_hand_can_be_renewed_again_and_again(self):
        self.license = self._create_license(
            self.policy, partner_id=self.customer.id, expires_at="2026-12-31 23:00:00"
        )
        self._renew()
        self.assertEqual(self.license.expires_at, datetime(2028, 1, 1))
        self._renew()
        self.assertEqual(self.license.expires_at, datetime(2029, 1, 1))

    def test_one_of_several_keys_is_renewed_by_name(self):
        self.policy.quantity_rule = "licenses"
        licenses = self._sell(date="2026-01-01", quantity=3).license_ids
        self.license = licenses.sorted("billing_unit")[1]
        self._renew()
        self.assertEqual(
            [it.expires_at.year for it in licenses.sorted("billing_unit")],
            [2027, 2028, 2027],
        )

    def test_all_keys_of_a_sale_are_upgraded_by_naming_one(self):
        (self.policy + self.team.license_policy_id).quantity_rule = "licenses"
        licenses = self._sell(date="2026-01-01", quantity=3).license_ids
        self.license = licenses[1]
        invoice = self._renew(self.team, quantity=3)
        self.assertEqual(invoice.license_ids, licenses)
        self.assertEqual(set(licenses.mapped("plan")), {"team"})

    def test_the_old_invoice_posted_again_still_pays_the_license(self):
        old = self.license.term_ids.move_id
        self._renew()
        old.button_draft()
        old.action_post()
        if old.payment_state != "paid":
            self._pay(old)
        self.assertEqual(old.license_ids, self.license)
        self.assertEqual(len(self.license.term_ids), 2)
        self.assertEqual(self.license.expires_at, datetime(2028, 1, 1))

    def test_the_button_makes_a_quotation_that_renews(self):
        action = self.license.action_renew()
        order = self.env["sale.order"].browse(action["res_id"])
        self.assertEqual(order.order_line.license_id, self.license)
        self.assertEqual(order.order_line.product_uom_qty, 2)
        self.assertEqual(order.license_ids, self.license)
        self.assertEqual(order.partner_id, self.customer)

    def test_naming_a_license_gives_no_key_before_payment(self):
        self.policy.issue_on = "order"
        order = self._order(license_id=self.license.id)
        self.assertEqual(order.license_ids, self.license)
        self.assertEqual(len(self.license.term_ids), 1)

    # === WHAT GOES WRONG === #

    def assertRefused(self, message, product=None, **vals):
        with self.assertRaisesRegex(ValidationError, message):
            self._order(product, license_id=self.license.id, **vals)

    def test_only_the_customers_own_license_of_the_application_can_be_named(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        self.assertRefused("another customer", partner_id=stranger.id)
        server = self._create_licensed_product(
            self._create_policy(application="acme-server")
        )
        self.assertRefused("another application", server)
        plain = self._create_licensed_product(license_policy_id=False)
        self.assertRefused("no license policy", plain)
        self.license.action_revoke()
        self.assertRefused("revoked")

    def test_a_license_revoked_before_the_payment_leaves_a_note(self):
        invoice = self._renew(is_paid=False)
        self.license.action_revoke()
        with mute_logger(MOVES):
            self._pay(invoice)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertIn("the license was revoked", invoice.license_problem)

    def test_what_was_paid_for_can_not_name_another_license(self):
        invoice = self._renew()
        with self.assertRaisesRegex(UserError, "issued already"):
            invoice.invoice_line_ids.sale_line_ids.license_id = False

    def test_a_copied_order_sells_a_new_license(self):
        order = self._order(license_id=self.license.id)
        self.assertFalse(order.copy().order_line.license_id)

    # === CREDIT NOTES OF ORDERS === #

    def _create_order_credit(self, order):
        """Return the credit note that Odoo makes of an order that was reduced."""
        invoice = order._create_invoices(final=True)
        self.assertEqual(invoice.move_type, "out_refund")
        self.assertFalse(invoice.reversed_entry_id)
        invoice.action_post()
        return invoice

    def _sell_in_two_invoices(self, quantities=(2, 3)):
        order = self._order(quantity=sum(quantities))
        for day, quantity in enumerate(quantities, 1):
            invoice = order._create_invoices()
            invoice.invoice_line_ids.quantity = quantity
            invoice.invoice_date = f"2026-01-0{day}"
            invoice.action_post()
            self._pay(invoice)
        return order

    def test_a_credit_note_of_the_order_takes_its_units_back(self):
        order = self._sell_in_two_invoices()
        license_ = order.license_ids
        self.assertEqual(license_.quantity, 5)
        order.order_line.product_uom_qty = 4
        refund = self._create_order_credit(order)
        self.assertEqual(license_.quantity, 4)
        refund.button_draft()
        self.assertEqual(license_.quantity, 5)
        refund.action_post()
        order.order_line.product_uom_qty = 0
        self._create_order_credit(order)
        self.assertEqual(license_.status, "suspended")

    def test_a_credit_note_of_the_order_takes_the_oldest_invoice_first(self):
        order = self._sell_in_two_invoices()
        order.order_line.product_uom_qty = 2
        self._create_order_credit(order)
        terms = order.license_ids.term_ids.sorted("date_start")
        self.assertEqual(terms.mapped("effective_quantity"), [0, 2])

    def test_a_linked_credit_note_comes_before_one_of_the_order(self):
        order = self._sell_in_two_invoices()
        first = order.invoice_ids.sorted("invoice_date")[0]
        self._refund(first)
        order.order_line.product_uom_qty = 2
        credit = self._create_order_credit(order)
        self.assertEqual(credit.invoice_line_ids.quantity, 1)
        terms = order.license_ids.term_ids.sorted("date_start")
        self.assertEqual(terms.mapped("effective_quantity"), [0, 2])

    def test_units_taken_back_on_a_later_invoice_of_the_order_count(self):
        plain = self._create_licensed_product(license_policy_id=False)
        order = self._sell_in_two_invoices()
        order.order_line.product_uom_qty = 4
        order.order_line = [
            Command.create(
                {"product_id": plain.id, "product_uom_qty": 9, "price_unit": 100}
            )
        ]
        invoice = order._create_invoices(final=True)
        self.assertEqual(invoice.move_type, "out_invoice")
        self.assertEqual(order.license_ids.quantity, 5)
        invoice.action_post()
        self.assertEqual(order.license_ids.quantity, 4)

    def test_units_sold_cheaper_are_taken_back_at_their_price(self):
        order = self._sell_in_two_invoices()
        order.order_line.price_unit = 80
        order.order_line.product_uom_qty = 4
        self._create_order_credit(order)
        self.assertEqual(order.license_ids.quantity, 4)

    def test_a_credit_note_of_the_order_outlives_the_invoices_it_was_of(self):
        order = self._sell_in_two_invoices()
        order.order_line.product_uom_qty = 0
        self._create_order_credit(order)
        invoices = order.invoice_ids.filtered(lambda it: it.move_type == "out_invoice")
        invoices.button_draft()
        self.assertEqual(order.license_ids.status, "suspended")

    def test_an_archived_license_is_refused_by_that_name(self):
        self.license.active = False
        self.assertRefused("archived")

    def test_a_discount_given_by_a_credit_note_of_the_order_takes_nothing(self):
        order = self._sell_in_two_invoices()
        order.order_line.product_uom_qty = 4
        refund = order._create_invoices(final=True)
        refund.invoice_line_ids.price_unit = 10
        refund.action_post()
        self.assertEqual(order.license_ids.quantity, 5)
