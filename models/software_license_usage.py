from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import entitlement
from .software_license_activation import SQL_COUNTED


class SoftwareLicense(models.Model):
    """What people look for in a long list: who uses a license, and who does not.

    Searches of devices are conditions of their own, not domains of ``activation_ids``:
    PostgreSQL joins them, where ``NOT IN`` of millions of devices never ends.
    """

    _inherit = "software.license"

    last_seen = fields.Datetime(
        string="Last Check-in",
        compute="_compute_last_seen",
        search="_search_last_seen",
        help="When one of its devices was last heard of. Empty: never activated.",
    )

    @api.depends("activation_ids.last_seen")
    def _compute_last_seen(self):
        devices = self.env["software.license.activation"].sudo()
        moments = dict(
            devices.with_context(active_test=False)._read_group(
                [("license_id", "in", self.ids)], ["license_id"], ["last_seen:max"]
            )
        )
        for license_ in self:
            license_.last_seen = moments.get(license_._origin)

    def _search_last_seen(self, operator, value):
        """Find what was never activated (``= False``), or the last moment of others."""
        if operator == "in" and set(value) == {False}:
            return self._get_device_domain("NOT EXISTS")
        if operator in (">", ">="):
            return self._get_device_domain("EXISTS", operator, value)
        if operator in ("<", "<="):
            since = {"<": ">=", "<=": ">"}[operator]
            return self._get_device_domain("EXISTS") & self._get_device_domain(
                "NOT EXISTS", since, value
            )
        return NotImplemented

    @api.model
    def _get_device_domain(self, exists, operator=None, moment=None):
        """Return the domain of licenses with a device, or with none, seen so."""
        seen = SQL("TRUE")
        if operator:
            seen = SQL("device.last_seen %s %s", SQL(operator), moment)

        def to_sql(model, alias, _query):
            return SQL(
                """%(exists)s (SELECT FROM software_license_activation device
                                WHERE device.license_id = %(id)s AND %(seen)s)""",
                exists=SQL(exists),
                id=SQL.identifier(alias, "id"),
                seen=seen,
                to_flush=model.activation_ids._fields["last_seen"],
            )

        return Domain.custom(to_sql=to_sql)

    # === OVER LIMIT === #

    def _search_is_over_limit(self, operator, value):
        if operator != "in" or set(value) - {True, False}:
            return NotImplemented
        if set(value) == {True, False}:
            return Domain.TRUE
        over = Domain.custom(to_sql=self._sql_is_over_limit)
        return over if True in value else ~over

    @api.model
    def _sql_is_over_limit(self, model, alias, _query):
        """Return the SQL condition that more devices hold a seat than may.

        No limit is less than one: only where the index of seats counts two or more
        does PostgreSQL look further.
        """
        return SQL(
            """%(id)s IN (
                SELECT license.id
                  FROM (SELECT license_id, count(*) AS most
                          FROM software_license_activation
                         WHERE active GROUP BY license_id HAVING count(*) > 1) used
                  JOIN software_license license ON license.id = used.license_id
                  JOIN software_license_policy policy ON policy.id = license.policy_id
                 WHERE %(limit)s < used.most AND %(limit)s < (
                    SELECT count(*) FROM software_license_activation seat
                     WHERE seat.license_id = license.id AND seat.active
                       AND NOT %(lapsed)s AND %(counted)s))""",
            id=SQL.identifier(alias, "id"),
            limit=self._sql_seat_limit(),
            lapsed=self._sql_is_lapsed(SQL.identifier("seat"), fields.Datetime.now()),
            counted=SQL_COUNTED,
            to_flush=[
                records._fields[name]
                for records, names in (
                    (model.activation_ids, ["active", "kind", "last_seen"]),
                    (model, ["max_activations", "policy_id", "quantity"]),
                    (
                        model.policy_id,
                        ["max_activations", "lease_minutes", "instances_take_seats"],
                    ),
                )
                for name in names
            ],
        )

    @api.model
    def _sql_seat_limit(self):
        """Return ``entitlement.seat_limit`` in SQL, beside ``license`` and ``policy``.

        NULL when unlimited. A test keeps the two alike.
        """
        return SQL(
            """CASE WHEN license.max_activations = %(unlimited)s THEN NULL
                    WHEN license.max_activations != %(inherit)s
                    THEN license.max_activations
                    WHEN policy.max_activations = 0 THEN NULL
                    ELSE GREATEST(1, floor(round(
                        (policy.max_activations * license.quantity)::numeric, 6)))
               END""",
            unlimited=entitlement.UNLIMITED,
            inherit=entitlement.INHERIT,
        )
