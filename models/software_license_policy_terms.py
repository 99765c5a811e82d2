from types import MappingProxyType

from odoo import api, models, tools
from odoo.tools import SQL

#: What calls over HTTP need of a policy: fields of ``verdict.Facts``, and columns.
TERMS = {
    "application": "application",
    "plan": "plan",
    "grace_days": "grace_days",
    "policy_features": "features",
    "policy_max_activations": "max_activations",
    "instances_take_seats": "instances_take_seats",
    "lease_minutes": "lease_minutes",
    "offline_days": "offline_days",
}


class SoftwareLicensePolicy(models.Model):
    """What servers keep in memory of policies, for the calls over HTTP."""

    _inherit = "software.license.policy"

    @api.model
    @tools.ormcache("policy_id", "version")
    def _load_terms(self, policy_id, version):
        """Return the terms of a policy, ``{field of verdict.Facts: value}``.

        ``version`` is that of the policy's row, in the transaction that asks: who
        wrote it, and where it lies (PostgreSQL's xmin and ctid). Each change makes
        another one, by SQL, too, so that nobody takes terms of before, or of a
        transaction that was rolled back, for today's. Don't change what you get.
        """
        columns = SQL(", ").join(map(SQL.identifier, TERMS.values()))
        self.env.cr.execute(
            SQL(
                "SELECT %s FROM software_license_policy WHERE id = %s",
                columns,
                policy_id,
            )
        )
        terms = dict(zip(TERMS, self.env.cr.fetchone(), strict=True))
        terms["instances_take_seats"] = bool(terms["instances_take_seats"])
        return MappingProxyType(terms)
