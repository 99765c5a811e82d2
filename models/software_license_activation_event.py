from odoo import api, models


class SoftwareLicenseActivation(models.Model):
    """Tells of seats that are taken and freed, whoever does it."""

    _inherit = "software.license.activation"

    @api.model_create_multi
    def create(self, vals_list):
        activations = super().create(vals_list)
        self._note_taken(activations.filtered("active"))
        return activations

    def write(self, vals):
        if "active" not in vals:
            return super().write(vals)
        holders = self.filtered("active")
        res = super().write(vals)
        if vals["active"]:
            self._note_taken(self - holders)
        else:
            self._note_freed(holders)
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_note_freed(self):
        self._note_freed(self.filtered("active"))

    def _note_taken(self, activations):
        self.env["software.license.event"]._note_devices(
            "device.activated", activations
        )

    def _note_freed(self, activations):
        self.env["software.license.event"]._note_devices("device.freed", activations)
