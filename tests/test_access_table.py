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
    ("account.move", "action_view_licenses"): ("accountant", "salesperson"),
    ("product.product", "action_view_licenses"): READERS,
    ("product.template", "action_issue_past"): MANAGERS,
    ("product.template", "action_view_licenses"): READERS,
    ("res.partner", "action_view_licenses"): READERS,
    ("sale.order", "action_issue_licenses"): ("salesperson",),
    ("sale.order", "action_view_licenses"): ("accountant", "salesperson"),
    ("software.license", "action_reinstate"): USERS,
    ("software.license", "action_renew"): ("salesperson",),
    ("software.license", "action_revoke"): MANAGERS,
    ("software.license", "action_send_key"): USERS,
    ("software.license", "action_suspend"): USERS,
    ("software.license", "action_view_devices"): READERS,
    ("software.license", "action_view_invoices"): ("accountant", "salesperson"),
    ("software.license", "action_view_messages"): READERS,
    ("software.license", "action_view_order"): ("accountant", "salesperson"),
    # No subscription here: the server says so to whom it lets in.
    ("software.license", "action_view_subscription"): READERS,
    ("software.license.activation", "action_block"): USERS,
    ("software.license.activation", "action_free"): USERS,
    ("software.license.activation", "action_unblock"): USERS,
    ("software.license.event.delivery", "action_try_again"): MANAGERS,
    ("software.license.message", "action_try_again"): USERS,
    ("software.license.past", "action_refresh"): MANAGERS,
    ("software.license.past", "action_start"): MANAGERS,
    ("software.license.past", "action_stop"): MANAGERS,
    ("software.license.policy", "action_view_licenses"): READERS,
    ("software.license.signing.key", "action_withdraw"): MANAGERS,
}
#: Who may open which window; of wizards, who may use it.
WINDOWS = {
    "res_config_settings_action": (),  # Odoo's settings are an administrator's
    "software_license_action": READERS,
    "software_license_activation_action": READERS,
    "software_license_event_action": READERS,
    "software_license_event_delivery_action": MANAGERS,
    "software_license_extend_action": USERS,
    "software_license_file_action": USERS,
    "software_license_issue_action": USERS,
    "software_license_issue_partner_action": USERS,
    "software_license_message_action": READERS,
    "software_license_move_action": MANAGERS,
    "software_license_past_action": MANAGERS,
    "software_license_policy_action": READERS,
    "software_license_product_action": ("internal", *READERS),  # Odoo's products
    "software_license_replace_key_action": USERS,
    "software_license_report_action": READERS,
    "software_license_signing_key_action": MANAGERS,
    "software_license_signing_key_add_action": MANAGERS,
    "software_license_trial_action": USERS,
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
        order, invoice = cls._create_documents(env, partner, product)
        license_.sale_line_id = order.order_line
        records += [product, order, invoice]
        records += cls._create_news(env, license_)
        records.append(env["software.license.past"].create({}))
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

    def _get_views(self):
        """Return our views, those that are inside others' too."""
        views = self.env["ir.model.data"].search(
            [("module", "=", "software_license"), ("model", "=", "ir.ui.view")]
        )
        views = self.env["ir.ui.view"].browse(views.mapped("res_id"))
        return views.filtered("model")

    def _get_buttons(self):
        """Return {(model, name)} of the buttons of our views."""
        return {
            button
            for view in self._get_views()
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

    def test_the_screen_offers_no_button_that_the_server_refuses(self):
        for view in self._get_views().filtered(lambda it: it.type in ("form", "list")):
            for account, user in self.users.items():
                for button in self._get_offered(view, user) & set(BUTTONS):
                    with self.subTest(view=view.name, button=button):
                        self.assertIn(account, BUTTONS[button])

    def _get_offered(self, view, user):
        """Return {(model, name)} of the buttons that a user gets to see in a view."""
        model = self.env[view.model].with_user(user)
        if not model.has_access("read"):
            return set()
        arch = model.get_view((view.inherit_id or view).id, view.type)["arch"]
        return set(self._get_buttons_of(view.model, arch))

    def test_each_account_opens_the_windows_of_the_table(self):
        windows = self.env["ir.model.data"].search(
            [
                ("module", "=", "software_license"),
                ("model", "=", "ir.actions.act_window"),
            ]
        )
        self.assertEqual(set(windows.mapped("name")), set(WINDOWS))
        for name, allowed in WINDOWS.items():
            model = self.env[self.env.ref(f"software_license.{name}").res_model]
            operation = "create" if model._transient else "read"
            with self.subTest(window=name):
                self.assertEqual(
                    tuple(
                        account
                        for account, user in self.users.items()
                        # The web client lets in nobody else.
                        if user._is_internal()
                        and model.with_user(user).has_access(operation)
                    ),
                    allowed,
                )

    def test_who_reads_licenses_gets_the_dashboard_and_prints_the_certificate(self):
        license_ = self.own["software.license"]
        report = self.env.ref("software_license.action_report_certificate")
        for account, user in self.users.items():
            env = self.env(user=user, su=False)
            with self.subTest(account=account):
                self.assertEqual(
                    self._may(env["software.license"].get_dashboard),
                    account in READERS,
                )
                # A portal user prints what is its own: see test_access_routes.
                self.assertEqual(
                    self._may(
                        report.with_env(env).sudo(False)._render_qweb_html,
                        report.report_name,
                        license_.ids,
                    ),
                    account in READERS,
                )
