from urllib.parse import urlsplit

from odoo import Command, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools import webhook
from .ir_actions_server import EVENT_MODEL

#: Set: events are recorded although no automation rule waits for them.
RECORD_EVENTS = "software_license.record_events"
#: For so many days events are kept.
EVENT_DAYS = "software_license.event_days"
DEFAULT_EVENT_DAYS = 90
MAX_EVENT_DAYS = 3650


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    license_record_events = fields.Boolean(
        string="Record Events",
        config_parameter=RECORD_EVENTS,
        help="What happens to licenses and devices is recorded even if no automation "
        "rule waits for it.",
    )
    license_event_days = fields.Integer(
        string="Keep Events",
        config_parameter=EVENT_DAYS,
        default=DEFAULT_EVENT_DAYS,
    )
    license_webhook_url = fields.Char(string="Webhook Address")

    def set_values(self):
        if not 1 <= self.license_event_days <= MAX_EVENT_DAYS:
            raise ValidationError(
                self.env._("Keep Events: use 1 to %s days.", MAX_EVENT_DAYS)
            )
        return super().set_values()

    def action_create_license_webhook(self):
        """Make an automation rule that sends all license events; open its action."""
        self.ensure_one()
        if "base.automation" not in self.env:
            raise UserError(
                self.env._(
                    "Webhooks are sent by Odoo's automation rules: install the module "
                    "“Automation Rules” (base_automation) first."
                )
            )
        url = (self.license_webhook_url or "").strip()
        if not webhook.is_url(url):
            raise UserError(
                self.env._("Webhook Address: it begins with https:// or http://.")
            )
        rule = self.env["base.automation"].create(self._prepare_webhook_rule_vals(url))
        return {
            "type": "ir.actions.act_window",
            "res_model": "ir.actions.server",
            "res_id": rule.action_server_ids.id,
            "view_mode": "form",
        }

    def _prepare_webhook_rule_vals(self, url):
        """Return the values of the rule that sends all license events to an address."""
        model_id = self.env["ir.model"]._get_id(EVENT_MODEL)
        host = urlsplit(url).hostname
        action_vals = {
            "name": self.env._("License events to %s", host),
            "model_id": model_id,
            "state": "webhook",
            "usage": "base_automation",
            "webhook_url": url,
        }
        return {
            "name": self.env._("License events to %s", host),
            "model_id": model_id,
            "trigger": "on_create",
            "action_server_ids": [Command.create(action_vals)],
        }
