import json

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import file_open

from .common import LicenseCommon

#: Named by what is wrong with them.
BAD_FEATURES = {
    "JSON object": ["export"],
    "an empty name": {" ": 1},
    "more than 128 characters": {"x" * 129: 1},
    "characters that are not allowed": {"a\nb": 1},
    "characters that": {"a": {"b": ["\x00"]}},
    "too large": {"a": float("inf")},
}


def _read_cases():
    """Return the table that the unit tests of the form's widget read, too."""
    with file_open("software_license/static/tests/features_cases.js") as file:
        _comment, table = file.read().split("export const CASES =")
    return json.loads(table.strip().removesuffix(";"))


@tagged("post_install", "-at_install")
class TestFeatures(LicenseCommon):
    def test_what_is_in_force_is_what_the_form_shows(self):
        cases = _read_cases()
        self.assertGreater(len(cases), 5)
        for case in cases:
            policy = self._create_policy(features=case["policy"])
            license_ = self._create_license(policy, features=case["own"])
            self.env.flush_all()
            self.env.invalidate_all()
            with self.subTest(case):
                facts = license_._to_facts()
                self.assertEqual(facts.features, case["effective"])
                for text, features in (
                    (license_.policy_features_text, case["policy"]),
                    (license_.features_text, case["own"]),
                ):
                    self.assertEqual(json.loads(text or "{}"), features)

    def test_numbers_and_nested_values_survive_a_look_and_a_save(self):
        text = json.dumps(
            {"a": 10**30, "b": 5.0, "c": 0.1, "d": [1, {"e": None}], "f": -0.25},
            indent=2,
        )
        policy = self._create_policy(features_text=text)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(policy.features_text, text)

    def test_the_text_is_in_the_order_of_names(self):
        policy = self._create_policy(features={"b": 1, "aa": {"z": 1, "y": 2}})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(list(json.loads(policy.features_text)), ["aa", "b"])

    def test_bad_features_are_refused_however_they_come(self):
        policy = self._create_policy()
        for complaint, features in BAD_FEATURES.items():
            for refused in (
                lambda bad: self._create_policy(features=bad),
                lambda bad: policy.write({"features": bad}),
                lambda bad: policy.write({"features_text": json.dumps(bad)}),
                lambda bad: self._create_license(policy, features=bad),
            ):
                with (
                    self.subTest(complaint),
                    self.assertRaisesRegex(ValidationError, complaint + "|not JSON"),
                ):
                    refused(features)
        self.assertEqual(policy.features, {"export": True})

    def test_the_form_shows_the_features_of_the_policy_that_is_chosen(self):
        policy = self._create_policy(features={"sso": True})
        other = self._create_policy(features={"sso": False})
        with Form(self._create_license(policy)) as form:
            self.assertIn("true", form.policy_features_text)
            form.policy_id = other
            self.assertIn("false", form.policy_features_text)

    def test_a_list_tells_features_in_words(self):
        policy = self._create_policy(features={"export": True, "max_users": 50})
        self.assertEqual(policy.features_summary, "Export, Max users: 50")
