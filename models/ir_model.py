from odoo import api, models
from odoo.tools import SQL
from odoo.tools.sql import table_exists


class IrModel(models.Model):
    _inherit = "ir.model"

    @api.ondelete(at_uninstall=True)
    def _unlink_clear_subscription_refs(self):
        """Forget subscriptions whose module goes: their reference can't be read."""
        if not table_exists(self.env.cr, "software_license"):
            return
        for model in self.mapped("model"):
            self.env.cr.execute(
                SQL(
                    "UPDATE software_license SET subscription_ref = NULL "
                    "WHERE subscription_ref LIKE %s",
                    f"{model},%",
                )
            )
        self.env["software.license"].invalidate_model(["subscription_ref"])
