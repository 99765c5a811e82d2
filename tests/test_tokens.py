from datetime import UTC, datetime, timedelta

import jwt
from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from ..tools import signing
from .common import LicenseHttpCommon

DAY = timedelta(days=1)


class TokenCommon(LicenseHttpCommon):
    """Reads tokens as any client does: with the published keys and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.env["res.partner"].create(
            {"name": "Blue Heron Studio", "is_company": True}
        )
        cls.policy = cls._create_policy()
        cls.license = cls._create_license(cls.policy, partner_id=cls.customer.id)
        cls.now = fields.Datetime.now()

    def _read(self, token, application="acme-editor"):
        """Return the claims of a token that verifies."""
        keys = self.url_open("/api/licenses/jwks.json").json()["keys"]
        kid = jwt.get_unverified_header(token)["kid"]
        (key,) = [key for key in keys if key["kid"] == kid]
        return jwt.decode(
            token,
            jwt.PyJWK(key).key,
            [key["alg"]],
            audience=application,
            issuer=key["iss"],
            options={"require": ["exp", "iat", "nbf", "jti", "sub"]},
        )

    def _claims(self, call="validate", *args, license_=None, **fields_):
        """Call the API; return the claims of the answer's token."""
        answer = self._call(call, license_ or self.license, *args, **fields_)
        return self._read(answer["token"])

    def assertEnds(self, claims, moment):
        """The token ends at this moment, give or take what the test took."""
        ends = datetime.fromtimestamp(claims["exp"], UTC).replace(tzinfo=None)
        self.assertLess(abs(ends - moment), timedelta(minutes=2), ends)


