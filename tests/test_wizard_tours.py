from odoo.tests import HttpCase, new_test_user, tagged

from .common import LicenseBuilders


@tagged("post_install", "-at_install")
class TestWizardTours(LicenseBuilders, HttpCase):
    """What a person with the License User's rights clicks, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(
            name="Tour Policy",
            key_prefix="TOUR",
            max_activations=3,
            quantity_rule="licenses",
        )
        cls.customer = cls.env["res.partner"].create({"name": "Tour Customer"})
        new_test_user(
            cls.env, "tour_user", "software_license.group_license_user,base.group_user"
        )

    def _get_licenses(self):
        return self.env["software.license"].search(
            [("partner_id", "=", self.customer.id)], order="id"
        )

    def test_a_license_is_issued_from_the_menu(self):
        self.start_tour("/odoo", "software_license_issue", login="tour_user")
        license_ = self._get_licenses()
        self.assertEqual(len(license_), 1)
        self.assertEqual(license_.term_ids.source, "manual")

    def test_keys_are_imported_from_a_file(self):
        self.start_tour(
            "/odoo/action-software_license.software_license_action",
            "software_license_import",
            login="tour_user",
        )
        licenses = self._get_licenses()
        self.assertEqual(licenses.mapped("state"), ["active", "suspended"])
        self.assertEqual(str(licenses[0].date_end), "2099-12-31")
        self.assertFalse(licenses[1].expires_at)
