from datetime import timedelta

from odoo import api, fields, models

#: So long a confirmed order may wait for its invoice.
BILLING_TIME = timedelta(days=7)


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
        """Return the last day on which an order confirmed on a day may be unpaid.

        As long as it has no invoice: it is due no sooner than in a week.
        """
        self.ensure_one()
        due_dates = [it._get_due_date(start) for it in self.payment_term_id.line_ids]
        return max([*due_dates, start + BILLING_TIME])

    def action_view_licenses(self):
        """Open the licenses that this order names, or that were issued for it."""
        domain = [("id", "in", self.license_ids.ids)]
        return self.env["software.license"]._get_list_action(self, domain)
