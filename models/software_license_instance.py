from datetime import timedelta

from odoo import api, fields, models

from ..tools import errors, instance, verdict
from ..tools.timestamp import to_offset_timestamp

#: So many instances without a seat are kept of a license.
MAX_INSTANCES = 100
#: What the document calls each refusal of ``tools/verdict.py``.
REFUSALS = {
    "license_revoked": errors.RevokedLicensingKey,
    "license_suspended": errors.OrganizationInactive,
    "license_expired": errors.LicensingExpired,
    "device_blocked": errors.InstanceBlocked,
    "activation_limit_reached": errors.InstanceLimitReached,
}
#: These the customer can end by paying, so the answer says where.
PAYABLE = (errors.LicensingExpired, errors.InstanceLimitReached)


class SoftwareLicense(models.Model):
    """The licensing endpoint of self-hosted instances (api.md)."""

    _inherit = "software.license"

    @api.model
    def _api_licensing_validate(
        self, licenseKey=None, instanceName=None, instanceUrl=None, ip_address=None
    ):
        """Say whether a key is good, and put the instance on record.

        An instance is known by its address, else by its name. Without either,
        nothing is recorded and the answer is the license's own.

        Where the policy lets instances take seats and all are taken, a new one is
        refused with 403, as an expired license is, and told where to buy more: an
        answer that is valid but goes unrecorded would make the limit no limit.
        """
        if not licenseKey:
            raise errors.LicenseKeyRequired()
        device_id = instance.identify(instanceUrl, instanceName)
        question = verdict.Question(
            fields.Datetime.now(), None, device_id, bool(device_id), verdict.INSTANCE
        )
        facts = self._read_facts(
            licenseKey, device_id, bool(device_id), question.now, question.kind
        )
        facts = facts or self._read_former_facts(licenseKey)
        if facts is None:
            raise errors.UnknownLicensingKey()
        if device_id:
            facts, answer = self._check_in(
                licenseKey, facts, question, instanceName, ip_address
            )
        else:
            answer = verdict.judge(facts, question)
        license_ = self.browse(facts.license_id)
        license_._remember_billing(facts)
        if answer.error:
            raise license_._get_licensing_refusal(answer)
        return license_._to_licensing_dict(facts, question.now)

    def _remember_billing(self, facts):
        """Let the answer find in memory what was read with the facts already."""
        self._remember(facts, "company_id", "plan", "subscription_ref", "sale_order_id")
        company = self.company_id
        url = company._fields["license_billing_url"]
        url._insert_cache(company, [facts.billing_url])

    def _forget_instances(self):
        """Delete the oldest instances without a seat; call it under the lock.

        Whoever has a key can make up any number of addresses. Blocked instances
        stay: forgotten, they would be let in again.
        """
        Activation = self.env["software.license.activation"].sudo()
        for license_ in self:
            unseated = [
                ("license_id", "=", license_.id),
                ("kind", "=", verdict.INSTANCE),
                ("blocked", "=", False),
            ]
            if license_.sudo().policy_id.instances_take_seats:
                unseated.append(("active", "=", False))
            Activation.with_context(active_test=False).search(
                unseated,
                order="active DESC, last_seen DESC, id DESC",
                offset=MAX_INSTANCES,
            ).unlink()

    # === ANSWERS === #

    def _to_licensing_dict(self, facts, now):
        """Return what an instance is told of its license; override it to tell more."""
        self.ensure_one()
        values = {
            "valid": True,
            "plan": self.plan or "",
            "features": facts.features,
            "organizationName": facts.organization_name,
            "currentPeriodEnd": to_offset_timestamp(facts.expires_at),
            "billingUrl": self._get_billing_url(),
        }
        if facts.trial_ends_at:
            values["trialEndsAt"] = to_offset_timestamp(facts.trial_ends_at)
            values["trialDaysLeft"] = _days_left(facts.trial_ends_at, now)
        return values

    def _get_licensing_refusal(self, answer):
        """Return the refusal, to be raised, that a verdict stands for."""
        self.ensure_one()
        refusal = REFUSALS[answer.error]
        if issubclass(refusal, PAYABLE):
            return refusal(plan=self.plan or "", billingUrl=self._get_billing_url())
        return refusal()

    def _get_billing_url(self):
        """Return where the customer manages what is billed, once logged in.

        Override it for a shop of your own. Never an address with an access token:
        the instance shows it to everybody who uses it.
        """
        self.ensure_one()
        if self.company_id.license_billing_url:
            return self.company_id.license_billing_url
        return f"{self.get_base_url()}{self._get_billing_path()}"

    def _get_billing_path(self):
        """Return the portal page of the subscription, else the order, else its own."""
        self.ensure_one()
        for billed in self._get_billed_documents():
            return billed.access_url
        return self._get_portal_path()

    def _get_billed_documents(self):
        """Return what has pages in the portal of: the subscription, the order."""
        self.ensure_one()
        return [
            billed
            for billed in (self.subscription_ref, self.sale_order_id)
            # Not every subscription module has pages in the portal.
            if billed and "access_url" in billed._fields and billed.exists()
        ]


def _days_left(moment, now):
    """Return the days until a moment, a begun one counts; 0 when it is past."""
    return max(0, -((now - moment) // timedelta(days=1)))
