from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "software.license.line.mixin"]
    _license_quantity_field = "product_uom_qty"

    license_id = fields.Many2one(
        "software.license",
        copy=False,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        groups="software_license.group_license_user,"
        "account.group_account_invoice,account.group_account_readonly",
        help="The license that this line renews or upgrades. Empty: a new one.",
    )
    license_change = fields.Selection(
        [("renewal", "Renews"), ("upgrade", "Upgrades")],
        compute="_compute_license_change",
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        help="A renewal begins when the license ends. An upgrade begins with its "
        "invoice, and takes the place of what was bought before.",
    )
    license_term_ids = fields.One2many("software.license.term", "sale_line_id")

    @api.depends("license_id", "product_id")
    def _compute_license_change(self):
        self.license_change = False
        for line in self.filtered("license_id"):
            policy = line.product_id._get_license_policy()
            in_force = line.license_id.policy_id
            is_same_plan = policy.plan and policy.plan == in_force.plan
            is_renewal = is_same_plan or policy == in_force
            line.license_change = "renewal" if is_renewal else "upgrade"

    @api.constrains("license_id", "product_id", "product_uom_qty", "order_partner_id")
    def _check_license(self):
        for line in self.sudo().filtered("license_id"):
            problem = line._get_license_mismatch(line.license_id)
            if problem:
                raise ValidationError(
                    self.env._(
                        "License %(key)s: %(problem)s.",
                        key=line.license_id.display_name,
                        problem=problem,
                    )
                )

    def _get_license_mismatch(self, license_):
        """Return why this line can't renew or upgrade a license, False if it can."""
        self.ensure_one()
        policy = self.product_id._get_license_policy()
        customer = self.order_partner_id.commercial_partner_id
        if license_.commercial_partner_id != customer:
            return self.env._("it belongs to another customer")
        if not policy:
            return self.env._("the product has no license policy")
        if policy.application != license_.application:
            return self.env._("the product is of another application")
        if problem := license_._get_renewal_problem():
            return problem
        units = self._get_license_units()
        if units > 1 and units > license_._count_of_same_sale():
            return self.env._("more licenses are renewed than were sold with it")
        return False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._issue_licenses()
        return lines

    def write(self, vals):
        lines = self.sudo()  # who may write a line may not see its license
        named = {line: (line.license_id, line.license_change) for line in lines}
        res = super().write(vals)
        changed = lines.filtered(
            lambda line: (line.license_id, line.license_change) != named[line]
        )
        if changed.invoice_lines.license_term_ids:
            # What was paid for went to the license that the line named then.
            raise UserError(
                self.env._("License: what this order line sells was issued already.")
            )
        if vals.keys() & {"product_id", "product_uom_qty", "license_id"}:
            self._issue_licenses()
        return res

    # === KEYS BEFORE PAYMENT === #

    def _issue_licenses(self):
        """Issue what these lines give on confirmation; safe to call again.

        Selling comes first: what goes wrong is noted on the order.
        """
        License = self.env["software.license"].sudo()
        self.sudo().license_term_ids._filter_of_other_application()._set_quantity(0)
        for line in self.sudo().filtered(lambda line: line._is_licensed_on_order()):
            grant = License.with_company(line.company_id)._grant_on_order
            problem = line._get_license_problem() or License._try(
                lambda line=line, grant=grant: grant(line), line.order_id.name
            )
            if problem:
                line.order_id._message_log(
                    body=self.env._(
                        "No license was issued before payment: %(problem)s",
                        problem=problem,
                    )
                )

    def _get_license_problem(self):
        """Return why this line can't give a key before payment, False if it can."""
        self.ensure_one()
        policy = self.product_id._get_license_policy()
        problem = policy._get_problem(self.company_id, self._get_license_quantity())
        if not problem and policy.trial_days and not self.license_term_ids:
            self.order_partner_id._lock_license_trials()
            if self.order_partner_id._had_license_trial(policy.application):
                problem = self.env._("the customer had a trial already")
        return self._describe_license_problem(problem)

    def _is_licensed_on_order(self):
        """Does this line give a key that is not paid yet, or was one issued by hand?"""
        self.ensure_one()
        return bool(
            self.state == "sale"
            and self.product_id._get_license_policy()
            and (self._is_license_due_on_order() or self.license_term_ids)
            and not self.is_downpayment
            and not self.display_type
            and not self.license_id
            and (self.product_uom_qty > 0 or self.license_term_ids)
        )

    def _is_license_due_on_order(self):
        """Does the policy give new keys on confirmation? Else they wait for payment."""
        return self.product_id._get_license_policy().issue_on == "order"

    def _get_license_source(self):
        """Return what the line's licenses come of: the subscription, else the line."""
        self.ensure_one()
        line = origin = self.sudo()
        for adapter in line.env["software.license.subscription"]._get_adapters():
            origin = adapter._get_order_subscription(line) or origin
        return f"{origin._name},{origin.id}"

    # === INVOICES AND CREDIT NOTES === #

    def _update_license_due_date(self):
        """Let keys given before payment run until their invoices are due."""
        for term in self.license_term_ids.filtered(lambda it: it.source == "order"):
            if due := term.sale_line_id._get_license_invoices_due():
                term.date_end = due

    def _get_license_invoices_due(self):
        """Return the day on which the last posted invoice is due, None without one."""
        invoices = self._get_licensed_invoice_lines().move_id
        due_dates = filter(None, invoices.mapped("invoice_date_due"))
        return max(due_dates, default=None)

    def _is_license_unpaid(self):
        """Is there anything left to invoice or to pay of this line?"""
        self.ensure_one()
        if self.state == "cancel":
            return False
        moves = self.invoice_lines.move_id.filtered(
            lambda move: (
                move.move_type != "out_refund"
                and move.state != "cancel"
                and move.payment_state != "reversed"
            )
        )
        is_invoiced = self.invoice_status in ("invoiced", "upselling")
        return not is_invoiced or not all(
            move._is_paid_for_licenses() for move in moves
        )

    def _get_licensed_invoice_lines(self):
        """Return the posted invoice lines that sold these lines, the oldest first."""
        lines = self.invoice_lines.filtered(
            lambda line: (
                line.parent_state == "posted"
                and line._is_license_candidate()
                and line.quantity > 0
            )
        )
        return lines.sorted(lambda line: (line.move_id.invoice_date, line.id))

    def _get_unassigned_license_credits(self):
        """Return a Counter {credit key: units} of credit lines that name no invoice."""
        credited = Counter()
        for line in self.invoice_lines:
            if line._is_order_credit():
                _of_invoice, of_order = line._get_license_credit_keys()
                price = line.sale_line_ids._get_lowest_license_price()
                credited[of_order] += line._get_credited_units(price)
        return credited

    def _get_lowest_license_price(self):
        """Return the lowest price at which a unit was invoiced, or is now; else 0."""
        billed = self._get_licensed_invoice_lines()
        prices = [line._get_license_price() for line in billed]
        prices += filter(None, self.mapped("price_reduce_taxexcl"))
        return min(prices, default=0)

    def _get_credited_quantities(self):
        """Return {line: units} of what was invoiced of these lines and taken back."""
        return {
            line: billed._get_credited_quantities().total()
            for line in self
            if (billed := line._get_licensed_invoice_lines())
        }

    def _get_license_terms(self):
        """Return the terms that these lines gave, and that their invoices paid."""
        return self.license_term_ids | self.invoice_lines.license_term_ids
