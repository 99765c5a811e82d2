from odoo import fields, models


class SoftwareLicenseReplaceKey(models.TransientModel):
    """Give licenses new keys, say because the old ones leaked."""

    _name = "software.license.replace.key"
    _inherit = "software.license.wizard"
    _description = "Replace License Keys"

    has_file = fields.Boolean(
        compute="_compute_has_file",
        help="License files that were made with the old key stay good until they end.",
    )

    def _compute_has_file(self):
        for wizard in self:
            policies = wizard.license_ids.policy_id
            wizard.has_file = any(policies.mapped("offline_days"))

    def action_replace(self):
        """Replace the keys, say why, and e-mail the new ones if wished."""
        self._check_licenses()
        if self.is_emailed:
            self.license_ids._check_sendable()
        self._do_once()
        self.license_ids._replace_key()
        note = self._get_note(self.env._("The license key was replaced."))
        self.license_ids._message_log_batch(dict.fromkeys(self.license_ids.ids, note))
        if self.is_emailed:
            self.license_ids._email_keys()
        return {"type": "ir.actions.act_window_close"}
