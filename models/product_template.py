from odoo import api, fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    license_policy_id = fields.Many2one(
        "software.license.policy",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="A paid invoice of this product issues a license under this policy.",
    )
    license_count = fields.Integer(
        compute="_compute_license_count", groups="software_license.group_license_user"
    )

    def write(self, vals):
        res = super().write(vals)
        if "license_policy_id" in vals:
            variants = self.with_context(active_test=False).product_variant_ids
            variants._after_license_policy_change()
        return res

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_license_count(self):
        counts = self.env["software.license"]._read_group(
            [("product_id.product_tmpl_id", "in", self.ids)],
            ["product_id"],
            ["__count"],
        )
        self.license_count = 0
        for product, count in counts:
            product.product_tmpl_id.license_count += count

    def action_view_licenses(self):
        """Open the licenses of this product."""
        domain = [("product_id.product_tmpl_id", "in", self.ids)]
        return self.env["software.license"]._get_list_action(self, domain)
