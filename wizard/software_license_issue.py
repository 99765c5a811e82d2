from odoo import api, fields, models
from odoo.tools import format_date

from ..tools import entitlement, period

#: So many are issued at a time: each is a record, and an e-mail may list them.
MAX_QUANTITY = 1000


class SoftwareLicenseIssue(models.TransientModel):
    """Issue licenses by hand, for a customer or for what an order sold: the form."""

    _name = "software.license.issue"
    _inherit = "software.license.once"
    _description = "Issue Licenses"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    order_id = fields.Many2one("sale.order", readonly=True)
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Order Line",
        compute="_compute_sale_line_id",
        store=True,
        readonly=False,
        precompute=True,
        domain="sale_line_domain",
    )
    # No x2many: whoever issues without an order need not be able to read any.
    sale_line_domain = fields.Binary(compute="_compute_sale_line_domain")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        check_company=True,
    )
    product_id = fields.Many2one(
        "product.product",
        compute="_compute_product_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain="['|', ('license_policy_id', '!=', False), "
        "('variant_license_policy_id', '!=', False)]",
    )
    policy_id = fields.Many2one(
        "software.license.policy",
        string="License Policy",
        compute="_compute_policy_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        check_company=True,
    )
    quantity_rule = fields.Selection(related="policy_id.quantity_rule")
    application = fields.Char(related="policy_id.application")
    policy_features_text = fields.Text(related="policy_id.features_text")
    quantity = fields.Integer(
        compute="_compute_quantity",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="As the policy says: one license for so many units, or so many licenses.",
    )
    is_trial = fields.Boolean(string="Trial")
    trial_days = fields.Integer(
        string="Days",
        compute="_compute_trial_days",
        store=True,
        readonly=False,
        precompute=True,
    )
    had_trial = fields.Boolean(compute="_compute_had_trial")
    is_another_allowed = fields.Boolean(
        string="Give Another Trial",
        groups="software_license.group_license_manager",
        help="The customer had a trial of this application already.",
    )
    date_end = fields.Date(
        string="Valid Until",
        compute="_compute_date_end",
        store=True,
        readonly=False,
        precompute=True,
        help="The last day. Empty: forever.",
    )
    max_activations = fields.Integer(
        string="Own Device Limit",
        help="How many devices may use each license, whatever its policy says. "
        "0: as the policy says. -1: unlimited.",
    )
    features_text = fields.Text(
        string="Own Features (JSON)",
        help="What is set here wins over the features of the policy.",
    )
    is_emailed = fields.Boolean(
        string="E-mail the Keys", help="One e-mail to the customer with all the keys."
    )
    summary = fields.Char(compute="_compute_summary")

    # === WHAT FOLLOWS FROM THE ORDER AND THE POLICY === #

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "res.partner":
            values.setdefault("partner_id", self.env.context.get("active_id"))
        return values

    @api.depends("order_id")
    def _compute_company_id(self):
        for wizard in self:
            wizard.company_id = (
                wizard.order_id.company_id or wizard.company_id or self.env.company
            )

    @api.depends("order_id")
    def _compute_partner_id(self):
        for wizard in self:
            wizard.partner_id = wizard.order_id.partner_id or wizard.partner_id

    @api.depends("order_id")
    def _compute_sale_line_domain(self):
        for wizard in self:
            lines = wizard.order_id.order_line._filter_unlicensed()
            wizard.sale_line_domain = [("id", "in", lines._origin.ids)]

    @api.depends("order_id")
    def _compute_sale_line_id(self):
        for wizard in self:
            lines = wizard.order_id.order_line._filter_unlicensed()
            wizard.sale_line_id = lines._origin[:1]

    @api.depends("sale_line_id")
    def _compute_product_id(self):
        for wizard in self:
            wizard.product_id = wizard.sale_line_id.product_id or wizard.product_id

    @api.depends("product_id")
    def _compute_policy_id(self):
        for wizard in self:
            policy = wizard.product_id._get_license_policy()
            wizard.policy_id = policy or wizard.policy_id

    @api.depends("sale_line_id")
    def _compute_quantity(self):
        for wizard in self:
            line = wizard.sale_line_id
            sold = line and max(1, int(line._get_license_quantity()))
            wizard.quantity = sold or wizard.quantity or 1

    @api.depends("policy_id")
    def _compute_trial_days(self):
        for wizard in self:
            wizard.trial_days = wizard.policy_id.trial_days

    @api.depends("partner_id", "policy_id", "is_trial")
    def _compute_had_trial(self):
        for wizard in self:
            wizard.had_trial = bool(
                wizard.is_trial
                and wizard.partner_id
                and wizard.partner_id._had_license_trial(wizard.policy_id.application)
            )

    @api.depends("policy_id", "is_trial", "trial_days", "sale_line_id")
    def _compute_date_end(self):
        for wizard in self:
            is_known = bool(wizard.policy_id)
            wizard.date_end = wizard._get_default_end() if is_known else False

    def _get_default_end(self):
        """Return the last day of the trial, or what policy or order give today."""
        today = fields.Date.today()
        if not self.is_trial:
            return self.sale_line_id._get_due_end(
                today, self.policy_id._get_period(today)[1]
            )
        days = min(max(self.trial_days, 0), period.MAX_TRIAL_DAYS)
        return days and self.policy_id._get_trial_period(today, days)[1]

    def _get_end(self):
        """Return the last day: for an order or a trial, whatever was entered."""
        is_known = self.is_trial or self.sale_line_id
        return self._get_default_end() if is_known else self.date_end

    # === WHAT WILL HAPPEN === #

    @api.depends("policy_id", "quantity", "date_end", "max_activations", "sale_line_id")
    def _compute_summary(self):
        for wizard in self:
            is_known = bool(wizard.policy_id) and not wizard._get_problem()
            wizard.summary = wizard._describe() if is_known else False

    def _describe(self):
        """Return what will be issued: “3 licenses, devices: 2 each, forever”."""
        count, units = self._get_count(), self._get_units()
        limit = entitlement.seat_limit(
            self.policy_id.max_activations, self.max_activations, units
        )
        texts = [
            self.env._("1 license")
            if count == 1
            else self.env._("%(count)s licenses", count=count)
        ]
        if limit is None:
            texts.append(self.env._("any number of devices"))
        elif count == 1:
            texts.append(self.env._("devices: %(count)s", count=limit))
        else:
            texts.append(self.env._("devices: %(count)s each", count=limit))
        end = self._get_end()
        texts.append(
            self.env._("until %(day)s", day=format_date(self.env, end))
            if end
            else self.env._("forever")
        )
        return ", ".join(texts)

    def _get_count(self):
        """Return how many licenses will be issued."""
        return 1 if self._is_of_seats() else round(self._get_quantity())

    def _get_units(self):
        """Return the units that each license gets."""
        return self._get_quantity() if self._is_of_seats() else 1

    def _is_of_seats(self):
        return self.policy_id.quantity_rule == "seats"

    def _get_quantity(self):
        """Return the units: those that the order sold, else what was entered."""
        line = self.sale_line_id
        return line._get_license_quantity() if line else self.quantity

    def _get_problem(self):
        """Return what is wrong with what was entered, False if nothing is."""
        self.ensure_one()
        quantity = self._get_quantity()
        if not 0 < quantity <= MAX_QUANTITY:
            return self.env._("Quantity: 1 to %(limit)s.", limit=MAX_QUANTITY)
        if self.max_activations < entitlement.UNLIMITED:
            return self.env._("Own Device Limit: -1 (unlimited) or more.")
        problem = self.policy_id._get_trial_days_problem(self.trial_days)
        if self.is_trial and problem:
            return problem
        end = self._get_end()
        if end and end < fields.Date.today():
            return self.env._("Valid Until: this day is over.")
        problem = self.policy_id.sudo()._get_problem(self.company_id, quantity)
        return problem and self.env._("License Policy: %s.", problem)
