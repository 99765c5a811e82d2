from odoo.tests import Form, tagged

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestViews(LicenseBillingCommon):
    def test_a_license_is_issued_by_hand_from_its_form(self):
        with Form(self.env["software.license"]) as form:
            form.partner_id = self.customer
            form.product_id = self.product
            self.assertEqual(form.policy_id, self.policy)
            self.assertTrue(form.expires_at)
        license_ = form.record
        self.assertEqual(license_.status, "active")
        self.assertEqual(len(license_.term_ids), 1)

    def test_a_policy_is_written_in_its_form(self):
        with Form(self.env["software.license.policy"]) as form:
            form.name = "Server"
            form.application = "acme-server"
            form.features_text = '{"api": true}'
        self.assertEqual(form.record.features, {"api": True})

    def test_the_policy_is_chosen_on_the_product(self):
        with Form(self.product.product_tmpl_id) as form:
            form.license_policy_id = self.env.ref("software_license.policy_default")
        self.assertEqual(
            self.product.license_policy_id,
            self.env.ref("software_license.policy_default"),
        )

    def test_smart_buttons_count_and_open_the_licenses(self):
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id}
        )
        self._create_license(self.policy, partner_id=contact.id)
        invoice = self._sell()
        self.assertEqual(invoice.license_count, 1)
        self.assertEqual(self.customer.license_count, 2)
        self.assertEqual(contact.license_count, 1)
        self.assertEqual(self.policy.license_count, 2)
        Licenses = self.env["software.license"]
        template = self.product.product_tmpl_id
        self.assertEqual(template.license_count, 1)
        for record, count in (
            (invoice, 1),
            (self.customer, 2),
            (self.policy, 2),
            (template, 1),
        ):
            action = record.action_view_licenses()
            with self.subTest(record._name):
                self.assertEqual(Licenses.search_count(action["domain"]), count)
