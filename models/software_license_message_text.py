from base64 import b64encode

from odoo import models

#: So many products are named in a subject.
MAX_NAMES = 3


class SoftwareLicenseMessage(models.Model):
    """What the e-mail of a message says, and what is attached to it."""

    _inherit = "software.license.message"

    def _get_new_licenses(self):
        """Return the licenses that the customer gets with this message."""
        return self.license_ids - self.renewed_license_ids

    def _get_product_names(self):
        """Return what the licenses are for, in the words of the invoice."""
        names = [
            license_._get_message_facts()["name"] for license_ in self.license_ids
        ] or self.move_id.invoice_line_ids._filter_licensed().product_id.mapped("name")
        names = list(dict.fromkeys(names))
        if len(names) > MAX_NAMES:
            return self.env._(
                "%(names)s and %(count)s more",
                names=", ".join(names[:MAX_NAMES]),
                count=len(names) - MAX_NAMES,
            )
        return ", ".join(names)

    def _process_attachments_for_template_post(self, mail_template):
        """Attach a file of all keys where there are more than the e-mail spells out."""
        return {message.id: message._prepare_keys_file() for message in self}

    def _prepare_keys_file(self):
        """Return the attachments that Odoo is to make of a message's keys."""
        self.ensure_one()
        parts = (self._get_new_licenses(), self.renewed_license_ids)
        groups = [group for part in parts for group in part._get_message_groups()]
        if sum(len(group["keys"]) for group in groups) == len(self.license_ids):
            return {}
        name = self.env._("License keys")
        content = b64encode(self.license_ids._get_keys_file())
        return {"attachments": [(f"{name}.csv", content)]}

    def _is_about_trials(self):
        return bool(self.license_ids) and all(self.license_ids.mapped("trial_ends_at"))

    def _get_end(self):
        """Return the last day of licenses that end together."""
        return self.license_ids[:1]._get_message_facts()["until"]

    def _get_invoice_url(self):
        """Return where the customer sees, and pays, the invoice; if it is theirs.

        A license that was moved may be billed to the customer who had it before.
        """
        self.ensure_one()
        move = self.move_id
        if self.partner_id.commercial_partner_id not in move._get_license_customers():
            return False
        return move and f"{move.get_base_url()}{move.get_portal_url()}"
