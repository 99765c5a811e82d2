import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import float_is_zero

from ..tools import license_key, period

APPLICATION_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
KEY_PREFIX = re.compile(r"[A-Z0-9]{0,16}")


class SoftwareLicensePolicy(models.Model):
    """What buying a product grants: which software, how long, on how many devices."""

    _name = "software.license.policy"
    _description = "Software License Policy"
    _inherit = ["mail.thread", "software.license.features.mixin"]
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", help="Leave empty to use the policy in every company."
    )
    application = fields.Char(
        required=True,
        tracking=True,
        index=True,
        help="Code of the software that the license is for, such as acme-editor. "
        "Products of the same application share one key on a subscription.",
    )
    plan = fields.Char(
        tracking=True, help="The plan as the software knows it, such as pro."
    )
    key_format = fields.Selection(
        [("grouped", "Groups of letters and digits"), ("hex64", "64 hex digits")],
        required=True,
        default="grouped",
    )
    key_prefix = fields.Char(help="Starts every key, such as ACME. May be empty.")
    key_groups = fields.Integer(string="Groups", required=True, default=4)
    key_group_size = fields.Integer(string="Characters", required=True, default=4)
    key_example = fields.Char(compute="_compute_key_example")
    validity_interval = fields.Integer(string="Validity", required=True, default=1)
    validity_unit = fields.Selection(
        [
            ("day", "Days"),
            ("week", "Weeks"),
            ("month", "Months"),
            ("year", "Years"),
            (period.PERPETUAL, "Forever"),
        ],
        required=True,
        default="year",
        tracking=True,
        help="How long a license lasts that no subscription gives a period.",
    )
    issue_on = fields.Selection(
        [("payment", "Payment"), ("order", "Order, before it is paid")],
        string="Issue on",
        required=True,
        default="payment",
        tracking=True,
        help="On order: the key is issued when the order is confirmed, and is good for "
        "the trial or, without one, until the invoice is due. Payment turns it into "
        "the full license.",
    )
    trial_days = fields.Integer(
        string="Trial (days)",
        required=True,
        default=0,
        tracking=True,
        help="How long a trial lasts: of a key issued on order, or one given by hand. "
        "A customer gets one trial of each application.",
    )
    grace_days = fields.Integer(
        string="Grace (days)",
        required=True,
        default=0,
        tracking=True,
        help="For so long after its end the license still counts as valid.",
    )
    max_activations = fields.Integer(
        string="Devices",
        required=True,
        default=0,
        tracking=True,
        help="How many devices may use the license, for each unit bought. "
        "0: unlimited.",
    )
    lease_minutes = fields.Integer(
        string="Lease (minutes)",
        required=True,
        default=0,
        tracking=True,
        help="Floating seats: a device that does not check in for so many minutes "
        "loses its seat to the next one that asks. 0: a device keeps its seat until "
        "somebody frees it.",
    )
    quantity_rule = fields.Selection(
        [
            ("seats", "One license, more devices"),
            ("licenses", "One license for each unit"),
        ],
        string="Quantity Buys",
        required=True,
        default="seats",
        tracking=True,
    )
    self_deactivation = fields.Boolean(
        string="Devices May Deactivate",
        default=True,
        tracking=True,
        help="The software may free its own seat, say when it is uninstalled, and "
        "customers free their devices in the portal. Off: only you free devices.",
    )
    yearly_self_deactivations = fields.Integer(
        string="Deactivations a Year",
        required=True,
        default=0,
        help="How often in a calendar year devices of one license may be freed by "
        "themselves, or by the customer in the portal. 0: no limit.",
    )
    instances_take_seats = fields.Boolean(
        tracking=True,
        help="Self-hosted instances, which call the licensing endpoint, count as "
        "devices. Off: they are on record, and any number may run.",
    )
    product_tmpl_ids = fields.One2many(
        "product.template", "license_policy_id", string="Products"
    )
    license_ids = fields.One2many("software.license", "policy_id")
    license_count = fields.Integer(compute="_compute_license_count")

    _grace_days_in_range = models.Constraint(
        "CHECK (grace_days BETWEEN 0 AND 3650)", "The grace is 0 to 3650 days."
    )
    _trial_days_in_range = models.Constraint(
        f"CHECK (trial_days BETWEEN 0 AND {period.MAX_TRIAL_DAYS})",
        "A trial lasts 0 to 3650 days.",
    )
    _max_activations_positive = models.Constraint(
        "CHECK (max_activations >= 0)", "The number of devices can't be negative."
    )
    _lease_minutes_in_range = models.Constraint(
        "CHECK (lease_minutes BETWEEN 0 AND 525600)",
        "The lease is 0 to 525600 minutes, which is a year.",
    )
    _validity_interval_in_range = models.Constraint(
        "CHECK (validity_interval BETWEEN 1 AND 1000 OR validity_unit = 'perpetual')",
        "The validity is 1 to 1000.",
    )
    _yearly_self_deactivations_positive = models.Constraint(
        "CHECK (yearly_self_deactivations >= 0)",
        "The number of deactivations a year can't be negative.",
    )

    @api.depends("key_format", "key_prefix", "key_groups", "key_group_size")
    def _compute_key_example(self):
        for policy in self:
            groups = ["X" * policy.key_group_size] * policy.key_groups
            policy.key_example = (
                "-".join(filter(None, [policy.key_prefix, *groups]))
                if policy.key_format == "grouped"
                else "0a1b2c3d…"
            )

    @api.depends("license_ids")
    def _compute_license_count(self):
        counts = dict(
            self.env["software.license"]._read_group(
                [("policy_id", "in", self.ids)], ["policy_id"], ["__count"]
            )
        )
        for policy in self:
            policy.license_count = counts.get(policy._origin, 0)

    @api.constrains("application")
    def _check_application(self):
        for policy in self:
            if not APPLICATION_CODE.fullmatch(policy.application):
                raise ValidationError(
                    self.env._(
                        "Application: “%(code)s” is not a code. Use lower-case "
                        "letters, digits, dots and dashes, such as acme-editor.",
                        code=policy.application,
                    )
                )

    @api.constrains("key_format", "key_prefix", "key_groups", "key_group_size")
    def _check_key_format(self):
        for policy in self.filtered(lambda policy: policy.key_format == "grouped"):
            if not KEY_PREFIX.fullmatch(policy.key_prefix or ""):
                raise ValidationError(
                    self.env._("Key prefix: use at most 16 capital letters and digits.")
                )
            self._check_key_shape(policy.key_groups, policy.key_group_size)

    def _check_key_shape(self, groups, size):
        if not (2 <= groups <= 10 and 3 <= size <= 10):
            raise ValidationError(
                self.env._("Key: use 2 to 10 groups of 3 to 10 characters.")
            )
        if license_key.grouped_bits(groups, size) < license_key.MIN_BITS:
            raise ValidationError(
                self.env._(
                    "Key: %(groups)s groups of %(size)s characters can be guessed. "
                    "Use 12 characters or more.",
                    groups=groups,
                    size=size,
                )
            )

    def write(self, vals):
        if "application" in vals:
            self._check_application_unused(vals["application"])
        devices = self.env["software.license.activation"].sudo()
        of_policy = Domain("license_id.policy_id", "in", self.ids)
        if "lease_minutes" in vals:
            # By the lease that was: a longer one revives no seat.
            devices._free_lapsed(of_policy, fields.Datetime.now())
        if vals.get("instances_take_seats"):
            devices._free_uncounted(of_policy)
        return super().write(vals)

    def _check_application_unused(self, application):
        """Renewals find their license by its application: it stays once it is used."""
        changed = self.filtered(lambda policy: policy.application != application)
        licenses = self.env["software.license"].sudo().with_context(active_test=False)
        if licenses.search_count([("policy_id", "in", changed.ids)], limit=1):
            raise ValidationError(
                self.env._(
                    "Application: licenses were issued for it. "
                    "Make a new policy for another application."
                )
            )

    def action_view_licenses(self):
        """Open the licenses of this policy."""
        domain = [("policy_id", "in", self.ids)]
        return self.env["software.license"]._get_list_action(self, domain)

    def _generate_license_key(self):
        """Return a new license key; override it for a format of your own."""
        self.ensure_one()
        if self.key_format == "hex64":
            return license_key.generate_hex64()
        return license_key.generate_grouped(
            self.key_prefix or "", self.key_groups, self.key_group_size
        )

    def _get_period(self, start):
        """Return the inclusive (first, last) day that one purchase grants.

        The last day is None when the license never ends.
        """
        self.ensure_one()
        length = period.duration(self.validity_interval, self.validity_unit)
        return start, period.last_day(start, length)

    def _get_trial_period(self, start, days=None):
        """Return the inclusive (first, last) day of a trial."""
        self.ensure_one()
        length = period.duration(days or self.trial_days, "day")
        return start, period.last_day(start, length)

    @api.model
    def _get_trial_days_problem(self, days):
        """Return that no trial lasts so many days, False if one may."""
        if 1 <= days <= period.MAX_TRIAL_DAYS:
            return False
        return self.env._("Days: a trial lasts 1 to 3650 days.")

    def _get_problem(self, company, quantity, is_new=True):
        """Return why a company can't license so many units, False if it can."""
        self.ensure_one()
        if is_new and not self.active:
            return self.env._("its license policy is archived")
        if self.company_id and self.company_id not in company.parent_ids:
            return self.env._("its license policy is another company's")
        if self.quantity_rule != "seats" and not float_is_zero(
            quantity - round(quantity), precision_digits=6
        ):
            return self.env._("its policy issues whole licenses, not fractions")
        return False
