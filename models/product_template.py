from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    license_policy_id = fields.Many2one(
        "software.license.policy",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="A paid invoice of this product issues a license under this policy.",
    )
