from copy import deepcopy
from functools import cache

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, STATUS_READY

from odoo import api, fields, models
from odoo.http import request
from odoo.sql_db import Cursor
from odoo.tools import SQL

from ..tools import license_key, verdict
from ..tools.prepared import Readers
from .software_license_activation import SQL_COUNTED

#: Of this process, for the calls over HTTP.
READERS = Readers()
#: What the statement of every such call reads: fields of ``verdict.Facts``. Nothing is
#: joined that needs not be: where it is not prepared, PostgreSQL plans it at each
#: call, and that takes longer than running it (docs/performance.md).
COLUMNS = {
    "license_id": "license.id",
    "state": "license.state",
    "expires_at": "license.expires_at",
    "is_payment_reversed": "COALESCE(license.is_payment_reversed, FALSE)",
    "is_customer_active": """NOT EXISTS (
        SELECT FROM res_partner partner
         WHERE partner.id IN (license.partner_id, license.commercial_partner_id)
           AND partner.active IS NOT TRUE)""",
    "trial_ends_at": "license.trial_ends_at",
    "own_features": "license.features",
    "own_max_activations": "license.max_activations",
    "quantity": "license.quantity",
    "quantity_until": "license.quantity_until",
    "license_key": "license.license_key",
    "company_id": "license.company_id",
    "partner_id": "license.partner_id",
    "ring_version": """(
        SELECT COALESCE(company.license_ring_version, 0) FROM res_company company
         WHERE company.id = license.company_id)""",
    "policy_id": "license.policy_id",
    "policy_version": """(
        SELECT policy.xmin::text || policy.ctid::text
          FROM software_license_policy policy
         WHERE policy.id = license.policy_id)""",
}
#: Of the device that asks.
DEVICE_COLUMNS = {
    "activation_id": "device.id",
    "has_seat": "COALESCE(device.active, FALSE)",
    "is_blocked": "COALESCE(device.blocked, FALSE)",
    "device_name": "device.device_name",
    "first_seen": "device.first_seen",
    "last_seen": "device.last_seen",
}
DEVICE_JOIN = """
    LEFT JOIN software_license_activation device
           ON device.license_id = license.id
          AND device.device_id = %s AND device.kind = %s"""
#: Seats as most policies have them: neither leased nor taken by instances.
PLAIN_SEATS = SQL(
    """(SELECT count(*) FROM software_license_activation seat
         WHERE seat.license_id = license.id AND seat.active AND seat.kind = %s)""",
    verdict.DEVICE,
)
#: Only tokens, and answers to instances, tell the customer's name.
NAME_COLUMN = {
    "organization_name": """COALESCE((
        SELECT partner.name FROM res_partner partner
         WHERE partner.id = license.commercial_partner_id), '')""",
}
#: Instances are told where to pay.
BILLING_COLUMNS = {
    "subscription_ref": "license.subscription_ref",
    "sale_order_id": """(
        SELECT line.order_id FROM sale_order_line line
         WHERE line.id = license.sale_line_id)""",
    "billing_url": """(
        SELECT company.license_billing_url FROM res_company company
         WHERE company.id = license.company_id)""",
}


@cache
def _prepare(has_device, counts_seats, is_named, kind):
    """Return the names of the columns that are read, and the statement that does.

    Its parameters: how seats are counted, the device and its kind, which licenses.
    """
    columns = {
        **COLUMNS,
        **({"seats_used": "%s"} if counts_seats else {}),
        **(DEVICE_COLUMNS if has_device else {}),
        **(NAME_COLUMN if is_named else {}),
        **(BILLING_COLUMNS if kind == verdict.INSTANCE else {}),
    }
    join = DEVICE_JOIN if has_device else ""
    selected = ", ".join(columns.values())
    statement = f"SELECT {selected} FROM software_license license {join} WHERE %s"
    return tuple(columns), statement


def _counts_otherwise(facts):
    """Does the policy say which seats count, so that all of them is not the answer?"""
    return facts.lease_minutes or facts.instances_take_seats


