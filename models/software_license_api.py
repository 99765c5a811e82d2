from odoo import api, fields, models

from ..tools import verdict
from ..tools.errors import DeactivationNotAllowed, DeviceNotFound, LicenseNotFound
from ..tools.timestamp import to_timestamp


class SoftwareLicense(models.Model):
    """The public HTTP calls (api.md, "Public: the licenses API").

    Each sees exactly one license, by its key, and returns the dict that is the
    answer. What is refused outright is raised (``tools/errors.py``).
    """

    _inherit = "software.license"

    self_deactivation_year = fields.Integer(groups=fields.NO_ACCESS, copy=False)
    self_deactivation_count = fields.Integer(groups=fields.NO_ACCESS, copy=False)

    @api.model
    def _api_verify(self, licenseKey, deviceId=None, application=None, nonce=None):
        """Say whether a key, and a device, are good; write nothing."""
        question = verdict.Question(fields.Datetime.now(), application, deviceId)
        facts = self._get_facts(
            licenseKey, deviceId, now=question.now, is_named=bool(nonce)
        )
        answer = verdict.judge(facts, question)
        values = self._to_public_dict(facts, answer)
        if nonce:
            self._add_token(values, facts, question, nonce)
        return values

    @api.model
    def _api_validate(
        self,
        licenseKey,
        deviceId,
        deviceName=None,
        application=None,
        nonce=None,
        ip_address=None,
    ):
        """Verify, and give the device a seat if it has none."""
        question = verdict.Question(fields.Datetime.now(), application, deviceId, True)
        facts = self._get_facts(licenseKey, deviceId, True, question.now)
        facts, answer = self._check_in(
            licenseKey, facts, question, deviceName, ip_address
        )
        values = self._to_validated_dict(facts, answer, question)
        self._add_token(values, facts, question, nonce)
        return values

    @api.model
    def _check_in(self, key, facts, question, device_name, ip_address):
        """Give the device its seat, and write down that it asked, if need be."""
        answer = verdict.judge(facts, question)
        is_stale = self._is_quantity_stale(facts, question.now)
        writes = answer.is_valid and self._needs_write(facts, question, device_name)
        if not writes and not is_stale:
            return facts, answer
        self._restart_read_committed()
        license_ = self.browse(facts.license_id)
        if facts.has_seat and not facts.lease_minutes and not is_stale:
            facts = license_._note_device(facts, question, device_name, ip_address)
            return facts, answer
        return license_._activate(key, question, device_name, ip_address)

    @api.model
    def _api_deactivate(self, licenseKey, deviceId):
        """Free the seat of a device, if the policy lets it."""
        question = verdict.Question(fields.Datetime.now(), None, deviceId)
        facts = self._get_facts(licenseKey, deviceId, now=question.now)
        if not facts.has_seat:
            raise DeviceNotFound()
        self._restart_read_committed()
        license_ = self.browse(facts.license_id)
        license_._lock_facts(licenseKey, question)
        license_._take_self_deactivation()
        if not license_._free_device(deviceId):
            raise DeviceNotFound()
        facts = self._get_facts(licenseKey, deviceId, count_seats=True)
        return {
            "success": True,
            "currentActivations": facts.seats_used,
            "maxActivations": facts.seat_limit,
        }

    def _take_self_deactivation(self):
        """Count one more self-deactivation of this year, or refuse it."""
        self.ensure_one()
        policy = self.policy_id
        if not policy.self_deactivation:
            raise DeactivationNotAllowed()
        if self._get_self_deactivations_left() == 0:
            allowed = policy.yearly_self_deactivations
            raise DeactivationNotAllowed(
                f"This license allows {allowed} deactivations a year."
            )
        used = self._get_self_deactivations_used()
        year = fields.Date.today().year
        self.write(
            {"self_deactivation_year": year, "self_deactivation_count": used + 1}
        )

    def _get_self_deactivations_used(self):
        """Return how many devices were freed this year by themselves or customers."""
        self.ensure_one()
        is_current = self.self_deactivation_year == fields.Date.today().year
        return self.self_deactivation_count if is_current else 0

    def _get_self_deactivations_left(self):
        """Return how many devices may still be freed this year; None: no limit."""
        self.ensure_one()
        allowed = self.policy_id.yearly_self_deactivations
        if not self.policy_id.self_deactivation:
            return 0
        if not allowed:
            return None
        return max(0, allowed - self._get_self_deactivations_used())

    @api.model
    def _get_facts(self, key, *args, **kwargs):
        """Return the facts of the license with this key, or raise LicenseNotFound.

        The other arguments are those of ``_read_facts``.
        """
        facts = self._read_facts(key, *args, **kwargs)
        facts = facts or self._read_former_facts(key)
        if facts is None:
            raise LicenseNotFound()
        return facts

    # === ANSWERS === #

    @api.model
    def _to_public_dict(self, facts, answer):
        """Return what a client sees of a license; override it to tell more."""
        values = {
            "valid": answer.is_valid,
            "status": answer.status,
            "features": facts.features,
            "expiresAt": to_timestamp(facts.expires_at),
        }
        if answer.error:
            values.update(error=answer.error, message=answer.message)
        if answer.grace_ends_at:
            values["graceEndsAt"] = to_timestamp(answer.grace_ends_at)
        if facts.trial_ends_at:
            values["trialEndsAt"] = to_timestamp(facts.trial_ends_at)
        return values

    @api.model
    def _add_token(self, values, facts, question, nonce):
        """Add a token to the answer of a valid license, if there is a key to sign."""
        if values["valid"]:
            if token := self._get_answer_token(facts, question, nonce):
                values["token"] = token

    @api.model
    def _to_validated_dict(self, facts, answer, question):
        """Return what a client sees of a license and of its own device."""
        values = self._to_public_dict(facts, answer)
        values.update(
            maxActivations=facts.seat_limit, currentActivations=facts.seats_used
        )
        if answer.is_valid:
            values["activation"] = {
                "deviceId": question.device_id,
                "deviceName": facts.device_name,
                "activatedAt": to_timestamp(facts.first_seen),
                "lastSeenAt": to_timestamp(facts.last_seen),
            }
            if facts.lease_ends_at:
                values["activation"]["leaseExpiresAt"] = to_timestamp(
                    facts.lease_ends_at
                )
        return values
