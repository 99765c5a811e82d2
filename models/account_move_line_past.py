from odoo import api, fields, models

from . import by_hand

#: What lines are judged by: all other columns of them stay unread.
JUDGED_BY = (
    "company_id",
    "currency_id",
    "display_type",
    "is_downpayment",
    "is_license_duplicate",
    "is_license_left",
    "license_date_end",
    "license_date_start",
    "license_origin_line_id",
    "license_source_ref",
    "move_id",
    "parent_state",
    "price_subtotal",
    "product_id",
    "product_uom_id",
    "quantity",
)


#: What a debit note corrects, by Odoo's module for such notes; it may be missing.
DEBITED = "debit_origin_id"


class AccountMoveLine(models.Model):
    """The past: lines that were paid before their product was licensed.

    They issue nothing by themselves, today or by the hourly sweep: only an invoice
    booked while its product is licensed, or open when it gets its policy, is due
    (``is_license_due``). For the past somebody asks: ``software.license.past``.
    """

    _inherit = "account.move.line"

    is_license_left = fields.Boolean(
        string="Left without License",
        copy=False,
        readonly=True,
        help="Paid before the product was licensed; somebody decided that it grants "
        "nothing.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        by_hand.refuse_new(self, {"is_license_left"}, vals_list)
        return super().create(vals_list)

    def write(self, vals):
        by_hand.refuse(self, {"is_license_left"} & vals.keys())
        return super().write(vals)

    def _filter_past(self):
        """Return the lines that were paid and granted nothing, left ones included."""
        self.fetch(JUDGED_BY)
        return self._filter_licensed_products().filtered(
            lambda line: (
                line._is_license_sale()
                and not line.license_term_ids
                and not line._is_of_debit_note()
                and line.move_id._is_paid_for_licenses()
            )
        )

    def _is_of_debit_note(self):
        """Does this line change a price, rather than sell something once more?"""
        return DEBITED in self.move_id._fields and bool(self.move_id[DEBITED])

    def _get_past_subscription(self):
        """Return (adapter, subscription) of what this line bills, two None else."""
        self.ensure_one()
        for adapter in self.env["software.license.subscription"]._get_adapters():
            if subscription := adapter.sudo()._get_subscription(self):
                return adapter.sudo(), subscription
        return None, None

    def _get_past_period(self):
        """Return the inclusive (first, last) day that this past line paid for."""
        self.ensure_one()
        if not self.license_source_ref:
            adapter, subscription = self._get_past_subscription()
            if subscription:
                start, end = adapter._get_past_period(self, subscription)
                if start:
                    return start, end
        return self._get_license_period()

    def _stamp_past(self):
        """Note which subscriptions these lines bill, and from when to when.

        What is made while the addon is there was stamped when it was created.
        """
        for line in self.filtered(lambda line: not line.license_source_ref):
            adapter, subscription = line._get_past_subscription()
            if subscription:
                start, end = adapter._get_past_period(line, subscription)
                line._write_past(
                    license_source_ref=f"{subscription._name},{subscription.id}",
                    license_date_start=start,
                    license_date_end=end,
                )

    def _leave_past(self):
        """Let these lines grant nothing, and say so in their invoices' chatter."""
        self._write_past(is_license_left=True)
        body = self.env._(
            "Paid before what it sells was licensed: it issues no licenses."
        )
        self.move_id._message_log_batch(dict.fromkeys(self.move_id.ids, body))

    def _write_past(self, **vals):
        """Write our own fields of booked lines.

        Into the cache: ``write`` would work out each invoice anew.
        """
        for name, value in vals.items():
            self._fields[name]._update_cache(self, value, dirty=True)

    @api.model
    def _get_past_domain(self, products):
        """Return the domain of lines of products that may be past ones."""
        has_debit_notes = DEBITED in self.move_id._fields
        no_debit_note = [(f"move_id.{DEBITED}", "=", False)]
        return [
            *(no_debit_note if has_debit_notes else []),
            ("product_id", "in", products.ids),
            ("display_type", "=", "product"),
            ("quantity", ">", 0),
            ("is_license_duplicate", "!=", True),
            ("license_term_ids", "=", False),
        ]
