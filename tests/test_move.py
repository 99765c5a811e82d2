from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .test_wizards import MANAGER, USER, WizardCommon


@tagged("post_install", "-at_install")
class TestMove(WizardCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = cls.env["res.partner"].create(
            {"name": "Grey Owl Ltd.", "is_company": True, "email": "owl@example.com"}
        )
        cls.license = cls._create_license(cls.policy, partner_id=cls.customer.id)

    def _move(self, licenses=None, user=None, **vals):
        licenses = self.license if licenses is None else licenses
        vals = {"partner_id": self.buyer.id, **vals}
        self._open("move", licenses, user, **vals).action_move()

    def _portal_user(self, partner):
        return new_test_user(
            self.env,
            f"portal {partner.name}",
            "base.group_portal",
            partner_id=self.env["res.partner"]
            .create({"name": "Contact", "parent_id": partner.id})
            .id,
        )

    def test_the_new_customer_sees_it_in_the_portal_and_the_old_one_no_more(self):
        old, new = self._portal_user(self.customer), self._portal_user(self.buyer)
        self.license.message_subscribe(old.partner_id.ids)
        self._move(user=self._user(MANAGER))
        Licenses = self.env["software.license"]
        self.assertFalse(Licenses.with_user(old).search([]))
        self.assertFalse(self.license.with_user(old).has_access("read"))
        self.assertEqual(Licenses.with_user(new).search([]), self.license)
        self.assertNotIn(old.partner_id, self.license.message_partner_ids)

    def test_the_old_key_is_replaced_and_devices_freed_as_the_old_owner_knows_it(self):
        self.license.activation_ids = [Command.create({"device_id": "laptop"})]
        key = self.license.license_key
        self._move(is_emailed=True)
        self.assertNotEqual(self.license.license_key, key)
        self.assertEqual(self.license.seat_count, 0)
        message = self._mails()[-1]
        self.assertEqual(message.partner_id, self.buyer)
        self.assertIn(self.license.license_key, message.mail_id.body_html)

    def test_both_may_be_left_as_they_are(self):
        self.license.activation_ids = [Command.create({"device_id": "laptop"})]
        key, before = self.license.license_key, self._mails()
        self._move(is_key_replaced=False, is_freed=False)
        self.assertEqual(self.license.license_key, key)
        self.assertEqual(self.license.seat_count, 1)
        self.assertEqual(self._mails(), before)

    def test_it_is_on_record_with_the_reason(self):
        self._move(reason="Company sold")
        bodies = " ".join(self.license.message_ids.mapped("body"))
        self.assertIn("Moved from Blue Heron Studio to Grey Owl Ltd.", bodies)
        self.assertIn("Company sold", bodies)

    def test_what_was_paid_stays_with_the_license_and_is_paid_on(self):
        license_ = self._sell(date="2099-01-01").license_ids
        end = license_.expires_at
        self._move(license_)
        self.assertEqual(license_.expires_at, end)
        order = self._order(partner_id=self.buyer.id, license_id=license_.id)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertFalse(invoice.license_problem)
        self.assertGreater(license_.expires_at, end)

    def test_the_old_customers_invoice_is_not_shown_to_the_new_one(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.action_post()
        self._pay(invoice)
        self._move(invoice.license_ids)
        before = self._mails()
        self._run_cron("cron_send_license_messages")
        message = self._mails() - before
        self.assertEqual(message.partner_id, self.buyer)
        self.assertIn(message.license_ids.license_key, message.mail_id.body_html)
        self.assertNotIn("/my/invoices/", message.mail_id.body_html)

    def test_an_open_order_of_the_old_customer_is_named_and_refuses(self):
        license_ = self._sell(date="2099-01-01").license_ids
        order = self._order(license_id=license_.id)
        with self.assertRaisesRegex(UserError, order.name):
            self._move(license_)
        self.assertEqual(license_.partner_id, self.customer)
        order._action_cancel()
        self._move(license_)
        self.assertEqual(license_.partner_id, self.buyer)

    def test_a_renewal_that_was_paid_is_in_nobodys_way(self):
        license_ = self._sell(date="2099-01-01").license_ids
        order = self._order(license_id=license_.id)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self._move(license_)
        self.assertEqual(license_.partner_id, self.buyer)

    def test_the_new_customer_reads_nothing_of_the_old_one(self):
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        license_ = invoice.license_ids
        self._activate(license_, "laptop", device_name="Ana", ip_address="10.1.2.3")
        license_.activation_ids._rename_for_customer("Boss")
        self._activate(license_, "stolen", device_name="Bob", ip_address="10.1.2.4")
        license_.activation_ids.filtered(
            lambda it: it.device_id == "stolen"
        ).action_block()
        license_.sudo()._take_self_deactivation()
        license_.message_post(body="A word", subtype_xmlid="mail.mt_comment")
        old, new = self._portal_user(self.customer), self._portal_user(self.buyer)
        self.assertTrue(license_.term_ids.with_user(old).read(["display_name"]))
        self._move(license_)
        self.env.invalidate_all()
        everything = self.env(user=new, context={"active_test": False})
        devices = everything["software.license.activation"].search([])
        names = ["device_id", "label", "device_name", "ip_address"]
        self.assertEqual(
            [[device[name] for name in names] for device in devices],
            [["stolen", False, False, False]],
        )
        self.assertTrue(devices.blocked)
        self.assertFalse(everything["software.license.term"].search([]))
        is_on_it = [("model", "=", license_._name), ("res_id", "=", license_.id)]
        self.assertFalse(everything["mail.message"].search(is_on_it))
        self.assertIn("A word", str(license_.message_ids.mapped("body")))
        self.assertEqual(license_.sudo()._get_self_deactivations_used(), 0)

    def test_the_new_customer_reads_the_own_terms(self):
        license_ = self._sell(date="2099-01-01").license_ids
        self._move(license_)
        order = self._order(partner_id=self.buyer.id, license_id=license_.id)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.env.flush_all()
        terms = self.env["software.license.term"].with_user(
            self._portal_user(self.buyer)
        )
        self.assertEqual(terms.search([]).sudo().move_id, invoice)

    def test_of_a_mixed_selection_only_what_changes_its_owner_is_changed(self):
        contact = self.env["res.partner"].create(
            {"name": "Jane", "parent_id": self.buyer.id}
        )
        third = self.env["res.partner"].create({"name": "Red Kite"})
        other = self._create_license(self.policy, partner_id=third.id)
        near = self._create_license(self.policy, partner_id=contact.id)
        own = self._create_license(self.policy, partner_id=self.buyer.id)
        kept = near | own
        kept.activation_ids = [Command.create({"device_id": "laptop"})]
        keys = kept.mapped("license_key")
        self._move(self.license | other | kept)
        self.assertEqual(kept.mapped("license_key"), keys)
        self.assertEqual(kept.mapped("seat_count"), [1, 1])
        for license_, old in (
            (self.license, "Blue Heron Studio"),
            (other, "Red Kite"),
            (near, contact.display_name),
        ):
            (note,) = license_.message_ids.filtered(lambda it: "Moved from" in it.body)
            self.assertIn(f"Moved from {old} to Grey Owl Ltd.", note.body)
            self.assertEqual(license_.partner_id, self.buyer)
        self.assertNotIn("Moved from", str(own.message_ids.mapped("body")))

    def test_what_the_old_customer_has_yet_to_pay_refuses(self):
        wizard = self.env["software.license.issue"]
        order = self._order(quantity=2)
        action = wizard.create({"order_id": order.id}).action_issue()
        license_ = self.env["software.license"].search(action["domain"])
        with self.assertRaisesRegex(UserError, order.name):
            self._move(license_)
        invoice = order._create_invoices()
        invoice.invoice_line_ids.quantity = 1
        for step in (
            invoice.action_post,
            lambda: self._pay(invoice),
            order._create_invoices,
            lambda: (order.invoice_ids - invoice).action_post(),
        ):
            step()
            with self.assertRaisesRegex(UserError, order.name):
                license_.partner_id = self.buyer
        self._pay(order.invoice_ids - invoice)
        self._move(license_)
        self.assertEqual(license_.partner_id, self.buyer)

    def test_what_the_old_customer_paid_by_an_order_refuses_while_it_is_unpaid(self):
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        license_ = invoice.license_ids
        self._unpay(invoice)
        with self.assertRaisesRegex(UserError, order.name):
            self._move(license_)
        self._pay(invoice)
        self._move(license_)
        self.assertEqual(license_.partner_id, self.buyer)

    def test_only_a_manager_moves_by_wizard_or_by_rpc(self):
        user = self._user()
        with self.assertRaises(AccessError):
            self._open("move", self.license, user, partner_id=self.buyer.id)
        with self.assertRaisesRegex(AccessError, "license manager"):
            self.license.with_user(user).write({"partner_id": self.buyer.id})
        self.assertEqual(self.license.partner_id, self.customer)

    def test_a_user_names_another_contact_of_the_same_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Jane", "parent_id": self.customer.id}
        )
        license_ = self.license.with_user(self._user())
        license_.partner_id = contact
        self.assertEqual(license_.partner_id, contact)
        key = license_.license_key
        self._move(partner_id=self.customer.id)
        self.assertEqual(license_.license_key, key)  # nothing to hide from them

    def test_a_customer_of_another_company_is_refused(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.buyer.company_id = other
        with (
            self.assertRaisesRegex(UserError, "Grey Owl"),
            self.env.cr.savepoint(),  # as a call from the browser
        ):
            self._move()
        self.assertEqual(self.license.partner_id, self.customer)

    def test_bad_input_names_its_field(self):
        with self.assertRaisesRegex(UserError, "New Customer"):
            self._move(partner_id=self.customer.id)
        for archived in (
            self.env["res.partner"].create({"name": "Gone", "active": False}),
            self.env["res.partner"].create(
                {"name": "Left", "parent_id": self.buyer.id, "active": False}
            ),
        ):
            with self.assertRaisesRegex(UserError, "New Customer: .*archived"):
                self._move(partner_id=archived.id)
        self.license.action_revoke()
        with self.assertRaisesRegex(UserError, "are revoked, for good"):
            self._move()

    def test_a_license_user_may_not_even_open_what_a_manager_typed(self):
        wizard = self._open("move", self.license, partner_id=self.buyer.id)
        with self.assertRaises(AccessError):
            wizard.with_user(self._user(USER)).read(["partner_id"])

    def test_a_contact_does_not_take_licenses_along_to_another_company(self):
        contact = self.env["res.partner"].create(
            {"name": "Jane", "parent_id": self.customer.id}
        )
        self.license.partner_id = contact
        user = self._user(f"{USER},base.group_partner_manager")
        for vals in (
            {"parent_id": self.buyer.id},
            {"parent_id": False},
            {"is_company": True},
        ):
            with (
                self.assertRaisesRegex(AccessError, "license manager"),
                self.env.cr.savepoint(),
            ):
                contact.with_user(user).write(vals)
        self.assertEqual(self.license.commercial_partner_id, self.customer)
        contact.with_user(self._user(f"{MANAGER},base.group_partner_manager")).write(
            {"parent_id": self.buyer.id}
        )
        self.assertEqual(self.license.commercial_partner_id, self.buyer)

    def test_a_person_takes_licenses_along_to_a_company_of_the_own_only(self):
        person, other = self.env["res.partner"].create(
            [{"name": "Jane", "company_name": "Jane's"}, {"name": "Joe"}]
        )
        self.license.partner_id = person
        self._create_license(self.policy, partner_id=other.id)
        user = self._user(f"{USER},base.group_partner_manager")
        person.with_user(user).create_company()
        self.assertEqual(self.license.commercial_partner_id, person.parent_id)
        with self.assertRaisesRegex(AccessError, "license manager"):
            other.with_user(user).parent_id = person.parent_id
