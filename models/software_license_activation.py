from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..tools.timestamp import to_timestamp

#: What people change of a device; the rest is what the device said of itself.
WRITABLE_FIELDS = {"active", "blocked", "device_name"}


class SoftwareLicenseActivation(models.Model):
    """A device's seat on a license.

    A freed device stays on record, archived. Seats are taken only under the lock
    of ``software.license._lock_seats``, whoever takes them.
    """

    _name = "software.license.activation"
    _description = "Software License Activation"
    _order = "last_seen desc, id desc"
    _rec_name = "device_id"
    _check_company_auto = True

    license_id = fields.Many2one(
        "software.license", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="license_id.company_id", store=True)
    partner_id = fields.Many2one(
        related="license_id.partner_id", store=True, index=True
    )
    device_id = fields.Char(
        required=True, help="The device's fingerprint, as the software sends it."
    )
    device_name = fields.Char()
    first_seen = fields.Datetime(
        string="Activated on", required=True, default=fields.Datetime.now
    )
    last_seen = fields.Datetime(
        string="Last Check-in", required=True, default=fields.Datetime.now
    )
    ip_address = fields.Char(string="IP Address")
    active = fields.Boolean(
        string="Holds a Seat", default=True, help="Archived: the seat is free again."
    )
    blocked = fields.Boolean(
        help="The device is refused, and holds no seat.", default=False
    )

    _license_device_unique = models.Constraint(
        "UNIQUE (license_id, device_id)", "This device is on this license already."
    )
    _seats_index = models.Index("(license_id) WHERE active")

    @api.depends("device_id", "device_name")
    def _compute_display_name(self):
        for activation in self:
            activation.display_name = activation.device_name or activation.device_id

    @api.model_create_multi
    def create(self, vals_list):
        default = self.default_get(["license_id"])
        licenses = self.license_id.browse(
            {**default, **vals}.get("license_id") for vals in vals_list
        )
        # In this order, as the API does: the other way round deadlocks.
        licenses.filtered("id")._lock_seats()
        activations = super().create(vals_list)
        activations.license_id._check_seats()
        return activations

    def write(self, vals):
        self._check_written_fields(vals)
        revived = self.filtered(
            lambda activation: vals.get("active") and not activation.active
        )
        revived.license_id._lock_seats()
        res = super().write(vals)
        revived.license_id._check_seats()
        return res

    def _check_written_fields(self, vals):
        """Refuse what only a device's own check-in may change."""
        written = sorted(vals.keys() - WRITABLE_FIELDS)
        if written and not self.env.su:
            raise AccessError(
                self.env._(
                    "These fields of a device are not set by hand: %(fields)s",
                    fields=", ".join(written),
                )
            )

    def _to_admin_dict(self):
        """Return what a client sees of a device that manages its license."""
        self.ensure_one()
        return {
            "deviceId": self.device_id,
            "deviceName": self.device_name or None,
            "activatedAt": to_timestamp(self.first_seen),
            "lastSeenAt": to_timestamp(self.last_seen),
            "ipAddress": self.ip_address or None,
        }

    def action_free(self):
        """Free the seats of these devices."""
        return self.write({"active": False})

    def action_block(self):
        """Refuse these devices from now on; their seats are free again."""
        return self.write({"active": False, "blocked": True})

    def action_unblock(self):
        """Let these devices take a seat again when they next ask."""
        return self.write({"blocked": False})

    @api.constrains("active", "blocked")
    def _check_blocked(self):
        if self.filtered(lambda activation: activation.active and activation.blocked):
            raise UserError(self.env._("A blocked device can't hold a seat."))
