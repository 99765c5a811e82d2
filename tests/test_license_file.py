import json
import re
from base64 import b64decode, b64encode
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..tools import license_file, signing
from ..tools.errors import FileNotAvailable, InvalidRequest, LicenseRefused
from .common import LicenseManagedCommon
from .test_tokens import TokenCommon

USER = "software_license.group_license_user"


def make_request(**asked):
    """Return the text that a device's software shows."""
    text = json.dumps({"version": 1, "deviceId": "tower", **asked})
    return license_file.armor(b64encode(text.encode()).decode(), license_file.REQUEST)


class FileCommon(TokenCommon):
    def _open(self, text):
        """Return the claims of a license file that verifies."""
        token, end, self.rest = text.partition("\n-----END LICENSE-----\n")
        begin, *lines = token.splitlines()
        self.assertEqual((begin, bool(end)), ("-----BEGIN LICENSE-----", True))
        return self._read("".join(lines))

    def _devices(self):
        seats = self.license.activation_ids
        return seats.filtered(lambda it: it.status == "seated").mapped("device_id")


@tagged("post_install", "-at_install")
class TestLicenseFile(FileCommon):
    """License files: the token of a device that can't ask for itself."""

    def test_a_file_bound_to_a_device_takes_a_seat(self):
        claims = self._open(self.license._make_file("tower", "Lab tower", "n-1"))
        self.assertEqual(claims["deviceId"], "tower")
        self.assertEqual(claims["nonce"], "n-1")
        self.assertEqual(self.license.seat_count, 1)
        self.assertEqual(self.license.activation_ids.device_name, "Lab tower")
        self.license._make_file("tower")  # again: the same seat
        self.license._make_file("desk")
        self.assertEqual(self.license.seat_count, 2)
        with self.assertRaises(LicenseRefused) as refused, self.env.cr.savepoint():
            self.license._make_file("third")
        self.assertEqual(refused.exception.code, "activation_limit_reached")
        self.assertEqual(sorted(self._devices()), ["desk", "tower"])

    def test_a_file_for_any_device_takes_no_seat(self):
        claims = self._open(self.license._make_file())
        self.assertNotIn("deviceId", claims)
        self.assertFalse(self.license.activation_ids)

    def test_a_file_lasts_as_its_policy_says_and_no_longer_than_the_license(self):
        self.license.expires_at = self.now + timedelta(days=300)
        for days, expected in ((0, 14), (90, 90)):
            self.policy.file_days = days
            claims = self._open(self.license._make_file("tower"))
            self.assertEqual(claims["exp"] - claims["iat"], expected * 86400)
        self.policy.file_days = 3650
        self.assertEnds(self._open(self.license._make_file()), self.license.expires_at)

    def test_what_is_not_good_gets_no_file_and_no_seat(self):
        for vals, code in (
            ({"expires_at": self.now - timedelta(days=1)}, "license_expired"),
            ({"state": "suspended"}, "license_suspended"),
            ({"state": "revoked"}, "license_revoked"),
        ):
            self.license.write(vals)
            for device in (None, "tower"):
                with self.subTest(code), self.assertRaises(LicenseRefused) as refused:
                    self.license._make_file(device)
                self.assertEqual(refused.exception.code, code)
        self.assertFalse(self.license.activation_ids)

    def test_a_blocked_device_gets_no_file(self):
        self.license._make_file("tower")
        self.license.activation_ids.action_block()
        with self.assertRaises(LicenseRefused) as refused:
            self.license._make_file("tower")
        self.assertEqual(refused.exception.code, "device_blocked")

    def test_a_floating_license_has_no_files(self):
        self.policy.lease_minutes = 60
        with self.assertRaises(FileNotAvailable):
            self.license._make_file("tower")
        self.assertFalse(self.license.activation_ids)

    def test_without_a_key_to_sign_with_there_is_no_file_and_no_seat(self):
        self.env["software.license.signing.key"].search([])._erase_private()
        with self.assertRaises(FileNotAvailable), self.env.cr.savepoint():
            self.license._make_file("tower")
        self.assertFalse(self.license.activation_ids)

    def test_a_file_answers_the_devices_own_request(self):
        text = self.license._make_file_for(
            make_request(
                deviceName="Labor Süd",
                nonce="n-7",
                application="acme-editor",
                licenseKey=self.license.license_key.lower(),
            )
        )
        claims = self._open(text)
        self.assertEqual((claims["deviceId"], claims["nonce"]), ("tower", "n-7"))
        self.assertEqual(self.license.activation_ids.device_name, "Labor Süd")

    def test_the_request_of_another_license_or_application_is_refused(self):
        for asked, words in (
            ({"application": "acme-viewer"}, "application"),
            ({"licenseKey": "ACME-0000-0000-0000-0000"}, "license key"),
        ):
            with self.assertRaisesRegex(InvalidRequest, words):
                self.license._make_file_for(make_request(**asked))
        self.assertFalse(self.license.activation_ids)

    def test_a_file_of_a_newer_key_brings_what_makes_older_ones_trust_it(self):
        self._open(self.license._make_file())
        self.assertEqual(self.rest, "")  # the first key: software was shipped with it
        keys = self.env["software.license.signing.key"]
        new = keys._add(self.env.company, signing.generate())
        text = self.license._make_file()
        self._open(text)
        begin, *lines, end = self.rest.splitlines()
        self.assertEqual(begin, "-----BEGIN LICENSE KEY-----")
        self.assertEqual(end, "-----END LICENSE KEY-----")
        jwk = json.loads(b64decode("".join(lines)))
        self.assertEqual(jwk, new._to_jwk())
        self.assertEqual(len(jwk["endorsements"]), 1)

    def test_each_file_is_on_record(self):
        self.license._make_file("tower", "Lab tower")
        self.assertIn("Lab tower", self.license.message_ids[0].body)
        self.license._make_file()
        self.assertIn("any device", self.license.message_ids[0].body)

    # === THE BACKEND === #

    def _wizard(self, user=None, **vals):
        wizard = self.env["software.license.file"].with_user(user or self.env.user)
        return wizard.with_context(active_id=self.license.id).create(vals)

    def test_people_make_files_from_the_license(self):
        user = new_test_user(self.env, "file user", USER)
        for vals, device in (
            ({"kind": "request", "request": make_request()}, "tower"),
            ({"kind": "device", "device_id": " desk ", "device_name": "Desk"}, "desk"),
            ({"kind": "any"}, None),
        ):
            wizard = self._wizard(user, **vals)
            action = wizard.action_make()
            self.assertEqual(action["res_id"], wizard.id)
            claims = self._open(b64decode(wizard.content).decode())
            self.assertEqual(claims.get("deviceId"), device)
        self.assertEqual(wizard.file_name, "acme-editor.lic")

    def test_people_are_told_why_there_is_no_file(self):
        for vals, words in (
            ({"kind": "request", "request": "nothing"}, "Request: copy all"),
            ({"kind": "request"}, "Request: copy all"),
            ({"kind": "device", "device_id": " "}, "Device ID"),
        ):
            with self.assertRaisesRegex(UserError, words):
                self._wizard(**vals).action_make()
        self.policy.max_activations = 1
        self._wizard(kind="device", device_id="desk").action_make()
        with self.assertRaisesRegex(UserError, "All seats"):
            self._wizard(kind="device", device_id="tower").action_make()
        self.license.state = "suspended"
        with self.assertRaisesRegex(UserError, "not valid: Suspended"):
            self._wizard(kind="any").action_make()
        self.policy.lease_minutes = 5
        with self.assertRaisesRegex(UserError, "no files"):
            self._wizard(kind="any").action_make()

    def test_who_only_reads_licenses_makes_no_files(self):
        reader = new_test_user(self.env, "reader", "account.group_account_invoice")
        with self.assertRaises(AccessError):
            self._wizard(reader, kind="any")

    def test_nobody_sees_the_keys_or_files_of_others_through_the_wizard(self):
        other = self.env["res.company"].create({"name": "Other"})
        elsewhere = new_test_user(
            self.env,
            "elsewhere",
            USER,
            company_ids=other.ids,
            company_id=other.id,
        )
        with self.assertRaises(AccessError):
            self._wizard(elsewhere, kind="any")
        user = new_test_user(self.env, "file owner", USER)
        mine = self._wizard(user, kind="any")
        mine.action_make()
        self.assertFalse(mine.with_user(elsewhere).search([]))
        with self.assertRaises(AccessError):
            mine.with_user(elsewhere).read(["content"])
        theirs = self._create_license(self.policy, company_id=other.id)
        with self.assertRaises(AccessError):
            mine.license_id = theirs


