from base64 import b64encode

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.errors import LicenseApiError


class SoftwareLicenseFile(models.TransientModel):
    """Make a license file, for a device that can't ask for itself or for any."""

    _name = "software.license.file"
    _inherit = "software.license.guard"
    _description = "License File"
    _licenses_field = "license_id"

    license_id = fields.Many2one(
        "software.license",
        required=True,
        default=lambda self: self.env.context.get("active_id"),
    )
    kind = fields.Selection(
        [
            ("request", "The device that made a request"),
            ("device", "A device whose ID is known"),
            ("any", "Any device"),
        ],
        string="Good on",
        required=True,
        default="request",
    )
    request = fields.Text(
        help="What the software shows under “request a license file”."
    )
    device_id = fields.Char(string="Device ID")
    device_name = fields.Char()
    content = fields.Binary(string="License File", readonly=True, attachment=False)
    file_name = fields.Char(compute="_compute_file_name")

    @api.depends("license_id")
    def _compute_file_name(self):
        for wizard in self:
            wizard.file_name = wizard.license_id._get_file_name()

    def action_make(self):
        """Make the file, and offer it."""
        self.ensure_one()
        self.license_id.check_access("write")
        try:
            text = self._make()
        except LicenseApiError as refusal:
            raise UserError(self.license_id._explain_refusal(refusal)) from None
        self.content = b64encode(text.encode())
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("License File"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _make(self):
        if self.kind == "request":
            return self.license_id._make_file_for(self.request or "")
        if self.kind == "any":
            return self.license_id._make_file()
        if not (self.device_id or "").strip():
            raise UserError(self.env._("Device ID: which device?"))
        return self.license_id._make_file(self.device_id.strip(), self.device_name)
