from base64 import b64decode

from lxml import html

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged

from ..tools import qr_code
from .common import LicenseBuilders, LicenseCommon

REPORT = "software_license.report_certificate"
#: Whether an account prints the certificate of a license of its company's customer.
PRINTERS = {
    "base.group_user": False,
    "base.group_portal": False,
    "base.group_public": False,
    "account.group_account_invoice": True,
    "account.group_account_readonly": True,
    "sales_team.group_sale_salesman": True,
    "software_license.group_license_user": True,
    "software_license.group_license_manager": True,
}


class CertificateCommon(LicenseBuilders):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(features={"export": True, "max_users": 50})
        cls.product = cls._create_licensed_product(cls.policy)
        cls.customer = cls.env["res.partner"].create({"name": "Blue Heron Studio"})
        cls.license = cls._create_license(
            cls.policy,
            partner_id=cls.customer.id,
            product_id=cls.product.id,
            expires_at="2099-02-01",
        )

    def _print(self, licenses, user=None):
        """Return the pages as text, and the HTML that they are made of."""
        reports = self.env["ir.actions.report"].with_user(user or self.env.user)
        content = reports._render_qweb_html(REPORT, licenses.ids)[0]
        pages = html.document_fromstring(content).find_class("article")
        return [" ".join(page.text_content().split()) for page in pages], content


@tagged("post_install", "-at_install")
class TestCertificate(CertificateCommon, LicenseCommon):
    def test_it_says_who_may_use_what_on_how_many_devices_and_until_when(self):
        ((page,), _content) = self._print(self.license)
        for text in (
            "License Certificate",
            "Blue Heron Studio",
            "Editor",
            self.license.license_key,
            "Plan pro",
            "Devices 2",
            "Export",
            "Max users: 50",
            "Valid until 01/31/2099",
            f"Issued by {self.license.company_id.name}",
            "Status Active, as of",
        ):
            with self.subTest(text):
                self.assertIn(text, page)
        self.assertNotIn("Not valid", page)

    def test_many_are_printed_on_a_page_each(self):
        licenses = self.license | self._create_license(self.policy)
        pages, _content = self._print(licenses)
        self.assertEqual(len(pages), 2)
        for license_, page in zip(licenses, pages, strict=True):
            self.assertIn(license_.license_key, page)

    def test_the_qr_code_is_the_key_and_no_address_holds_it(self):
        _pages, content = self._print(self.license)
        document = html.document_fromstring(content)
        (image,) = document.xpath("//div[@name='qr']/img")
        kind, _comma, data = image.get("src").partition(",")
        self.assertEqual(kind, "data:image/svg+xml;base64")
        expected = qr_code.to_svg(self.license.license_key)
        self.assertEqual(b64decode(data).decode(), expected)
        self.assertNotEqual(expected, qr_code.to_svg("another key"))
        for address in document.xpath("//@src | //@href"):
            self.assertNotIn(self.license.license_key, address)

    def test_what_does_not_hold_says_so_and_has_no_code_to_scan(self):
        for status, stop in (
            ("Expired", lambda: self._age(self.license, days=1)),
            ("Suspended", self.license.action_suspend),
            ("Revoked", self.license.action_revoke),
        ):
            stop()
            (page,), content = self._print(self.license)
            with self.subTest(status):
                self.assertIn(f"Not valid: {status}", page)
                self.assertNotIn('name="qr"', str(content))

    def test_an_archived_license_does_not_hold(self):
        self.license.active = False
        (page,), content = self._print(self.license)
        self.assertIn("Not valid: Archived", page)
        self.assertNotIn('name="qr"', str(content))

    def test_it_is_in_the_customers_language(self):
        self._translate(
            "report_certificate_document", **{"License Key": "Clé de licence"}
        )
        self.product.with_context(lang="fr_FR").name = "Éditeur"
        self.customer.lang = "fr_FR"
        other = self._create_license(self.policy)
        french, english = self._print(self.license | other)[0]
        for text in ("Clé de licence", "Éditeur", "31/01/2099"):
            self.assertIn(text, french)
        self.assertIn("License Key", english)

    def test_the_file_is_named_after_product_and_customer_and_not_after_the_key(self):
        self.customer.name = "../Heron & Söhne: C/O <b>"
        name = self.license._get_report_base_filename()
        self.assertEqual(name, "License Editor - .. Heron Söhne C O b")
        self.customer.name = "Heron " * 100
        self.assertLessEqual(len(self.license._get_report_base_filename()), 100)

    def test_each_account_prints_what_the_table_says(self):
        for group, is_allowed in PRINTERS.items():
            user = new_test_user(self.env, f"test {group}", group)
            with self.subTest(group):
                if is_allowed:
                    ((page,), _content) = self._print(self.license, user)
                    self.assertIn(self.license.license_key, page)
                else:
                    with self.assertRaises(AccessError):
                        self._print(self.license, user)

    def test_the_companies_do_not_print_each_others(self):
        other = self.env["res.company"].create({"name": "Other"})
        hidden = self._create_license(company_id=other.id)
        user = new_test_user(
            self.env, "test manager", "software_license.group_license_manager"
        )
        for licenses in (hidden, hidden | self.license):
            with self.assertRaises(AccessError):
                self._print(licenses, user)

    def test_it_is_in_the_print_menu(self):
        bindings = self.env["ir.actions.actions"].get_bindings("software.license")
        names = [report["name"] for report in bindings["report"]]
        self.assertIn("License Certificate", names)

    def test_it_is_a_pdf(self):
        reports = self.env["ir.actions.report"].with_context(
            force_report_rendering=True
        )
        content, kind = reports._render_qweb_pdf(REPORT, self.license.ids)
        self.assertEqual((content[:5], kind), (b"%PDF-", "pdf"))


