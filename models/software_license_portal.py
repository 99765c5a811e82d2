from odoo import api, models
from odoo.fields import Domain

from ..tools import entitlement, verdict


class SoftwareLicense(models.Model):
    """What the portal shows of a license, and where."""

    _inherit = "software.license"

    @api.model
    def _get_portal_domain(self):
        """Return the domain of the licenses of the user's own company."""
        customer = self.env.user.commercial_partner_id
        return Domain("partner_id", "child_of", customer.id)

    def _get_portal_path(self):
        """Return where the customer sees this license, once logged in."""
        self.ensure_one()
        return f"/my/licenses/{self.id}"

    def _can_customer_replace_key(self):
        """Whether the portal offers a new key for this license."""
        self.ensure_one()
        return self.policy_id.customers_replace_keys and self.state != "revoked"

    def _can_have_file(self):
        """Whether license files are offered: of what is good and not leased."""
        self.ensure_one()
        return self.status == "active" and not self.policy_id.lease_minutes

    def _describe_features(self):
        """Return what the license includes, in the words of a customer."""
        self.ensure_one()
        return entitlement.describe(self._to_facts().features)

    def _get_portal_devices(self, kind):
        """Return the devices, or instances, that a customer sees."""
        self.ensure_one()
        return self.activation_ids.filtered(
            lambda device: device.kind == kind and device.status == "seated"
        )

    def _get_devices(self):
        """Return the devices that hold a seat."""
        return self._get_portal_devices(verdict.DEVICE)

    def _get_instances(self):
        """Return the self-hosted instances that were seen."""
        return self._get_portal_devices(verdict.INSTANCE)