class SoftwareLicense(models.Model):
    """Facts: what the verdict needs to know, in one statement of ours for each call."""

    _inherit = "software.license"

    @api.model
    def _read_facts(self, key, *args, **kwargs):
        """Return the facts of the license with this key, None if there is none.

        One statement, without a lock: this is what every call over HTTP reads. The
        other arguments are those of ``_select_facts``.
        """
        facts = self._select_facts(self._sql_has_key(key), *args, **kwargs)
        return next(iter(facts), None)

    @api.model
    def _restart_read_committed(self):
        """Go on in a new transaction that sees what rivals commit.

        Nothing was written yet: only a call over HTTP may start over.
        """
        if connection := self._get_own_connection():
            self.env.cr.rollback()
            connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)

    @api.model
    def _get_own_connection(self):
        """Return the connection of a call over HTTP, which nobody else works on.

        None elsewhere: tests run in a transaction that is not theirs to end.
        """
        is_own = request and type(self.env.cr) is Cursor
        return self.env.cr.connection if is_own else None

    @api.model
    def _sql_has_key(self, key):
        """Return the SQL condition that a license is the one that a key opens."""
        return SQL(
            "license.license_key_normalized = %s AND license.active",
            license_key.normalize(key),
        )

    @api.model
    def _select_facts(
        self,
        condition,
        device_id=None,
        count_seats=False,
        now=None,
        kind=verdict.DEVICE,
        is_named=True,
    ):
        """Return the facts of the licenses that meet an SQL condition.

        Who holds a seat is told as of ``now``, by default this moment. One statement;
        it takes a second one to count the seats of floating licenses, and those that
        instances take. ``seats_used`` is 0 unless ``count_seats``,
        ``organization_name`` empty unless ``is_named``.
        """
        self.env.flush_all()
        now = now or fields.Datetime.now()

        def read(seats):
            return self._execute_facts(condition, device_id, kind, is_named, seats)

        all_facts = read(PLAIN_SEATS if count_seats else None)
        if count_seats and any(map(_counts_otherwise, all_facts)):
            # All of it again: what is compared must be of one moment.
            all_facts = read(self._sql_seats(now))
        return [facts.at(now, kind) for facts in all_facts]

    @api.model
    def _execute_facts(self, condition, device_id, kind, is_named, seats):
        """Return facts by one statement; ``seats`` is the SQL that counts them."""
        has_device, counts_seats = device_id is not None, seats is not None
        columns, statement = _prepare(has_device, counts_seats, is_named, kind)
        parameters = (seats,) if counts_seats else ()
        parameters += (device_id, kind) if has_device else ()
        rows = self._fetch(SQL(statement, *parameters, condition))
        return [
            self._to_facts_of_row(dict(zip(columns, row, strict=True))) for row in rows
        ]

    @api.model
    def _fetch(self, statement):
        """Return the rows of a statement.

        One statement sees one moment, so where no transaction has begun it needs
        none: BEGIN and COMMIT would be round trips. (On a replica Odoo has begun one.)
        """
        cr, rows = self.env.cr, None
        connection = self._get_own_connection()
        if connection and connection.status == STATUS_READY and not cr.readonly:
            rows = READERS.fetch(cr.dbname, statement)
        if rows is None:
            # It may hold a key, which no log may tell.
            cr.execute(statement, log_exceptions=False)
            rows = cr.fetchall()
        return rows

    @api.model
    def _to_facts_of_row(self, row):
        """Return the facts of what was read, ``{column: value}``, and of the policy."""
        policies = self.env["software.license.policy"]
        terms = policies._load_terms(row.pop("policy_id"), row.pop("policy_version"))
        facts = verdict.Facts(**row, **terms)
        # What is kept in memory stays as it is, whatever is done to an answer.
        return facts._replace(policy_features=deepcopy(facts.policy_features))

    @api.model
    def _sql_seats(self, now):
        """Return the SQL that counts the seats of a license as its policy has it."""
        return SQL(
            """(SELECT count(*)
                  FROM software_license_activation seat
                  JOIN software_license_policy policy ON policy.id = license.policy_id
                 WHERE seat.license_id = license.id AND seat.active
                   AND NOT %s AND %s)""",
            self._sql_is_lapsed(SQL.identifier("seat"), now),
            SQL_COUNTED,
        )

    def _remember(self, facts, *names):
        """Keep what was read with the facts in memory, where the ORM finds it."""
        for name in names:
            self._fields[name]._insert_cache(self, [getattr(facts, name)])

    @api.model
    def _sql_is_lapsed(self, device, now):
        """Return the SQL condition that a device's lease is over, seat or not.

        The one rule for whoever counts, asks or searches, beside a table ``policy``.
        An instance has no lease: it asks once a day.
        """
        return SQL(
            """(policy.lease_minutes > 0 AND %(device)s.kind = %(kind)s
                 AND %(device)s.last_seen <= %(now)s::timestamp
                     - policy.lease_minutes * INTERVAL '1 minute')""",
            device=device,
            kind=verdict.DEVICE,
            now=now,
        )

    def _get_current_facts(
        self, now, device_id=None, kind=verdict.DEVICE, condition=None
    ):
        """Return the facts of each, with quantities that are right at this moment."""
        asked = SQL(
            "license.id IN %s AND %s", tuple(self.ids), condition or SQL("TRUE")
        )
        all_facts = self._select_facts(asked, device_id, True, now, kind)
        if any(self._is_quantity_stale(facts, now) for facts in all_facts):
            self._refresh_quantities()
            all_facts = self._select_facts(asked, device_id, True, now, kind)
        return all_facts