@tagged("post_install", "-at_install")
class TestLicenseFilePortal(FileCommon):
    """Customers bring the request of a device, and get its file."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, "file_portal", "base.group_portal", partner_id=cls.customer.id
        )

    def _send(self, action, license_=None, files=None, **fields_):
        """Send a form of the license's page, as a browser does."""
        self.authenticate("file_portal", "file_portal")
        page = self.url_open(f"/my/licenses/{self.license.id}").text
        token = re.search(r'csrf_token" value="(\w+)"', page)
        token = token or re.search(r'csrf_token: "(\w+)"', page)
        path = f"/my/licenses/{(license_ or self.license).id}/{action}"
        data = {"csrf_token": token[1], **fields_}
        return self.url_open(path, data=data, files=files)

    def test_a_pasted_request_brings_the_file(self):
        response = self._send("file", request_text=make_request())
        self.assertEqual(response.status_code, 200)
        self.assertIn("acme-editor.lic", response.headers["Content-Disposition"])
        self.assertEqual(self._open(response.text)["deviceId"], "tower")
        self.assertEqual(self._devices(), ["tower"])

    def test_a_request_sent_as_a_file_brings_the_file(self):
        upload = {"request_file": ("tower.req", make_request(), "text/plain")}
        response = self._send("file", files=upload)
        self.assertEqual(self._open(response.text)["deviceId"], "tower")

    def test_what_went_wrong_is_told_on_the_page_and_what_was_pasted_stays(self):
        response = self._send("file", request_text="<b>nonsense</b>")
        self.assertIn("Request: copy all of the text", response.text)
        self.assertIn("&lt;b&gt;nonsense", response.text)
        self.policy.max_activations = 1
        self._activate(self.license, "desk")
        response = self._send("file", request_text=make_request())
        self.assertIn("All seats of this license are taken", response.text)
        self.assertEqual(self._devices(), ["desk"])
        response = self._send("file", request_file="a text")
        self.assertEqual(response.status_code, 200)
        self.assertIn("Request: copy all of the text", response.text)
        binary = {"request_file": ("x", b"\xff\x00\xfe" * 9000, "text/plain")}
        response = self._send("file", files=binary)
        self.assertEqual(response.status_code, 200)
        self.assertIn("Request: copy all of the text", response.text)

    @mute_logger("odoo.http")
    def test_another_customers_license_is_not_there(self):
        other = self._create_license(self.policy)
        self.policy.customers_replace_keys = True
        key = other.license_key
        for action in ("file", "replace-key"):
            response = self._send(action, other, request_text=make_request())
            self.assertEqual(response.status_code, 404)
        self.assertFalse(other.activation_ids)
        self.assertEqual(other.license_key, key)

    def test_a_form_of_another_site_does_nothing(self):
        self.authenticate("file_portal", "file_portal")
        with mute_logger("odoo.http"):
            response = self.url_open(
                f"/my/licenses/{self.license.id}/file",
                data={"request_text": make_request()},
            )
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self.license.activation_ids)

    def test_the_page_offers_files_only_where_there_are_some(self):
        self.authenticate("file_portal", "file_portal")
        words = "A device without internet"
        page = f"/my/licenses/{self.license.id}"
        self.assertIn(words, self.url_open(page).text)
        self.policy.lease_minutes = 60
        self.assertNotIn(words, self.url_open(page).text)
        self.policy.lease_minutes = 0
        self.license.expires_at = self.now - timedelta(days=1)
        self.assertNotIn(words, self.url_open(page).text)

    def test_without_a_key_to_sign_with_the_page_says_so_and_no_seat_is_taken(self):
        self.env["software.license.signing.key"].search([])._erase_private()
        response = self._send("file", request_text=make_request())
        self.assertIn("no key to sign with", response.text)
        self.assertFalse(self.license.activation_ids)

    @mute_logger("odoo.http")
    def test_a_seller_has_no_customers_pages(self):
        new_test_user(self.env, "file_seller", USER, password="file_seller")
        self.authenticate("file_seller", "file_seller")
        response = self.url_open(f"/my/licenses/{self.license.id}")
        self.assertEqual(response.status_code, 404)

    # === ANOTHER KEY === #

    def test_a_customer_replaces_a_leaked_key_if_the_policy_lets(self):
        self._activate(self.license, "tower")
        old = self.license.license_key
        with mute_logger("odoo.http"):
            self.assertEqual(self._send("replace-key").status_code, 404)
        self.assertEqual(self.license.license_key, old)
        self.policy.customers_replace_keys = True
        response = self._send("replace-key")
        self.assertEqual(response.status_code, 200)
        new = self.license.license_key
        self.assertNotEqual(new, old)
        self.assertIn(new, response.text)
        self.assertNotIn(old, response.text)
        self.assertEqual(self._devices(), ["tower"])
        answer = self._post("validate", {"licenseKey": old, "deviceId": "tower"}).json()
        self.assertEqual(answer["error"], "license_revoked")
        answer = self._call("validate", self.license, "tower")
        self.assertEqual((answer["valid"], answer["currentActivations"]), (True, 1))

    def test_the_page_offers_a_new_key_only_where_there_is_one(self):
        self.authenticate("file_portal", "file_portal")
        page = f"/my/licenses/{self.license.id}"
        self.assertNotIn("Replace the key", self.url_open(page).text)
        self.policy.customers_replace_keys = True
        self.assertIn("Replace the key", self.url_open(page).text)
        self.license.state = "revoked"
        self.assertNotIn("Replace the key", self.url_open(page).text)

    def test_the_seller_replaces_a_key_from_the_license(self):
        self._activate(self.license, "tower")
        old = self.license.license_key
        user = new_test_user(self.env, "key user", USER)
        self.license.with_user(user).action_replace_key()
        self.assertNotEqual(self.license.license_key, old)
        self.assertEqual(self._devices(), ["tower"])


