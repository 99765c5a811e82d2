import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from markupsafe import Markup
from psycopg2 import DatabaseError, OperationalError
from psycopg2.errors import UniqueViolation

from odoo import Command, api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.tools import SQL

from ..tools import ledger, period

_logger = logging.getLogger(__name__)

#: Context in which licenses are created whose chatter says better how they came.
QUIET = {"mail_create_nolog": True, "mail_create_nosubscribe": True}


@dataclass
class Slot:
    """A license, there or yet to be made, and the lines that pay for it now."""

    license: models.Model
    #: Which of the units of its identity it is.
    unit: int
    #: Inclusive (first, last) days that are paid for.
    periods: list
    lines: list = field(default_factory=list)
    identity: str | None = None


class SoftwareLicense(models.Model):
    """From paid invoice lines to licenses: new ones, and longer lives of old ones."""

    _inherit = "software.license"

    billing_identity = fields.Char(
        readonly=True,
        copy=False,
        help="What the license is renewed by: see account.move.line.",
    )
    billing_unit = fields.Integer(
        readonly=True,
        copy=False,
        help="Which of the units bought this license is, counted from 1.",
    )

    _billing_unique = models.UniqueIndex(
        "(billing_identity, billing_unit)"
        " WHERE billing_identity IS NOT NULL AND active",
        "What this license was sold with has another license by now.",
    )

    @api.model
    def _grant(self, move_lines):
        """Grant what these paid lines bought: each a term on its licenses.

        Lines that granted before are brought up to date with what they say now.
        """
        move_lines._lock_license_source()
        of_order = {line: line._get_licenses_of_order() for line in move_lines}
        for lines in self._get_turns(of_order):
            self._set_billing_identities(
                {
                    license_: line._license_identity()
                    for line in lines
                    for license_ in of_order[line].sorted("billing_unit")
                }
            )
            self._grant_together(lines)

    @api.model
    def _get_turns(self, of_order):
        """Return the lines in lots, to be granted one lot after the other.

        A renewal begins where another one ends: what is about the same licenses is
        not in the same lot. First come the lines whose orders know of no license.
        """
        turns, latest = defaultdict(list), {}
        for line, licenses in of_order.items():
            about = set()
            if licenses:
                identities = filter(None, licenses.mapped("billing_identity"))
                about = {*licenses, *identities, line._license_identity()}
            turn = max((latest.get(it, 0) + 1 for it in about), default=0)
            latest.update(dict.fromkeys(about, turn))
            turns[turn].append(line)
        lines = self.env["account.move.line"]
        return [lines.union(*turns[turn]) for turn in sorted(turns)]

    @api.model
    def _grant_together(self, move_lines):
        """Grant what lines of licenses of their own, or of subscriptions, bought."""
        identities = {line: line._license_identity() for line in move_lines}
        missing = {line: line._update_license_terms() for line in move_lines}
        slots = self._get_slots(set(identities.values()))
        for line, identity in identities.items():
            for slot in self._allocate(slots[identity], line, missing[line]):
                slot.identity = identity
                slot.lines.append(line)
        self._write_slots(
            [slot for group in slots.values() for slot in group if slot.lines]
        )

    @api.model
    def _set_billing_identities(self, identities):
        """Let licenses be renewed by something else: {license: billing identity}."""
        changed = {
            license_: identity
            for license_, identity in identities.items()
            if license_.billing_identity != identity
        }
        if not changed:
            return
        same = [("billing_identity", "in", list(set(changed.values())))]
        last = Counter()
        for known in self.with_context(active_test=False).search(same):
            identity = known.billing_identity
            last[identity] = max(last[identity], known.billing_unit)
        for license_, identity in changed.items():
            last[identity] += 1
            license_.write(
                {"billing_identity": identity, "billing_unit": last[identity]}
            )

    @api.model
    def _get_slots(self, identities):
        """Return {identity: slots} of the licenses that there are."""
        slots = defaultdict(list)
        for license_ in self.search(
            [("billing_identity", "in", list(identities))], order="billing_unit"
        ):
            periods = license_.term_ids._get_paid_periods()
            slot = Slot(license_, license_.billing_unit, periods)
            slots[license_.billing_identity].append(slot)
        return slots

    @api.model
    def _allocate(self, slots, line, wanted):
        """Return the slots of the licenses that a line pays for, beside those it has.

        One license takes all units as seats. Where each unit is a license, a unit
        that is paid for in this period already is left alone: what is bought
        beside it is another one.
        """
        bought = line._get_license_period()
        had = line.license_term_ids.license_id
        first = line._get_licenses_of_order()[:1]
        free = [slot for slot in slots if slot.license not in had]
        free.sort(key=lambda slot: slot.license != first)  # the one it names
        if not line._is_license_of_seats() and not line._is_license_upgrade():
            free = [slot for slot in free if not period.overlaps(bought, slot.periods)]
        chosen = free[:wanted]
        unit = max((slot.unit for slot in slots), default=0)
        for more in range(1, wanted - len(chosen) + 1):
            chosen.append(Slot(self.browse(), unit + more, []))
        slots.extend(chosen[len(free) :])
        for slot in chosen:
            slot.periods.append(bought)
        return chosen

    @api.model
    def _write_slots(self, slots):
        """Issue the licenses that are missing, and grant the others their terms."""
        new = [slot for slot in slots if not slot.license]
        old = [slot for slot in slots if slot.license]
        unknown = [slot for slot in slots if not slot.license.subscription_ref]
        lines = self.env["account.move.line"].union(*(it.lines[0] for it in unknown))
        subscriptions = lines._get_license_subscriptions()
        licenses = self.with_context(**QUIET).create(
            [
                {
                    **self._prepare_license_vals(
                        slot.lines[0], *subscriptions.get(slot.lines[0], ())[1:]
                    ),
                    "billing_identity": slot.identity,
                    "billing_unit": slot.unit,
                    "term_ids": [
                        Command.create(self._prepare_term_vals(line))
                        for line in slot.lines
                    ],
                }
                for slot in new
            ]
        )
        self.env["software.license.term"].create(
            [
                {**self._prepare_term_vals(line), "license_id": slot.license.id}
                for slot in old
                for line in slot.lines
            ]
        )
        for license_, slot in zip(licenses, new, strict=True):
            slot.license = license_
        for slot in unknown:
            slot.license._set_subscription(*subscriptions.get(slot.lines[0], ())[:1])
        self._log_grants(new, self.env._("Issued: invoice %s was paid."))
        self._log_grants(old, self.env._("Paid by invoice %s."))

    def _set_subscription(self, subscription=None):
        """Note the subscription that a license belongs to; it is known to exist.

        Into the cache: a Reference that is written asks whether it does, each time.
        """
        if subscription:
            ref = f"{subscription._name},{subscription.id}"
            self._fields["subscription_ref"]._update_cache(self, ref, dirty=True)

    @api.model
    def _log_grants(self, slots, text):
        """Say in the chatter of licenses which invoices paid them."""
        moves = {line.move_id for slot in slots for line in slot.lines}
        links = {move: move._get_html_link() for move in moves}
        self.union(*(slot.license for slot in slots))._message_log_batch(
            {
                slot.license.id: Markup(text)
                % Markup(", ").join(links[line.move_id] for line in slot.lines)
                for slot in slots
            }
        )

    @api.model
    def _prepare_license_vals(self, move_line, subscriber=None):
        """Return the values of the license that a paid line issues; override it.

        ``subscriber`` is the customer of the subscription that the line bills, if any.
        """
        sale_line = move_line.sale_line_ids[:1]
        partner = (
            subscriber or sale_line.order_id.partner_id or move_line.move_id.partner_id
        )
        return {
            "partner_id": partner.id,
            "product_id": move_line.product_id.id,
            "policy_id": move_line.product_id._get_license_policy().id,
            "company_id": move_line.company_id.id,
            "sale_line_id": sale_line.id,
        }

    @api.model
    def _prepare_term_vals(self, move_line):
        """Return the values of the term that a paid line grants one license."""
        start, end = move_line._get_license_period()
        return {
            "source": "invoice",
            "move_line_id": move_line.id,
            "product_id": move_line.product_id.id,
            "policy_id": move_line.product_id._get_license_policy().id,
            "date_start": start,
            "date_end": end,
            "quantity": move_line._get_term_quantity(),
            "is_upgrade": move_line._is_license_upgrade(),
        }

    # === RENEWALS BY NAME === #

    def _get_renewal_start(self, day):
        """Return the day on which a renewal begins that is bought on a day."""
        self.ensure_one()
        return ledger.renewal_start(self._get_entries(), day)

    def _count_of_same_sale(self):
        """Return how many licenses were sold, and are renewed, together with this."""
        self.ensure_one()
        same = [("billing_identity", "=", self.billing_identity)]
        return self.search_count(same) if self.billing_identity else 1

    def _get_renewal_problem(self):
        """Return why this license can't be renewed or upgraded, False if it can."""
        self.ensure_one()
        if self.state == "revoked":
            return self.env._("the license was revoked")
        if not self.active:
            return self.env._("the license is archived")
        return False

    # === RIVALS AND ERRORS === #

    @api.model
    def _keep_rivals_off(self, records):
        """Let nobody else issue for the same records meanwhile.

        The write changes nothing. It fails when a rival did the same and committed
        since this transaction began: Odoo tries again, and sees the rival's license.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE %(table)s SET id = id WHERE id IN %(ids)s",
                table=SQL.identifier(records._table),
                ids=tuple(records.ids),
            ),
            log_exceptions=False,
        )

    @api.model
    def _try(self, function, document):
        """Run a function that issues licenses, all of it or nothing.

        Returns what a person may read of its error, None without one; the rest is
        logged. A rival's commit is raised: Odoo tries the whole transaction again.
        """
        self.env.flush_all()  # what fails of others' work is not ours to note
        try:
            with self.env.cr.savepoint():
                function()
        except (OperationalError, ConcurrencyError):
            raise
        except Exception as error:  # noqa: BLE001 a payment is never lost to us
            if _is_rival(error):
                raise ConcurrencyError(type(error).__name__) from error
            return self._describe_error(error, document)
        return None

    @api.model
    def _describe_error(self, error, document):
        """Return what a person may read of an error, and log the rest.

        PostgreSQL's messages hold whole rows, keys included.
        """
        if isinstance(error, UserError):
            return str(error)
        _logger.warning(
            "Issuing the licenses of %s failed",
            document,
            exc_info=None if isinstance(error, DatabaseError) else error,
        )
        return self.env._(
            "An unexpected error (%(error)s). The server's log has more.",
            error=type(error).__name__,
        )


def _is_rival(error):
    """Did another payment issue the license of the same subscription just now?"""
    return (
        isinstance(error, UniqueViolation)
        and error.diag.constraint_name == "software_license_billing_unique"
    )
