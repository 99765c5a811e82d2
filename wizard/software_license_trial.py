from odoo import api, fields, models
from odoo.exceptions import UserError


class SoftwareLicenseTrial(models.TransientModel):
    """Give a customer a trial by hand."""

    _name = "software.license.trial"
    _inherit = "software.license.once"
    _description = "Give a Trial"

    partner_id = fields.Many2one("res.partner", string="Customer", required=True)
    policy_id = fields.Many2one(
        "software.license.policy", string="License Policy", required=True
    )
    days = fields.Integer(
        compute="_compute_days",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    had_trial = fields.Boolean(compute="_compute_had_trial")
    is_another_allowed = fields.Boolean(
        string="Give Another Trial",
        groups="software_license.group_license_manager",
        help="The customer had a trial of this application already.",
    )

    @api.depends("policy_id")
    def _compute_days(self):
        for trial in self:
            trial.days = trial.policy_id.trial_days

    @api.depends("partner_id", "policy_id")
    def _compute_had_trial(self):
        for trial in self:
            trial.had_trial = trial.partner_id._had_license_trial(
                trial.policy_id.application
            )

    def action_give(self):
        """Issue the license, and open it."""
        self.ensure_one()
        if problem := self.policy_id._get_trial_days_problem(self.days):
            raise UserError(problem)
        if problem := self.policy_id._get_problem(self.env.company, 1):
            raise UserError(self.env._("License Policy: %s.", problem))
        self.partner_id._check_license_trial(
            self.policy_id.application, self.sudo().is_another_allowed
        )
        self._do_once()
        license_ = self.env["software.license"]._give_trial(
            self.partner_id, self.policy_id, self.days
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": license_._name,
            "res_id": license_.id,
            "view_mode": "form",
        }
