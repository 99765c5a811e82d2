from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import period

#: So much is added at a time; who means more means "forever".
MAX_INTERVAL = 1000


class SoftwareLicenseExtend(models.TransientModel):
    """Let licenses run longer, by a time or until a day."""

    _name = "software.license.extend"
    _inherit = "software.license.wizard"
    _description = "Extend Licenses"

    kind = fields.Selection(
        [("by", "By a time"), ("until", "Until a day")],
        string="Extend",
        required=True,
        default="by",
    )
    interval = fields.Integer(string="By", required=True, default=1)
    unit = fields.Selection(
        [("day", "Days"), ("week", "Weeks"), ("month", "Months"), ("year", "Years")],
        required=True,
        default="month",
    )
    date_end = fields.Date(
        string="Valid Until", help="The last day on which they are valid."
    )
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    @api.depends("license_ids", "kind", "interval", "unit", "date_end")
    def _compute_preview(self):
        for wizard in self:
            problem = wizard._get_revoked_problem() or wizard._get_problem()
            wizard.preview = (
                Markup('<p class="text-danger">%s</p>') % problem
                if problem
                else wizard._render_preview()
            )

    def _render_preview(self):
        """Return, as HTML, which license will end when, and which are left alone."""
        days = self._get_days()
        if problem := self.license_ids._get_trial_problem(days):
            return Markup('<p class="text-danger">%s</p>') % problem
        rows = [
            (
                license_.display_name,
                license_.partner_id.display_name,
                self._format_day(period.day_of_end(license_.expires_at or None)),
                Markup("<strong>%s</strong>") % self._format_day(day),
            )
            for license_, day in days.items()
        ]
        titles = [
            self.env._("License"),
            self.env._("Customer"),
            self.env._("Valid Until"),
            self.env._("Then Until"),
        ]
        html = self._get_table(titles, rows) if rows else Markup("")
        for text in self._describe_left_alone(days):
            html += Markup('<p class="text-muted mb-1">%s</p>') % text
        return html

    def _describe_left_alone(self, days):
        """Return sentences that name the licenses which stay as they are, and why."""
        perpetual = self.license_ids.filtered(lambda it: not it.expires_at)
        longer = (self.license_ids - perpetual).filtered(lambda it: it not in days)
        texts = []
        if perpetual:
            texts.append(
                self.env._(
                    "Left alone, as they never end: %(keys)s.",
                    keys=perpetual._get_masked_names(),
                )
            )
        if longer:
            texts.append(
                self.env._(
                    "Left alone, as they run as long already: %(keys)s.",
                    keys=longer._get_masked_names(),
                )
            )
        return texts

    def _get_problem(self):
        """Return what is wrong with what was entered, False if nothing is."""
        self.ensure_one()
        today = fields.Date.context_today(self)
        if self.kind == "until":
            if not self.date_end or self.date_end < today:
                return self.env._("Valid Until: choose today or a later day.")
        elif not 1 <= self.interval <= MAX_INTERVAL:
            return self.env._("By: 1 to %(limit)s.", limit=MAX_INTERVAL)
        return False

    def _get_days(self):
        """Return {license: its last day then} of those that run longer by it."""
        today = fields.Date.today()
        length = period.duration(self.interval, self.unit)
        days = {}
        for license_ in self.license_ids.filtered("expires_at"):
            day = self.date_end
            if self.kind == "by":
                day = license_._get_extended_day(length, today)
            ends = period.day_of_end(license_.expires_at)
            if license_.is_payment_reversed or day > ends:
                days[license_] = day
        return days

    def action_extend(self):
        """Extend the licenses."""
        self._check_licenses()
        if problem := self._get_problem():
            raise UserError(problem)
        days = self._get_days()
        if not days:
            raise UserError("\n".join(self._describe_left_alone(days)))
        self._do_once()
        note = self._get_note(self.env._("Extended by hand."))
        self.env["software.license"]._extend(days, note)
        return {"type": "ir.actions.act_window_close"}
