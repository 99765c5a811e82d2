from odoo import api, fields, models

from ..tools import ledger, period

SOURCES = [
    ("invoice", "Invoice"),
    ("order", "Order"),
    ("trial", "Trial"),
    ("manual", "By hand"),
]


class SoftwareLicenseTerm(models.Model):
    """The ledger: one row for each thing that granted a license time or seats.

    No row is ever deleted. Whether it counts follows from its invoice, so that
    a payment undone, a refund, and a payment made again need no hook.
    """

    _name = "software.license.term"
    _description = "Software License Term"
    _order = "id"
    _check_company_auto = True

    license_id = fields.Many2one(
        "software.license", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="license_id.company_id", store=True)
    source = fields.Selection(
        SOURCES,
        required=True,
        default="manual",
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Invoice Line",
        ondelete="set null",
        index=True,
        help="Empty once the line was deleted: then the term counts no more.",
    )
    move_id = fields.Many2one(
        related="move_line_id.move_id", string="Invoice", store=True, index=True
    )
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Order Line",
        ondelete="set null",
        index="btree_not_null",
        help="The order on which it was given, before it was paid.",
    )
    product_id = fields.Many2one(
        "product.product", ondelete="restrict", help="What was bought."
    )
    policy_id = fields.Many2one(
        "software.license.policy",
        ondelete="restrict",
        help="What the product granted when it was bought.",
    )
    date_start = fields.Date(
        string="From", required=True, default=fields.Date.context_today
    )
    date_end = fields.Date(string="Until", help="Inclusive. Empty: forever.")
    expires_at = fields.Datetime(
        string="Over at",
        compute="_compute_expires_at",
        store=True,
        readonly=False,
        precompute=True,
        help="The moment at which the term is over (UTC).",
    )
    quantity = fields.Float(required=True, default=1, digits="Product Unit")
    effective_quantity = fields.Float(
        compute="_compute_effective",
        store=True,
        digits="Product Unit",
        help="The quantity less what credit notes took back.",
    )
    is_effective = fields.Boolean(
        string="Counts",
        compute="_compute_effective",
        store=True,
        help="Paid and not refunded, or given.",
    )
    is_upgrade = fields.Boolean(
        readonly=True,
        help="While it lasts, it takes the place of what was bought before.",
    )
    is_adjustment = fields.Boolean(
        readonly=True,
        help="Set by hand on a license that was paid for, or given on an order: it "
        "changes the end of that, and is worth nothing when that counts no more.",
    )

    _license_move_line_unique = models.Constraint(
        "UNIQUE (license_id, move_line_id)",
        "This invoice line already granted this license a term.",
    )
    _license_sale_line_unique = models.Constraint(
        "UNIQUE (license_id, sale_line_id)",
        "This order line already gave this license a term.",
    )
    _dates_in_order = models.Constraint(
        "CHECK (date_end IS NULL OR date_end >= date_start OR source != 'invoice')",
        "A term can't end before it starts.",
    )
    _only_invoices_have_lines = models.Constraint(
        "CHECK (source = 'invoice' OR move_line_id IS NULL)",
        "Only the term of an invoice names an invoice line.",
    )

    @api.depends("date_end")
    def _compute_expires_at(self):
        for term in self:
            term.expires_at = period.end_moment(term.date_end or None)

    @api.depends(
        "source",
        "quantity",
        "move_id.state",
        "move_id.payment_state",
        "move_id.reversal_move_ids.state",
        "move_line_id.license_credit_line_ids.parent_state",
        "sale_line_id.state",
    )
    def _compute_effective(self):
        # Of all terms of these documents: they share what was credited.
        terms = self.move_id.license_term_ids | self.sale_line_id.license_term_ids
        credited = terms._get_credited_quantities()
        for term in self:
            term.effective_quantity = term.quantity - credited.get(term._origin.id, 0)
            term.is_effective = term.effective_quantity > 0 and term._is_granted()

    def _is_granted(self):
        """Is it paid for, or given, and not taken back as a whole?"""
        self.ensure_one()
        if self.source == "invoice":
            return self.move_id._is_paid_for_licenses()
        # A trial by hand is of no order, until a payment makes its license one's.
        is_by_hand = self.source == "manual" or not self.license_id.billing_identity
        return is_by_hand or self.sale_line_id.state == "sale"

    def _is_refunded(self):
        """Was all of it credited after it was paid?"""
        return (
            self.source == "invoice"
            and self.quantity > 0
            and self.effective_quantity <= 0
            and self._is_granted()
        )

    def _recompute_effective(self):
        """Decide anew, after something that no dependency tells."""
        names = ["is_effective", "effective_quantity"]
        for name in names:
            self.env.add_to_compute(self._fields[name], self)
        self.modified(names)  # and what depends on them

    @api.model
    def _recompute_in_payment(self):
        """Decide anew about the invoices whose payment waits for the bank."""
        waiting = [("move_id.payment_state", "=", "in_payment")]
        self.search(waiting)._recompute_effective()

    def _set_quantity(self, quantity):
        """Change what was billed, where it did change."""
        self.filtered(lambda term: term.quantity != quantity).quantity = quantity

    def _get_credited_quantities(self):
        """Return {term id: units} of what posted credit notes took back.

        Licenses of one unit each lose the last unit first.
        """
        credited = {}
        for line, units in [
            *self.move_line_id._get_credited_quantities().items(),
            *self.sale_line_id._get_credited_quantities().items(),
        ]:
            for term in (self & line.license_term_ids).sorted("id", reverse=True):
                credited[term.id] = min(term.quantity, units)
                units -= credited[term.id]
        return credited

    def _get_paid_periods(self):
        """Return the inclusive (first, last) days that were paid; None: forever."""
        paid = self.filtered(
            lambda term: term.source == "invoice" and term.is_effective
        )
        return [(term.date_start, term.date_end) for term in paid]

    def _filter_outdated(self):
        """Return the terms of what their invoice's line sells no more."""
        return self.filtered(
            lambda term: (
                term.move_line_id.quantity <= 0
                or term.move_line_id.product_id != term.product_id
            )
        )

    def _filter_of_other_application(self):
        """Return the terms of another software than their order line sells by now."""
        return self.filtered(
            lambda term: (
                term.policy_id.application
                != term.sale_line_id.product_id._get_license_policy().application
            )
        )

    def _is_superseded(self):
        """Was this license, left free by this term, paid for by another one since?"""
        self.ensure_one()
        others = (self.license_id.term_ids - self)._get_paid_periods()
        period_ = (self.date_start, self.date_end)
        return not self.quantity and period.overlaps(period_, others)

    def _to_entry(self):
        """Return this term as the ledger's pure arithmetic takes it."""
        self.ensure_one()
        return ledger.Entry(
            date_start=self.date_start,
            date_end=self.date_end or None,
            expires_at=self.expires_at or None,
            quantity=self.effective_quantity if self.is_effective else self.quantity,
            is_effective=self.is_effective,
            is_billed=self.source == "invoice",
            is_manual=self.source == "manual",
            is_adjustment=self.is_adjustment,
            is_trial=self.source == "trial",
            is_advance=self.source in ("order", "trial"),
            is_upgrade=self.is_upgrade,
            is_refunded=self._is_refunded(),
            product=self.product_id.id,
            key=self.id,
        )

    @api.depends("source", "date_start", "date_end", "move_id", "sale_line_id")
    def _compute_display_name(self):
        for term in self:
            document = term.sudo().move_id or term.sudo().sale_line_id.order_id
            source = document.name or dict(
                self._fields["source"]._description_selection(self.env)
            ).get(term.source)
            end = term.date_end or self.env._("forever")
            term.display_name = f"{source}: {term.date_start} – {end}"
