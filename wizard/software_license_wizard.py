from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..models.software_license_name import SHOWN


class SoftwareLicenseWizard(models.AbstractModel):
    """What the wizards on licenses that there are have in common."""

    _name = "software.license.wizard"
    _inherit = ["software.license.once", "software.license.guard"]
    _description = "Wizard on Licenses"

    license_ids = fields.Many2many(
        "software.license",
        string="Licenses",
        required=True,
        default=lambda self: self._get_default_licenses(),
    )
    license_count = fields.Integer(
        string="Number of Licenses", compute="_compute_license_count"
    )
    reason = fields.Char(help="Said in the chatter of the licenses.")
    is_emailed = fields.Boolean(string="E-mail the Keys")

    @api.model
    def _get_default_licenses(self):
        context = self.env.context
        if context.get("active_model") == "software.license":
            return context.get("active_ids")
        return None

    @api.depends("license_ids")
    def _compute_license_count(self):
        for wizard in self:
            wizard.license_count = len(wizard.license_ids)

    # === COMMON STEPS === #

    def _check_licenses(self):
        """Refuse to do nothing, and what is revoked."""
        self.ensure_one()
        self.license_ids.check_access("write")
        if not self.license_ids:
            raise UserError(self.env._("Licenses: choose one at least."))
        if problem := self._get_revoked_problem():
            raise UserError(problem)

    def _get_revoked_problem(self):
        """Return that some of the licenses are revoked, False if none is."""
        revoked = self.license_ids.filtered(lambda it: it.state == "revoked")
        return bool(revoked) and self.env._(
            "Licenses: these are revoked, for good: %(keys)s.",
            keys=revoked._get_masked_names(),
        )

    def _format_day(self, day):
        """Return a last day as a person reads it; None: never."""
        return format_date(self.env, day) if day else self.env._("Forever")

    def _get_note(self, text):
        """Return what the chatter says: the text, and the reason if there is one."""
        if not self.reason:
            return escape(text)
        return escape(text) + Markup("<br/>") + escape(self.reason)

    @api.model
    def _get_table(self, titles, rows):
        """Return an HTML table; of many rows the first ones, and how many more."""
        head = Markup("").join(Markup("<th>%s</th>") % title for title in titles)
        body = Markup("").join(
            Markup("<tr>%s</tr>")
            % Markup("").join(Markup("<td>%s</td>") % cell for cell in row)
            for row in rows[:SHOWN]
        )
        table = Markup(
            '<table class="table table-sm mb-2"><thead><tr>%s</tr></thead>'
            "<tbody>%s</tbody></table>"
        ) % (head, body)
        if more := len(rows[SHOWN:]):
            rest = self.env._("and %(count)s more", count=more)
            table += Markup('<p class="text-muted">%s</p>') % rest
        return table
