from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools import license_key, payload
from . import by_hand

#: Nobody sets these by hand: they follow from the ledger, the policy and the key.
DERIVED_FIELDS = {
    "license_key_normalized",
    "commercial_partner_id",
    "application",
    "plan",
    "is_payment_reversed",
    "trial_ends_at",
    "quantity",
    "quantity_from",
    "quantity_until",
    "subscription_ref",
    "sale_line_id",
    "billing_identity",
    "billing_unit",
}
#: These are given once, when the license is created.
FIXED_FIELDS = {"license_key", "company_id"}
#: These follow from what was paid, where the license was billed.
BOUGHT_FIELDS = {"product_id", "policy_id"}


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
    # What lists are filtered by; a state that is not "active" is rare.
    _create_date_index = models.Index("(create_date)")
    _expires_at_index = models.Index("(expires_at, id)")
    _state_index = models.Index("(state) WHERE state != 'active'")
    _key_part_index = models.Index(
        lambda registry: (
            registry.has_trigram and "USING gin (license_key_normalized gin_trgm_ops)"
        )
    )
    _max_activations_valid = models.Constraint(
        "CHECK (max_activations >= -1)",
        "The device limit can't be less than -1 (unlimited).",
    )

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

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            by_hand.refuse(self, {name for name in DERIVED_FIELDS if vals.get(name)})
            if vals.get("state") == "revoked" or not vals.get("active", True):
                self._check_is_manager()
        licenses = super().create(self._with_license_keys(vals_list))
        unbooked = licenses.filtered(lambda license_: not license_.term_ids)
        unbooked._inverse_expires_at()
        return licenses

    def write(self, vals):
        if "state" in vals:
            self._check_transition(vals["state"])
        if self._is_changed("active", vals):
            self._check_is_manager()
        fixed = DERIVED_FIELDS | FIXED_FIELDS
        if any(self.mapped("billing_identity")):
            fixed = fixed | BOUGHT_FIELDS
        by_hand.refuse(self, {name for name in fixed if self._is_changed(name, vals)})
        if self._is_changed("license_key", vals):
            self._check_new_keys([vals["license_key"]] * len(self))
        return super().write(vals)

    def _is_changed(self, name, vals):
        """Do these values change a field, or repeat what it says?"""
        field = self._fields[name]
        return name in vals and any(
            field.convert_to_cache(vals[name], license_)
            != field.convert_to_cache(license_[name], license_)
            for license_ in self.sudo()
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
        if any(
            len(key) > license_key.MAX_LENGTH or not payload.is_storable(key)
            for key in normalized
        ):
            raise ValidationError(
                self.env._(
                    "License Key: use %(count)s characters at most, and no control "
                    "characters such as line breaks.",
                    count=license_key.MAX_LENGTH,
                )
            )
        if len(set(normalized)) < len(normalized) or self._is_key_known(*normalized):
            raise ValidationError(
                self.env._("License Key: a license with this key exists already.")
            )

    @api.model
    def _is_key_known(self, *normalized):
        """Has a license one of these keys, archived ones and former keys included?"""
        same = [("license_key_normalized", "in", normalized)]
        licenses = self.sudo().with_context(active_test=False)
        former = self.env["software.license.former.key"].sudo()
        return bool(licenses.search_count(same, 1) or former.search_count(same, 1))

    # === ACTION METHODS === #

    @api.model
    def _get_list_action(self, records, domain, **context):
        """Return the action that shows the licenses of some records' smart button.

        Raises AccessError unless the user may read both: it tells ids.
        """
        self.check_access("read")
        records.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "software_license.software_license_action"
        )
        return {**action, "domain": domain, "context": context}

    @api.model
    def _get_subscription_action(self, model, ids):
        """Return the action that shows the licenses of subscriptions."""
        subscriptions = self.env[model].browse(ids)
        refs = [f"{model},{res_id}" for res_id in subscriptions.ids]
        return self._get_list_action(subscriptions, [("subscription_ref", "in", refs)])

    def action_renew(self):
        """Open a new quotation that renews this license."""
        self.ensure_one()
        line_vals = {
            "product_id": self.product_id.id,
            "product_uom_qty": self.quantity,
            "license_id": self.id,
        }
        order = self.env["sale.order"].create(
            {
                "partner_id": self.partner_id.id,
                "company_id": self.company_id.id,
                "order_line": [Command.create(line_vals)],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": order._name,
            "res_id": order.id,
            "view_mode": "form",
        }


def _has_key(vals):
    return vals.get("license_key") not in (None, False, "", "/")
