from odoo import api, models


class SoftwareLicenseTerm(models.Model):
    """Tells of paid terms on licenses that were there."""

    _inherit = "software.license.term"

    @api.model_create_multi
    def create(self, vals_list):
        terms = super().create(vals_list)
        event = self.env["software.license.event"]
        if event._has_listener():
            paid = terms.filtered(
                lambda term: term.source == "invoice" and term.is_effective
            )
            event._note("license.renewed", paid._get_renewed_licenses())
        return terms
