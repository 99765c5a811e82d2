from odoo.tests import HttpCase, new_test_user, tagged

from .common import LicenseBuilders

SUITE = "@software_license/features_field"


def _hash(path):
    """Return the id of a suite, as ``web/tests/test_js.py`` makes it."""
    hashed = 0
    for char in path:
        hashed = ((hashed << 5) - hashed + ord(char)) & 0xFFFFFFFF
    return f"{hashed:08x}"


@tagged("post_install", "-at_install")
class TestFeaturesBrowser(LicenseBuilders, HttpCase):
    def test_the_features_editor_passes_its_unit_tests(self):
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&id={_hash(SUITE)}",
            "",
            "",
            login="admin",
            timeout=300,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=lambda message: "[HOOT]" not in message,
        )

    def test_a_manager_edits_features(self):
        login = "features manager"
        new_test_user(self.env, login, "software_license.group_license_manager")
        nested = {"list": [1, {"deep": 2.0}]}
        policy = self._create_policy(features={"export": True, **nested})
        license_ = self._create_license(policy)
        action = "/odoo/action-software_license.software_license"
        self.start_tour(
            f"{action}_policy_action/{policy.id}",
            "software_license_policy_features",
            login=login,
        )
        granted = {"sso": True, "max_users": 50, "support": "within a day", **nested}
        self.assertEqual(policy.features, granted)
        self.start_tour(
            f"{action}_action/{license_.id}",
            "software_license_own_features",
            login=login,
        )
        self.assertEqual(license_.features, {"max_users": 80})
        self.assertEqual(license_._to_facts().features, {**granted, "max_users": 80})
