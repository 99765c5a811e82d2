from odoo import fields, models
from odoo.exceptions import UserError


class SoftwareLicenseOnce(models.AbstractModel):
    """A wizard that does what it says once, however often its button is pressed."""

    _name = "software.license.once"
    _description = "Wizard That Acts Once"

    is_done = fields.Boolean(string="Done", readonly=True)

    def _do_once(self):
        """Refuse the second time; two at the same time meet in the database."""
        self.ensure_one()
        if self.is_done:
            raise UserError(self.env._("This was done already. Start again."))
        self.is_done = True
