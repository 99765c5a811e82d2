from odoo.tests import HttpCase, tagged

#: Odoo's own hash of a suite's path (``web/tests/test_js.py``).
SUITE = "@software_license/features_field"


def _hash(path):
    hashed = 0
    for char in path:
        hashed = ((hashed << 5) - hashed + ord(char)) & 0xFFFFFFFF
    return f"{hashed:08x}"


@tagged("post_install", "-at_install")
class TestFeaturesBrowser(HttpCase):
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
