from lxml import etree

from odoo.tests import new_test_user, tagged

from .common import LicenseBillingCommon, LicenseCommon

SALES = "sales_team.group_sale_salesman"
ALL_SALES = "sales_team.group_sale_salesman_all_leads"
ACCOUNTANT = "account.group_account_readonly"
BILLING = "account.group_account_invoice"
LICENSE_USER = "software_license.group_license_user"
#: Who finds the way from where to the licenses.
WAYS = {
    "res.partner": {SALES, ACCOUNTANT, BILLING, LICENSE_USER},
    "product.template": {SALES, LICENSE_USER},
    "product.product": {SALES, LICENSE_USER},
    "sale.order": {SALES, LICENSE_USER},
    "account.move": {SALES, ACCOUNTANT, BILLING, LICENSE_USER},
    "software.license.policy": {SALES, ACCOUNTANT, BILLING, LICENSE_USER},
}
#: Who is led from a license to what.
WAYS_BACK = {
    "action_view_devices": {SALES, ACCOUNTANT, BILLING, LICENSE_USER},
    "action_view_order": {SALES},
    "action_view_subscription": {SALES, ACCOUNTANT, BILLING, LICENSE_USER},
    "action_view_invoices": {SALES, ACCOUNTANT, BILLING},
    "action_view_messages": {SALES, ACCOUNTANT, BILLING, LICENSE_USER},
}


class ButtonCommon:
    def _get_buttons(self, model, user):
        Model = self.env[model].with_user(user)
        arch = etree.fromstring(Model.get_view(view_type="form")["arch"])
        return arch.xpath("//div[@name='button_box']//button/@name")

    def _search(self, action):
        return self.env[action["res_model"]].search(action["domain"])


@tagged("post_install", "-at_install")
class TestWhoSeesButtons(ButtonCommon, LicenseCommon):
    def test_every_form_leads_the_right_people_to_the_licenses(self):
        for group in (SALES, ACCOUNTANT, BILLING, LICENSE_USER):
            user = new_test_user(self.env, group, group)
            for model, groups in WAYS.items():
                if not self.env[model].with_user(user).has_access("read"):
                    continue
                with self.subTest(group=group, model=model):
                    self.assertEqual(
                        "action_view_licenses" in self._get_buttons(model, user),
                        group in groups,
                    )

    def test_the_license_leads_the_right_people_back(self):
        for group in (SALES, ACCOUNTANT, BILLING, LICENSE_USER):
            user = new_test_user(self.env, group, group)
            buttons = self._get_buttons("software.license", user)
            with self.subTest(group):
                for name, groups in WAYS_BACK.items():
                    self.assertEqual(name in buttons, group in groups, name)

    def test_the_devices_button_counts_what_it_opens_freed_ones_too(self):
        license_ = self._create_license()
        for device in ("laptop", "desktop"):
            self._activate(license_, device)
        license_.activation_ids[0].action_free()
        action = license_.action_view_devices()
        devices = self.env["software.license.activation"]
        found = devices.with_context(**action["context"]).search(action["domain"])
        self.assertEqual((license_.device_count, len(found)), (2, 2))

    def test_every_empty_view_says_what_to_do_next(self):
        actions = self.env["ir.actions.act_window"].search(
            [("res_model", "=like", "software.license%")]
        )
        names = dict(actions._get_external_ids())
        ours = actions.filtered(
            lambda it: (
                any(name.startswith("software_license.") for name in names[it.id])
                and it.target != "new"
            )
        )
        self.assertIn(self.env.ref("software_license.software_license_action"), ours)
        for action in ours:
            help_ = etree.HTML(action.help or "<p/>")
            title = help_.xpath("//p[@class='o_view_nocontent_smiling_face']")
            with self.subTest(action.name):
                self.assertTrue(title and title[0].text)
                self.assertTrue(help_.xpath("//p[not(@class)]"), "what to do next")

    def test_every_window_of_ours_opens(self):
        user = new_test_user(
            self.env, "manager", "software_license.group_license_manager"
        )
        for name in (
            "software_license_action",
            "software_license_report_action",
            "software_license_activation_action",
            "software_license_message_action",
        ):
            action = self.env.ref(f"software_license.{name}")
            Model = self.env[action.res_model].with_user(user)
            for mode in action.view_mode.split(","):
                with self.subTest(name, mode=mode):
                    self.assertTrue(Model.get_view(view_type=mode)["arch"])


@tagged("post_install", "-at_install")
class TestWhereButtonsLead(ButtonCommon, LicenseBillingCommon):
    def test_there_and_back_again(self):
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        license_ = invoice.license_ids
        self._create_license(self.policy)  # of somebody else
        for record in (
            self.customer,
            self.product,
            self.product.product_tmpl_id,
            order,
            invoice,
        ):
            with self.subTest(record._name):
                self.assertEqual(record.license_count, 1)
                found = self._search(record.action_view_licenses())
                self.assertEqual(found, license_)
        self.assertEqual(license_.invoice_count, 1)
        self.assertEqual(self._search(license_.action_view_invoices()), invoice)
        back = license_.action_view_order()
        self.assertEqual((back["res_model"], back["res_id"]), ("sale.order", order.id))
        self.assertEqual(license_.partner_id, self.customer)
        self.assertEqual(license_.product_id, self.product)

    def test_a_variant_leads_to_its_own_licenses(self):
        other = self._create_licensed_product(self.policy)
        licenses = self._sell().license_ids | self._sell(product=other).license_ids
        self.env.invalidate_all()
        self.assertEqual(other.license_count, 1)
        self.assertEqual(
            self._search(other.action_view_licenses()),
            licenses.filtered(lambda it: it.product_id == other),
        )

    def test_the_messages_button_counts_what_the_customer_was_told(self):
        self.customer.email = "studio@example.com"
        license_ = self._sell().license_ids
        before = license_.message_count
        license_.action_send_key()
        self.env.invalidate_all()
        self.assertEqual(license_.message_count, before + 1)
        found = self._search(license_.action_view_messages())
        self.assertEqual(len(found), before + 1)
