from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from ..tools import ledger, license_key, period, verdict

#: Which state may follow which; nothing follows "revoked".
TRANSITIONS = {
    "active": {"suspended", "revoked"},
    "suspended": {"active", "revoked"},
    "revoked": set(),
}
#: What the balance of the ledger depends on.
BALANCE_FIELDS = (
    "term_ids.date_start",
    "term_ids.expires_at",
    "term_ids.is_effective",
    "term_ids.effective_quantity",
)
#: Nobody sets these by hand: they follow from the ledger, the policy and the key.
DERIVED_FIELDS = {
    "license_key_normalized",
    "commercial_partner_id",
    "application",
    "plan",
    "is_payment_reversed",
    "trial_ends_at",
    "quantity",
    "quantity_until",
    "subscription_ref",
    "sale_line_id",
    "billing_identity",
    "billing_unit",
}
#: These are given once, when the license is created.
FIXED_FIELDS = {"license_key", "company_id"}
STATUSES = [
    ("active", "Active"),
    ("expired", "Expired"),
    ("suspended", "Suspended"),
    ("revoked", "Revoked"),
]


class SoftwareLicense(models.Model):
    """A license key, who owns it, and what it allows.

    Whether it is valid is never stored: it follows from the state, the ledger of
    terms and the clock, at the moment somebody asks (``tools/verdict.py``).
    """

    _name = "software.license"
    _description = "Software License"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "software.license.features.mixin",
    ]
    _order = "id desc"
    _rec_name = "license_key"
    _check_company_auto = True

    license_key = fields.Char(
        required=True, copy=False, readonly=True, default="/", tracking=True
    )
    license_key_normalized = fields.Char(
        compute="_compute_license_key_normalized",
        store=True,
        help="The key as it is looked up, with letter case and look-alikes folded.",
    )
    active = fields.Boolean(default=True, tracking=True)
    state = fields.Selection(
        [("active", "Active"), ("suspended", "Suspended"), ("revoked", "Revoked")],
        required=True,
        default="active",
        copy=False,
        readonly=True,
        tracking=True,
        help="What people decided about the license. Payment and time are "
        "not in it: see the status.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        tracking=True,
        check_company=True,
        ondelete="restrict",
    )
    commercial_partner_id = fields.Many2one(
        related="partner_id.commercial_partner_id", store=True, index=True
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    product_id = fields.Many2one(
        "product.product",
        compute="_compute_product_id",
        store=True,
        readonly=False,
        index="btree_not_null",
        tracking=True,
        check_company=True,
        ondelete="restrict",
    )
    policy_id = fields.Many2one(
        "software.license.policy",
        compute="_compute_policy_id",
        store=True,
        readonly=False,
        required=True,
        index=True,
        tracking=True,
        check_company=True,
        ondelete="restrict",
    )
    application = fields.Char(related="policy_id.application", store=True)
    plan = fields.Char(related="policy_id.plan", store=True)
    max_activations = fields.Integer(
        string="Own Device Limit",
        required=True,
        default=0,
        tracking=True,
        copy=False,
        help="How many devices may use this license, whatever its policy says. "
        "0: as the policy says. -1: unlimited.",
    )
    term_ids = fields.One2many("software.license.term", "license_id", string="Ledger")
    expires_at = fields.Datetime(
        compute="_compute_expires_at",
        inverse="_inverse_expires_at",
        store=True,
        readonly=False,
        copy=False,
        index="btree_not_null",
        tracking=True,
        help="The license is valid before this moment. Empty: forever. A date set "
        "by hand counts until the next invoice is paid.",
    )
    is_payment_reversed = fields.Boolean(
        string="Payment Reversed",
        compute="_compute_balance",
        store=True,
        tracking=True,
        help="It was billed, and nothing of that is paid any more. The license "
        "comes back by itself when it is paid.",
    )
    trial_ends_at = fields.Datetime(compute="_compute_balance", store=True)
    quantity = fields.Float(
        compute="_compute_balance",
        store=True,
        digits="Product Unit",
        help="Units paid for in the current period.",
    )
    quantity_until = fields.Datetime(
        compute="_compute_balance",
        store=True,
        help="The moment at which the quantity must be computed again.",
    )
    status = fields.Selection(
        STATUSES,
        compute="_compute_status",
        search="_search_status",
        help="What the software is told when it asks.",
    )
    is_expired = fields.Boolean(compute="_compute_status", search="_search_is_expired")
    subscription_ref = fields.Reference(
        selection="_selection_subscription_model",
        string="Subscription",
        readonly=True,
        copy=False,
    )
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Order Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    sale_order_id = fields.Many2one(related="sale_line_id.order_id", string="Order")

    _license_key_unique = models.UniqueIndex(
        "(license_key_normalized)", "A license with this key exists already."
    )
    _max_activations_valid = models.Constraint(
        "CHECK (max_activations >= -1)",
        "The device limit can't be less than -1 (unlimited).",
    )

    # === COMPUTE METHODS === #

    @api.model
    def _selection_subscription_model(self):
        return self.env["software.license.subscription"]._selection_models()

    @api.depends("license_key")
    def _compute_license_key_normalized(self):
        for license_ in self:
            license_.license_key_normalized = license_key.normalize(
                license_.license_key or ""
            )

    @api.depends("license_key")
    def _compute_display_name(self):
        for license_ in self:
            is_new = license_.license_key in (False, "/")
            license_.display_name = (
                self.env._("New License") if is_new else license_.license_key
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
        for license_ in self:
            license_.policy_id = (
                license_._get_term_in_force().policy_id
                or license_.product_id._get_license_policy()
                or license_.policy_id
            )

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
            license_.quantity_until = balance.quantity_until

    def _get_balance(self):
        """Return what the terms add up to today; without any, what the policy says."""
        self.ensure_one()
        today = fields.Date.today()
        entries = self._get_entries() or [self._get_first_entry(today)]
        return ledger.balance(entries, today)

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
        terms = self.term_ids.filtered(lambda term: term.source == "invoice")
        return {
            "license_id": self.id,
            "source": "manual",
            "date_start": fields.Date.today(),
            "date_end": period.day_of_end(self.expires_at or None),
            "expires_at": self.expires_at,
            "is_adjustment": any(terms.mapped("is_effective")),
        }

    @api.depends(
        "state",
        "expires_at",
        "is_payment_reversed",
        "partner_id.active",
        "commercial_partner_id.active",
        "policy_id.grace_days",
    )
    def _compute_status(self):
        question = verdict.Question(now=fields.Datetime.now())
        for license_ in self:
            license_.status = verdict.judge(license_._to_facts(), question).status
            license_.is_expired = license_.status == "expired"

    def _to_facts(self):
        """Return what the verdict needs to know of the license, no device asked."""
        self.ensure_one()
        license_ = self.sudo()  # a reader of licenses may lack the policy
        customer = license_.partner_id | license_.partner_id.commercial_partner_id
        return verdict.Facts(
            license_id=license_.id,
            state=license_.state,
            expires_at=license_.expires_at or None,
            is_payment_reversed=license_.is_payment_reversed,
            is_customer_active=all(customer.mapped("active")),
            application=license_.policy_id.application,
            grace_days=license_.policy_id.grace_days,
            trial_ends_at=license_.trial_ends_at or None,
            own_features=license_.features or None,
            policy_features=license_.policy_id.features or None,
            own_max_activations=license_.max_activations,
            policy_max_activations=license_.policy_id.max_activations,
            quantity=license_.quantity,
            quantity_until=license_.quantity_until or None,
        )

    # === SEARCH METHODS === #
    # The rules of tools/verdict.py as domains; a test keeps the two alike.

    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        domains = self._get_status_domains()
        return Domain.OR(domains[status] for status in value if status in domains)

    def _search_is_expired(self, operator, value):
        if operator != "in":
            return NotImplemented
        expired = self._get_status_domains()["expired"]
        return Domain.OR(expired if wanted else ~expired for wanted in value)

    def _get_status_domains(self):
        """Return {status: domain}; each license is in exactly one of them."""
        is_revoked = Domain("state", "=", "revoked")
        is_suspended = (
            Domain("state", "=", "suspended")
            | Domain("is_payment_reversed", "=", True)
            | Domain("partner_id.active", "=", False)
            | Domain("commercial_partner_id.active", "=", False)
        )
        is_past = self._get_past_domain()
        return {
            "revoked": is_revoked,
            "suspended": ~is_revoked & is_suspended,
            "expired": ~is_revoked & ~is_suspended & is_past,
            "active": ~is_revoked & ~is_suspended & ~is_past,
        }

    def _get_past_domain(self):
        """Return the domain of licenses whose end, with its grace, is past."""
        now = fields.Datetime.now()
        policies = self.env["software.license.policy"].sudo()
        graces = policies.with_context(active_test=False)._read_group(
            [], ["grace_days"], ["id:recordset"]
        )
        return Domain.OR(
            Domain("policy_id", "in", policies_.ids)
            & Domain("expires_at", "<=", now - timedelta(days=days))
            for days, policies_ in graces
        )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_written_fields(vals, DERIVED_FIELDS)
        licenses = super().create(self._with_license_keys(vals_list))
        unbooked = licenses.filtered(lambda license_: not license_.term_ids)
        unbooked._inverse_expires_at()
        return licenses

    def write(self, vals):
        if "state" in vals:
            self._check_transition(vals["state"])
        if "active" in vals:
            self._check_is_manager()
        self._check_written_fields(vals, DERIVED_FIELDS | FIXED_FIELDS)
        if "license_key" in vals:
            self._check_new_keys([vals["license_key"]] * len(self))
        return super().write(vals)

    def _check_written_fields(self, vals, refused):
        """Refuse what only billing and the ledger may write, whoever calls by RPC."""
        written = sorted(refused & vals.keys())
        if written and not self.env.su:
            raise AccessError(
                self.env._(
                    "These fields of a license are not set by hand: %(fields)s",
                    fields=", ".join(written),
                )
            )

    @api.model
    def _with_license_keys(self, vals_list):
        """Return the values with a policy and a key in each."""
        self._check_new_keys(
            [vals["license_key"] for vals in vals_list if _has_key(vals)]
        )
        return [self._with_license_key(vals) for vals in vals_list]

    @api.model
    def _with_license_key(self, vals):
        vals = {**self.default_get(["policy_id", "product_id"]), **vals}
        if not vals.get("policy_id"):
            product = self.env["product.product"].browse(vals.get("product_id"))
            vals["policy_id"] = product._get_license_policy().id
        if not vals["policy_id"]:
            raise UserError(self.env._("Choose a license policy."))
        if not _has_key(vals):
            policy = self.env["software.license.policy"].browse(vals["policy_id"])
            vals["license_key"] = policy.sudo()._generate_license_key()
        return vals

    @api.model
    def _check_new_keys(self, keys):
        """Refuse keys that exist: PostgreSQL would, and log them whole."""
        normalized = [license_key.normalize(key or "") for key in keys]
        if any(len(key) < license_key.MIN_LENGTH for key in normalized):
            raise ValidationError(
                self.env._(
                    "License Key: use %(count)s characters or more.",
                    count=license_key.MIN_LENGTH,
                )
            )
        same = [("license_key_normalized", "in", normalized)]
        licenses = self.sudo().with_context(active_test=False)
        if len(set(normalized)) < len(normalized) or licenses.search_count(same):
            raise ValidationError(self.env._("A license with this key exists already."))

    # === ACTION METHODS === #

    def _check_transition(self, target):
        """The one gate of the state: raise unless every license may get there."""
        for license_ in self:
            if target != license_.state and target not in TRANSITIONS[license_.state]:
                raise UserError(
                    self.env._(
                        "License %(key)s is %(state)s: it can't become %(target)s.",
                        key=license_.display_name,
                        state=license_.state,
                        target=target,
                    )
                )
        if target == "revoked":
            self._check_is_manager()

    def _check_is_manager(self):
        manager = "software_license.group_license_manager"
        if not self.env.su and not self.env.user.has_group(manager):
            raise AccessError(
                self.env._("Only a license manager can revoke or archive a license.")
            )

    def action_suspend(self):
        """Stop the license until it is reinstated."""
        return self._set_state("suspended")

    def action_reinstate(self):
        """Let a suspended license run again."""
        return self._set_state("active")

    def action_revoke(self):
        """Stop the license for good."""
        return self._set_state("revoked")

    def _set_state(self, target):
        self.filtered(lambda license_: license_.state != target).state = target
        return True  # XML-RPC has no None


def _has_key(vals):
    return vals.get("license_key") not in (None, False, "", "/")
