from datetime import timedelta

from odoo import api, models

from ..tools import token
from ..tools.timestamp import to_timestamp

#: How long a token is good that is for no device.
PROOF_LIFETIME = timedelta(minutes=5)


class SoftwareLicense(models.Model):
    """What software may believe without asking: the signed token of an answer."""

    _inherit = "software.license"

    @api.model
    def _get_answer_token(self, facts, question, nonce):
        """Return the token of an answer, None without a signing key.

        For a device, which has a seat then, it is good for as many days as the policy
        lets software run offline. For none it only proves who answered: whoever has
        a key could run on any number of machines, else.
        """
        lifetime = (
            timedelta(days=facts.offline_days) if question.device_id else PROOF_LIFETIME
        )
        return self._get_token(facts, question, nonce, lifetime)

    @api.model
    def _get_token(self, facts, question, nonce, lifetime):
        """Return a signed token that tells these facts, None without a signing key.

        Call it of a valid license only. It is good for so long, a timedelta, and never
        for longer than the license, its grace, and the lease of the device's seat.
        """
        keys = self.env["software.license.signing.key"]
        key = keys._get_signer_of_ring(
            facts.company_id, facts.ring_version, question.now
        )
        if not key:
            return None
        expires_at = token.get_expiry(
            question.now,
            lifetime,
            facts.valid_until,
            facts.lease_ends_at,
        )
        claims = self._prepare_token_claims(facts, question, nonce)
        return token.sign(key, claims, question.now, expires_at)

    @api.model
    def _prepare_token_claims(self, facts, question, nonce=None):
        """Return what a token says of a license; override it to tell more.

        Left out: what all tokens have (``tools/token.py``). Clients verify
        ``aud``, ``deviceId`` and ``nonce``.
        """
        claims = {
            "sub": str(facts.license_id),
            "aud": facts.application,
            "licenseKey": facts.license_key,
            "status": "active",
            "plan": facts.plan,
            "features": facts.features,
            "orgName": facts.organization_name,
            "expiresAt": to_timestamp(facts.expires_at),
        }
        if facts.trial_ends_at:
            claims["trialEndsAt"] = to_timestamp(facts.trial_ends_at)
        if question.device_id:
            claims["deviceId"] = question.device_id
        if nonce:
            claims["nonce"] = nonce
        return claims
