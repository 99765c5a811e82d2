from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..controllers import portal
from .portal_common import PortalCommon


@tagged("post_install", "-at_install")
class TestPortal(PortalCommon):
    """What customers see of their licenses, and who else does not."""

    def test_a_customer_sees_key_devices_and_instances(self):
        self._activate(self.license, "laptop-7", device_name="Laptop of Ana")
        self.license.sudo()._api_licensing_validate(
            self.license.license_key, "Production", "https://erp.example.com"
        )
        page = self._open().text
        for text in (
            self.license.license_key,
            "laptop-7",
            "Laptop of Ana",
            "just now",
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
        self.assertIn("0 / 2", page)
        self.assertNotIn(other.license_key, page)
        self.assertIn("/my/licenses", self._open("/my").text)

    @mute_logger("odoo.http")
    def test_another_customers_license_is_not_there(self):
        other = self._create_license()
        for id_ in (other.id, 0, 999999999, 2**31, 10**30):
            response = self._open(f"/my/licenses/{id_}")
            self.assertEqual(response.status_code, 404, id_)
            self.assertNotIn(other.license_key, response.text)

    @mute_logger("odoo.http")
    def test_an_archived_license_is_not_there(self):
        self.license.active = False
        self.assertEqual(self._open().status_code, 404)
        page = self._open("/my/licenses").text
        self.assertNotIn(self.license.license_key, page)

    @mute_logger("odoo.http")
    def test_contacts_of_one_company_see_its_licenses_and_siblings_do_not(self):
        own = self._create_license(self.policy, partner_id=self.user.partner_id.id)
        sibling = self.env["res.partner"].create(
            {"name": "Sibling", "is_company": True, "parent_id": self.customer.id}
        )
        theirs = self._create_license(self.policy, partner_id=sibling.id)
        self._create_portal_user("colleague", parent_id=self.customer.id)
        self._create_portal_user("sibling", parent_id=sibling.id)
        for login, seen, hidden in (
            ("colleague", self.license | own, self.license.browse()),
            ("sibling", theirs, self.license | own),
        ):
            with patch.object(type(self), "LOGIN", login):
                page = self._open("/my/licenses").text
                for license_ in seen:
                    self.assertIn(license_.license_key, page)
                    self.assertEqual(self._open("", license_).status_code, 200)
                for license_ in hidden:
                    self.assertNotIn(license_.license_key, page)
                    self.assertEqual(self._open("", license_).status_code, 404)

    def test_customers_of_an_archived_company_read_that_they_are_suspended(self):
        self.customer.active = False
        page = self._open().text
        self.assertIn("This license is suspended", page)
        self.assertIn("Suspended", self._open("/my/licenses").text)

    @mute_logger("odoo.http")
    def test_who_may_not_read_licenses_has_an_empty_list(self):
        new_test_user(self.env, "employee", "base.group_user")
        with patch.object(type(self), "LOGIN", "employee"):
            response = self._open("/my/licenses")
            self.assertEqual(response.status_code, 200)
            self.assertIn("There are no licenses for your account", response.text)
            self.assertEqual(self._open().status_code, 404)

    def test_who_is_not_logged_in_is_sent_to_the_login(self):
        for path in ("/my/licenses", f"/my/licenses/{self.license.id}"):
            response = self.url_open(path, allow_redirects=False)
            self.assertIn("/web/login", response.headers["Location"])

    def test_no_cache_keeps_a_page_with_keys(self):
        for path in ("/my/licenses", ""):
            headers = self._open(path).headers
            self.assertEqual(headers["Cache-Control"], "no-store")

    def test_pages_have_a_title_and_one_main_heading(self):
        for path, title in (("/my/licenses", "My licenses"), ("", "Editor Pro")):
            page = self._open(path).text
            self.assertIn(f"<title>{title}</title>", page)
            self.assertEqual(page.count("<h1"), 1)

    # === THE LIST === #

    def _listed(self, query):
        """Return the licenses of this test's customer that the list shows."""
        page = self._open(f"/my/licenses{query}")
        self.assertEqual(page.status_code, 200, query)
        licenses = self.license.search([("partner_id", "=", self.customer.id)])
        return licenses.filtered(lambda it: it.license_key in page.text)

    def _create_statuses(self):
        """Return {filter: its license}."""
        now = fields.Datetime.now()
        names = ("soon", "expired", "suspended", "revoked")
        licenses = {
            name: self._create_license(self.policy, partner_id=self.customer.id)
            for name in names
        }
        licenses["soon"].expires_at = now + timedelta(days=29)
        licenses["expired"].expires_at = now - timedelta(days=1)
        licenses["suspended"].action_suspend()
        licenses["revoked"].action_revoke()
        return licenses

    def test_the_list_is_filtered_by_status_and_by_what_ends_soon(self):
        licenses = self._create_statuses()
        for name, license_ in licenses.items():
            self.assertEqual(self._listed(f"?filterby={name}"), license_, name)
        active = self.license | licenses["soon"]
        self.assertEqual(self._listed("?filterby=active"), active)
        self.assertEqual(len(self._listed("?filterby=all")), 5)

    def test_the_list_is_searched_by_key_product_and_device(self):
        product = self._create_licensed_product(self.policy, name="Acme Painter")
        other = self._create_license(
            self.policy, partner_id=self.customer.id, product_id=product.id
        )
        device = self._device("fingerprint-9", other, device_name="Tower of Ben")
        device.sudo().label = "Big machine"
        for query in (
            f"?search_in=key&search={other.license_key[-9:].lower()}",
            "?search_in=product&search=painter",
            "?search_in=device&search=tower of",
            "?search_in=device&search=big mach",
            "?search_in=device&search=print-9",
            "?search=painter",
            "?search=tower",
        ):
            self.assertEqual(self._listed(query), other, query)
        for query in ("?search_in=key&search=painter", "?search=nothing of this"):
            self.assertFalse(self._listed(query), query)
        self.assertIn("No license is found", self._open("/my/licenses?search=zz").text)

    def test_what_nobody_offers_is_the_default_and_no_crash(self):
        for query in (
            "?sortby=nonsense",
            "?filterby=nonsense&search_in=nonsense&search=",
            "?sortby=&filterby=&search_in=",
            "?sortby=label&filterby=__class__",
            "?sortby=newest&sortby=x",
            "/page/0",
            "/page/999",
            "?search=%00",
            "?search=%20%20",
        ):
            self.assertEqual(self._listed(query), self.license, query)
        for text in ("%25", "'", "%ff%fe", "x" * 5000, "%ed%a0%80", "-", "\\"):
            for where in ("all", "key", "product", "device"):
                self._listed(f"?search_in={where}&search={text}x")

    def test_the_list_is_sorted_as_asked(self):
        licenses = self._create_statuses()
        page = self._open("/my/licenses?sortby=end").text
        ends = [licenses["expired"], licenses["soon"], self.license]
        places = [page.index(license_.license_key) for license_ in ends]
        self.assertEqual(places, sorted(places))
        page = self._open("/my/licenses?sortby=newest").text
        self.assertLess(
            page.index(licenses["revoked"].license_key),
            page.index(self.license.license_key),
        )
        self.assertEqual(self._open("/my/licenses?sortby=product").status_code, 200)

    def test_pages_show_each_license_once_and_keep_the_filter(self):
        licenses = self._create_statuses()
        with patch.object(portal.LicensePortal, "_items_per_page", 2):
            pages = [self._listed(f"/page/{number}?sortby=end") for number in (1, 2, 3)]
            text = self._open("/my/licenses?filterby=active&sortby=end").text
            text += self._open("/my/licenses?sortby=end&search=ACME").text
        self.assertEqual([len(page) for page in pages], [2, 2, 1])
        self.assertEqual(len(self.license.union(*pages)), len(licenses) + 1)
        self.assertIn("/my/licenses/page/2?sortby=end&amp;filterby=all", text)
        self.assertIn("search=ACME", text)

    def test_the_statements_of_the_list_do_not_grow_with_its_rows(self):
        self.license.product_id = self._create_licensed_product(self.policy)
        few = self._count_statements("/my/licenses")
        self._create_statuses()
        for number in range(5):
            policy = self._create_policy(grace_days=number)
            product = self._create_licensed_product(policy)
            license_ = self._create_license(
                policy, product_id=product.id, partner_id=self.customer.id
            )
            self._activate(license_, "laptop")
        self.assertLessEqual(self._count_statements("/my/licenses"), few)

    # === WHAT A LICENSE SAYS === #

    def _says(self, user=None):
        """Return the license as its page reads it, for this user."""
        return self.license.with_user(user or self.user).sudo()

    def test_the_page_says_what_to_do_in_each_status(self):
        now = fields.Datetime.now()
        self.assertEqual(self._says()._get_portal_advice()[0], "success")
        for words, vals in (
            ("ends soon", {"expires_at": now + timedelta(days=3)}),
            ("has expired", {"expires_at": now - timedelta(days=3)}),
            ("is suspended", {"state": "suspended"}),
            ("was revoked", {"state": "revoked"}),
        ):
            self.license.write(vals)
            self.assertIn(words, self._says()._get_portal_advice()[1])
            self.assertIn(words, self._open().text)

    def test_in_its_grace_a_license_says_that_it_ended_and_runs_on(self):
        self.policy.grace_days = 10
        self._age(self.license, days=3)
        self.assertIn("Renew it now", self._says()._get_portal_advice()[1])
        page = self._open().text
        self.assertIn("It ended at", page)
        self.assertIn("The software runs on until", page)

    def test_a_trial_says_that_it_is_one(self):
        trial = {"license_id": self.license.id, "source": "trial"}
        end = fields.Date.today() + timedelta(days=90)
        self.license.term_ids.is_effective = False
        self.env["software.license.term"].create({**trial, "date_end": end})
        self.assertIn("This is a trial", self._says()._get_portal_advice()[1])

    def test_until_when_is_told_in_the_time_zone_of_the_user(self):
        self.license.expires_at = datetime(2050, 1, 1)
        self.user.tz = "Europe/Bucharest"
        page = self._open().text
        self.assertIn("December 31, 2049", page)
        self.assertIn("January 1, 2050, 2:00", page)
        self.assertIn("(Europe/Bucharest)", page)
        self.user.tz = "America/New_York"
        self.assertIn("December 31, 2049, 7:00", self._open().text)

    def test_the_end_of_all_time_is_told_in_every_time_zone(self):
        self.license.expires_at = datetime(9999, 12, 31, 23, 59, 59)
        self.policy.grace_days = 3650
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", False):
            self.user.tz = zone
            self.assertIn("December 31, 9999", self._open().text)

    @mute_logger("odoo.http")
    def test_a_certificate_is_offered_unless_the_license_was_revoked(self):
        self.assertIn("/certificate", self._open().text)
        self.license.state = "revoked"
        self.assertNotIn("/certificate", self._open().text)
        self.assertEqual(self._open("certificate").status_code, 404)
