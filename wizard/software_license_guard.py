from odoo import api, models


class SoftwareLicenseGuard(models.AbstractModel):
    """Opens a wizard on licenses for those only who may change them."""

    _name = "software.license.guard"
    _description = "Guard of Wizards on Licenses"

    #: Name of the field with the licenses; the name of a license is its key.
    _licenses_field = "license_ids"

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        wizards[self._licenses_field].check_access("write")
        return wizards

    def write(self, vals):
        res = super().write(vals)
        self[self._licenses_field].check_access("write")
        return res
