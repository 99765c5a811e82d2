from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .common import LicenseBillingCommon
from .portal_common import PortalForms


@tagged("post_install", "-at_install")
class TestPortalBilling(PortalForms, LicenseBillingCommon, HttpCase):
    """What a customer sees of the money: only documents of the own company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        contact = cls.env["res.partner"].create(
            {"name": "Ana", "parent_id": cls.customer.id}
        )
        new_test_user(
            cls.env,
            cls.LOGIN,
            "base.group_portal",
            partner_id=contact.id,
            company_id=cls.env.company.id,
            company_ids=cls.env.company.ids,
        )
        today = fields.Date.today()
        cls.invoice = cls._sell(date=today)
        cls.license = cls.invoice.license_ids

    def _link(self, invoice):
        return f"/my/invoices/{invoice.id}"

    def test_the_invoices_that_paid_are_linked_with_what_they_paid(self):
        page = self._open().text
        self.assertIn(self._link(self.invoice), page)
        self.assertIn(self.invoice.name, page)
        self.assertIn(self.license.term_ids._describe_period(), page)
        self.assertIn(">Paid<", page)
        self.assertEqual(self._open(self._link(self.invoice)).status_code, 200)

    def test_a_refunded_invoice_is_marked_and_there_is_nothing_to_pay(self):
        self._refund(self.invoice)
        page = self._open().text
        self.assertIn(">Refunded<", page)
        self.assertIn("taken back or refunded", page)
        self.assertNotIn("o_license_pay", page)

    def test_a_payment_taken_back_can_be_made_again_from_here(self):
        self._unpay(self.invoice)
        page = self._open().text
        self.assertIn("Pay the invoice, and the software runs again", page)
        self.assertIn("o_license_pay", page)
        self.assertIn(">Not paid<", page)
        page = self._open(self._link(self.invoice))
        self.assertTrue(page.url.endswith(self._link(self.invoice)))
        self._pay(self.invoice)
        self.assertNotIn("o_license_pay", self._open().text)

    def test_an_open_invoice_that_extends_the_license_can_be_paid_from_here(self):
        order = self._order(license_id=self.license.id)
        renewal = order._create_invoices()
        renewal.action_post()
        page = self._open().text
        self.assertIn(self._link(renewal), page)
        self.assertIn("o_license_pay", page)

    def test_the_order_is_linked_for_who_may_see_it(self):
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        page = self._open("", invoice.license_ids).text
        self.assertIn(order.access_url, page)
        self.assertIn(order.name, page)

    def test_a_moved_license_tells_its_new_customer_nothing_of_the_old_ones(self):
        order = self._order(self.product)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        license_ = invoice.license_ids
        buyer = self.env["res.partner"].create({"name": "Buyer", "is_company": True})
        license_.partner_id = buyer
        new_test_user(
            self.env,
            "buyer",
            "base.group_portal",
            partner_id=buyer.id,
            company_id=self.env.company.id,
            company_ids=self.env.company.ids,
        )
        self._unpay(invoice)
        self.authenticate("buyer", "buyer")
        page = self.url_open(f"/my/licenses/{license_.id}").text
        self.assertIn(license_.license_key, page)
        for secret in (invoice.name, order.name, self._link(invoice), "290"):
            self.assertNotIn(secret, page)
        self.assertNotIn("Pay the invoice", page)
