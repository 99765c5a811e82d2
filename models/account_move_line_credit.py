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

    def _license_credit_key(self):
        """Return what a credit line that names no line has in common with its line."""
        self.ensure_one()
        move = self.move_id.reversed_entry_id or self.move_id
        return move.id, self.product_id.id, tuple(self.sale_line_ids.ids)

    def _get_credited_quantity(self):
        """Return how many units of this line were taken back, all in all.

        Credit notes take back, what reverses a credit note gives back, and so on.
        """
        self.ensure_one()
        return max(
            sum(
                line._get_credit_sign() * line._get_credited_units()
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
        if self.move_id.move_type == "out_refund":
            return 1
        return -1 if self.move_id.reversed_entry_id else 0

    def _get_credited_units(self):
        """Return how many units a credit note's line takes back.

        Less than the price of its units is a discount given later: it takes none.
        """
        self.ensure_one()
        if not self._is_product_sold() or self.quantity <= 0:
            return 0
        units, origin = self._get_license_quantity(), self.license_origin_line_id
        if origin.quantity:
            share = units / origin._get_license_quantity()
            price = origin.price_subtotal * share - self.currency_id.rounding
            if self.price_subtotal < price:
                return 0
        return units
