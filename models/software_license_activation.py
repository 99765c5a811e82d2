from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..tools import instance, lease, verdict
from ..tools.seat_turn import SeatTurn
from ..tools.timestamp import to_timestamp
from . import by_hand

STATUSES = [
    ("seated", "In Use"),
    ("lapsed", "Lapsed"),
    ("freed", "Freed"),
    ("blocked", "Blocked"),
]
#: What people change of a device; the rest is what the device said of itself.
WRITABLE_FIELDS = {"active", "blocked", "device_name", "label"}
#: What they need to put a device on record before it ever asks.
CREATABLE_FIELDS = WRITABLE_FIELDS | {"license_id", "device_id", "kind"}
#: Whose seats count: of instances, if their policy says so. Told three times: to the
#: ORM, to the one statement that every call over HTTP makes (beside tables ``seat``
#: and ``policy``), and of facts, to the verdict (``Question.counts_in``).
COUNTED = [
    "|",
    ("kind", "=", verdict.DEVICE),
    ("license_id.policy_id.instances_take_seats", "=", True),
]
SQL_COUNTED = SQL("(seat.kind = %s OR policy.instances_take_seats)", verdict.DEVICE)


class SoftwareLicenseActivation(models.Model):
    """A device's seat on a license, or a self-hosted instance of the software.

    A freed device stays on record, archived. Seats are taken only under the lock
    of ``software.license._lock_seats``, whoever takes them. Instances are told from
    devices by their kind, not by their ids: one that takes no seat must not open a
    door to a device that calls itself the same.
    """

    _name = "software.license.activation"
    _description = "Software License Activation"
    _order = "last_seen desc, id desc"
    _rec_name = "device_id"
    _check_company_auto = True

    # No index of its own: the unique one below begins with it.
    license_id = fields.Many2one("software.license", required=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="license_id.company_id", store=True, precompute=True
    )
    partner_id = fields.Many2one(
        related="license_id.partner_id", store=True, precompute=True, index=True
    )
    device_id = fields.Char(
        required=True, help="The device's fingerprint, as the software sends it."
    )
    kind = fields.Selection(
        [(verdict.DEVICE, "Device"), (verdict.INSTANCE, "Instance")],
        required=True,
        default=verdict.DEVICE,
    )
    device_name = fields.Char()
    label = fields.Char(
        string="Name by Customer",
        help="What the customer calls the device in the portal. The device's own name "
        "is what it last sent, so it can't be kept there.",
    )
    instance_url = fields.Char(
        string="Instance URL", compute="_compute_instance_url", store=True
    )
    first_seen = fields.Datetime(
        string="Activated on", required=True, default=fields.Datetime.now
    )
    last_seen = fields.Datetime(
        string="Last Check-in", required=True, default=fields.Datetime.now
    )
    ip_address = fields.Char(string="IP Address")
    active = fields.Boolean(default=True, help="Archived: the seat is free again.")
    blocked = fields.Boolean(
        help="The device is refused, and holds no seat.", default=False
    )

    status = fields.Selection(
        STATUSES,
        compute="_compute_status",
        search="_search_status",
        help="Lapsed: the device did not check in within the lease of its policy. "
        "Its seat is free again, for itself or another device.",
    )
    lease_expires_at = fields.Datetime(
        string="Lease until",
        compute="_compute_status",
        help="On a floating license: the seat is free again from then on, unless the "
        "device checks in before.",
    )

    _license_device_unique = models.Constraint(
        "UNIQUE (license_id, device_id, kind)",
        "This device is on this license already.",
    )
    _seats_index = models.Index("(license_id) WHERE active")

    @api.depends("device_id", "device_name", "label")
    def _compute_display_name(self):
        for activation in self:
            activation.display_name = (
                activation.label or activation.device_name or activation.device_id
            )

    @api.depends("kind", "device_id")
    def _compute_instance_url(self):
        for activation in self:
            is_instance = activation.kind == verdict.INSTANCE
            activation.instance_url = is_instance and instance.normalize_url(
                activation.device_id
            )

    @api.depends(
        "kind", "active", "blocked", "last_seen", "license_id.policy_id.lease_minutes"
    )
    def _compute_status(self):
        now = fields.Datetime.now()
        for activation in self:
            policy = activation.sudo().license_id.policy_id  # readers may lack it
            is_device = activation.kind == verdict.DEVICE
            minutes = policy.lease_minutes if is_device else 0
            end = lease.end(activation.last_seen or now, minutes)
            if activation.blocked:
                status = "blocked"
            elif not activation.active:
                status = "freed"
            else:
                status = "lapsed" if end and end <= now else "seated"
            activation.status = status
            activation.lease_expires_at = activation.active and end

    # === SEARCH METHODS === #

    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        domains = self._get_status_domains(fields.Datetime.now())
        return Domain.OR(domains[status] for status in value if status in domains)

    @api.model
    def _get_status_domains(self, now):
        """Return {status: domain}; each device is in exactly one of them."""
        is_active = Domain("active", "=", True)
        is_blocked = Domain("blocked", "=", True)
        is_lapsed = self._get_lapsed_domain(now)
        return {
            "seated": is_active & ~is_blocked & ~is_lapsed,
            "lapsed": is_active & ~is_blocked & is_lapsed,
            "freed": ~is_active & ~is_blocked,
            "blocked": is_blocked,
        }

    @api.model
    def _get_lapsed_domain(self, now):
        """Return the domain of devices whose lease is over, seat or not."""
        Licenses = self.env["software.license"]

        def to_sql(model, alias, _query):
            return SQL(
                """EXISTS (SELECT FROM software_license license
                             JOIN software_license_policy policy
                               ON policy.id = license.policy_id
                            WHERE license.id = %(license)s AND %(is_lapsed)s)""",
                license=SQL.identifier(alias, "license_id"),
                is_lapsed=Licenses._sql_is_lapsed(SQL.identifier(alias), now),
                to_flush=(
                    model._fields["last_seen"],
                    Licenses._fields["policy_id"],
                    Licenses.policy_id._fields["lease_minutes"],
                ),
            )

        return Domain.custom(to_sql=to_sql)

    @api.model
    def _search(self, domain, *args, **kwargs):
        """Whoever asks for a status means archived devices, too."""
        conditions = Domain(domain).iter_conditions()
        if any(condition.field_expr == "status" for condition in conditions):
            kwargs["active_test"] = False
        return super()._search(domain, *args, **kwargs)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        by_hand.refuse(self, set().union(*vals_list) - CREATABLE_FIELDS)
        if not self.env.su:  # a caller brings defaults, too
            seen = dict.fromkeys(["first_seen", "last_seen"], fields.Datetime.now())
            vals_list = [{**vals, **seen} for vals in vals_list]
        if any("license_id" not in vals for vals in vals_list):
            default = self.default_get(["license_id"])
            vals_list = [{**default, **vals} for vals in vals_list]
        licenses = self.license_id.browse(vals.get("license_id") for vals in vals_list)
        has_turn = self._use_turn(licenses)
        if not has_turn:
            # In this order, as the API does: the other way round deadlocks.
            licenses.filtered("id")._lock_seats()
        activations = super().create(vals_list)
        if not has_turn:
            activations._check_seats()
        instances = activations.filtered(lambda it: it.kind == verdict.INSTANCE)
        instances.license_id._forget_instances()
        return activations

    def write(self, vals):
        by_hand.refuse(self, vals.keys() - WRITABLE_FIELDS)
        if not vals.keys() & {"active", "blocked"} or self._use_turn(self.license_id):
            return super().write(vals)
        # Freeing and blocking wait, too: for a device that is being let in right now.
        self.license_id._lock_seats()
        taking = self.browse()
        if vals.get("active"):
            taking = self.filtered(
                lambda device: not device.active or device.status == "lapsed"
            )
        res = super().write(vals)
        if "last_seen" not in vals:
            taking._renew_lapsed()
        taking._check_seats()
        return res

    @api.model
    def _use_turn(self, licenses):
        """Was it this license's turn, so that whoever gave it sees to the rest?"""
        turn = self.env.context.get("seat_turn")
        return isinstance(turn, SeatTurn) and turn.use(licenses)

    def _check_seats(self):
        """Raise when these took more seats than there are; call it under the lock."""
        counted = self.sudo().filtered_domain(COUNTED)  # readers may lack the policy
        counted.license_id._check_seats()

    def _renew_lapsed(self):
        """Give those whom somebody let in by hand a lease from now on."""
        lapsed = self.filtered(lambda device: device.status == "lapsed").sudo()
        if lapsed:
            lapsed.write({"last_seen": fields.Datetime.now()})

    def _to_admin_dict(self):
        """Return what a client sees of a device that manages its license."""
        self.ensure_one()
        values = {
            "deviceId": self.device_id,
            "deviceName": self.device_name or None,
            "activatedAt": to_timestamp(self.first_seen),
            "lastSeenAt": to_timestamp(self.last_seen),
            "ipAddress": self.ip_address or None,
        }
        if self.kind == verdict.INSTANCE:
            values["instanceUrl"] = self.instance_url or None
        if self.lease_expires_at:
            values["leaseExpiresAt"] = to_timestamp(self.lease_expires_at)
        return values

    def action_free(self):
        """Free the seats of these devices."""
        return self.write({"active": False})

    def action_block(self):
        """Refuse these devices from now on; their seats are free again."""
        return self.write({"active": False, "blocked": True})

    def action_unblock(self):
        """Let these devices take a seat again when they next ask."""
        return self.write({"blocked": False})

    @api.model
    def _free_lapsed(self, domain, now, limit=None):
        """Free the seats that lapsed, of the devices in a domain; return those."""
        lapsed = self.search(
            domain & self._get_status_domains(now)["lapsed"], limit=limit
        )
        if lapsed:
            lapsed.action_free()
        return lapsed

    @api.model
    def _free_uncounted(self, domain):
        """Free the instances, in a domain, that no seat was counted for.

        Once instances take seats, those that still run take theirs when they next
        ask; whatever was ever seen would leave none for them.
        """
        uncounted = self.search(domain & ~Domain(COUNTED))
        if uncounted:
            uncounted.action_free()

    @api.model
    def _cron_free_lapsed_seats(self, limit=100):
        """Archive what lapsed, so that lists stay short; nothing depends on it."""
        now = fields.Datetime.now()
        try:
            with self.env.cr.savepoint():
                self._end_impossible_leases(now)
                freed = self._free_lapsed(Domain.TRUE, now, limit)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            return  # a device takes one of these seats right now: next time
        remaining = self.search_count(self._get_status_domains(now)["lapsed"])
        self.env["ir.cron"]._commit_progress(len(freed), remaining=remaining)

    @api.model
    def _end_impossible_leases(self, now):
        """Let leases that a wrong clock gave begin now: they would last for ever.

        Nobody checks in in the future. A little of it is another server's clock.
        """
        ahead = self.search(
            Domain("last_seen", ">", now + lease.CHECK_IN_INTERVAL)
            & Domain("license_id.policy_id.lease_minutes", ">", 0)
        )
        if ahead:
            ahead.write({"last_seen": now})

    @api.constrains("active", "blocked")
    def _check_blocked(self):
        if self.filtered(lambda activation: activation.active and activation.blocked):
            raise UserError(self.env._("A blocked device can't hold a seat."))
