from datetime import date

from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LicenseCommon


@tagged("post_install", "-at_install")
class TestPolicy(LicenseCommon):
    def test_a_wrong_policy_is_refused_by_the_name_of_its_field(self):
        for vals, complaint in (
            ({"application": "Acme Editor"}, "Application"),
            ({"application": "-x"}, "Application"),
            ({"key_prefix": "acme"}, "Key prefix"),
            ({"key_prefix": "ACME-"}, "Key prefix"),
            ({"key_groups": 1}, "groups"),
            ({"key_groups": 2, "key_group_size": 5}, "can be guessed"),
            ({"features_text": "{"}, "not JSON"),
            ({"features_text": "[1]"}, "JSON object"),
            ({"features_text": '{"a": NaN}'}, "not JSON"),
        ):
            with self.subTest(vals), self.assertRaisesRegex(ValidationError, complaint):
                self._create_policy(**vals)

    @mute_logger("odoo.sql_db")
    def test_numbers_out_of_range_are_refused(self):
        for vals in (
            {"grace_days": -1},
            {"grace_days": 3651},
            {"validity_interval": 1001},
            {"max_activations": -1},
            {"validity_interval": 0},
            {"yearly_self_deactivations": -1},
            {"lease_minutes": -1},
            {"lease_minutes": 525601},
        ):
            with (
                self.subTest(vals),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self._create_policy(**vals)

    def test_the_key_has_the_format_of_the_policy(self):
        policy = self._create_policy(key_groups=3, key_group_size=5)
        self.assertRegex(policy._generate_license_key(), r"^ACME(-\w{5}){3}$")
        self.assertEqual(policy.key_example, "ACME-XXXXX-XXXXX-XXXXX")
        policy.key_format = "hex64"
        self.assertRegex(policy._generate_license_key(), r"^[0-9a-f]{64}$")

    def test_the_validity_is_counted_from_the_first_day_inclusive(self):
        start = date(2026, 1, 1)
        for interval, unit, end in (
            (10, "day", date(2026, 1, 10)),
            (2, "week", date(2026, 1, 14)),
            (1, "month", date(2026, 1, 31)),
            (1, "year", date(2026, 12, 31)),
            (0, "perpetual", None),
        ):
            policy = self._create_policy(validity_interval=interval, validity_unit=unit)
            with self.subTest(unit=unit):
                self.assertEqual(policy._get_period(start), (start, end))

    def test_the_shipped_policy_is_perpetual_and_unlimited(self):
        policy = self.env.ref("software_license.policy_default")
        self.assertEqual(policy._get_period(date(2026, 1, 1))[1], None)
        self.assertEqual(policy.max_activations, 0)

    def test_the_application_stays_once_licenses_were_issued(self):
        policy = self._create_policy()
        policy.application = "acme-other"
        self._create_license(policy)
        policy.application = "acme-other"
        with self.assertRaisesRegex(ValidationError, "licenses were issued"):
            policy.application = "acme-editor"

    def test_features_are_edited_as_text(self):
        policy = self._create_policy(features_text='{"max_users": 5}')
        self.assertEqual(policy.features, {"max_users": 5})
        policy.features_text = False
        self.assertFalse(policy.features)

    def test_a_variants_own_policy_wins_over_the_products(self):
        product = self._create_licensed_product(self._create_policy())
        other = self._create_policy(name="Editor Team")
        self.assertEqual(product._get_license_policy(), product.license_policy_id)
        product.variant_license_policy_id = other
        self.assertEqual(product._get_license_policy(), other)
