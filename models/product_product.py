from odoo import fields, models

from .account_move import PAID_STATES


class ProductProduct(models.Model):
    _inherit = "product.product"

    variant_license_policy_id = fields.Many2one(
        "software.license.policy",
        string="License Policy of the Variant",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Leave empty to use the policy of the product.",
    )

    def write(self, vals):
        res = super().write(vals)
        if vals.get("variant_license_policy_id"):
            self._mark_license_due()
        return res

    def _mark_license_due(self):
        """Let invoices that are open issue these products' licenses when paid."""
        lines = self.env["account.move.line"].sudo()
        open_lines = lines.search(
            [
                ("product_id", "in", self.ids),
                ("parent_state", "=", "posted"),
                ("move_id.payment_state", "not in", PAID_STATES),
            ]
        )
        open_lines._filter_licensed().move_id.is_license_due = True

    def _get_license_policy(self):
        """Return the policy that buying this variant grants, if any."""
        return self.variant_license_policy_id or self.license_policy_id
