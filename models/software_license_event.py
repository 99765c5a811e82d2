import logging
import secrets
from datetime import timedelta

from psycopg2 import OperationalError

from odoo import api, fields, models

from ..tools.timestamp import to_timestamp
from .res_config_settings_webhook import (
    DEFAULT_EVENT_DAYS,
    EVENT_DAYS,
    MAX_EVENT_DAYS,
    RECORD_EVENTS,
)
from .software_license_activation import COUNTED

_logger = logging.getLogger(__name__)

#: As they are named in what is sent; append-only.
TYPES = [
    ("license.issued", "License Issued"),
    ("license.renewed", "License Renewed"),
    ("license.suspended", "License Suspended"),
    ("license.reinstated", "License Reinstated"),
    ("license.revoked", "License Revoked"),
    ("license.expired", "License Expired"),
    ("device.activated", "Device Activated"),
    ("device.freed", "Device Freed"),
]
#: What it is called when a license's status becomes this one.
STATUS_EVENTS = {
    "active": "license.reinstated",
    "suspended": "license.suspended",
    "revoked": "license.revoked",
    "expired": "license.expired",
}
#: Holds in ``precommit.data`` what the transaction did until it is recorded.
NOTED = "software_license.events"


class SoftwareLicenseEvent(models.Model):
    """The log of what happened to licenses: what automation rules wait for.

    Whatever happens is noted first, and recorded in one batch when Odoo flushes the
    transaction: before it is committed, and at each savepoint on the way. Nothing is
    recorded unless somebody listens.
    """

    _name = "software.license.event"
    _description = "License Event"
    _order = "id desc"
    _rec_name = "type"

    type = fields.Selection(TYPES, required=True, readonly=True)
    reference = fields.Char(
        string="Event ID",
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: f"evt_{secrets.token_hex(16)}",
        help="Sent with each try: whoever receives it twice knows it by this.",
    )
    license_id = fields.Many2one(
        "software.license",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        context={"active_test": False},
    )
    company_id = fields.Many2one(related="license_id.company_id", store=True)
    device_id = fields.Char(readonly=True)
    device_name = fields.Char(readonly=True)
    occurred_at = fields.Datetime(
        required=True, readonly=True, index=True, default=fields.Datetime.now
    )
    delivery_ids = fields.One2many(
        "software.license.event.delivery",
        "event_id",
        string="Deliveries",
        groups="software_license.group_license_manager",
    )

    _reference_unique = models.UniqueIndex(
        "(reference)", "There is an event with this ID."
    )

    @api.depends("type", "license_id")
    def _compute_display_name(self):
        types = dict(self._fields["type"]._description_selection(self.env))
        for event in self:
            event.display_name = (
                f"{types.get(event.type)}: {event.license_id.display_name}"
            )

    # === WHO LISTENS === #

    @api.model
    def _has_listener(self):
        """Does anybody want to know? Asked on the hot path, it costs no statement.

        base_automation wraps ``create`` of a model as long as an active rule waits for
        its new records, in each process; a search would ask the same of the database.
        """
        is_wrapped = hasattr(type(self).create, "origin")
        settings = self.env["ir.config_parameter"].sudo()
        return is_wrapped or bool(settings.get_param(RECORD_EVENTS))

    # === NOTING === #

    @api.model
    def _note(self, type_, licenses):
        """Note what happened to licenses, to be recorded with the transaction."""
        if licenses and self._has_listener():
            vals_list = self._get_noted()["events"]
            vals_list += [{"type": type_, "license_id": it.id} for it in licenses]

    @api.model
    def _note_devices(self, type_, activations):
        """Note what happened to devices, and to instances that take seats."""
        if activations and self._has_listener():
            self._get_noted()["events"] += [
                {
                    "type": type_,
                    "license_id": activation.license_id.id,
                    "device_id": activation.device_id,
                    "device_name": activation.device_name,
                }
                for activation in activations.sudo().filtered_domain(COUNTED)
            ]

    @api.model
    def _note_statuses(self, statuses):
        """Note licenses whose status changes: {license id: the one before}.

        What is back at that one by the next flush is not recorded.
        """
        if statuses and self._has_listener():
            noted = self._get_noted()["statuses"]
            for license_id, status in statuses.items():
                noted.setdefault(license_id, status)

    @api.model
    def _get_noted(self):
        """Return what this transaction noted; it is emptied if it is rolled back."""
        precommit = self.env.cr.precommit
        if NOTED not in precommit.data:
            precommit.data[NOTED] = {"events": [], "statuses": {}}
            precommit.add(self._record_noted)
        return precommit.data[NOTED]

    # === RECORDING === #

    @api.model
    def _record_noted(self):
        """Record what was noted, of the licenses that are still there."""
        noted = self.env.cr.precommit.data.pop(NOTED, None)
        if noted:
            vals_list = noted["events"] + self._prepare_status_events(noted["statuses"])
            licenses = self.env["software.license"].sudo()
            licenses = licenses.browse({vals["license_id"] for vals in vals_list})
            there = set(licenses.exists().ids)
            self._record([it for it in vals_list if it["license_id"] in there])

    @api.model
    def _prepare_status_events(self, statuses):
        """Return the values of the events of statuses that differ by now."""
        licenses = self.env["software.license"].sudo().browse(statuses).exists()
        return [
            {
                "type": STATUS_EVENTS[license_.last_event_status],
                "license_id": license_.id,
            }
            for license_ in licenses
            if license_.last_event_status != statuses[license_.id]
        ]

    @api.model
    def _record(self, vals_list):
        """Create events; a rule that fails on them stops no payment, nor the log."""
        if not vals_list:
            return
        events = self.sudo()
        try:
            with self.env.cr.savepoint():
                events.create(vals_list)
        except OperationalError:
            raise  # a rival's commit: the whole transaction is tried again
        except Exception as error:  # noqa: BLE001 whatever a rule does
            _logger.warning(
                "An automation rule on license events failed, none ran for these: %s",
                type(error).__name__,
            )
            models.BaseModel.create(events, vals_list)  # the one that no rule wraps

    @api.autovacuum
    def _gc_events(self, limit=10_000):
        """Remove events older than the setting that do not wait to be sent."""
        oldest = fields.Datetime.now() - timedelta(days=self._get_days_kept())
        old = [
            ("occurred_at", "<", oldest),
            ("delivery_ids", "not any", [("state", "=", "waiting")]),
        ]
        events = self.search(old, limit=limit, order="id")
        events.unlink()
        return len(events), self.search_count(old, limit=limit)

    @api.model
    def _get_days_kept(self):
        """Return the setting, or the default if there is none that makes sense."""
        value = self.env["ir.config_parameter"].sudo().get_param(EVENT_DAYS)
        days = int(value) if value and value.isdecimal() else 0
        return days if 1 <= days <= MAX_EVENT_DAYS else DEFAULT_EVENT_DAYS

    # === WHAT IS SENT === #

    def _prepare_event_payload(self):
        """Return the message that tells of an event; override it to tell more.

        ``data`` is the license as it is now, not as it was: a message that comes late
        never sets back whoever copies it.
        """
        self.ensure_one()
        data = self.license_id._to_admin_dict()
        if self.device_id:
            data["device"] = {
                "deviceId": self.device_id,
                "deviceName": self.device_name or None,
            }
        return {
            "type": self.type,
            "id": self.reference,
            "timestamp": to_timestamp(self.occurred_at),
            "data": data,
        }
