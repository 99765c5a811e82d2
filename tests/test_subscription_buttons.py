from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import LicenseCommon


@tagged("post_install", "-at_install")
class TestSubscriptionButtons(LicenseCommon):
    """From the forms of OCA's modules to the licenses, and back."""

    def _get_button(self, model, user=None):
        Model = self.env[model].with_user(user or self.env.user)
        arch = etree.fromstring(Model.get_view(view_type="form")["arch"])
        action = self.env.ref("software_license.action_view_subscription_licenses")
        buttons = arch.xpath(f"//div[@name='button_box']/button[@name='{action.id}']")
        return action if buttons else None

    def test_the_forms_of_subscriptions_and_contracts_lead_to_their_licenses(self):
        license_, _other = self._create_license(), self._create_license()
        subscription = self.env["sale.subscription"].create(
            {
                "partner_id": license_.partner_id.id,
                "template_id": self.env["sale.subscription.template"]
                .create({"name": "Monthly"})
                .id,
                "pricelist_id": self.env["product.pricelist"]
                .create({"name": "Public"})
                .id,
            }
        )
        license_.sudo().subscription_ref = subscription
        for model in ("sale.subscription", "contract.contract"):
            self.assertTrue(self._get_button(model), model)
        action = self._get_button("sale.subscription")
        opened = action.with_context(
            active_model="sale.subscription", active_ids=subscription.ids
        ).run()
        found = self.env["software.license"].search(opened["domain"])
        self.assertEqual(found, license_)

    def test_who_may_not_see_licenses_sees_no_button(self):
        user = new_test_user(self.env, "plain", "base.group_user")
        self.env["ir.model.access"].create(
            {
                "name": "contracts: plain users",
                "model_id": self.env["ir.model"]._get_id("contract.contract"),
                "group_id": self.env.ref("base.group_user").id,
                "perm_read": True,
            }
        )
        self.assertFalse(self._get_button("contract.contract", user))

    def test_no_other_form_has_the_button(self):
        for model in ("res.partner", "sale.order", "software.license.policy"):
            self.assertFalse(self._get_button(model), model)

    def test_whoever_may_not_open_the_subscription_is_not_led_there(self):
        license_ = self._create_license()
        vals = {
            "partner_id": license_.partner_id.id,
            "template_id": self.env["sale.subscription.template"]
            .create({"name": "Monthly"})
            .id,
            "pricelist_id": self.env["product.pricelist"].create({"name": "Public"}).id,
        }
        subscription = self.env["sale.subscription"].create(vals)
        self.assertFalse(license_.can_view_subscription)
        license_.sudo().subscription_ref = subscription
        self.assertTrue(license_.can_view_subscription)
        action = license_.action_view_subscription()
        self.assertEqual(action["res_id"], subscription.id)
        user = new_test_user(self.env, "reader", "account.group_account_readonly")
        readers = license_.with_user(user)
        self.assertEqual(
            readers.can_view_subscription,
            subscription.with_user(user).has_access("read"),
        )
        self.env["ir.model.access"].search(
            [("model_id.model", "=", "sale.subscription")]
        ).active = False
        self.env.invalidate_all()
        self.assertFalse(readers.can_view_subscription)
        with self.assertRaises(AccessError):
            readers.action_view_subscription()
