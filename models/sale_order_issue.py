from odoo import api, fields, models


class SaleOrder(models.Model):
    """Licenses issued by hand for what an order sold, ahead of its payment."""

    _inherit = "sale.order"

    has_unlicensed = fields.Boolean(
        compute="_compute_has_unlicensed",
        compute_sudo=True,  # a salesperson may not read the invoices
        help="Some of what was sold is licensed, and has no license yet.",
    )

    @api.depends("state", "order_line.product_id", "license_ids")
    def _compute_has_unlicensed(self):
        for order in self:
            order.has_unlicensed = bool(order.order_line._filter_unlicensed())

    def action_issue_licenses(self):
        """Open the wizard that issues what this order sold."""
        self.ensure_one()
        self.check_access("read")
        self.env["software.license.issue"].check_access("create")
        return {
            **self.env["ir.actions.actions"]._for_xml_id(
                "software_license.software_license_issue_action"
            ),
            "context": {"default_order_id": self.id},
        }


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _filter_unlicensed(self):
        """Return the confirmed lines that would make new licenses, and have none."""
        licensed = self.env["product.product"]._get_licensed_ids()
        candidates = self.filtered(
            lambda line: (
                line.state == "sale"
                and line.product_id.id in licensed
                and not line.is_downpayment
                and line.product_uom_qty > 0
            )
        ).sudo()
        identities = {
            line: line._license_identity()
            for line in candidates
            if not line.license_id and not line._get_license_terms()
        }
        known = self.env["software.license"].sudo().with_context(active_test=False)
        taken = known.search(
            [("billing_identity", "in", list(set(identities.values())))]
        ).mapped("billing_identity")
        return self.filtered(
            lambda line: line in identities and identities[line] not in taken
        )

    def _get_due_end(self, today, paid_end):
        """Return how long a key is good ahead of payment; paid: until ``paid_end``.

        Until its invoices are due; as long as it has none, until the order is.
        """
        line = self.sudo()
        if not self or line._is_paid_for_licenses():
            return paid_end
        due = line._get_license_invoices_due()
        return due or line.order_id._get_license_due_date(today)

    def _is_paid_for_licenses(self):
        """Is every unit of this line invoiced, paid, and not credited?"""
        self.ensure_one()
        paid = self._get_licensed_invoice_lines().filtered(
            lambda line: line.move_id._is_paid_for_licenses()
        )
        credited = paid._get_credited_quantities() if paid else {}
        units = sum(it._get_license_quantity() - credited[it] for it in paid)
        return units >= self._get_license_quantity()
