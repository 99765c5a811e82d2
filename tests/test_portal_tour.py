from odoo.tests import tagged

from .portal_common import PortalCommon


@tagged("post_install", "-at_install")
class TestPortalTour(PortalCommon):
    """A customer on a phone, in a browser."""

    browser_size = "375x667"
    touch_enabled = True

    def test_a_customer_frees_a_device_and_downloads_a_license_file(self):
        self._device("desk")
        old = self._device("old", device_name="Old laptop")
        self.start_tour(
            "/my/licenses", "software_license_portal_device", login=self.LOGIN
        )
        self.assertEqual(old.status, "freed")
        seated = self.license.activation_ids.filtered(lambda it: it.status == "seated")
        self.assertEqual(set(seated.mapped("device_id")), {"desk", "lab-pc"})
        self.assertIn("License file made for device Lab PC", self._get_log())

    def _get_log(self):
        return " ".join(self.license.message_ids.mapped("body"))
