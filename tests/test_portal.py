from odoo.tests import HttpCase, new_test_user, tagged

from .common import LicenseBuilders


@tagged("post_install", "-at_install")
class TestPortal(LicenseBuilders, HttpCase):
    """What customers see of their licenses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, "test customer", "base.group_portal")
        cls.license = cls._create_license(partner_id=cls.user.partner_id.id)

    def _open(self, path):
        self.authenticate("test customer", "test customer")
        return self.url_open(path)

    def test_a_customer_sees_key_devices_and_instances(self):
        self._activate(self.license, "laptop-7", device_name="Laptop of Ana")
        self.license.sudo()._api_licensing_validate(
            self.license.license_key, "Production", "https://erp.example.com"
        )
        page = self._open(f"/my/licenses/{self.license.id}").text
        for text in (
            self.license.license_key,
            "laptop-7",
            "Laptop of Ana",
            "Production",
            "erp.example.com",
            "1 of 2 in use",
            "Export",
            "Active",
        ):
            self.assertIn(text, page)

    def test_the_list_holds_the_licenses_of_the_own_company_only(self):
        other = self._create_license()
        page = self._open("/my/licenses").text
        self.assertIn(self.license.license_key, page)
        self.assertNotIn(other.license_key, page)
        self.assertIn("/my/licenses", self._open("/my").text)

    def test_another_customers_license_is_not_there(self):
        other = self._create_license()
        for id_ in (other.id, 999999999):
            response = self._open(f"/my/licenses/{id_}")
            self.assertEqual(response.status_code, 404)
            self.assertNotIn(other.license_key, response.text)

    def test_who_is_not_logged_in_is_sent_to_the_login(self):
        for path in ("/my/licenses", f"/my/licenses/{self.license.id}"):
            response = self.url_open(path, allow_redirects=False)
            self.assertIn("/web/login", response.headers["Location"])
