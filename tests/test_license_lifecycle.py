from datetime import datetime

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import LicenseCommon


@tagged("post_install", "-at_install")
class TestLicenseLifecycle(LicenseCommon):
    def test_a_license_by_hand_lasts_as_long_as_its_policy_says(self):
        with freeze_time("2026-01-01 10:00:00"):
            license_ = self._create_license(self._create_policy(validity_unit="month"))
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))
        self.assertEqual(license_.term_ids.source, "manual")

    def test_a_license_by_hand_may_have_any_end(self):
        end = datetime(2027, 1, 15, 10, 30)
        license_ = self._create_license(expires_at=end)
        self.assertEqual(license_.expires_at, end)
        self.assertFalse(self._create_license(expires_at=False).expires_at)

    def test_the_ledger_keeps_every_date_set_by_hand(self):
        license_ = self._create_license(expires_at="2027-01-01")
        license_.expires_at = "2026-12-01"
        self.assertEqual(license_.expires_at, datetime(2026, 12, 1))
        self.assertEqual(len(license_.term_ids), 2)
        license_.expires_at = False
        self.assertFalse(license_.expires_at)

    def test_the_year_9999_is_a_date_like_any_other(self):
        license_ = self._create_license(
            self._create_policy(grace_days=30), expires_at="9999-12-31 23:59:59"
        )
        self.assertEqual(license_.status, "active")
        self.assertIn(
            license_, self.env["software.license"].search([("status", "=", "active")])
        )

    def test_an_empty_key_is_made_and_a_short_one_refused(self):
        for key in (False, "", "/", None):
            license_ = self._create_license(license_key=key)
            self.assertTrue(license_.license_key.startswith("ACME-"))
        with self.assertRaisesRegex(ValidationError, "8 characters"):
            self._create_license(license_key="1")

    def test_the_policy_may_come_from_a_default(self):
        policy = self._create_policy(key_prefix="DEF")
        license_ = (
            self.env["software.license"]
            .with_context(default_policy_id=policy.id)
            .create({"partner_id": self.env.user.partner_id.id})
        )
        self.assertTrue(license_.license_key.startswith("DEF-"))

    def test_the_product_brings_its_policy(self):
        product = self._create_licensed_product()
        license_ = self.env["software.license"].create(
            {"product_id": product.id, "partner_id": self.env.user.partner_id.id}
        )
        self.assertEqual(license_.policy_id, product.license_policy_id)
        self.assertTrue(license_.license_key.startswith("ACME-"))

    def test_a_policy_chosen_by_hand_stays(self):
        product = self._create_licensed_product()
        chosen = self._create_policy(name="Friends")
        license_ = self._create_license(chosen, product_id=product.id)
        license_.expires_at = "2030-01-01"
        self.assertEqual(license_.policy_id, chosen)
        license_.policy_id = product.license_policy_id
        license_.expires_at = "2031-01-01"
        self.assertEqual(license_.policy_id, product.license_policy_id)

    def test_a_license_without_policy_is_refused(self):
        with self.assertRaisesRegex(UserError, "Choose a license policy"):
            self.env["software.license"].create(
                {"partner_id": self.env.user.partner_id.id}
            )

    def test_states_change_only_along_the_table(self):
        for path, is_allowed in (
            (["suspended", "active"], True),
            (["suspended", "revoked"], True),
            (["revoked"], True),
            (["active"], True),
            (["revoked", "revoked"], True),
            (["revoked", "active"], False),
            (["revoked", "suspended"], False),
        ):
            license_ = self._create_license()
            with self.subTest(path):
                for state in path[:-1]:
                    license_.state = state
                if is_allowed:
                    license_.state = path[-1]
                    self.assertEqual(license_.state, path[-1])
                else:
                    with self.assertRaises(UserError):
                        license_.state = path[-1]

    def test_the_buttons_change_the_state_and_may_be_pressed_twice(self):
        license_ = self._create_license()
        for action, state in (
            ("action_suspend", "suspended"),
            ("action_reinstate", "active"),
            ("action_revoke", "revoked"),
        ):
            for _press in range(2):
                self.assertTrue(getattr(license_, action)())
                self.assertEqual(license_.state, state)

    def test_a_refused_change_of_state_says_so_in_the_words_on_the_screen(self):
        license_ = self._create_license(state="revoked")
        with self.assertRaisesRegex(UserError, "is Revoked: it can't become Active"):
            license_.action_reinstate()

    def test_no_refusal_says_a_whole_key_for_odoo_logs_it(self):
        license_ = self._create_license(state="revoked")
        for refused in ("action_reinstate", "action_send_key", "action_replace_key"):
            with self.subTest(refused), self.assertRaises(UserError) as caught:
                getattr(license_, refused)()
            self.assertNotIn(license_.license_key, str(caught.exception))
            self.assertIn(license_.partner_id.name, str(caught.exception))

    def test_every_change_of_state_is_on_record(self):
        license_ = self._create_license()
        self.flush_tracking()
        license_.action_suspend()
        self.flush_tracking()
        tracked = license_.message_ids.sudo().tracking_value_ids
        self.assertEqual(
            [(value.old_value_char, value.new_value_char) for value in tracked],
            [("Active", "Suspended")],
        )

    def flush_tracking(self):
        self.env.flush_all()
        self.env.cr.precommit.run()

    def test_two_spellings_of_one_key_are_one_license(self):
        self._create_license(license_key="ACME-0000-1111-2222")
        with (
            self.assertNoLogs("odoo.sql_db"),
            self.assertRaisesRegex(ValidationError, "exists already"),
        ):
            self._create_license(license_key="acme-OOOO-iiLL-2222")
        other = self._create_license()
        with self.assertRaisesRegex(ValidationError, "exists already"):
            other.license_key = "ACME-0000-1111-2222"
        with self.assertRaisesRegex(ValidationError, "exists already"):
            vals = {"policy_id": other.policy_id.id, "partner_id": other.partner_id.id}
            other.create([{**vals, "license_key": "TWICE-0000"}] * 2)

    def test_the_status_searched_for_is_the_status_shown(self):
        policy = self._create_policy(grace_days=5)
        archived = self.env["res.partner"].create({"name": "Gone"})
        company = self.env["res.partner"].create({"name": "Closed", "is_company": True})
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": company.id}
        )
        licenses = self._create_license(expires_at=False)
        licenses += self._create_license(state="suspended")
        licenses += self._create_license(state="revoked", partner_id=archived.id)
        licenses += self._create_license(partner_id=archived.id)
        licenses += self._create_license(partner_id=contact.id)
        (archived | company).active = False
        for days in (-1, 1, 4, 6):
            license_ = self._create_license(policy)
            self._age(license_, days=days)
            licenses += license_
        licenses += self._create_license()
        self._age(licenses[-1], days=1)
        expected = ["active", "suspended", "revoked", "suspended", "suspended"]
        expected += ["active", "active", "active", "expired", "expired"]
        self.assertEqual(licenses.mapped("status"), expected)
        within = [("id", "in", licenses.ids)]
        for status in set(expected):
            shown = licenses.filtered(lambda it, status=status: it.status == status)
            for domain, found in (
                ([("status", "=", status)], shown),
                ([("status", "!=", status)], licenses - shown),
                ([("status", "in", [status, "revoked"])], None),
            ):
                result = self.env["software.license"].search(within + domain)
                if found is None:
                    found = shown | licenses[2]
                with self.subTest(domain):
                    self.assertEqual(set(result.ids), set(found.ids))
        expired = self.env["software.license"].search(
            within + [("is_expired", "=", True)]
        )
        self.assertEqual(set(expired.ids), set(licenses[-2:].ids))

    def test_an_archived_customer_suspends_and_a_returning_one_reinstates(self):
        license_ = self._create_license()
        license_.partner_id.active = False
        self.assertEqual(license_.status, "suspended")
        license_.partner_id.active = True
        self.assertEqual(license_.status, "active")

    def test_facts_read_by_sql_are_those_of_the_record(self):
        policy = self._create_policy(
            grace_days=2, lease_minutes=30, features={"a": 1, "b": 2}
        )
        license_ = self._create_license(
            policy, features={"b": 3}, max_activations=4, expires_at="2027-01-01"
        )
        read = self.env["software.license"]._read_facts(license_.license_key)
        self.assertEqual(
            read._replace(device_name=None, first_seen=None, last_seen=None),
            license_._to_facts(),
        )
