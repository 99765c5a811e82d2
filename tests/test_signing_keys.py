import logging
from base64 import b64decode
from datetime import timedelta
from unittest.mock import patch

import jwt
from cryptography.hazmat.primitives import serialization
from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import new_test_user, tagged
from odoo.tools import config, mute_logger

from ..models import software_license_signing_key_private as signing_key_private
from ..tools import signing
from .common import LicenseCommon, LicenseHttpCommon

MANAGER = "software_license.group_license_manager"
USER = "software_license.group_license_user"
LOGGER = signing_key_private.__name__
NOW = "2026-03-01 12:00:00"


class KeyRingCommon(LicenseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = cls.env["software.license.signing.key"]
        with freeze_time("2026-01-01"):
            cls.company = cls.env["res.company"].create({"name": "Acme"})
        cls.first = cls.keys.search([("company_id", "=", cls.company.id)])
        cls.manager = new_test_user(
            cls.env,
            "ring manager",
            MANAGER,
            company_ids=cls.company.ids,
            company_id=cls.company.id,
        )

    def _add(self, **vals):
        """Put a key on the ring as a manager does; return it."""
        wizard = self.env["software.license.signing.key.add"].with_user(self.manager)
        added = wizard.create({"company_id": self.company.id, **vals})
        added.action_add()
        return added.key_id.sudo()

    def _signer(self, moment=None):
        now = fields.Datetime.to_datetime(moment) or fields.Datetime.now()
        found = self.keys._get_signer(self.company, now)
        return found and found.kid

    def _published(self):
        """The ids of the keys of our company that are published."""
        mine = set(
            self.keys.search([("company_id", "=", self.company.id)]).mapped("kid")
        )
        return {key["kid"] for key in self.keys._get_jwks()["keys"]} & mine


@tagged("post_install", "-at_install")
class TestKeyRing(KeyRingCommon):
    """One key of a company signs; older ones are published as long as needed."""

    def test_each_company_gets_a_key_that_signs(self):
        self.assertEqual(len(self.first), 1)
        self.assertEqual(self.first.algorithm, signing.ED25519)
        self.assertEqual(self.first.status, "signing")
        self.assertEqual(self._signer(), self.first.kid)
        everywhere = self.env["res.company"].search([])
        self.keys._make_first_keys()
        ring = self.keys.search([])
        self.assertEqual(ring.company_id, everywhere)
        self.assertIn(self.first, ring)

    def test_the_public_key_is_downloaded_as_pem(self):
        key = self.first.with_user(self.manager)
        self.assertEqual(key.public_file_name, f"{key.kid}.pem")
        public = serialization.load_pem_public_key(b64decode(key.public_file))
        self.assertEqual(jwt.PyJWK(key.public_jwk).key, public)

    def test_two_companies_share_neither_key_nor_issuer(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.keys.search([("company_id", "=", other.id)])
        self.assertNotEqual(theirs.kid, self.first.kid)
        self.assertNotEqual(theirs.issuer, self.first.issuer)

    @freeze_time(NOW)
    def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(self):
        new = self._add()
        self.assertEqual(self._published(), {self.first.kid, new.kid})
        self.assertEqual(self._signer(), self.first.kid)
        self.assertEqual((new.status, self.first.status), ("next", "signing"))
        self.assertEqual(self._signer("2026-03-01 12:09:59"), self.first.kid)
        self.assertEqual(self._signer("2026-03-01 12:10:00"), new.kid)

    def test_a_retired_key_stays_until_its_last_token_is_past(self):
        self._create_policy(company_id=self.company.id, offline_days=20)
        with freeze_time(NOW):
            longest = self.first.longest_days
            self.assertGreaterEqual(longest, 20)
            new = self._add(is_at_once=True)
        ends = fields.Datetime.to_datetime(NOW) + timedelta(days=longest)
        with freeze_time(ends - timedelta(seconds=1)):
            self.env.invalidate_all()
            self.assertEqual(self.first.status, "retired")
            self.assertEqual(self._published(), {self.first.kid, new.kid})
        with freeze_time(ends):
            self.env.invalidate_all()
            self.assertEqual(self.first.status, "past")
            self.assertEqual(self._published(), {new.kid})

    def test_longer_tokens_keep_a_key_published_longer_even_when_shortened_again(self):
        policy = self._create_policy(offline_days=14)
        for name, days in (("offline_days", 3500), ("file_days", 3600)):
            policy[name] = days
            self.assertEqual(self.first.longest_days, days)
        policy.file_days = 0
        policy.offline_days = 14
        self.assertEqual(self.first.longest_days, 3600)
        with freeze_time(NOW):
            self._add(is_at_once=True)
        with freeze_time("2026-03-02"):
            policy.offline_days = 3650
        self.assertEqual(self.first.longest_days, 3600)  # it signs none of those

    def test_a_new_key_knows_the_longest_days_of_archived_policies_too(self):
        for name, days in (("offline_days", 3610), ("file_days", 3620)):
            self._create_policy(**{name: days}).active = False
            company = self.env["res.company"].create({"name": name})
            key = self.keys.search([("company_id", "=", company.id)])
            self.assertEqual(key.longest_days, days)

    def test_an_archived_company_that_has_no_key_gets_one(self):
        company = self.env["res.company"].create({"name": "Away"})
        company.active = False
        of_company = [("company_id", "=", company.id)]
        first = self.keys.search(of_company)
        first.withdrawn_at = NOW
        first.unlink()
        self._run_cron("cron_tidy_signing_keys")
        self.assertEqual(self.keys.search(of_company).status, "signing")

    def test_a_manager_adds_a_key_though_the_issuer_was_emptied(self):
        for empty in (False, "  "):
            self.company.license_token_issuer = empty
            self.assertTrue(self._add().issuer.startswith("urn:uuid:"))

    @freeze_time(NOW)
    def test_of_two_new_keys_the_newest_signs(self):
        middle, newest = self._add(), self._add(algorithm="RS256", is_at_once=True)
        self.assertEqual(self._signer(), newest.kid)
        self.assertEqual(self._signer("2026-03-02"), newest.kid)
        self.assertEqual((middle + self.first).mapped("status"), ["retired"] * 2)
        self.assertEqual(newest.algorithm, "RS256")

    @freeze_time(NOW)
    def test_a_rotation_leaves_other_companies_alone(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.keys.search([("company_id", "=", other.id)])
        self._add(is_at_once=True)
        self.assertFalse(theirs.retired_at)
        self.assertEqual(theirs.status, "signing")

    def test_what_retired_before_is_published_no_longer_by_another_rotation(self):
        with freeze_time(NOW):
            self._add(is_at_once=True)
        retired_at = self.first.retired_at
        with freeze_time("2026-03-05"):
            self._add(is_at_once=True)
        self.assertEqual(self.first.retired_at, retired_at)

    def test_a_ring_of_before_is_not_taken_for_todays(self):
        self.assertEqual(self._signer(), self.first.kid)
        # Another thread may keep the ring of before after everybody forgot it.
        with patch.object(type(self.env.registry), "clear_cache"):
            self.first.action_withdraw()
            self.assertNotEqual(self._signer(), self.first.kid)

    @freeze_time(NOW)
    def test_a_chain_of_endorsements_leads_from_the_first_key_to_the_newest(self):
        second = self._add(is_at_once=True)
        third = self._add(algorithm="RS256", is_at_once=True)
        self.assertFalse(self.first.endorsements)
        self.assertEqual(len(third.endorsements), 2)
        self.assertEqual(third.endorsements[:1], second.endorsements)
        trusted = self.first.public_jwk
        for said, key in zip(third.endorsements, (second, third), strict=True):
            claims = jwt.decode(
                said,
                jwt.PyJWK(trusted).key,
                [trusted["alg"]],
                issuer=self.first.issuer,
            )
            self.assertEqual(claims["sub"], key.kid)
            trusted = claims["jwk"]
            self.assertEqual(signing.thumbprint(trusted), key.kid)

    def test_no_two_companies_have_one_issuer(self):
        other = self.env["res.company"].create({"name": "Other"})
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            other.license_token_issuer = self.company.license_token_issuer
            self.env.flush_all()

    def test_a_new_issuer_is_that_of_the_next_key(self):
        before = self.first.issuer
        self.company.license_token_issuer = "https://licenses.example.com"
        self.assertEqual(self.first.issuer, before)
        self.assertEqual(self._add().issuer, "https://licenses.example.com")

    # === WITHDRAWING === #

    @freeze_time(NOW)
    def test_a_withdrawn_key_is_published_no_longer_and_another_one_signs(self):
        self.first.with_user(self.manager).action_withdraw()
        self.assertEqual(self.first.status, "withdrawn")
        self.assertFalse(self.first.private_pem)
        (kid,) = self._published()
        self.assertNotEqual(kid, self.first.kid)
        self.assertEqual(self._signer(), kid)
        old = self._add(algorithm="RS256", is_at_once=True)
        old.with_user(self.manager).action_withdraw()
        self.assertEqual(
            self.keys.search([("kid", "=", self._signer())]).algorithm, "RS256"
        )

    @freeze_time(NOW)
    def test_a_key_that_waits_signs_at_once_when_the_one_before_is_withdrawn(self):
        new = self._add()
        self.first.action_withdraw()
        self.assertEqual(self._signer(), new.kid)
        self.assertEqual(self._published(), {new.kid})

    @freeze_time(NOW)
    def test_of_two_keys_that_wait_the_one_that_is_left_signs_for_good(self):
        left, newest = self._add(), self._add()
        (newest + self.first).action_withdraw()
        self.assertEqual(self._signer("2026-03-01 12:00:00"), left.kid)
        self.assertEqual(self._signer("2027-03-01 12:00:00"), left.kid)

    @freeze_time(NOW)
    def test_a_key_without_a_private_part_takes_over_from_none(self):
        waiting = self._add()
        newest = self._add(is_at_once=True)
        waiting._erase_private()
        newest.action_withdraw()
        self.assertNotIn(self._signer(), (None, waiting.kid, newest.kid))

    @freeze_time(NOW)
    def test_a_key_signs_on_when_the_one_after_it_is_withdrawn(self):
        self._add().action_withdraw()
        self.assertEqual(self._signer("2026-04-01"), self.first.kid)
        self.assertEqual(self._published(), {self.first.kid})

    def test_a_key_that_clients_need_is_not_deleted(self):
        with self.assertRaisesRegex(UserError, "withdraw"):
            self.first.unlink()
        self.first.action_withdraw()
        self.first.unlink()
        self.assertFalse(self.first.exists())

    # === IMPORT === #

    def test_a_private_key_from_elsewhere_signs(self):
        for algorithm, passphrase in (("EdDSA", None), ("RS256", "secret")):
            private = signing.generate(algorithm)
            added = self._add(
                origin="import",
                pem=signing.dump(private, passphrase),
                passphrase=passphrase,
                is_at_once=True,
            )
            self.assertEqual(added.kid, signing.public_jwk(private)["kid"])
            self.assertEqual(added.public_pem, signing.public_pem(private))
            self.assertEqual(self._signer(), added.kid)

    def test_bad_keys_are_refused_with_the_fields_name_and_leave_nothing(self):
        private = signing.generate()
        locked = signing.dump(private, "secret")
        ring = self.keys.search([])
        for vals, words in (
            ({"pem": "nothing"}, "Private Key.*PEM"),
            ({"pem": locked}, "Private Key.*passphrase"),
            ({"pem": locked, "passphrase": "wrong"}, "Private Key.*passphrase"),
            ({}, "Private Key"),
        ):
            with self.subTest(vals), self.assertRaisesRegex(UserError, words):
                self._add(origin="import", **vals)
        self.assertEqual(self.keys.search([]), ring)

    def test_the_same_key_is_imported_once(self):
        pem = signing.dump(signing.generate())
        self._add(origin="import", pem=pem)
        with self.assertRaisesRegex(UserError, "already"):
            self._add(origin="import", pem=pem)

    def test_an_imported_key_is_stored_nowhere_but_on_the_ring(self):
        wizard = self.env["software.license.signing.key.add"].with_user(self.manager)
        pem = signing.dump(signing.generate(), "pass phrase")
        added = wizard.create(
            {"origin": "import", "pem": pem, "passphrase": "pass phrase"}
        )
        self.assertFalse(added.pem)
        self.assertFalse(added.passphrase)
        key = added.key_id
        added.pem = signing.dump(signing.generate())  # saved once more
        self.assertEqual(added.key_id, key)
        self.env.flush_all()
        self.env.invalidate_all()
        self.env.cr.execute(
            "SELECT to_jsonb(it)::text FROM software_license_signing_key_add it"
        )
        rows = str(self.env.cr.fetchall())
        self.assertNotIn("PRIVATE KEY", rows)
        self.assertNotIn("pass phrase", rows)

    # === WHO MAY SEE WHAT === #

    def test_nobody_reads_the_private_part(self):
        key = self.first.with_user(self.manager)
        self.assertNotIn("private_pem", key.fields_get())
        for call in (
            lambda: key.read(["private_pem"]),
            lambda: key.search([("private_pem", "like", "%")]),
            lambda: key.search([], order="private_pem"),
            lambda: key._read_group([], ["private_pem"]),
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertNotIn("PRIVATE", str(key.read()))
        self.assertNotIn("PRIVATE", str(key.web_search_read([], {"kid": {}})))
        admin = self.first.with_user(self.env.ref("base.user_admin"))
        admin.env.user.group_ids += self.env.ref("base.group_allow_export")
        for call in (admin.read, admin.export_data):
            with self.assertRaises(AccessError):
                call(["private_pem"])

    def test_managers_alone_see_keys_and_nobody_writes_them(self):
        user = new_test_user(
            self.env,
            "ring user",
            f"{USER},account.group_account_manager",
            company_ids=self.company.ids,
            company_id=self.company.id,
        )
        for call in (
            lambda key: key.read(["kid"]),
            lambda key: key.action_withdraw(),
        ):
            with self.assertRaises(AccessError):
                call(self.first.with_user(user))
        for call in (
            lambda key: key.write({"issuer": "mine"}),
            lambda key: key.unlink(),
            lambda key: key.create({"kid": "x"}),
            lambda key: key.copy(),
        ):
            with self.assertRaises(AccessError):
                call(self.first.with_user(self.manager))

    def test_the_keys_of_another_company_are_out_of_reach(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.keys.search([("company_id", "=", other.id)])
        self.assertNotIn(theirs, self.keys.with_user(self.manager).search([]))
        with self.assertRaises(AccessError):
            theirs.with_user(self.manager).action_withdraw()
        with self.assertRaisesRegex(UserError, "Company"):
            self._add(company_id=other.id)

    def test_no_log_holds_the_private_part(self):
        with self.assertLogs("odoo", logging.DEBUG) as logs:
            self._add(is_at_once=True)
            self.env.flush_all()
            self._add(origin="import", pem=signing.dump(signing.generate()))
            self.env.flush_all()
            self._signer()
        said = "\n".join(logs.output)
        self.assertIn("INSERT INTO", said)  # it is what we think it is
        self.assertNotIn("PRIVATE KEY", said)

    # === AT REST === #

    def _with(self, **options):
        """Odoo's configuration file says this."""
        names = {name: f"software_license_{name}" for name in options}
        values = {names[name]: value for name, value in options.items()}
        return patch.dict(config.options, values)

    def test_with_a_passphrase_keys_are_encrypted_and_still_sign(self):
        with self._with(passphrase="secret"):
            new = self._add(is_at_once=True)
            self.assertTrue(new.is_encrypted)
            self.assertIn("ENCRYPTED", new.private_pem)
            self.assertEqual(self._signer(), new.kid)

    def test_keys_made_before_are_encrypted_by_the_daily_tidying(self):
        self.assertFalse(self.first.is_encrypted)
        with self._with(passphrase="secret"):
            self._run_cron("cron_tidy_signing_keys")
            self.assertTrue(self.first.is_encrypted)
            self.assertIn("ENCRYPTED", self.first.private_pem)
            self.assertEqual(self._signer(), self.first.kid)
            before = self.first.private_pem
            self._run_cron("cron_tidy_signing_keys")
            self.assertEqual(self.first.private_pem, before)

    def test_another_passphrase_takes_over_from_the_former_one(self):
        with self._with(passphrase="old"):
            self._run_cron("cron_tidy_signing_keys")
        with self._with(passphrase="new", former_passphrase="old"):
            self.company._touch_license_ring()
            self.assertEqual(self._signer(), self.first.kid)
            self._run_cron("cron_tidy_signing_keys")
        with self._with(passphrase="new"):
            self.company._touch_license_ring()
            self.assertEqual(self._signer(), self.first.kid)

    def test_a_key_that_no_passphrase_opens_signs_nothing_and_the_log_says_why(self):
        with self._with(passphrase="old"):
            self._run_cron("cron_tidy_signing_keys")
        with self._with(passphrase="lost"), self.assertLogs(LOGGER) as logs:
            self.company._touch_license_ring()
            self.assertIsNone(self._signer())
            self.env.invalidate_all()
            self.assertEqual(self.first.status, "unusable")
        self.assertIn("software_license_passphrase", logs.output[0])
        self.company._touch_license_ring()

    def test_the_private_part_of_a_retired_key_is_erased(self):
        with freeze_time(NOW):
            new = self._add(is_at_once=True)
        with freeze_time("2026-03-02"):
            self._run_cron("cron_tidy_signing_keys")
        self.assertFalse(self.first.private_pem)
        self.assertTrue(new.private_pem)

    def test_a_neutralized_copy_signs_nothing(self):
        (query,) = [
            query
            for query in get_neutralization_queries(["software_license"])
            if "signing_key" in query
        ]
        self.env.cr.execute(query)
        self.env.invalidate_all()
        self.company._touch_license_ring()
        self.assertIsNone(self._signer())
        self.assertEqual(self._published(), {self.first.kid})


@tagged("post_install", "-at_install")
class TestJwks(LicenseHttpCommon):
    def test_the_published_keys_are_there_for_everybody_and_may_be_kept(self):
        response = self.url_open("/api/licenses/jwks.json")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(
            response.headers["Content-Type"], "application/json; charset=utf-8"
        )
        self.assertEqual(response.headers["Cache-Control"], "public, max-age=300")
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
        self.assertNotIn("Set-Cookie", response.headers)
        keys = response.json()["keys"]
        self.assertTrue(keys)
        for key in keys:
            self.assertEqual(signing.thumbprint(key), key["kid"])
            self.assertEqual(key["use"], "sig")
            self.assertTrue({"iss", "alg", "endorsements"} <= key.keys())
            self.assertFalse(key.keys() & {"d", "p", "q", "dp", "dq", "qi"})

    def test_an_unchanged_list_is_not_sent_again(self):
        tag = self.url_open("/api/licenses/jwks.json").headers["ETag"]
        again = self.url_open("/api/licenses/jwks.json", headers={"If-None-Match": tag})
        self.assertEqual((again.status_code, again.text), (304, ""))
        self.env["software.license.signing.key"]._add(
            self.env.company, signing.generate()
        )
        changed = self.url_open(
            "/api/licenses/jwks.json", headers={"If-None-Match": tag}
        )
        self.assertEqual(changed.status_code, 200)

    @mute_logger("odoo.http")
    def test_nothing_else_is_done_there(self):
        response = self.url_open("/api/licenses/jwks.json", method="POST", data="{}")
        self.assertEqual(response.status_code, 405)
        self.assertEqual(response.json()["error"], "method_not_allowed")
