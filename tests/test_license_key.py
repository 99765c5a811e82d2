import re

from odoo.tests import BaseCase

from ..tools import license_key


class TestLicenseKey(BaseCase):
    def test_a_part_of_a_key_is_found_whether_or_not_it_holds_a_dash(self):
        for part in ("rustbill", "RUSTBILL-7", "b1ll", " bill "):
            forms = license_key.normalize_part(part)
            key = license_key.normalize("Rustbill-7K3M")
            with self.subTest(part):
                self.assertTrue(any(form in key for form in forms))

    def test_a_grouped_key_has_the_prefix_the_groups_and_no_look_alikes(self):
        key = license_key.generate_grouped("ACME", groups=3, size=5)
        self.assertRegex(key, r"^ACME(-[0-9A-HJKMNP-TV-Z]{5}){3}$")

    def test_a_grouped_key_may_have_no_prefix(self):
        self.assertRegex(license_key.generate_grouped(), r"^\w{4}(-\w{4}){3}$")

    def test_a_hex_key_has_64_lower_case_hex_digits(self):
        self.assertTrue(re.fullmatch(r"[0-9a-f]{64}", license_key.generate_hex64()))

    def test_a_log_shows_the_ends_of_a_key_and_less_of_a_short_one(self):
        for key, masked in (
            ("ACME-7K3M-91QZ-V0XT-8RWB", "ACME…8RWB"),
            ("12345678", "1…8"),
            ("/", "…"),
        ):
            self.assertEqual(license_key.mask(key), masked)

    def test_keys_differ(self):
        keys = {license_key.generate_grouped() for _turn in range(1000)}
        self.assertEqual(len(keys), 1000)

    def test_spellings_of_one_key_are_equal(self):
        for one, other in (
            ("ACME-1234-ABCD", "  acme-1234-abcd\n"),
            ("ACME-1010-ABCD", "ACME-IOLO-ABCD"),
            ("RUSTBILL-0000", "rustbill-oooo"),
            ("a1b2" * 16, "A1B2" * 16),
        ):
            with self.subTest(one=one, other=other):
                self.assertEqual(
                    license_key.normalize(one), license_key.normalize(other)
                )

    def test_different_keys_are_not_equal(self):
        for one, other in (
            ("ACME-1234", "ACME-1235"),
            ("ACME-1234", "ACME1234"),
            ("O" * 64, "0" * 64),  # no dash: no grouped key
            ("ACME-1234", "ACME- 1234"),
        ):
            with self.subTest(one=one, other=other):
                self.assertNotEqual(
                    license_key.normalize(one), license_key.normalize(other)
                )
