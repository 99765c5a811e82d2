from odoo import fields, models


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

    def _get_license_policy(self):
        """Return the policy that buying this variant grants, if any."""
        return self.variant_license_policy_id or self.license_policy_id
