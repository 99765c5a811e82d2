from odoo import api, models
from odoo.exceptions import AccessError

MANAGER = "software_license.group_license_manager"


class SoftwareLicenseOnboarding(models.AbstractModel):
    """The way to the first license, shown to managers above the dashboard.

    No progress is stored: a step is done when its result is there. A company's panel
    goes when all are done, or when a manager closes it.
    """

    _name = "software.license.onboarding"
    _description = "First Steps with Licenses"

    @api.model
    def get_steps(self):
        """Return the steps, ``[]`` if the panel is not to be shown.

        Each is ``{"name", "title", "text", "button", "is_done", "action"}``; the
        action is one that the web client can do, or the name of one.
        """
        is_closed = self.env.company.sudo().license_onboarding_closed
        if is_closed or not self.env.user.has_group(MANAGER):
            return []
        steps = self._prepare_steps()
        return [] if all(step["is_done"] for step in steps) else steps

    @api.model
    def close(self):
        """Hide the panel from everybody in the company."""
        if not self.env.user.has_group(MANAGER):
            raise AccessError(self.env._("Only a license manager can close this."))
        self.env.company.sudo().license_onboarding_closed = True
        return True

    def _prepare_steps(self):
        """Return all steps; override it for a step of your own."""
        return [
            {
                "name": "policy",
                "title": self.env._("Write a license policy"),
                "text": self.env._("It says how long, on how many devices."),
                "button": self.env._("Write it"),
                "is_done": self._has_own_policy(),
                "action": self._get_new("software.license.policy"),
            },
            {
                "name": "product",
                "title": self.env._("License a product"),
                "text": self.env._("Choose the policy on what you sell."),
                "button": self.env._("Choose it"),
                "is_done": self._has("product.template", "license_policy_id"),
                "action": "software_license.software_license_product_action",
            },
            {
                "name": "license",
                "title": self.env._("Issue a license"),
                "text": self.env._("Be paid for an invoice, or issue one by hand."),
                "button": self.env._("Issue it"),
                "is_done": self._has("software.license", "id"),
                "action": "software_license.software_license_issue_action",
            },
            {
                "name": "software",
                "title": self.env._("Let your software ask"),
                "text": self.env._("One call tells whether it may run on a device."),
                "button": self.env._("See how"),
                "is_done": self._has("software.license.activation", "id"),
                "action": {
                    "type": "ir.actions.act_url",
                    "url": "/api/licenses/docs",
                    "target": "new",
                },
            },
        ]

    def _has_own_policy(self):
        """Is there a policy beside the one that is installed?"""
        installed = self.env.ref(
            "software_license.policy_default", raise_if_not_found=False
        )
        policies = self._search_here("software.license.policy", "id", limit=2)
        return bool(policies - (installed or policies.browse()))

    def _has(self, model, field):
        return bool(self._search_here(model, field, limit=1))

    def _search_here(self, model, field, limit):
        """Return records of this company, or of none, whose field is set."""
        here = [("company_id", "in", (False, self.env.company.id))]
        return self.env[model].search([*here, (field, "!=", False)], limit=limit)

    def _get_new(self, model):
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "views": [[False, "form"]],
        }
