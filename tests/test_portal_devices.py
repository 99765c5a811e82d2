from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..controllers import portal
from .portal_common import PortalCommon

FREED = "was freed: another device can take its seat"


@tagged("post_install", "-at_install")
class TestPortalDevices(PortalCommon):
    """Customers free and name their devices, by the rules of the software itself."""

    def _free(self, device, license_=None):
        return self._send(f"devices/{device.id}/free", license_)

    def _rename(self, device, label):
        return self._send(f"devices/{device.id}/rename", label=label)

    def _deactivate(self, device_id):
        """Free a device as the software on it does; return the error, if any."""
        try:
            self.license.sudo()._api_deactivate(self.license.license_key, device_id)
        except Exception as refusal:
            return refusal.code

    # === FREE === #

    def test_a_dead_device_is_freed_and_another_takes_its_seat(self):
        dead = self._device("dead", device_name="Old laptop")
        self._device("desk")
        self.assertFalse(self._activate(self.license, "new")[1].is_valid)
        page = self._free(dead)
        self.assertEqual(page.url.rpartition("/my/")[2], f"licenses/{self.license.id}")
        self.assertIn(f"Old laptop {FREED}. 1 of 2 in use.", page.text)
        self.assertEqual(dead.status, "freed")
        self.assertTrue(self._activate(self.license, "new")[1].is_valid)

    def test_what_was_done_is_said_once_and_on_the_page_of_its_license(self):
        other = self._create_license(self.policy, partner_id=self.customer.id)
        path = f"devices/{self._device().id}/free"
        with patch.object(
            portal.LicensePortal,
            "_redirect_with_notice",
            _redirect_elsewhere(other),
        ):
            self.assertNotIn(FREED, self._send(path).text)
        page = self._free(self._device("desk"))
        self.assertIn(FREED, page.text)
        self.assertNotIn(FREED, self._open().text)

    def test_that_a_customer_freed_a_device_is_on_record(self):
        self._free(self._device(device_name="Old laptop"))
        message = self.license.message_ids[0]
        self.assertIn("Device freed in the portal: Old laptop", message.body)
        self.assertEqual(message.author_id, self.user.partner_id)

    def test_the_portal_and_the_software_share_the_yearly_allowance(self):
        self.policy.yearly_self_deactivations = 2
        laptop, desk = self._device(), self._device("desk")
        self.assertIn("2 more times this year, of 2", self._open().text)
        self.assertIsNone(self._deactivate("laptop"))
        self.assertIn("1 more times this year, of 2", self._open().text)
        self.assertIn(FREED, self._free(desk).text)
        self._device()
        self.assertEqual(self._deactivate("laptop"), "deactivation_not_allowed")
        page = self._free(laptop).text
        self.assertIn("laptop was not freed.", page)
        self.assertIn("You can free devices again from January 1", page)
        self.assertNotIn("/free", page)
        self.assertEqual(laptop.status, "seated")

    def test_a_policy_without_self_deactivation_leaves_freeing_to_the_vendor(self):
        self.policy.self_deactivation = False
        laptop = self._device()
        self.assertNotIn("/free", self._open().text)
        self.assertIn("can&#39;t be freed here", self._free(laptop).text)
        self.assertEqual(laptop.status, "seated")

    def test_freeing_twice_says_so_and_uses_up_the_allowance_once(self):
        self.policy.yearly_self_deactivations = 2
        laptop = self._device()
        self._free(laptop)
        self.assertIn("laptop holds no seat any more", self._free(laptop).text)
        self.assertEqual(self.license._get_self_deactivations_left(), 1)

    def test_a_blocked_device_is_shown_and_can_not_be_freed(self):
        stolen = self._device(device_name="Stolen")
        stolen.action_block()
        page = self._open().text
        self.assertIn("Blocked", page)
        self.assertNotIn("/free", page)
        self.assertIn("Stolen is blocked", self._free(stolen).text)
        self.assertTrue(stolen.blocked)
        self.assertEqual(self.license._get_self_deactivations_used(), 0)

    def test_a_lapsed_lease_is_told_and_holds_nothing_to_free(self):
        self.policy.lease_minutes = 60
        node = self._device("node")
        self.assertIn("It keeps its seat until", self._open().text)
        node.sudo().last_seen = fields.Datetime.now() - timedelta(days=3)
        page = self._open().text
        self.assertIn("Seat free again", page)
        self.assertIn("3 days ago", page)
        self.assertNotIn("/free", page)
        self.assertIn("holds no seat any more", self._free(node).text)

    def test_an_instance_costs_of_the_allowance_what_it_takes_of_the_seats(self):
        self.policy.yearly_self_deactivations = 1
        for takes_seats, left, words in ((False, 1, "was removed"), (True, 0, FREED)):
            self.policy.instances_take_seats = takes_seats
            self.license.sudo()._api_licensing_validate(
                self.license.license_key, "Production", "https://erp.example.com"
            )
            server = self.license.activation_ids
            self.assertIn(words, self._free(server).text)
            self.assertEqual(server.status, "freed")
            self.assertEqual(self.license._get_self_deactivations_left(), left)

    # === RENAME === #

    def test_a_name_by_the_customer_outlasts_what_the_device_calls_itself(self):
        laptop = self._device(device_name="DESKTOP-8F2K")
        page = self._rename(laptop, "Ana at home").text
        self.assertIn("The name is now: Ana at home", page)
        self._device(device_name="DESKTOP-9")
        self.assertEqual(laptop.display_name, "Ana at home")
        self.assertEqual(laptop.device_name, "DESKTOP-9")
        self._rename(laptop, "   ")
        self.assertEqual(laptop.display_name, "DESKTOP-9")

    def test_a_name_is_bounded_and_escaped_and_holds_no_control_characters(self):
        laptop = self._device()
        page = self._rename(laptop, "<script>alert(1)</script>").text
        self.assertNotIn("<script>alert(1)", page)
        self.assertIn("&lt;script&gt;alert(1)", page)
        self._rename(laptop, "a\0b\r\nc\t\u202ed  e" + "x" * 500)
        self.assertEqual(laptop.label, ("a b c d e" + "x" * 500)[:100])

    # === WHO MAY NOT === #

    @mute_logger("odoo.http")
    def test_no_form_reaches_another_customers_license_or_device(self):
        other = self._create_license(self.policy)
        theirs = self._device("theirs", other)
        for license_, device_id in (
            (other, theirs.id),
            (self.license, theirs.id),  # the own license, another's device
            (self.license, 2**31),
            (self.license, 0),
        ):
            for form in ("free", "rename"):
                path = f"devices/{device_id}/{form}"
                response = self._send(path, license_, label="mine now")
                self.assertEqual(response.status_code, 404)
        for path in ("file", "replace-key", f"devices/{theirs.id}/free"):
            self.assertEqual(self._open(path, other).status_code, 404)
        self.assertEqual((theirs.status, theirs.label), ("seated", False))

    @mute_logger("odoo.http")
    def test_no_form_reaches_an_archived_license(self):
        laptop = self._device()
        self.license.active = False
        self.assertEqual(self._free(laptop).status_code, 404)
        self.assertEqual(self._rename(laptop, "x").status_code, 404)
        self.assertEqual(laptop.status, "seated")

    @mute_logger("odoo.http")
    def test_a_form_of_another_site_frees_nothing(self):
        laptop = self._device()
        for form in ("free", "rename"):
            response = self._open(f"devices/{laptop.id}/{form}", data={"label": "x"})
            self.assertEqual(response.status_code, 400)
        self.assertEqual((laptop.status, laptop.label), ("seated", False))

    def test_the_address_of_a_form_leads_to_the_page(self):
        """As after a login that came between, or a reload."""
        laptop = self._device()
        paths = ("file", "replace-key", f"devices/{laptop.id}/free")
        for path in (*paths, f"devices/{laptop.id}/rename"):
            page = self._open(path)
            self.assertTrue(page.url.endswith(f"/my/licenses/{self.license.id}"))
        self.assertEqual(laptop.status, "seated")

    # === MANY === #

    def test_many_devices_are_on_pages_the_freed_ones_left_out(self):
        self.policy.max_activations = 0
        names = [f"device-no-{number}" for number in range(5)]
        for name in names:
            self._device(name)
        self._device("device-no-freed").sudo().action_free()
        with patch.object(portal, "DEVICES", 2):
            pages = [self._open(f"page/{number}").text for number in (1, 2, 3)]
        shown = [[name for name in names if name in page] for page in pages]
        self.assertEqual([len(page) for page in shown], [2, 2, 1])
        self.assertEqual(sorted(sum(shown, [])), names)
        self.assertNotIn("device-no-freed", "".join(pages))

    def test_the_statements_of_the_page_do_not_grow_with_the_devices(self):
        self.policy.max_activations = 0

        self._device()
        few = self._count_statements()
        for number in range(8):
            self._device(f"device {number}")
        self.assertLessEqual(self._count_statements(), few)


def _redirect_elsewhere(license_):
    """Do as the portal does, but lead to the page of another license."""
    redirect = portal.LicensePortal._redirect_with_notice

    def wrapped(self, done_on, code, device=""):
        redirect(self, done_on, code, device)
        return portal.request.redirect(license_._get_portal_path())

    return wrapped
