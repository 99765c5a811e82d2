from odoo import fields, models


class SoftwareLicense(models.Model):
    """What a license inherits of its policy's features, for the form to show.

    What is in force is decided by ``tools/entitlement.py``.
    """

    _inherit = "software.license"

    policy_features_text = fields.Text(
        related="policy_id.features_text", string="Features of the Policy (JSON)"
    )
