from collections import Counter

from odoo import fields, models


class AccountMoveLine(models.Model):
    """Credit notes: how many units of a line were taken back, and by which lines."""

    _inherit = "account.move.line"

    license_origin_line_id = fields.Many2one(
        "account.move.line",
        copy=False,
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The line that this line of a credit note takes back.",
    )
    license_credit_line_ids = fields.One2many(
        "account.move.line", "license_origin_line_id", string="Credited By"
    )

    def _get_credited_quantities(self):
        """Return a Counter {line: units} of what was taken back of these lines.

        By lines of credit notes that name them; by ones typed onto the credit note of
        their invoice; by ones of their order that name no invoice, which start with
        the oldest.
        """
        unassigned = self.move_id._get_unassigned_license_credits()
        unassigned += self.sale_line_ids._get_unassigned_license_credits()
        rivals = self.sale_line_ids._get_licensed_invoice_lines()
        credited = Counter()
        for line in rivals | self:
            credited[line] = line._get_credited_quantity()
            for key in line._get_license_credit_keys() if unassigned else ():
                left = max(line._get_license_quantity() - credited[line], 0)
                units = min(unassigned[key], left)
                credited[line] += units
                unassigned[key] -= units
        return credited

    def _get_license_credit_keys(self):
        """Return what a line has in common with credit lines that name no line.

        First those of its invoice, then those of its order.
        """
        self.ensure_one()
        move = self.move_id.reversed_entry_id or self.move_id
        sold = self.product_id.id, tuple(self.sale_line_ids.ids)
        return [(move.id, *sold), (None, *sold)]

    def _get_credited_quantity(self):
        """Return how many units of this line were taken back, all in all.

        Credit notes take back, what reverses a credit note gives back, and so on.
        """
        self.ensure_one()
        return max(
            sum(
                line._get_credit_sign()
                * line._get_credited_units(self._get_license_price())
                for line in self.license_credit_line_ids
            ),
            0,
        )

    def _get_credit_sign(self):
        """Return 1 if this line takes its origin back, -1 if it gives it back."""
        if self.parent_state != "posted":
            return 0
        if self.product_id != self.license_origin_line_id.product_id:
            return 0
        if not self._is_product_sold() or self.quantity <= 0:
            return 0
        if self.move_id.move_type == "out_refund":
            return 1
        return -1 if self.move_id.reversed_entry_id else 0

    def _is_order_credit(self):
        """Does this line take back what its order sold, and name no invoice?

        Odoo writes such a line on a credit note or, beside more that is billed, with
        a negative quantity on an invoice.
        """
        self.ensure_one()
        move = self.move_id
        is_named = self.license_origin_line_id or move.reversed_entry_id
        if is_named or not self._is_product_sold() or self.parent_state != "posted":
            return False
        if move.move_type == "out_refund":
            return self.quantity > 0
        return move.move_type == "out_invoice" and self.quantity < 0

    def _get_license_price(self):
        """Return what a unit of this line costs, without taxes."""
        quantity = self._get_license_quantity()
        return self.price_subtotal / quantity if quantity else 0

    def _get_credited_units(self, price):
        """Return how many units of a price this line takes back.

        Less than the price of its units is a discount given later: it takes none.
        """
        self.ensure_one()
        units = abs(self._get_license_quantity())
        is_less = abs(self.price_subtotal) < price * units - self.currency_id.rounding
        return 0 if is_less else units
