from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import LicenseHttpCommon


@tagged("post_install", "-at_install")
class TestPublicApi(LicenseHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(grace_days=3)
        cls.license = cls._create_license(
            cls.policy, expires_at=fields.Datetime.now() + timedelta(days=30)
        )
        cls.expires_at = cls.license.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")

    # === VERIFY === #

    def test_verify_tells_that_a_key_is_good(self):
        self.assertEqual(
            self._call("verify", self.license),
            {
                "valid": True,
                "status": "active",
                "features": {"export": True},
                "expiresAt": self.expires_at,
            },
        )

    def test_verify_takes_every_spelling_of_the_key(self):
        for key in (
            self.license.license_key.lower(),
            f"  {self.license.license_key}  ",
            self.license.license_key.replace("0", "o").replace("1", "l"),
        ):
            answer = self._post("verify", {"licenseKey": key}).json()
            self.assertTrue(answer["valid"], key)

    def test_verify_tells_why_a_known_key_is_not_good(self):
        for vals, status in (
            ({"expires_at": fields.Datetime.now() - timedelta(days=4)}, "expired"),
            ({"state": "suspended"}, "suspended"),
            ({"state": "revoked"}, "revoked"),
        ):
            self.license.write(vals)
            response = self._post("verify", {"licenseKey": self.license.license_key})
            with self.subTest(status):
                self.assertEqual(response.status_code, 200)
                answer = response.json()
                self.assertEqual(answer["status"], status)
                self.assertEqual(answer["error"], f"license_{status}")
                self.assertFalse(answer["valid"])
                self.assertIn("features", answer)
                self.assertIn("expiresAt", answer)

    def test_verify_of_another_application_is_a_mismatch(self):
        self.assertTrue(
            self._call("verify", self.license, application="acme-editor")["valid"]
        )
        answer = self._call("verify", self.license, application="acme-server")
        self.assertEqual(answer["error"], "application_mismatch")
        self.assertEqual(answer["status"], "active")

    def test_verify_of_a_device_asks_for_its_seat_and_gives_none(self):
        self.assertEqual(
            self._call("verify", self.license, "laptop")["error"],
            "device_not_activated",
        )
        self.assertFalse(self.license.activation_ids)
        self._call("validate", self.license, "laptop")
        self.assertTrue(self._call("verify", self.license, "laptop")["valid"])
        self.license.activation_ids.action_block()
        self.assertEqual(
            self._call("verify", self.license, "laptop")["error"], "device_blocked"
        )

    def test_verify_in_the_grace_says_until_when(self):
        self.license.expires_at = fields.Datetime.now() - timedelta(days=1)
        answer = self._call("verify", self.license)
        grace_end = self.license.expires_at + timedelta(days=3)
        self.assertTrue(answer["valid"])
        self.assertEqual(answer["graceEndsAt"], f"{grace_end.isoformat()}Z")

    def test_a_perpetual_key_has_no_end(self):
        self.license.expires_at = False
        self.assertIsNone(self._call("verify", self.license)["expiresAt"])

    def test_an_unknown_key_is_not_found_by_any_call(self):
        for call in ("verify", "validate", "deactivate"):
            response = self._post(call, {"licenseKey": "NO-SUCH", "deviceId": "d"})
            with self.subTest(call):
                self.assertEqual(response.status_code, 404)
                self.assertEqual(response.json()["error"], "license_not_found")
                self.assertIs(response.json()["valid"], False)

    def test_an_archived_license_answers_as_unknown(self):
        self.license.active = False
        response = self._post("verify", {"licenseKey": self.license.license_key})
        self.assertEqual(response.status_code, 404)

    # === VALIDATE === #

    def test_validate_activates_the_device(self):
        answer = self._call(
            "validate", self.license, "laptop", deviceName="John's Laptop"
        )
        row = self.license.activation_ids
        self.assertTrue(answer.pop("token"))
        self.assertEqual(
            answer,
            {
                "valid": True,
                "status": "active",
                "features": {"export": True},
                "expiresAt": self.expires_at,
                "activation": {
                    "deviceId": "laptop",
                    "deviceName": "John's Laptop",
                    "activatedAt": f"{row.first_seen.isoformat()}Z",
                    "lastSeenAt": f"{row.last_seen.isoformat()}Z",
                },
                "maxActivations": 2,
                "currentActivations": 1,
            },
        )
        self.assertEqual(row.device_name, "John's Laptop")
        self.assertEqual(row.ip_address, "127.0.0.1")

    def test_validate_of_the_same_device_is_the_same_activation(self):
        first = self._call("validate", self.license, "laptop", deviceName="Old")
        again = self._call("validate", self.license, "laptop", deviceName="New")
        self.assertEqual(again["currentActivations"], 1)
        self.assertEqual(
            again["activation"]["activatedAt"], first["activation"]["activatedAt"]
        )
        self.assertEqual(again["activation"]["deviceName"], "New")

    def test_validate_beyond_the_limit_says_so_and_registers_nothing(self):
        for device in ("one", "two"):
            self.assertTrue(self._call("validate", self.license, device)["valid"])
        response = self._post(
            "validate", {"licenseKey": self.license.license_key, "deviceId": "three"}
        )
        self.assertEqual(response.status_code, 200)
        answer = response.json()
        self.assertEqual(answer["error"], "activation_limit_reached")
        self.assertEqual(answer["status"], "active")
        self.assertIs(answer["valid"], False)
        self.assertEqual(answer["maxActivations"], 2)
        self.assertEqual(answer["currentActivations"], 2)
        self.assertEqual(len(self.license.activation_ids), 2)

    def test_validate_of_an_unlimited_license_has_no_maximum(self):
        self.license.max_activations = -1
        self.assertIsNone(
            self._call("validate", self.license, "laptop")["maxActivations"]
        )

    def test_validate_of_a_license_that_is_not_good_registers_nothing(self):
        self.license.action_suspend()
        answer = self._call("validate", self.license, "laptop")
        self.assertEqual(answer["error"], "license_suspended")
        self.assertNotIn("activation", answer)
        self.assertFalse(self.license.activation_ids)

    def test_validate_needs_a_device(self):
        response = self._post("validate", {"licenseKey": self.license.license_key})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(response.json()["message"], "deviceId is required")

    # === DEACTIVATE === #

    def test_deactivate_frees_the_seat(self):
        self._call("validate", self.license, "laptop")
        self.assertEqual(
            self._call("deactivate", self.license, "laptop"),
            {"success": True, "currentActivations": 0, "maxActivations": 2},
        )
        self.assertFalse(self.license.activation_ids)

    def test_deactivate_of_a_device_without_a_seat_is_not_found(self):
        response = self._post(
            "deactivate", {"licenseKey": self.license.license_key, "deviceId": "x"}
        )
        self.assertEqual(response.status_code, 404)
        self.assertEqual(response.json()["error"], "device_not_found")

    def test_deactivate_is_refused_where_the_policy_forbids_it(self):
        self._call("validate", self.license, "laptop")
        self.policy.self_deactivation = False
        body = {"licenseKey": self.license.license_key, "deviceId": "laptop"}
        response = self._post("deactivate", body)
        self.assertEqual(response.status_code, 403)
        self.assertEqual(response.json()["error"], "deactivation_not_allowed")
        self.assertTrue(self.license.activation_ids)

    def test_deactivate_is_refused_once_the_yearly_allowance_is_used(self):
        self.policy.yearly_self_deactivations = 2
        answers = []
        for _turn in range(3):
            self._call("validate", self.license, "laptop")
            answers.append(self._call("deactivate", self.license, "laptop"))
        self.assertTrue(answers[1]["success"])
        self.assertEqual(answers[2]["error"], "deactivation_not_allowed")
        self.license.self_deactivation_year -= 1
        self.assertTrue(self._call("deactivate", self.license, "laptop")["success"])

    # === HEADERS === #

    def test_no_answer_sets_a_cookie_or_may_be_stored(self):
        self._call("validate", self.license, "laptop")
        for call, key, headers in (
            ("verify", self.license.license_key, {}),
            ("verify", "NO-SUCH", {}),
            ("validate", self.license.license_key, {}),
            ("deactivate", self.license.license_key, {}),
            ("verify", 7, {}),
            ("verify/nothing", "x", {}),
        ):
            body = {"licenseKey": key, "deviceId": "laptop"}
            self.opener.cookies.clear()
            response = self._post(call, body, headers=headers)
            with self.subTest(call=call, key=key):
                self.assertNotIn("Set-Cookie", response.headers)
                self.assertEqual(response.headers["Cache-Control"], "no-store")
                self.assertEqual(
                    response.headers["Content-Type"], "application/json; charset=utf-8"
                )
                # Twice the same header is no valid one: browsers refuse it.
                self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")

    def test_a_browser_may_ask_first(self):
        response = self.url_open(
            "/api/licenses/verify",
            method="OPTIONS",
            headers={
                "Origin": "https://example.com",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        self.assertEqual(response.status_code, 204)
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
        self.assertIn("POST", response.headers["Access-Control-Allow-Methods"])
        self.assertIn("Content-Type", response.headers["Access-Control-Allow-Headers"])
