import json

from odoo.tests import tagged

from .common import LicenseHttpCommon

CALLS = ("verify", "validate", "deactivate")
SQL = "' OR 1=1; DROP TABLE software_license; --"
HTML = "<script>alert(1)</script>"


@tagged("post_install", "-at_install")
class TestBadRequests(LicenseHttpCommon):
    """Whatever is sent: JSON that names the fault, and nothing written."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.license = cls._create_license()

    def assertRefused(self, response, status, message, error="invalid_request"):
        self.assertEqual(response.status_code, status)
        self.assertEqual(
            response.headers["Content-Type"], "application/json; charset=utf-8"
        )
        answer = response.json()
        self.assertEqual(answer["error"], error)
        self.assertIn(message, answer["message"])
        self.assertNotIn("Traceback", response.text)
        self.assertFalse(
            self.license.with_context(active_test=False).activation_ids,
            "something was written",
        )

    def test_a_body_that_is_no_json_object_is_refused(self):
        for data, message in (
            (b"", "no body"),
            (b"licenseKey=x", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe{}", "not JSON"),
            (b'{"licenseKey": NaN}', "not JSON"),
            (b"[" * 60000, "not JSON"),
            (b'{"a":' * 10000, "not JSON"),
            (b"[]", "not a JSON object"),
            (b'[{"licenseKey": "x"}]', "not a JSON object"),
            (b'"licenseKey"', "not a JSON object"),
            (b"null", "not a JSON object"),
            (b"7", "not a JSON object"),
        ):
            for call in CALLS:
                with self.subTest(call=call, data=data[:20]):
                    self.assertRefused(self._post(call, data=data), 400, message)

    def test_a_field_of_the_wrong_kind_is_refused_by_name(self):
        good = {"licenseKey": self.license.license_key, "deviceId": "laptop"}
        for call, field in (
            *((call, "licenseKey") for call in CALLS),
            *((call, "deviceId") for call in CALLS),
            ("validate", "deviceName"),
            ("verify", "application"),
            ("validate", "application"),
            ("verify", "nonce"),
            ("validate", "nonce"),
        ):
            for value in (7, 1.5, True, [], {}, ["x"], {"a": "b"}):
                with self.subTest(call=call, field=field, value=value):
                    self.assertRefused(
                        self._post(call, {**good, field: value}),
                        400,
                        f"{field} must be a string",
                    )

    def test_a_missing_field_is_refused_by_name(self):
        for call, body, field in (
            *((call, {"deviceId": "d"}, "licenseKey") for call in CALLS),
            *(
                (call, {"deviceId": "d", "licenseKey": None}, "licenseKey")
                for call in CALLS
            ),
            ("validate", {"licenseKey": "k"}, "deviceId"),
            ("deactivate", {"licenseKey": "k", "deviceId": " "}, "deviceId"),
        ):
            with self.subTest(call=call, body=body):
                self.assertRefused(self._post(call, body), 400, f"{field} is required")

    def test_a_text_too_long_is_refused_by_name(self):
        self.assertRefused(
            self._post("verify", {"licenseKey": "A" * 10_000}),
            400,
            "licenseKey is longer than 255",
        )
        body = {"licenseKey": self.license.license_key, "deviceId": "d" * 256}
        self.assertRefused(self._post("validate", body), 400, "deviceId is longer")

    def test_characters_that_can_not_be_stored_are_refused_by_name(self):
        good = {"licenseKey": self.license.license_key, "deviceId": "laptop"}
        for field in ("licenseKey", "deviceId", "deviceName"):
            for value in ("a\x00b", "\x00💻", "a\x1b[31m", "\ud83d"):
                with self.subTest(field=field, value=value):
                    self.assertRefused(
                        self._post("validate", {**good, field: value}),
                        400,
                        f"{field} contains characters that are not allowed",
                    )

    def test_a_body_of_ten_megabytes_is_refused_unread(self):
        for call in CALLS:
            self.assertRefused(
                self._post(call, data=b"x" * 10_000_000),
                413,
                "larger than 64 KiB",
                "payload_too_large",
            )

    def test_a_large_body_within_the_limit_is_read(self):
        body = {"licenseKey": "NO-SUCH", "ignored": "x" * 60_000}
        self.assertEqual(self._post("verify", body).status_code, 404)

    def test_sql_and_html_in_a_key_are_an_unknown_key(self):
        for value in (SQL, HTML, "%", "_", "\\", "{{7*7}}"):
            for call in CALLS:
                with self.subTest(call=call, value=value):
                    self.assertRefused(
                        self._post(call, {"licenseKey": value, "deviceId": value}),
                        404,
                        "No license has this key",
                        "license_not_found",
                    )

    def test_sql_and_html_in_other_fields_are_text_and_nothing_else(self):
        for value in (SQL, HTML):
            answer = self._call(
                "verify", self.license, value, application=value, nonce=value
            )
            self.assertEqual(answer["error"], "application_mismatch")
            answer = self._call("validate", self.license, value, deviceName=value)
            self.assertEqual(answer["activation"]["deviceName"], value)
            self.assertEqual(self.license.activation_ids.device_id, value)
            self.license.with_context(active_test=False).activation_ids.unlink()

    def test_field_names_of_any_kind_harm_nothing(self):
        body = {"self": 1, "body": 2, "__class__": 3, "licenseKey": "NO-SUCH"}
        self.assertEqual(self._post("verify", body).status_code, 404)

    def test_other_methods_are_refused(self):
        for call in CALLS:
            for method in ("GET", "PUT", "DELETE", "PATCH"):
                with self.subTest(call=call, method=method):
                    response = self.url_open(f"/api/licenses/{call}", method=method)
                    self.assertRefused(response, 405, "method", "method_not_allowed")
                    self.assertIn("POST", response.headers["Allow"])

    def test_addresses_that_do_not_exist_are_refused_in_json(self):
        for path in ("verify/x", "a-key/nothing", "%2e%2e%2fx"):
            with self.subTest(path):
                self.assertRefused(
                    self._post(path, {}), 404, "nothing at this address", "not_found"
                )

    def test_addresses_beside_the_api_are_not_ours(self):
        response = self.url_open("/api/licensesx/verify")
        self.assertIn("text/html", response.headers["Content-Type"])

    def test_the_content_type_does_not_matter(self):
        body = json.dumps({"licenseKey": self.license.license_key})
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "x"):
            response = self._post(
                "verify", data=body, headers={"Content-Type": content_type}
            )
            with self.subTest(content_type):
                self.assertTrue(response.json()["valid"])
