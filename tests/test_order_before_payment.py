from datetime import date, datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import LicenseBillingCommon

MOVES = "odoo.addons.software_license.models.account_move"
BILLING = "odoo.addons.software_license.models.software_license_billing"


@tagged("post_install", "-at_install")
@freeze_time("2026-03-01")
class TestOrderBeforePayment(LicenseBillingCommon):
    """Keys on order: good for the trial or until the invoice is due, full when paid."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy.write({"issue_on": "order", "trial_days": 14})

    def _bill(self, order, is_paid=True):
        invoice = order._create_invoices()
        invoice.invoice_date = "2026-03-05"
        invoice.action_post()
        if is_paid:
            self._pay(invoice)
        return invoice

    def test_a_confirmed_order_issues_a_trial(self):
        order = self._order()
        license_ = order.license_ids
        self.assertEqual(license_.partner_id, self.customer)
        self.assertEqual(license_.product_id, self.product)
        self.assertEqual(license_.sale_order_id, order)
        self.assertEqual(license_.trial_ends_at, datetime(2026, 3, 15))
        self.assertEqual(license_.expires_at, datetime(2026, 3, 15))
        self.assertEqual(license_.status, "active")
        self.assertIn(order.name, license_.message_ids[0].body)

    def test_a_quotation_issues_nothing(self):
        self.assertFalse(self._order(is_confirmed=False).license_ids)

    def test_a_policy_that_issues_on_payment_gives_nothing_on_order(self):
        self.policy.issue_on = "payment"
        self.assertFalse(self._order().license_ids)

    def test_payment_turns_the_same_key_into_a_full_one(self):
        order = self._order(quantity=2)
        license_ = order.license_ids
        invoice = self._bill(order)
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(order.license_ids, license_)
        self.assertFalse(license_.trial_ends_at)
        self.assertEqual(license_.expires_at, datetime(2027, 3, 5))
        self.assertEqual(license_.quantity, 2)
        self.assertEqual(license_.seat_limit, 4)

    def test_a_trial_never_paid_lapses(self):
        license_ = self._order().license_ids
        with freeze_time("2026-03-15"):
            license_.invalidate_recordset()
            self.assertEqual(license_.status, "expired")

    def test_an_order_cancelled_ends_its_key_and_confirmed_again_brings_it_back(self):
        order = self._order()
        license_ = order.license_ids
        order._action_cancel()
        self.assertEqual(license_.status, "suspended")
        order.action_draft()
        self.assertEqual(license_.status, "suspended")
        order.action_confirm()
        self.assertEqual(order.license_ids, license_)
        self.assertEqual(license_.status, "active")
        self.assertEqual(license_.expires_at, datetime(2026, 3, 15))

    def test_a_payment_taken_back_ends_the_key_even_in_its_trial(self):
        order = self._order()
        invoice = self._bill(order)
        self._unpay(invoice)
        self.assertEqual(order.license_ids.status, "suspended")

    def test_a_date_set_by_hand_ends_with_the_order(self):
        self.policy.trial_days = 0
        for name, way in (
            ("written", lambda license_: license_.write({"date_end": "2028-01-31"})),
            (
                "extended",
                lambda license_: license_._extend({license_: date(2028, 1, 31)}),
            ),
        ):
            order = self._order()
            license_ = order.license_ids
            way(license_)
            with self.subTest(name):
                self.assertEqual(license_.expires_at, datetime(2028, 2, 1))
                order._action_cancel()
                self.assertEqual(license_.status, "suspended")

    def test_a_date_set_by_hand_before_the_payment_ends_with_the_refund(self):
        self.policy.trial_days = 0
        order = self._order()
        license_ = order.license_ids
        license_.date_end = "2028-01-31"
        invoice = self._bill(order)
        self.assertEqual(license_.expires_at, datetime(2028, 2, 1))
        self._refund(invoice)
        self.assertEqual(license_.status, "suspended")

    def test_each_unit_is_a_key_and_all_of_them_are_paid(self):
        self.policy.quantity_rule = "licenses"
        order = self._order(quantity=3)
        licenses = order.license_ids
        self.assertEqual(len(licenses), 3)
        invoice = self._bill(order)
        self.assertEqual(invoice.license_ids, licenses)

    def test_a_changed_quantity_changes_what_was_given(self):
        self.policy.write({"quantity_rule": "licenses", "trial_days": 0})
        order = self._order(quantity=3)
        order.order_line.product_uom_qty = 1
        self.assertEqual(
            sorted(order.license_ids.mapped("status")),
            ["active", "suspended", "suspended"],
        )
        order.order_line.product_uom_qty = 4
        self.assertEqual(order.license_ids.mapped("status"), ["active"] * 4)

    def test_a_line_of_no_units_gives_no_key(self):
        order = self._order(quantity=0)
        self.assertFalse(order.license_ids)
        order.order_line.product_uom_qty = 1
        license_ = order.license_ids
        self.assertEqual(license_.status, "active")
        order.order_line.product_uom_qty = 0
        self.assertEqual(license_.status, "suspended")

    def test_seats_ordered_later_count(self):
        order = self._order(quantity=1)
        order.order_line.product_uom_qty = 5
        self.assertEqual(order.license_ids.quantity, 5)

    def test_a_line_added_to_a_confirmed_order_gets_its_key(self):
        server = self._create_licensed_product(
            self._create_policy(application="acme-server", issue_on="order")
        )
        order = self._order()
        order.order_line = [Command.create({"product_id": server.id})]
        self.assertEqual(
            set(order.license_ids.mapped("application")),
            {"acme-editor", "acme-server"},
        )

    # === UNTIL THE INVOICE IS DUE === #

    def _get_net_30(self):
        return self.env["account.payment.term"].create(
            {
                "name": "30 days",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 100, "nb_days": 30}
                    )
                ],
            }
        )

    def test_without_a_trial_the_key_is_good_until_the_invoice_is_due(self):
        self.policy.trial_days = 0
        order = self._order(payment_term_id=self._get_net_30().id)
        license_ = order.license_ids
        self.assertFalse(license_.trial_ends_at)
        self.assertEqual(license_.expires_at, datetime(2026, 4, 1))
        invoice = self._bill(order, is_paid=False)
        self.assertEqual(invoice.invoice_date_due, date(2026, 4, 4))
        self.assertEqual(license_.expires_at, datetime(2026, 4, 5))
        self._pay(invoice)
        self.assertEqual(license_.expires_at, datetime(2027, 3, 5))

    def test_an_unpaid_invoice_that_is_credited_ends_the_key(self):
        self.policy.trial_days = 0
        order = self._order(quantity=3, payment_term_id=self._get_net_30().id)
        license_ = order.license_ids
        invoice = self._bill(order, is_paid=False)
        part = self._refund(invoice, quantity=1)
        self.assertEqual(license_.status, "active")
        rest = self._refund(invoice, quantity=2)
        self.assertEqual(license_.status, "suspended")
        rest.button_draft()
        self.assertEqual(license_.status, "active")
        self.assertEqual(part.state, "posted")

    def test_units_credited_before_they_are_paid_are_gone(self):
        self.policy.write({"quantity_rule": "licenses", "trial_days": 0})
        order = self._order(quantity=3, payment_term_id=self._get_net_30().id)
        self._refund(self._bill(order, is_paid=False), quantity=2)
        self.assertEqual(
            sorted(order.license_ids.mapped("status")),
            ["active", "suspended", "suspended"],
        )

    def test_an_order_without_payment_terms_has_a_week_to_be_invoiced(self):
        self.policy.trial_days = 0
        license_ = self._order().license_ids
        self.assertEqual(license_.expires_at, datetime(2026, 3, 9))

    # === ONE TRIAL === #

    def test_what_is_ordered_more_is_no_trial_of_its_own(self):
        self.policy.quantity_rule = "licenses"
        order = self._order()
        with freeze_time("2026-06-01"):
            order.order_line.product_uom_qty = 3
            self.assertEqual(
                order.license_ids.mapped("expires_at"), [datetime(2026, 3, 15)] * 3
            )

    def test_a_trial_of_a_cancelled_order_was_none(self):
        self._order()._action_cancel()
        self.assertEqual(self._order().license_ids.status, "active")

    def test_deleting_a_cancelled_order_brings_no_trial_back(self):
        order = self._order()
        license_ = order.license_ids
        order._action_cancel()
        order.unlink()
        license_.invalidate_recordset()
        self.assertEqual(license_.status, "suspended")

    def test_a_customer_gets_one_trial_of_an_application(self):
        self._order()
        second = self._order()
        self.assertFalse(second.license_ids)
        self.assertIn("had a trial already", second.message_ids[0].body)
        invoice = self._bill(second)
        self.assertEqual(invoice.license_ids.status, "active")
        self.assertFalse(invoice.license_ids.trial_ends_at)

    def test_a_contact_of_the_same_company_gets_no_other_trial(self):
        self._order()
        contact = self.env["res.partner"].create(
            {"name": "Ana", "parent_id": self.customer.id}
        )
        self.assertFalse(self._order(partner_id=contact.id).license_ids)

    def test_other_customers_and_applications_have_trials_of_their_own(self):
        self._order()
        other = self.env["res.partner"].create({"name": "Other"})
        self.assertTrue(self._order(partner_id=other.id).license_ids)
        server = self._create_licensed_product(
            self._create_policy(
                application="acme-server", issue_on="order", trial_days=7
            )
        )
        self.assertTrue(self._order(server).license_ids)

    def _create_trial_wizard(self, login, group):
        user = new_test_user(
            self.env,
            login,
            group,
            company_id=self.env.company.id,
            company_ids=self.env.company.ids,
        )
        return self.env["software.license.trial"].with_user(user)

    def test_a_trial_can_be_given_by_hand(self):
        wizard = self._create_trial_wizard("ann", "software_license.group_license_user")
        trial = wizard.create(
            {"partner_id": self.customer.id, "policy_id": self.policy.id}
        )
        self.assertEqual(trial.days, 14)
        action = trial.action_give()
        license_ = self.env["software.license"].browse(action["res_id"])
        self.assertEqual(license_.trial_ends_at, datetime(2026, 3, 15))
        self.assertEqual(len(license_.term_ids), 1)

    def test_another_trial_is_a_managers_decision(self):
        self._order()
        vals = {
            "partner_id": self.customer.id,
            "policy_id": self.policy.id,
            "days": 7,
        }
        wizard = self._create_trial_wizard("ann", "software_license.group_license_user")
        trial = wizard.create(vals)
        self.assertTrue(trial.had_trial)
        with self.assertRaisesRegex(UserError, "had a trial of acme-editor already"):
            trial.action_give()
        manager = self._create_trial_wizard(
            "bob", "software_license.group_license_manager"
        )
        with self.assertRaisesRegex(UserError, "had a trial"):
            manager.create(vals).action_give()
        action = manager.create({**vals, "is_another_allowed": True}).action_give()
        license_ = self.env["software.license"].browse(action["res_id"])
        self.assertEqual(license_.trial_ends_at, datetime(2026, 3, 8))

    def test_a_trial_lasts_at_least_a_day(self):
        wizard = self.env["software.license.trial"].create(
            {"partner_id": self.customer.id, "policy_id": self.policy.id, "days": 0}
        )
        with self.assertRaisesRegex(UserError, "Days"):
            wizard.action_give()

    # === WHAT CHANGES MEANWHILE === #

    def test_another_software_on_the_order_ends_the_key_and_gives_its_own(self):
        server = self._create_licensed_product(
            self._create_policy(application="acme-server", issue_on="order")
        )
        order = self._order()
        order._action_cancel()
        order.action_draft()
        order.order_line.product_id = server
        order.action_confirm()
        self.assertEqual(
            {it.application: it.status for it in order.license_ids},
            {"acme-editor": "suspended", "acme-server": "active"},
        )

    def test_an_order_invoiced_for_more_units_can_still_be_changed(self):
        self.policy.quantity_rule = "licenses"
        order = self._order(quantity=1)
        invoice = order._create_invoices()
        invoice.invoice_line_ids.quantity = 2
        invoice.action_post()
        self._pay(invoice)
        order.order_line.product_uom_qty = 3
        self.assertEqual(len(order.license_ids), 3)

    def test_a_key_revoked_before_it_is_paid_leaves_a_note(self):
        order = self._order()
        order.license_ids.action_revoke()
        with mute_logger(MOVES):
            invoice = self._bill(order)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertIn("the license was revoked", invoice.license_problem)

    # === WHAT GOES WRONG === #

    def test_a_fault_is_noted_and_the_order_confirmed(self):
        License = self.env.registry["software.license"]
        with (
            patch.object(
                License, "_prepare_order_term_vals", side_effect=KeyError("oops")
            ),
            mute_logger(BILLING),
        ):
            order = self._order()
        self.assertEqual(order.state, "sale")
        self.assertFalse(order.license_ids)
        self.assertIn("KeyError", order.message_ids[0].body)
        self.assertNotIn("oops", order.message_ids[0].body)

    def test_an_archived_policy_is_noted(self):
        self.policy.active = False
        order = self._order()
        self.assertFalse(order.license_ids)
        self.assertIn("archived", order.message_ids[0].body)
