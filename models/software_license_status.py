from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import verdict

STATUSES = [
    ("active", "Active"),
    ("expired", "Expired"),
    ("suspended", "Suspended"),
    ("revoked", "Revoked"),
]


class SoftwareLicense(models.Model):
    """What a license reads as at this moment: by the verdict, and by search."""

    _inherit = "software.license"

    status = fields.Selection(
        STATUSES,
        compute="_compute_status",
        search="_search_status",
        group_expand=True,
        help="What the software is told when it asks.",
    )
    is_expired = fields.Boolean(compute="_compute_status", search="_search_is_expired")

    @api.depends(
        "state",
        "expires_at",
        "is_payment_reversed",
        "partner_id.active",
        "commercial_partner_id.active",
        "policy_id.grace_days",
    )
    def _compute_status(self):
        question = verdict.Question(now=fields.Datetime.now())
        for license_ in self:
            license_.status = verdict.judge(license_._to_facts(), question).status
            license_.is_expired = license_.status == "expired"

    def _to_facts(self):
        """Return what the verdict needs to know of the license, no device asked."""
        self.ensure_one()
        license_ = self.sudo()  # a reader of licenses may lack the policy
        customer = license_.partner_id | license_.partner_id.commercial_partner_id
        return verdict.Facts(
            license_id=license_.id,
            state=license_.state,
            expires_at=license_.expires_at or None,
            is_payment_reversed=license_.is_payment_reversed,
            is_customer_active=all(customer.mapped("active")),
            application=license_.policy_id.application,
            grace_days=license_.policy_id.grace_days,
            trial_ends_at=license_.trial_ends_at or None,
            own_features=license_.features or None,
            policy_features=license_.policy_id.features or None,
            own_max_activations=license_.max_activations,
            policy_max_activations=license_.policy_id.max_activations,
            quantity=license_.quantity,
            quantity_until=license_.quantity_until or None,
            lease_minutes=license_.policy_id.lease_minutes,
            license_key=license_.license_key,
            company_id=license_.company_id.id,
            partner_id=license_.partner_id.id,
            plan=license_.policy_id.plan or None,
            organization_name=license_.commercial_partner_id.name or "",
            offline_days=license_.policy_id.offline_days,
            ring_version=license_.company_id.license_ring_version,
        )

    # === SEARCH METHODS === #
    # The rules of tools/verdict.py as domains; a test keeps the two alike.

    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        domains = self._get_status_domains()
        return Domain.OR(domains[status] for status in value if status in domains)

    def _search_is_expired(self, operator, value):
        if operator != "in":
            return NotImplemented
        expired = self._get_status_domains()["expired"]
        return Domain.OR(expired if wanted else ~expired for wanted in value)

    def _get_status_domains(self):
        """Return {status: domain}; each license is in exactly one of them."""
        is_archived = [("active", "=", False)]  # whoever the reader may see
        is_revoked = Domain("state", "=", "revoked")
        is_suspended = (
            Domain("state", "=", "suspended")
            | Domain("is_payment_reversed", "=", True)
            | Domain("partner_id", "any!", is_archived)
            | Domain("commercial_partner_id", "any!", is_archived)
        )
        is_past = self._get_past_domain()
        return {
            "revoked": is_revoked,
            "suspended": ~is_revoked & is_suspended,
            "expired": ~is_revoked & ~is_suspended & is_past,
            "active": ~is_revoked & ~is_suspended & ~is_past,
        }

    def _get_past_domain(self, moment=None):
        """Return the domain of licenses whose end, with its grace, is past by then."""
        now = moment or fields.Datetime.now()
        policies = self.env["software.license.policy"].sudo()
        graces = policies.with_context(active_test=False)._read_group(
            [], ["grace_days"], ["id:recordset"]
        )
        return Domain.OR(
            Domain("policy_id", "in", policies_.ids)
            & Domain("expires_at", "<=", now - timedelta(days=days))
            for days, policies_ in graces
        )

    # === GROUPING === #

    def _field_to_sql(self, alias, field_expr, query=None):
        """Let lists, kanban and pivot group by what is told from the clock."""
        if field_expr != "status":
            return super()._field_to_sql(alias, field_expr, query)
        licenses = self.sudo()  # the figure of a group is that of its filter
        return SQL(
            "CASE %s END",
            SQL(" ").join(
                SQL(
                    "WHEN %s THEN %s",
                    domain.optimize_full(licenses)._to_sql(licenses, alias, query),
                    status,
                )
                for status, domain in self._get_status_domains().items()
            ),
        )