@tagged("post_install", "-at_install")
class TestLicenseFileApi(LicenseManagedCommon, FileCommon):
    """GET /api/licenses/:key/file."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.license = cls._create_license(cls.policy, partner_id=cls.customer.id)
        cls.now = fields.Datetime.now()

    def _file(self, query="", **kwargs):
        return self._manage("GET", f"/{self.license.license_key}/file{query}", **kwargs)

    def test_the_file_is_the_answer(self):
        response = self._file()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], license_file.CONTENT_TYPE)
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertIn("acme-editor.lic", response.headers["Content-Disposition"])
        self.assertNotIn("deviceId", self._open(response.text))
        claims = self._open(self._file("?deviceId=tower&deviceName=Lab&nonce=n").text)
        self.assertEqual((claims["deviceId"], claims["nonce"]), ("tower", "n"))
        self.assertEqual(self.license.activation_ids.device_name, "Lab")

    def test_refusals_are_json(self):
        self.license.max_activations = 1
        self._file("?deviceId=tower")
        for query, status, code in (
            ("?deviceId=desk", 409, "activation_limit_reached"),
            (f"?deviceId={'x' * 256}", 400, "invalid_request"),
            # What would be good on any device, by mistake.
            ("?deviceId=", 400, "invalid_request"),
            ("?deviceId=%20", 400, "invalid_request"),
            ("?deviceID=tower", 400, "invalid_request"),
            ("?deviceId=%00", 400, "invalid_request"),
        ):
            response = self._file(query)
            self.assertEqual(response.status_code, status)
            self.assertEqual(response.json()["error"], code)
        self.license.policy_id.lease_minutes = 5
        response = self._file()
        self.assertEqual(response.status_code, 409)
        self.assertEqual(response.json()["error"], "file_not_available")

    def test_each_account_may_do_what_the_table_says(self):
        for groups, status in (
            ("base.group_portal", 403),
            ("base.group_user", 403),
            ("account.group_account_invoice", 403),
            ("software_license.group_license_user", 200),
            ("software_license.group_license_manager", 200),
        ):
            user = new_test_user(self.env, f"file {groups}", groups)
            key = self._create_api_key(user)
            with self.subTest(groups), mute_logger("odoo.http"):
                self.assertEqual(
                    self._file("?deviceId=d", api_key=key).status_code, status
                )
        self.assertEqual(self._file(api_key="").status_code, 401)
