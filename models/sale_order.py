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

    @api.depends(
        "order_line.license_id",
        "order_line.license_term_ids.license_id",
        "order_line.invoice_lines.license_term_ids.license_id",
    )
    def _compute_license_ids(self):
        for order in self:
            terms = order.order_line._get_license_terms()
            order.license_ids = terms.license_id | order.order_line.license_id
            order.license_count = len(order.license_ids)

    def _action_confirm(self):
        res = super()._action_confirm()
        self.order_line._issue_licenses()
        return res

    def _get_license_due_date(self, start):
        """Return the last day on which an order confirmed on a day may be unpaid."""
        self.ensure_one()
        terms = self.payment_term_id.line_ids
        return max((line._get_due_date(start) for line in terms), default=start)

    def action_view_licenses(self):
        """Open the licenses that this order names, or that were issued for it."""
        domain = [("id", "in", self.license_ids.ids)]
        return self.env["software.license"]._get_list_action(domain)