@tagged("post_install", "-at_install")
class TestCertificateInPortal(CertificateCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        user = new_test_user(cls.env, "test customer", "base.group_portal")
        cls.own = cls._create_license(cls.policy, partner_id=user.partner_id.id)

    def _download(self, license_id):
        self.authenticate("test customer", "test customer")
        return self.url_open(f"/my/licenses/{license_id}/certificate")

    def test_a_customer_downloads_the_certificate_of_the_own_license(self):
        response = self._download(self.own.id)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        disposition = response.headers["Content-Disposition"]
        self.assertRegex(
            disposition, r"^attachment; filename\S+License_Editor_Pro_\w+\.pdf$"
        )
        self.assertNotIn(self.own.license_key, disposition)
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertIn(self.own.license_key, response.text)

    def test_another_customers_certificate_is_not_there(self):
        for id_ in (self.license.id, 999999999):
            response = self._download(id_)
            self.assertEqual(response.status_code, 404)
            self.assertNotIn(self.license.license_key, response.text)

    def test_the_reports_own_address_shows_a_customer_no_other_license(self):
        self.authenticate("test customer", "test customer")
        for kind in ("html", "pdf"):
            path = f"/report/{kind}/{REPORT}/{self.license.id}"
            response = self.url_open(path)
            with self.subTest(kind):
                self.assertEqual(response.status_code, 403)
                self.assertNotIn(self.license.license_key, response.text)

    def test_who_is_not_logged_in_is_sent_to_the_login(self):
        path = f"/my/licenses/{self.own.id}/certificate"
        response = self.url_open(path, allow_redirects=False)
        self.assertIn("/web/login", response.headers["Location"])

    def test_a_customer_gets_none_of_what_is_revoked_or_archived(self):
        archived = self.own.copy({"active": False})
        self.own.action_revoke()
        for license_ in self.own | archived:
            self.assertEqual(self._download(license_.id).status_code, 404)
            for kind in ("html", "pdf", "text"):
                path = f"/report/{kind}/{REPORT}/{license_.id}"
                response = self.url_open(path)
                with self.subTest(license=license_, kind=kind):
                    self.assertEqual(response.status_code, 403)
                    self.assertNotIn(license_.license_key, response.text)