@tagged("post_install", "-at_install")
class TestTokens(TokenCommon):
    """The signed token in the answers: what it says, and until when."""

    def test_a_token_says_what_the_answer_says_and_whom_it_is_for(self):
        claims = self._claims("validate", "laptop", nonce="n-1")
        told = {
            "sub": str(self.license.id),
            "aud": "acme-editor",
            "licenseKey": self.license.license_key,
            "status": "active",
            "plan": "pro",
            "features": {"export": True},
            "orgName": "Blue Heron Studio",
            "expiresAt": self._call("verify", self.license)["expiresAt"],
            "deviceId": "laptop",
            "nonce": "n-1",
        }
        self.assertEqual({name: claims.get(name) for name in told}, told)
        self.assertEqual(claims["nbf"], claims["iat"])
        standard = {"iss", "iat", "nbf", "exp", "jti"}
        self.assertEqual(claims.keys(), told.keys() | standard)

    def test_a_token_names_the_company_of_a_contact_and_the_end_of_a_trial(self):
        contact = self.env["res.partner"].create(
            {"name": "Ana", "parent_id": self.customer.id}
        )
        self.policy.trial_days = 10
        trial = self.env["software.license"]._give_trial(contact, self.policy, 10)
        claims = self._claims("validate", "laptop", license_=trial)
        self.assertEqual(claims["orgName"], "Blue Heron Studio")
        self.assertEqual(
            claims["trialEndsAt"], self._call("verify", trial)["trialEndsAt"]
        )

    def test_verify_signs_when_asked_with_a_nonce(self):
        self.assertNotIn("token", self._call("verify", self.license))
        claims = self._claims("verify", nonce="n-2")
        self.assertEqual(claims["nonce"], "n-2")
        self.assertNotIn("deviceId", claims)
        # It took no seat: it proves who answered, and lets nobody run.
        self.assertEqual(claims["exp"] - claims["iat"], 300)
        self._call("validate", self.license, "laptop")
        claims = self._claims("verify", "laptop", nonce="n-3")
        self.assertEqual(claims["deviceId"], "laptop")
        self.assertEqual(claims["exp"] - claims["iat"], 14 * 86400)

    def test_what_is_not_good_gets_no_token(self):
        self.policy.max_activations = 1
        self._call("validate", self.license, "laptop")
        for call, device, application in (
            ("validate", "another", None),
            ("verify", "another", None),
            ("validate", "laptop", "acme-viewer"),
        ):
            answer = self._call(
                call, self.license, device, application=application, nonce="n"
            )
            self.assertFalse(answer["valid"])
            self.assertNotIn("token", answer)
        for state in ("suspended", "revoked"):
            self.license.state = state
            for call in ("validate", "verify"):
                answer = self._call(call, self.license, "laptop", nonce="n")
                self.assertNotIn("token", answer)

    def test_a_token_ends_with_the_policys_offline_days(self):
        self.license.expires_at = self.now + 60 * DAY
        for days in (14, 30):
            self.policy.offline_days = days
            claims = self._claims("validate", "laptop")
            self.assertEqual(claims["exp"] - claims["iat"], days * 86400)

    def test_a_token_ends_no_later_than_the_license_and_its_grace(self):
        self.license.expires_at = self.now + 3 * DAY
        self.assertEnds(self._claims("validate", "laptop"), self.now + 3 * DAY)
        self.policy.grace_days = 5
        self.assertEnds(self._claims("validate", "laptop"), self.now + 8 * DAY)
        self.license.expires_at = self.now - 2 * DAY
        self.assertEnds(self._claims("validate", "laptop"), self.now + 3 * DAY)

    def test_a_token_ends_with_the_lease_of_a_floating_seat(self):
        self.policy.lease_minutes = 60
        claims = self._claims("validate", "laptop")
        self.assertEnds(claims, fields.Datetime.now() + timedelta(hours=1))

    def test_a_perpetual_license_gets_tokens_that_end(self):
        self.policy.validity_unit = "perpetual"
        license_ = self._create_license(self.policy, partner_id=self.customer.id)
        claims = self._claims("validate", "laptop", license_=license_)
        self.assertIsNone(claims["expiresAt"])
        self.assertEqual(claims["exp"] - claims["iat"], 14 * 86400)

    def test_each_company_signs_with_its_own_key(self):
        other = self.env["res.company"].create({"name": "Other"})
        license_ = self._create_license(self.policy, company_id=other.id)
        mine = self._claims("validate", "laptop")["iss"]
        theirs = self._claims("validate", "laptop", license_=license_)["iss"]
        self.assertEqual(mine, self.env.company.license_token_issuer)
        self.assertEqual(theirs, other.license_token_issuer)
        self.assertNotEqual(mine, theirs)

    def test_the_newest_key_signs_and_what_older_ones_signed_still_verifies(self):
        before = self._call("validate", self.license, "laptop")["token"]
        keys = self.env["software.license.signing.key"]
        new = keys._add(self.env.company, signing.generate("RS256"))
        after = self._call("validate", self.license, "laptop")["token"]
        header = jwt.get_unverified_header(after)
        self.assertEqual(header, {"alg": "RS256", "typ": "JWT", "kid": new.kid})
        self._read(before)
        self._read(after)

    def test_without_a_key_answers_carry_no_token(self):
        keys = self.env["software.license.signing.key"].search([])
        keys._erase_private()
        answer = self._call("validate", self.license, "laptop", nonce="n")
        self.assertTrue(answer["valid"])
        self.assertNotIn("token", answer)

    def test_an_addon_may_say_more(self):
        licenses = self.env.registry["software.license"]
        prepare = licenses._prepare_token_claims

        def with_more(self, *args, **kwargs):
            return {**prepare(self, *args, **kwargs), "region": "eu", "exp": 1}

        self.patch(licenses, "_prepare_token_claims", with_more)
        claims = self._claims("validate", "laptop")
        self.assertEqual(claims["region"], "eu")
        self.assertGreater(claims["exp"], claims["iat"])  # not an addon's to say

    def test_instances_are_answered_to_the_letter_of_their_document(self):
        answer = self._post(
            None,
            {"licenseKey": self.license.license_key, "nonce": "n"},
            path="/api/v1/licensing/validate",
        ).json()
        self.assertTrue(answer["valid"])
        self.assertNotIn("token", answer)

    def test_the_clock_of_the_server_decides(self):
        with freeze_time("2037-06-01 12:00:00"):
            license_ = self._create_license(self.policy)
            claims = self._claims("validate", "laptop", license_=license_)
        self.assertEqual(
            datetime.fromtimestamp(claims["iat"], UTC).isoformat(),
            "2037-06-01T12:00:00+00:00",
        )
