from odoo.tests import BaseCase

from ..tools import payload
from ..tools.errors import InvalidRequest


class TestPayload(BaseCase):
    def test_fields_are_read_and_what_is_left_out_is_none(self):
        self.assertEqual(
            payload.read({"licenseKey": " K ", "other": [1]}, payload.VERIFY),
            {"licenseKey": "K", "deviceId": None, "application": None, "nonce": None},
        )

    def test_a_bad_field_is_refused_by_its_name(self):
        for value, complaint in (
            (None, "deviceId is required"),
            ("", "deviceId is required"),
            ("  ", "deviceId is required"),
            (7, "deviceId must be a string"),
            (True, "deviceId must be a string"),
            (["x"], "deviceId must be a string"),
            ({"a": 1}, "deviceId must be a string"),
            ("x" * 256, "deviceId is longer than 255 characters"),
            ("a\x00b", "deviceId contains characters that are not allowed"),
            ("a\nb", "deviceId contains characters that are not allowed"),
            ("a\x85b", "deviceId contains characters that are not allowed"),
            ("\ud83d", "deviceId contains characters that are not allowed"),
        ):
            with self.subTest(value=value):
                with self.assertRaises(InvalidRequest) as caught:
                    payload.read(
                        {"licenseKey": "K", "deviceId": value}, payload.VALIDATE
                    )
                self.assertEqual(str(caught.exception), complaint)
                self.assertEqual(caught.exception.http_status, 400)

    def test_text_of_any_language_is_taken_as_it_is(self):
        for name in (
            "John’s 💻",
            "O'Brien <b>",
            "'; DROP TABLE x; --",
            "デスク",
            "x" * 255,
        ):
            with self.subTest(name=name):
                read = payload.read(
                    {"licenseKey": "K", "deviceId": "d", "deviceName": name},
                    payload.VALIDATE,
                )
                self.assertEqual(read["deviceName"], name)

    def test_a_feature_has_a_name_that_a_person_can_read(self):
        for name in ("", "  ", "a\nb", "a\x7f", "x" * 129, "\ud83d"):
            with self.subTest(name=name), self.assertRaises(InvalidRequest) as caught:
                payload.read({"features": {name: 1}}, payload.UPDATE, True)
            self.assertIn("features contains", str(caught.exception))
        for name in ("x" * 128, "Größe", "a b", "max.users", "デスク"):
            self.assertIsNone(payload.get_features_problem({name: 1}))
