from datetime import timedelta

from odoo import api, fields, models

from ..tools import license_file, license_key, verdict
from ..tools.errors import FileNotAvailable, InvalidRequest, LicenseRefused


class SoftwareLicense(models.Model):
    """License files: what devices get that can't ask for themselves."""

    _inherit = "software.license"

    can_have_file = fields.Boolean(compute="_compute_can_have_file")

    @api.depends("status", "policy_id.lease_minutes")
    def _compute_can_have_file(self):
        for license_ in self:
            license_.can_have_file = license_.sudo()._can_have_file()

    def _make_file(self, device_id=None, device_name=None, nonce=None):
        """Return the text of a license file, for any device or for one.

        A file that is for one device takes a seat, as that device would. Raises
        LicenseRefused when the license is not valid, or has no seat left, and
        FileNotAvailable when its policy, or the lack of a key, leaves no way.
        """
        self.ensure_one()
        license_ = self.sudo()  # whoever may ask for a file need not write seats
        policy = license_.policy_id
        if policy.lease_minutes:
            raise FileNotAvailable("A floating license has no files: seats are leased.")
        question = verdict.Question(
            fields.Datetime.now(), None, device_id, bool(device_id)
        )
        key = license_.license_key
        if device_id:
            facts, answer = license_._activate(key, question, device_name)
        else:
            facts = license_._read_facts(key, now=question.now)
            answer = verdict.judge(facts, question)
        if answer.error:
            raise LicenseRefused(answer)
        lifetime = timedelta(days=policy._get_file_days())
        token = license_._get_token(facts, question, nonce, lifetime)
        if not token:
            raise FileNotAvailable("This company has no key to sign with.")
        license_._note_file(device_name or device_id)
        return self.env["software.license.signing.key"].sudo()._make_file(token)

    def _make_file_for(self, request):
        """Return the license file that a device's request asks for.

        ``request`` is the text of it; raises InvalidRequest if it is none, or is not
        of this license, and what ``_make_file`` raises.
        """
        self.ensure_one()
        asked = license_file.read_request(request)
        key, application = asked["licenseKey"], asked["application"]
        if key and license_key.normalize(key) != self.license_key_normalized:
            raise InvalidRequest("The request is for another license key.")
        if application and application != self.application:
            raise InvalidRequest("The request is of another application.")
        return self._make_file(asked["deviceId"], asked["deviceName"], asked["nonce"])

    def _explain_refusal(self, refusal):
        """Return why there is no file, in the words and the language of a person."""
        self.ensure_one()
        status = dict(self._fields["status"]._description_selection(self.env))
        explained = {
            "activation_limit_reached": self.env._(
                "All seats of this license are taken. Free one of its devices first."
            ),
            "device_blocked": self.env._("This device is blocked."),
            "file_not_available": self.env._(
                "There are no files for this license: its seats are leased, or its "
                "company has no key to sign with."
            ),
            "invalid_request": self.env._(
                "Request: copy all of the text that the software shows. (%(problem)s)",
                problem=str(refusal),
            ),
        }
        not_valid = self.env._(
            "This license is not valid: %(status)s.", status=status[self.status]
        )
        return explained.get(refusal.code, not_valid)

    def _note_file(self, device):
        """Put on record that a file was made, and for which device."""
        self.ensure_one()
        body = self.env._("License file made, good on any device.")
        if device:
            body = self.env._("License file made for device %(device)s.", device=device)
        self.message_post(body=body)

    def _get_file_name(self):
        """Return the name under which a license file is downloaded."""
        self.ensure_one()
        return f"{self.application}.lic"
