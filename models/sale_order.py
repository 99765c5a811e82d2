from odoo import api, fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    license_ids = fields.Many2many(
        "software.license",
        compute="_compute_license_ids",
        compute_sudo=True,  # a salesperson may not read the invoices
        string="Licenses",
    )
    license_count = fields.Integer(compute="_compute_license_ids", compute_sudo=True)

    @api.depends("order_line.invoice_lines.license_term_ids.license_id")
    def _compute_license_ids(self):
        for order in self:
            terms = order.order_line.invoice_lines.license_term_ids
            order.license_ids = terms.license_id
            order.license_count = len(order.license_ids)

    def action_view_licenses(self):
        """Open the licenses that this order's invoices paid for."""
        domain = [("id", "in", self.license_ids.ids)]
        return self.env["software.license"]._get_list_action(domain)
