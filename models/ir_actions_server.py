from odoo import api, fields, models

from ..tools import webhook

EVENT_MODEL = "software.license.event"
MANAGER = "software_license.group_license_manager"


class IrActionsServer(models.Model):
    """Odoo's action “Send Webhook Notification”, on license events.

    It sends our message, signed and tried again, in place of Odoo's, which is neither.
    """

    _inherit = "ir.actions.server"

    license_webhook_secret = fields.Char(
        string="Signing Secret",
        compute="_compute_license_webhook_secret",
        store=True,
        copy=False,
        groups=MANAGER,
        help="Whoever knows it can tell whether a message comes from here.",
    )
    license_webhook_old_secret = fields.Char(
        string="Former Secret",
        readonly=True,
        copy=False,
        groups=MANAGER,
        help="Signs, too, until it is forgotten: change the receiver meanwhile.",
    )

    @api.depends("state", "model_id")
    def _compute_license_webhook_secret(self):
        for action in self:
            secret = action.license_webhook_secret
            if not secret and action._is_license_webhook():
                secret = webhook.new_secret()
            action.license_webhook_secret = secret

    def _is_license_webhook(self):
        self.ensure_one()
        return self.state == "webhook" and self.model_id.model == EVENT_MODEL

    def _get_license_webhook_obstacle(self):
        """Return why what was queued for this action is not to be sent, None: it is."""
        self.ensure_one()
        if not self._is_license_webhook():
            return self.env._("The action sends no license events any more.")
        outermost = self
        while outermost.parent_id:
            outermost = outermost.parent_id
        if "base_automation_id" in self._fields:
            rule = outermost.base_automation_id
            if rule and not rule.active:
                return self.env._("The automation rule is not active any more.")
        return None

    def _get_license_webhook_secrets(self):
        """Return the secrets that sign, the newest first."""
        action = self.sudo()
        secrets = (action.license_webhook_secret, action.license_webhook_old_secret)
        return [secret for secret in secrets if secret]

    def action_rotate_license_webhook_secret(self):
        """Sign with a new secret, and with the one until now, too."""
        for action in self.filtered(lambda action: action._is_license_webhook()):
            action.write(
                {
                    "license_webhook_old_secret": action.license_webhook_secret,
                    "license_webhook_secret": webhook.new_secret(),
                }
            )
        return True  # XML-RPC has no None

    def action_forget_license_webhook_secret(self):
        """Sign with the newest secret only."""
        self.write({"license_webhook_old_secret": False})
        return True  # XML-RPC has no None

    def _run_action_webhook(self, eval_context=None):
        """Queue the message, where Odoo would post one right after the commit."""
        if not self._is_license_webhook():
            return super()._run_action_webhook(eval_context)
        event_id = self.env.context.get("active_id")
        if event_id:
            self.env["software.license.event.delivery"]._queue(event_id, self)
        return None
