from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..models.software_license import DERIVED_FIELDS, FIXED_FIELDS
from .common import LicenseCommon

MODELS = (
    "software.license.policy",
    "software.license",
    "software.license.activation",
    "software.license.term",
    "software.license.message",
    "software.license.event",
    "software.license.event.delivery",
)
#: Per group, what it may do with each of MODELS: read, write, create, unlink.
RIGHTS = {
    "base.group_user": ("", "", "", "", "", "", ""),
    "base.group_public": ("", "", "", "", "", "", ""),
    "base.group_portal": ("", "r", "r", "r", "", "", ""),
    "account.group_account_invoice": ("r", "r", "r", "r", "r", "r", ""),
    "account.group_account_readonly": ("r", "r", "r", "r", "r", "r", ""),
    "sales_team.group_sale_salesman": ("r", "rwc", "rwc", "r", "r", "r", ""),
    "software_license.group_license_user": ("r", "rwc", "rwc", "r", "r", "r", ""),
    "software_license.group_license_manager": (
        "rwcu",
        "rwcu",
        "rwcu",
        "r",
        "r",
        "r",
        "r",
    ),
}
OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}


@tagged("post_install", "-at_install")
class TestSecurity(LicenseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.license = cls._create_license()

    def _user(self, group, **kwargs):
        return new_test_user(self.env, f"test {group}", group, **kwargs)

    def _create_event(self, license_):
        """Return an event of a license, on its way to some address."""
        action = self.env["ir.actions.server"].create(
            {
                "name": "Webhook",
                "model_id": self.env["ir.model"]._get_id("software.license.event"),
                "state": "webhook",
            }
        )
        delivery = Command.create({"action_id": action.id})
        vals = {"type": "license.issued", "license_id": license_.id}
        events = self.env["software.license.event"].sudo()
        return events.create({**vals, "delivery_ids": [delivery]})

    def test_each_group_may_do_what_the_table_says(self):
        for group, rights in RIGHTS.items():
            user = self._user(group)
            for model, allowed in zip(MODELS, rights, strict=True):
                for letter, operation in OPERATIONS.items():
                    with self.subTest(group=group, model=model, operation=operation):
                        self.assertEqual(
                            self.env[model].with_user(user).has_access(operation),
                            letter in allowed,
                        )

    def test_only_a_manager_revokes_and_archives(self):
        user = self._user("software_license.group_license_user")
        license_ = self.license.with_user(user)
        license_.action_suspend()
        license_.action_reinstate()
        for vals in ({"state": "revoked"}, {"active": False}):
            with self.subTest(vals), self.assertRaises(AccessError):
                license_.write(vals)
        with self.assertRaises(AccessError):
            license_.action_revoke()
        manager = self._user("software_license.group_license_manager")
        self.license.with_user(manager).action_revoke()
        self.assertEqual(self.license.state, "revoked")

    def test_a_user_issues_a_license_by_hand_and_sets_its_end(self):
        user = self._user("software_license.group_license_user")
        license_ = (
            self.env["software.license"]
            .with_user(user)
            .create(
                {
                    "partner_id": self.license.partner_id.id,
                    "policy_id": self.license.policy_id.id,
                }
            )
        )
        license_.expires_at = "2030-01-01"
        self.assertEqual(len(license_.term_ids), 2)

    def test_a_customer_sees_the_licenses_of_its_own_company_only(self):
        company = self.env["res.partner"].create({"name": "Own", "is_company": True})
        user = self._user("base.group_portal")
        user.partner_id.parent_id = company
        own = self._create_license(partner_id=company.id)
        own |= self._create_license(partner_id=user.partner_id.id)
        for license_ in own | self.license:
            license_.activation_ids = [Command.create({"device_id": "laptop"})]
        Licenses = self.env["software.license"].with_user(user)
        self.assertEqual(Licenses.search([]), own.with_user(user).sorted("id", True))
        for name in ("software.license.activation", "software.license.term"):
            with self.subTest(name):
                seen = self.env[name].with_user(user).search([])
                self.assertEqual(
                    seen.license_id.sorted("id"), own.with_user(user).sorted("id")
                )
        with self.assertRaises(AccessError):
            self.license.with_user(user).read(["license_key"])

    def test_the_companies_do_not_see_each_others_licenses(self):
        other = self.env["res.company"].create({"name": "Other"})
        hidden = self._create_license(company_id=other.id)
        hidden.activation_ids = [Command.create({"device_id": "laptop"})]
        user = self._user("software_license.group_license_manager")
        event = self._create_event(hidden)
        own = (hidden, hidden.activation_ids, hidden.term_ids, event)
        for record in (*own, event.delivery_ids):
            with self.subTest(record._name):
                with self.assertRaises(AccessError):
                    record.with_user(user).check_access("read")
        user.company_ids |= other
        hidden.with_user(user).with_context(
            allowed_company_ids=user.company_ids.ids
        ).check_access("read")

    def test_a_shared_policy_is_seen_by_all_and_an_own_one_is_not(self):
        other = self.env["res.company"].create({"name": "Other"})
        shared, own = self._create_policy(), self._create_policy(company_id=other.id)
        user = self._user("software_license.group_license_user")
        shared.with_user(user).check_access("read")
        with self.assertRaises(AccessError):
            own.with_user(user).check_access("read")

    def test_nobody_sets_by_hand_what_the_ledger_says(self):
        user = self._user("software_license.group_license_manager")
        license_ = self.license.with_user(user)
        other = self.env["res.partner"].create({"name": "Other"})
        changed = {
            "license_key": "OTHER-KEY-0000",
            "license_key_normalized": "OTHER-KEY-0000",
            "company_id": self.env["res.company"].create({"name": "Other"}).id,
            "commercial_partner_id": other.id,
            "application": "other",
            "plan": "other",
            "is_payment_reversed": True,
            "trial_ends_at": "2030-01-01",
            "quantity": 1000,
            "quantity_from": "2026-01-01",
            "quantity_until": "2030-01-01",
            "subscription_ref": "sale.order,1",
            "sale_line_id": 1,
            "billing_identity": "other",
            "billing_unit": 7,
        }
        self.assertEqual(changed.keys(), DERIVED_FIELDS | FIXED_FIELDS)
        new = {"partner_id": other.id, "policy_id": self.license.policy_id.id}
        changed["subscription_ref"] = False  # no subscription module may be there
        self.license.billing_identity = "sale.order.line,1|acme-editor"
        for name, value in changed.items():
            if name != "subscription_ref":
                with self.subTest(name), self.assertRaises(AccessError):
                    license_.write({name: value})
            if name in DERIVED_FIELDS and value:
                with self.subTest(f"create {name}"), self.assertRaises(AccessError):
                    license_.create({**new, name: value})
        with self.assertRaises(AccessError):
            license_.policy_id = self._create_policy()  # it was billed
        with self.assertRaises(AccessError):
            license_.term_ids.write({"quantity": 1000})

    def test_writing_what_is_there_already_is_no_change(self):
        user = self._user("software_license.group_license_user")
        license_ = self.license.with_user(user)
        license_.write(
            {
                "license_key": license_.license_key,
                "active": True,
                "company_id": license_.company_id.id,
                "partner_id": license_.partner_id.id,
            }
        )

    def test_whoever_opens_a_bill_or_a_customer_needs_no_licensing_right(self):
        user = self._user("base.group_user,base.group_partner_manager")
        customer_fields = self.license.partner_id.with_user(user).fields_get()
        self.assertNotIn("license_count", customer_fields)
        move = self.env["account.move"].create({"move_type": "out_invoice"})
        self.assertEqual(move.with_user(user).license_count, 0)

    def test_every_reader_can_search_by_status(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.license.sudo().policy_id.company_id = other
        for group in ("base.group_portal", "account.group_account_invoice"):
            user = self._user(group)
            with self.subTest(group):
                Licenses = self.env["software.license"].with_user(user)
                found = Licenses.search([("status", "=", "active")])
                self.assertEqual(self.license in found, group != "base.group_portal")

    def test_the_fields_behind_the_lock_are_nobodys(self):
        manager = self._user("software_license.group_license_manager")
        fields_ = self.env["software.license"].with_user(manager).fields_get()
        for name in ("seat_version", "self_deactivation_count"):
            self.assertNotIn(name, fields_)
