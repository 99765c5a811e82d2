from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from . import by_hand
from .account_move import PAID_STATES

#: What was chosen stays so when it is archived, and is not deleted: it may never end
#: up as no choice, which means all.
CHOSEN = {"active_test": False}
#: What only the work itself writes.
PROGRESS = {
    "state",
    "last_date",
    "last_move_id",
    "total_count",
    "done_count",
    "issued_count",
    "left_count",
    "problem_ids",
}


class SoftwareLicensePast(models.Model):
    """What to do about invoices paid before their products were licensed.

    Nobody waits for it: a scheduled action works through the invoices, by date, and
    commits each batch. To run it again is safe: what has its licenses gets no more.
    """

    _name = "software.license.past"
    _description = "Licenses for Past Invoices"
    _order = "id desc"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    product_ids = fields.Many2many(
        "product.product",
        string="Products",
        check_company=True,
        ondelete="restrict",
        context=CHOSEN,
        help="Empty: all products that have a license policy.",
    )
    policy_ids = fields.Many2many(
        "software.license.policy",
        string="License Policies",
        check_company=True,
        ondelete="restrict",
        context=CHOSEN,
        help="Only products of these policies. Empty: of all.",
    )
    date_from = fields.Date(
        string="Invoiced from", help="By the date of the invoice. Empty: ever since."
    )
    date_to = fields.Date(string="Invoiced until", help="Empty: until today.")
    what = fields.Selection(
        [
            ("issue", "Issue licenses for what was paid"),
            ("leave", "Leave the past"),
        ],
        string="What to Do",
        required=True,
        default="issue",
    )
    is_over_included = fields.Boolean(
        string="Also What Is Over by Now",
        help="Licenses that would have ended before today. They are issued expired.",
    )
    is_left_included = fields.Boolean(
        string="Also What Was Left Before",
        help="Invoices that somebody decided to leave without licenses.",
    )
    is_emailed = fields.Boolean(
        string="E-mail the Customers",
        help="Each invoice's customer gets the keys. Off: nobody is told, but of an "
        "end that comes near later.",
    )
    state = fields.Selection(
        [
            ("draft", "To Start"),
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("done", "Done"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    # Where the work is: all invoices until this one are done.
    last_date = fields.Date(readonly=True, copy=False)
    last_move_id = fields.Integer(readonly=True, copy=False)
    total_count = fields.Integer(string="Invoices", readonly=True, copy=False)
    done_count = fields.Integer(string="Invoices Done", readonly=True, copy=False)
    issued_count = fields.Integer(string="Licenses Issued", readonly=True, copy=False)
    left_count = fields.Integer(string="Invoices Left", readonly=True, copy=False)
    progress = fields.Float(compute="_compute_progress")
    problem_ids = fields.One2many(
        "software.license.past.problem", "past_id", string="Problems", readonly=True
    )
    problem_count = fields.Integer(compute="_compute_problem_count")

    @api.depends("total_count", "done_count", "state")
    def _compute_progress(self):
        for past in self:
            share = past.done_count / past.total_count if past.total_count else 0
            past.progress = 100 if past.state == "done" else min(100 * share, 100)

    @api.depends("problem_ids")
    def _compute_problem_count(self):
        for past in self:
            past.problem_count = len(past.problem_ids)

    @api.depends("what", "create_date")
    def _compute_display_name(self):
        names = dict(self._fields["what"]._description_selection(self.env))
        for past in self:
            past.display_name = names.get(past.what)

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for past in self:
            if past._get_dates_problem():
                raise ValidationError(past._get_dates_problem())

    def _get_dates_problem(self):
        if self.date_from and self.date_to and self.date_from > self.date_to:
            return self.env._(
                "Invoiced until: choose a day that is not before “Invoiced from”."
            )
        return False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        by_hand.refuse_new(self, PROGRESS, vals_list)
        return super().create(vals_list)

    def write(self, vals):
        by_hand.refuse(self, PROGRESS & vals.keys())
        if not self.env.su and any(past.state != "draft" for past in self):
            raise UserError(self.env._("It was started: make a new one."))
        res = super().write(vals)
        self.check_access("write")  # it may be another company's by now
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_running(self):
        if any(past.state == "running" for past in self):
            raise UserError(self.env._("It is running: stop it first."))

    # === ACTION METHODS === #

    def action_start(self):
        """Begin, or go on after a stop; a scheduled action does the work."""
        self.check_access("write")
        for past in self.sudo():
            if past.state not in ("draft", "stopped"):
                raise UserError(self.env._("This was started already."))
            if problem := past._get_problem():
                raise UserError(problem)
            if past.state == "draft":
                past.total_count = past._count_moves()
            past.state = "running"
        self.env["software.license.message"]._trigger_cron(
            "software_license.cron_past_licenses"
        )
        return True

    def action_stop(self):
        """Stop after the batch that is at work; what was issued stays."""
        self.check_access("write")
        self.sudo().filtered(lambda it: it.state == "running").state = "stopped"
        return True

    def action_refresh(self):
        """Show how far it is."""
        self.check_access("read")
        return True

    def _get_problem(self):
        """Return what is wrong with what was entered, False if nothing is."""
        self.ensure_one()
        unlicensed = self.product_ids._origin.filtered(
            lambda product: not product._get_license_policy()
        )
        if unlicensed:
            return self.env._(
                "Products: these have no license policy: %(names)s.",
                names=", ".join(unlicensed.mapped("display_name")),
            )
        if not self._get_products():
            if self.policy_ids:
                return self.env._(
                    "Products: none has one of the chosen license policies."
                )
            return self.env._("Products: none of them has a license policy yet.")
        return self._get_dates_problem()

    # === WHICH INVOICES === #

    def _get_products(self):
        """Return the licensed products that it is about: all, if none were chosen."""
        self.ensure_one()
        licensed = self.env["product.product"]._get_licensed_ids()
        products = self.product_ids._origin.filtered(lambda it: it.id in licensed)
        if not self.product_ids:
            products = products.browse(sorted(licensed))
        policies = self.policy_ids._origin
        return products.filtered(
            lambda it: not policies or it._get_license_policy() in policies
        )

    @api.model
    def _get_past_domain(self, products):
        """Return the domain of paid invoices with lines that granted nothing yet."""
        lines = self.env["account.move.line"]._get_past_domain(products)
        return Domain(
            [
                ("state", "=", "posted"),
                ("move_type", "in", ("out_invoice", "out_receipt")),
                ("payment_state", "in", PAID_STATES),
                ("is_license_due", "!=", True),
                ("invoice_line_ids", "any", lines),
            ]
        )

    def _get_move_domain(self):
        """Return the domain of the invoices that it is about."""
        domain = self._get_past_domain(self._get_products())
        return domain & self._get_choice_domain()

    @api.model
    def _get_undecided_domain(self, product):
        """Return the domain of past invoices with a product that no job was about."""
        done = self.search([("state", "=", "done")]).filtered(
            lambda past: product in past._get_products()
        )
        decided = Domain.OR([past._get_choice_domain() for past in done])
        return self._get_past_domain(product) & ~decided

    def _get_choice_domain(self):
        domain = Domain("company_id", "=", self.company_id.id)
        if self.date_from:
            domain &= Domain("invoice_date", ">=", self.date_from)
        if self.date_to:
            domain &= Domain("invoice_date", "<=", self.date_to)
        return domain

    def _count_moves(self):
        return self.env["account.move"].search_count(self._get_move_domain())

    def _get_next_moves(self, limit):
        """Return the next invoices to do, by date: renewals come after what they renew.

        None once it is done, or was stopped.
        """
        moves = self.env["account.move"]
        if self.state != "running":
            return moves
        domain = self._get_move_domain()
        if self.last_date:
            domain &= Domain("invoice_date", ">", self.last_date) | (
                Domain("invoice_date", "=", self.last_date)
                & Domain("id", ">", self.last_move_id)
            )
        return moves.search(domain, order="invoice_date, id", limit=limit)

    def _judge(self, moves):
        """Return {past line: why it is left out, False if it is not} of invoices."""
        products = self._get_products()
        lines = moves.invoice_line_ids._filter_past()
        lines = lines.filtered(lambda line: line.product_id in products)
        if self.what == "leave":
            return dict.fromkeys(
                lines.filtered(lambda line: not line.is_license_left), False
            )
        credited, today = lines._get_credited_quantities(), fields.Date.today()
        return {line: self._get_reason(line, credited[line], today) for line in lines}

    def _get_reason(self, line, credited, today):
        """Return why a line is left out on purpose, False if it is not."""
        if line.is_license_left and not self.is_left_included:
            return self._get_reasons()["left"]
        if credited >= line._get_license_quantity():
            return self._get_reasons()["credited"]
        end = line._get_past_period()[1]
        if end and end < today and not self.is_over_included:
            return self._get_reasons()["over"]
        return False

    @api.model
    def _get_reasons(self):
        """Return {why a line is left out on purpose: how people read it}."""
        return {
            "left": self.env._("left without licenses before"),
            "credited": self.env._("credited in full"),
            "over": self.env._("over by now"),
        }


class SoftwareLicensePastProblem(models.Model):
    """An invoice of the past whose licenses could not be issued, and why."""

    _name = "software.license.past.problem"
    _description = "Problem with a Past Invoice"
    _order = "id"

    past_id = fields.Many2one(
        "software.license.past", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="past_id.company_id", store=True)
    move_id = fields.Many2one(
        "account.move", string="Invoice", required=True, ondelete="cascade", index=True
    )
    problem = fields.Text(required=True)
