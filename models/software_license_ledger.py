from markupsafe import Markup

from odoo import api, fields, models

from ..tools import ledger, period

#: What the balance of the ledger depends on.
BALANCE_FIELDS = (
    "term_ids.date_start",
    "term_ids.expires_at",
    "term_ids.is_effective",
    "term_ids.effective_quantity",
)


class SoftwareLicense(models.Model):
    """What the ledger of terms says of a license: its end, quantity, product, policy.

    Nothing is ever undone: a term whose payment is gone no longer counts.
    """

    _inherit = "software.license"

    term_ids = fields.One2many("software.license.term", "license_id", string="Ledger")
    expires_at = fields.Datetime(
        compute="_compute_expires_at",
        inverse="_inverse_expires_at",
        store=True,
        readonly=False,
        copy=False,
        tracking=True,
        help="The license is valid before this moment. Empty: forever. A date set "
        "by hand counts until the next invoice is paid.",
    )
    is_payment_reversed = fields.Boolean(
        string="Payment Reversed",
        compute="_compute_balance",
        store=True,
        tracking=True,
        help="Nothing of what was billed is paid any more, or the order was "
        "cancelled. The license comes back by itself when it is paid.",
    )
    _payment_reversed_index = models.Index("(id) WHERE is_payment_reversed")
    trial_ends_at = fields.Datetime(
        compute="_compute_balance", store=True, index="btree_not_null"
    )
    quantity = fields.Float(
        compute="_compute_balance",
        store=True,
        digits="Product Unit",
        help="Units paid for in the current period.",
    )
    quantity_from = fields.Datetime(
        compute="_compute_balance",
        store=True,
        help="The moment since which the quantity is what it is.",
    )
    quantity_until = fields.Datetime(
        compute="_compute_balance",
        store=True,
        index="btree_not_null",
        help="The moment at which the quantity must be computed again.",
    )

    # Product and policy are those of the paid period that we are in: a plan that was
    # switched counts from the beginning of the first period paid for it.
    @api.depends("term_ids.product_id", *BALANCE_FIELDS)
    def _compute_product_id(self):
        for license_ in self:
            term = license_._get_term_in_force()
            license_.product_id = term.product_id or license_.product_id

    @api.depends("product_id", "term_ids.policy_id", *BALANCE_FIELDS)
    def _compute_policy_id(self):
        policies = {}
        for license_ in self:
            bought = license_._get_term_in_force().policy_id
            chosen = license_.policy_id
            of_product = license_.product_id._get_license_policy()
            # Of a license never billed: who chose another policy by hand keeps it.
            is_new = not license_._origin
            policies[license_] = bought or (
                of_product or chosen if is_new else chosen or of_product
            )
        self.filtered("id")._leave_policies(policies)  # a form not saved frees none
        for license_, policy in policies.items():
            license_.policy_id = policy

    def _get_term_in_force(self):
        """Return the paid term that decides about product and policy today, if any."""
        entries = self._get_entries()
        entry = ledger.in_force(entries, fields.Date.today()) if entries else None
        return self.env["software.license.term"].browse(entry and entry.key or None)

    def _get_entries(self):
        """Return the terms, in the order in which they were granted, for the ledger."""
        terms = self.term_ids.sorted(lambda term: term._origin.id or 0)
        return [term._to_entry() for term in terms]

    # Apart from the fields below: who writes it by hand protects from computing
    # whatever is computed along with it.
    @api.depends("policy_id", *BALANCE_FIELDS)
    def _compute_expires_at(self):
        for license_ in self:
            license_.expires_at = license_._get_balance().expires_at

    @api.depends("policy_id", *BALANCE_FIELDS)
    def _compute_balance(self):
        for license_ in self:
            balance = license_._get_balance()
            license_.is_payment_reversed = balance.is_payment_reversed
            license_.trial_ends_at = balance.trial_ends_at
            license_.quantity = balance.quantity
            license_.quantity_from = balance.quantity_from
            license_.quantity_until = balance.quantity_until

    def _get_balance(self):
        """Return what the terms add up to today; without any, what the policy says."""
        self.ensure_one()
        today = fields.Date.today()
        entries = self._get_entries() or [self._get_first_entry(today)]
        return ledger.balance(entries, today)

    def _track_get_default_log_message(self, tracked_fields):
        """Say whose payment is gone, or was made again."""
        if "is_payment_reversed" not in tracked_fields:
            return super()._track_get_default_log_message(tracked_fields)
        terms = self.term_ids
        if not self.is_payment_reversed:
            terms = terms.filtered("is_effective")
        documents = terms.move_id or terms.sale_line_id.order_id
        links = Markup(", ").join(document._get_html_link() for document in documents)
        if self.is_payment_reversed:
            return self.env._("No longer granted by: %(documents)s", documents=links)
        return self.env._("Granted again by: %(documents)s", documents=links)

    def _get_first_entry(self, start):
        """Return what the policy grants a license that has no term yet."""
        start, end = (
            self.policy_id._get_period(start) if self.policy_id else (start, None)
        )
        return ledger.Entry(start, end, period.end_moment(end), 1, True)

    def _inverse_expires_at(self):
        """A date set by hand is an entry in the ledger, like any other."""
        self.env["software.license.term"].sudo().create(
            [license_._prepare_manual_term_vals() for license_ in self]
        )

    def _prepare_manual_term_vals(self):
        """Return the values of a term that sets the end by hand."""
        self.ensure_one()
        terms = self.term_ids.filtered(lambda term: term.source != "manual")
        return {
            "license_id": self.id,
            "source": "manual",
            "date_start": fields.Date.today(),
            "date_end": period.day_of_end(self.expires_at or None),
            "expires_at": self.expires_at,
            "quantity": self.quantity or 1,  # another end, and not another amount
            "is_adjustment": any(terms.mapped("is_effective")),
        }
