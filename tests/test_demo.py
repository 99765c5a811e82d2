from odoo.tests import TransactionCase, tagged
from odoo.tools import convert_file

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

DEMO = "demo/software_license_demo.xml"


@tagged("post_install", "-at_install")
class TestDemo(AccountTestInvoicingCommon):
    """The story of the demo data, told in a company with a chart of accounts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env(su=True)
        convert_file(env, "software_license", DEMO, {}, "init", noupdate=True)
        cls.licenses = cls.env["software.license"].search(
            [("company_id", "=", cls.env.company.id)]
        )

    def _of(self, name):
        return self.licenses.filtered(lambda it: it.partner_id.name == name)

    def test_the_demo_data_show_every_status_of_a_dozen_customers(self):
        self.assertEqual(
            set(self.licenses.mapped("status")),
            {"active", "expired", "suspended", "revoked"},
        )
        self.assertGreaterEqual(len(self.licenses.partner_id), 11)

    def test_demo_licenses_follow_from_their_invoices(self):
        self.assertEqual(len(self._of("Blue Heron Studio").term_ids.move_id), 2)
        self.assertTrue(self._of("Old Mill Bakery").is_payment_reversed)
        self.assertEqual(len(self._of("Kestrel Engineering")), 3)
        self.assertTrue(self._of("Juniper Law").is_over_limit)
        self.assertTrue(self._of("Moss & Fern Design").trial_ends_at)
        self.assertFalse(self._of("Tidewater Press"))


@tagged("post_install", "-at_install")
class TestDemoWithoutAccounting(TransactionCase):
    def test_the_demo_data_install_in_a_company_without_a_chart_of_accounts(self):
        company = self.env["res.company"].create({"name": "Not set up yet"})
        env = self.env(context={"allowed_company_ids": company.ids})
        convert_file(env, "software_license", DEMO, {}, "init", noupdate=True)
        self.assertTrue(env.ref("software_license.policy_server").license_count == 0)
