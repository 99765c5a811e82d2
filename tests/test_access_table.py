from contextlib import contextmanager

from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import new_test_user, tagged

from .common import LicenseBillingCommon

ACCOUNTS = {
    "anonymous": "base.group_public",
    "portal": "base.group_portal",
    "internal": "base.group_user",
    "accountant": "account.group_account_invoice",
    "salesperson": "sales_team.group_sale_salesman_all_leads",
    "user": "software_license.group_license_user",
    "manager": "software_license.group_license_manager",
}
READERS = ("accountant", "salesperson", "user", "manager")
USERS = ("salesperson", "user", "manager")
MANAGERS = ("manager",)
#: Who may press which button; a salesperson is a License User.
BUTTONS = {
    ("account.move", "action_issue_licenses"): ("accountant",),
    ("account.move", "action_view_licenses"): ("accountant",),
    ("product.template", "action_view_licenses"): USERS,
    ("res.partner", "action_view_licenses"): READERS,
    ("sale.order", "action_view_licenses"): ("salesperson",),
    ("software.license", "action_reinstate"): USERS,
    ("software.license", "action_renew"): ("salesperson",),
    ("software.license", "action_replace_key"): USERS,
    ("software.license", "action_revoke"): MANAGERS,
    ("software.license", "action_send_key"): USERS,
    ("software.license", "action_suspend"): USERS,
    ("software.license.activation", "action_block"): USERS,
    ("software.license.activation", "action_free"): USERS,
    ("software.license.activation", "action_unblock"): USERS,
    ("software.license.event.delivery", "action_try_again"): MANAGERS,
    ("software.license.message", "action_try_again"): USERS,
    ("software.license.policy", "action_view_licenses"): READERS,
    ("software.license.signing.key", "action_withdraw"): MANAGERS,
}
#: Buttons of forms that have tests of their own: settings, and wizards.
ELSEWHERE = {
    "ir.actions.server",
    "res.config.settings",
}


class _Undone(Exception):
    """Ends a savepoint; nothing that was tried stays."""


@tagged("post_install", "-at_install")
class TestAccessTable(LicenseBillingCommon):
    """Every kind of account, with every button and action, in two companies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            name: new_test_user(cls.env, f"test {name}", group)
            for name, group in ACCOUNTS.items()
        }
        cls.own = cls._create_records(cls.company_data)
        cls.others = cls._create_records(cls.setup_other_company())

    @classmethod
    def _create_records(cls, company_data):
        """Return {model: record} of one company."""
        company = company_data["company"]
        env = cls.env(su=True, context={"allowed_company_ids": company.ids})
        ours = {"company_id": company.id}
        policy = cls._create_policy(**ours).with_env(env)
        product = cls._create_licensed_product(policy, **ours).with_env(env)
        partner = env["res.partner"].create({"name": "Customer", **ours})
        license_ = env["software.license"].create(
            {
                "partner_id": partner.id,
                "policy_id": policy.id,
                "product_id": product.id,
                "activation_ids": [Command.create({"device_id": "laptop"})],
            }
        )
        records = [policy, product.product_tmpl_id, partner, license_]
        records.append(license_.activation_ids)
        records += cls._create_documents(env, partner, product)
        records += cls._create_news(env, license_)
        keys = env["software.license.signing.key"]
        records.append(keys.search([("company_id", "=", company.id)], limit=1))
        return {record._name: record for record in records}

    @classmethod
    def _create_documents(cls, env, partner, product):
        line = {"product_id": product.id}
        order = {"partner_id": partner.id, "order_line": [Command.create(line)]}
        invoice = {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "invoice_line_ids": [Command.create(line)],
        }
        return [env["sale.order"].create(order), env["account.move"].create(invoice)]

    @classmethod
    def _create_news(cls, env, license_):
        """Return a message to the customer, and an event on its way to a server."""
        message = env["software.license.message"].create(
            {
                "kind": "issued",
                "partner_id": license_.partner_id.id,
                "company_id": license_.company_id.id,
                "license_ids": license_.ids,
            }
        )
        action = env["ir.actions.server"].create(
            {
                "name": "Webhook",
                "model_id": env["ir.model"]._get_id("software.license.event"),
                "state": "webhook",
            }
        )
        event = env["software.license.event"].create(
            {
                "type": "license.issued",
                "license_id": license_.id,
                "delivery_ids": [Command.create({"action_id": action.id})],
            }
        )
        return [message, event.delivery_ids]

    # === WHAT IS TRIED === #

    @contextmanager
    def _undoing(self):
        with self.assertRaises(_Undone), self.env.cr.savepoint():
            yield
            raise _Undone

    def _may(self, function, *arguments):
        """Is the call let in? What it says of the data is another matter."""
        with self._undoing():
            try:
                function(*arguments)
            except (AccessError, MissingError):
                return False
            except UserError:
                return True
            return True

    def _get_buttons(self):
        """Return {(model, name)} of the buttons of our views."""
        views = self.env["ir.model.data"].search(
            [("module", "=", "software_license"), ("model", "=", "ir.ui.view")]
        )
        return {
            button
            for view in self.env["ir.ui.view"].browse(views.mapped("res_id"))
            if view.model
            for button in self._get_buttons_of(view.model, view.arch_db)
        }

    def _get_buttons_of(self, model, arch):
        for button in etree.fromstring(arch).iter("button"):
            if button.get("type") == "object":
                yield self._get_model_of(model, button), button.get("name")

    def _get_model_of(self, model, node):
        """Return the model of a node, which may be in a list within a form."""
        fields_ = [each.get("name") for each in node.iterancestors("field")]
        for name in reversed([name for name in fields_ if name]):
            model = self.env[model]._fields[name].comodel_name or model
        return model

    # === THE TABLE === #

    def test_the_table_names_every_button(self):
        buttons = {
            (model, name)
            for model, name in self._get_buttons()
            if model not in ELSEWHERE and not self.env[model]._transient
        }
        self.assertEqual(buttons, set(BUTTONS))

    def test_the_server_lets_in_whom_the_table_names_and_nobody_else(self):
        for (model, name), allowed in BUTTONS.items():
            with self.subTest(model=model, button=name):
                self.assertEqual(self._get_let_in(self.own[model], name), allowed)

    def test_nobody_presses_a_button_on_another_companys_record(self):
        for model, name in BUTTONS:
            with self.subTest(model=model, button=name):
                self.assertEqual(self._get_let_in(self.others[model], name), ())

    def _get_let_in(self, record, name):
        """Return the accounts that may press this button of the record."""
        return tuple(
            account
            for account, user in self.users.items()
            if self._may(getattr(record.with_env(self.env(user=user, su=False)), name))
        )
