from lxml import html

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import LicenseBillingCommon

REPORT = "account.report_invoice_with_payments"
#: Whether an account prints an invoice of its company, and so the keys on it.
PRINTERS = {
    "base.group_user": False,
    "base.group_portal": False,
    "base.group_public": False,
    "software_license.group_license_user": False,
    "account.group_account_invoice": True,
    "account.group_account_readonly": True,
}


@tagged("post_install", "-at_install")
class TestInvoiceDocument(LicenseBillingCommon):
    """License keys on the PDF of an invoice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.license_print_on_invoices = True

    def _print(self, invoice, user=None):
        """Return what the document says, as text."""
        self.env.flush_all()
        self.env.invalidate_all()  # or Odoo asks for no rights of what it read before
        reports = self.env["ir.actions.report"].with_user(user or self.env.user)
        content = reports._render_qweb_html(REPORT, invoice.ids)[0]
        return " ".join(html.document_fromstring(content).text_content().split())

    def _get_keys(self, invoice):
        return [row["key"] for row in invoice._get_printed_licenses()]

    def test_a_paid_invoice_shows_product_key_devices_and_end(self):
        invoice = self._sell(quantity=3, date="2099-01-01")
        key = invoice.license_ids.license_key
        self.assertIn(f"Editor {key} 6 12/31/2099", self._print(invoice))

    def test_it_shows_none_unless_the_company_wants_it(self):
        self.env.company.license_print_on_invoices = False
        invoice = self._sell()
        page = self._print(invoice)
        self.assertNotIn(invoice.license_ids.license_key, page)
        self.assertNotIn("License Key", page)
        self.assertFalse(self.env["res.company"].new().license_print_on_invoices)

    def test_an_unpaid_one_says_that_the_licenses_follow(self):
        invoice = self._create_license_invoice()
        self.assertNotIn("as soon as this invoice is paid", self._print(invoice))
        invoice.action_post()
        page = self._print(invoice)
        self.assertIn("issued or extended as soon as this invoice is paid", page)
        self.assertNotIn("License Key", page)

    def test_an_invoice_without_licensed_products_says_nothing(self):
        product = self._create_licensed_product(license_policy_id=False)
        invoice = self._create_license_invoice(product)
        invoice.action_post()
        self.assertNotIn("icense", self._print(invoice))

    def test_what_is_unpaid_again_or_refunded_is_not_shown(self):
        invoice = self._sell()
        self._unpay(invoice)
        self.assertEqual(self._get_keys(invoice), [])
        self._pay(invoice)
        self.assertEqual(self._get_keys(invoice), [invoice.license_ids.license_key])
        refund = self._refund(invoice)
        for move in (invoice, refund):
            self.assertEqual(self._get_keys(move), [])
            self.assertFalse(move._is_awaited_by_licenses())
            self.assertNotIn("icense", self._print(move))

    def test_a_renewal_shows_the_period_that_it_paid(self):
        first = self._sell(date="2098-01-01")
        second = self._create_license_invoice(date="2099-01-01")
        source = first.license_ids.billing_identity.partition("|")[0]
        second.invoice_line_ids.license_source_ref = source
        second.action_post()
        self._pay(second)
        self.assertEqual(first.license_ids, second.license_ids)
        ends = [move._get_printed_licenses()[0]["until"] for move in first + second]
        self.assertEqual([str(end) for end in ends], ["2098-12-31", "2099-12-31"])

    def test_a_key_that_is_revoked_or_somebody_elses_by_now_is_not_shown(self):
        revoked, moved = self._sell(), self._sell()
        revoked.license_ids.action_revoke()
        other = self.env["res.partner"].create({"name": "Other"})
        moved.license_ids.partner_id = other
        self.assertEqual(self._get_keys(revoked) + self._get_keys(moved), [])

    def test_a_license_of_the_orders_own_customer_is_shown_to_who_pays(self):
        order = self._order()
        order.partner_invoice_id = self.env["res.partner"].create({"name": "Payer"})
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.partner_id, self.customer)
        self.assertEqual(self._get_keys(invoice), [invoice.license_ids.license_key])

    def test_it_is_in_the_customers_language(self):
        self._translate("report_invoice_document", **{"License Key": "Clé de licence"})
        self.product.with_context(lang="fr_FR").name = "Éditeur"
        self.customer.lang = "fr_FR"
        page = self._print(self._sell(date="2099-01-01"))
        self.assertIn("Clé de licence", page)
        self.assertRegex(page, r"Éditeur \S+ 2 31/12/2099")

    def test_each_account_prints_what_the_table_says(self):
        invoice = self._sell()
        key = invoice.license_ids.license_key
        for group, is_allowed in PRINTERS.items():
            user = self._create_user(group, self.env.company)
            with self.subTest(group):
                if is_allowed:
                    self.assertIn(key, self._print(invoice, user))
                else:
                    with self.assertRaises(AccessError):
                        self._print(invoice, user)

    def test_the_companies_do_not_print_each_others(self):
        other = self.env["res.company"].create({"name": "Other"})
        user = self._create_user("account.group_account_invoice", other)
        with self.assertRaises(AccessError):
            self._print(self._sell(), user)

    def _create_user(self, group, company):
        ids = {"company_id": company.id, "company_ids": company.ids}
        return new_test_user(self.env, f"test {group}", group, **ids)

    def test_many_licenses_cost_no_more_queries_than_few(self):
        self.policy.quantity_rule = "licenses"
        counts = [self._count_queries(quantity) for quantity in (2, 2, 20)]
        self.assertEqual(counts[1], counts[2])

    def _count_queries(self, quantity):
        """Return how many queries it takes to say which licenses were paid."""
        invoice = self._create_license_invoice(quantity=quantity)
        invoice.invoice_line_ids = [
            Command.create(
                {"product_id": self.product.id, "quantity": quantity, "tax_ids": False}
            )
        ]
        invoice.action_post()
        self._pay(invoice)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.assertEqual(len(invoice._get_printed_licenses()), 2 * quantity)
        return self.env.cr.sql_log_count - before
