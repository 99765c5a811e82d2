from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, MissingError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import entitlement, lease, verdict
from ..tools.seat_turn import SeatTurn
from .software_license_activation import COUNTED


class SoftwareLicense(models.Model):
    """Seats: who holds one, how many there are, and the one way to take one."""

    _inherit = "software.license"

    activation_ids = fields.One2many(
        "software.license.activation", "license_id", string="Devices"
    )
    seat_count = fields.Integer(string="Devices in Use", compute="_compute_seats")
    seat_limit = fields.Integer(
        string="Device Limit", compute="_compute_seats", help="0: unlimited."
    )
    seat_usage = fields.Char(string="Seats", compute="_compute_seats")
    is_over_limit = fields.Boolean(
        compute="_compute_seats", search="_search_is_over_limit"
    )
    # Only there to be written: a write conflicts where a lock alone does not.
    seat_version = fields.Integer(
        default=0, required=True, copy=False, groups=fields.NO_ACCESS
    )

    @api.depends(
        "activation_ids.status",
        "max_activations",
        "quantity",
        "policy_id.max_activations",
    )
    def _compute_seats(self):
        seats = [
            ("license_id", "in", self.ids),
            ("status", "=", "seated"),
            *COUNTED,
        ]
        Activation = self.env["software.license.activation"].sudo()
        counts = dict(Activation._read_group(seats, ["license_id"], ["__count"]))
        for license_ in self:
            used = counts.get(license_._origin, 0)
            limit = license_._get_seat_limit()
            license_.seat_count = used
            license_.seat_limit = limit or 0
            license_.seat_usage = f"{used} / {'∞' if limit is None else limit}"
            license_.is_over_limit = limit is not None and used > limit

    def _get_seat_limit(self):
        """Return how many devices may hold a seat, None when unlimited."""
        self.ensure_one()
        return entitlement.seat_limit(
            self.sudo().policy_id.max_activations, self.max_activations, self.quantity
        )

    # === THE LOCK === #

    def _lock_seats(self):
        """Wait for whoever takes a seat on these licenses; then nobody else can.

        Count in a later statement: one that waits for the lock still counts as of
        its own beginning. See ``_check_seats`` for the other half.
        """
        if self:
            self.env.cr.execute(
                SQL(
                    """SELECT id FROM software_license WHERE id IN %s
                       ORDER BY id FOR NO KEY UPDATE""",
                    tuple(self.ids),
                )
            )

    def _check_seats(self):
        """Raise when more devices hold a seat than may; call it under the lock.

        What lapsed is freed first: its seat was just given away, so nobody whose clock
        is behind, or who counts in an older snapshot, may find it still held.

        The write is for transactions of Odoo's own isolation level, REPEATABLE READ,
        which wait for the lock and then count in an old snapshot: it makes their
        lock fail, so that Odoo tries them again. READ COMMITTED ones just see it.
        """
        if not self:
            return
        self._touch_seats()
        now = fields.Datetime.now()
        self.sudo().filtered("policy_id.lease_minutes")._tidy(now)
        for facts in self._get_current_facts(now):
            if facts.seat_limit is not None and facts.seats_used > facts.seat_limit:
                raise UserError(
                    self.env._(
                        "All %(limit)s seats of this license are taken.",
                        limit=facts.seat_limit,
                    )
                )

    def _touch_seats(self):
        """Let transactions fail that count in an older snapshot: see _check_seats."""
        self.env.cr.execute(
            SQL(
                """UPDATE software_license SET seat_version = seat_version + 1
                   WHERE id IN %s""",
                tuple(self.ids),
            )
        )

    def _tidy(self, now, but_id=None):
        """Free the seats that lapsed on these floating licenses, but for one device's.

        (An id, which may be None.)
        """
        if self:
            devices = self.env["software.license.activation"].sudo()
            lapsed = Domain("license_id", "in", self.ids) & Domain("id", "!=", but_id)
            devices._free_lapsed(lapsed, now)

    # === ANOTHER POLICY === #

    def write(self, vals):
        if self._is_changed("policy_id", vals):
            policy = self.policy_id.browse(vals["policy_id"])
            self._leave_policies(dict.fromkeys(self, policy))
        return super().write(vals)

    def _leave_policies(self, policies):
        """Free the seats that nobody holds, and that the next policies would count.

        Call it before the policies change to ``{license: policy}``, whether by hand
        or by what was paid.
        """
        devices = self.env["software.license.activation"].sudo()
        switched = self.sudo().filtered(lambda it: it.policy_id != policies[it])
        if floating := switched.filtered("policy_id.lease_minutes"):
            of_floating = Domain("license_id", "in", floating.ids)
            devices._free_lapsed(of_floating, fields.Datetime.now())
        if counting := switched.filtered(
            lambda it: policies[it].sudo().instances_take_seats
        ):
            devices._free_uncounted(Domain("license_id", "in", counting.ids))

    # === TAKING AND FREEING === #

    def _activate(self, key, question, device_name=None, ip_address=None):
        """Give the device that sent this key a seat; one that has a seat keeps it.

        Returns the facts as they are then, and the verdict on them. A license that
        is not valid, or is full, registers nothing. Runs in the caller's
        transaction: see ``_lock_seats`` for what that means.
        """
        facts = self._lock_facts(key, question)
        if facts.lease_minutes and not facts.has_seat:
            # Freed before they are counted: one may be on its way to be noted, by a
            # call that read a policy without leases.
            self._tidy(question.now, facts.activation_id)
            facts = self._lock_facts(key, question)
        answer = verdict.judge(facts, question)
        if answer.is_valid and self._needs_write(facts, question, device_name):
            takes_seat = not facts.has_seat and question.counts_in(facts)
            facts = self._write_down(facts, question, device_name, ip_address)
            if takes_seat:
                self._touch_seats()
        return facts, answer

    def _note_device(self, facts, question, device_name=None, ip_address=None):
        """Write down that a device asked which keeps its seat; return the facts then.

        It does not wait for who gives seats, as none changes hands: a device that is
        freed or blocked meanwhile stays so. Not for leased seats, which this renews.
        """
        try:
            return self._write_down(facts, question, device_name, ip_address)
        except MissingError as error:
            devices = self.env["software.license.activation"]
            if devices.browse(facts.activation_id).exists():
                raise
            raise ConcurrencyError("This device was deleted meanwhile.") from error

    def _write_down(self, facts, question, device_name, ip_address):
        """Write down a device that was judged; return the facts as they are then."""
        vals = self._prepare_activation_vals(facts, question, device_name, ip_address)
        self._write_activation(facts, vals)
        return facts._replace(
            seats_used=facts.seats_used
            + (not facts.has_seat and question.counts_in(facts)),
            has_seat=True,
            device_name=vals.get("device_name", facts.device_name),
            first_seen=vals.get("first_seen", facts.first_seen),
            last_seen=vals["last_seen"],
        )

    def _lock_facts(self, key, question):
        """Take the lock of a license that was found by a key; return its facts then.

        While it waited the license may have been deleted, archived, or given another
        key. Odoo makes the whole call again, then, which finds what there is by now.
        """
        self.ensure_one()
        self._lock_seats()
        for facts in self._get_current_facts(
            question.now, question.device_id, question.kind, self._sql_has_key(key)
        ):
            return facts
        raise ConcurrencyError("The license of this key changed meanwhile.")

    @api.model
    def _needs_write(self, facts, question, device_name=None):
        """Is there anything that this call must write?"""
        return (
            not facts.has_seat
            or not lease.is_fresh(facts.last_seen, question.now, facts.lease_minutes)
            or (device_name or facts.device_name) != facts.device_name
        )

    @api.model
    def _is_quantity_stale(self, facts, now):
        """Has a period begun or ended since the quantity was computed?"""
        return facts.quantity_until is not None and facts.quantity_until <= now

    def _refresh_quantities(self):
        """Compute anew what changes when a period begins or ends."""
        names = ["quantity", "product_id", "policy_id"]
        for name in names:
            self.env.add_to_compute(self._fields[name], self)
        self.modified(names)  # and what depends on them
        self.flush_recordset()

    def _prepare_activation_vals(self, facts, question, device_name, ip_address):
        """Return the values of a device's seat; override it to store more.

        A device that comes back to a freed seat begins anew; on a floating license
        that is everyday, and ``first_seen`` stays what it says.
        """
        self.ensure_one()
        vals = {"last_seen": question.now, "ip_address": ip_address}
        if device_name:
            vals["device_name"] = device_name
        if facts.has_seat:
            # Another call of this device may have been let in before: never go back,
            # but from what a clock that was ahead has left.
            if lease.is_fresh(facts.last_seen, question.now, facts.lease_minutes):
                vals["last_seen"] = max(question.now, facts.last_seen)
        else:
            vals["active"] = True
        if not facts.activation_id or not (facts.has_seat or facts.lease_minutes):
            vals["first_seen"] = question.now
        if not facts.activation_id:
            vals.update(
                license_id=self.id, device_id=question.device_id, kind=question.kind
            )
        return vals

    def _write_activation(self, facts, vals):
        """Write down a device; one that takes a seat was judged under the lock."""
        self._remember(facts, "company_id", "partner_id")
        Activation = self.env["software.license.activation"]
        Activation = Activation.with_company(facts.company_id)
        if vals.get("active"):
            Activation = Activation.with_context(seat_turn=SeatTurn(self))
        if facts.activation_id:
            Activation.browse(facts.activation_id).write(vals)
        else:
            Activation.create(vals)

    def _free_device(self, device_id, kinds=(verdict.DEVICE,)):
        """Free the seat of a device; return whether it held one."""
        self.ensure_one()
        self._lock_seats()
        activation = self.env["software.license.activation"].search(
            [
                ("license_id", "=", self.id),
                ("device_id", "=", device_id),
                ("kind", "in", kinds),
                ("status", "=", "seated"),
            ]
        )
        activation.action_free()
        return bool(activation)

    @api.model
    def _cron_refresh_quantities(self, limit=1000):
        """Keep the quantities shown in the backend in step with the calendar."""
        now = fields.Datetime.now()
        is_over = Domain("quantity_until", "<=", now)
        # Begun by a clock that was ahead, and is right again.
        is_early = Domain("quantity_from", ">", now)
        stale = self.search(is_over | is_early, limit=limit)
        stale._refresh_quantities()
        remaining = self.search_count(is_over | is_early)
        self.env["ir.cron"]._commit_progress(len(stale), remaining=remaining)
