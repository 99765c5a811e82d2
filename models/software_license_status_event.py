from odoo import api, fields, models
from odoo.fields import Domain

from ..tools import verdict
from .software_license_status import STATUSES


class SoftwareLicense(models.Model):
    """What others were last told of a license's status, and when to tell them anew."""

    _inherit = "software.license"

    # Not what the license reads as: that is never stored. The dependencies tell of
    # what people and payments do, the scheduled action of what the clock does.
    last_event_status = fields.Selection(
        STATUSES,
        compute="_compute_last_event_status",
        store=True,
        copy=False,
        groups=fields.NO_ACCESS,
    )

    @api.depends(
        "state",
        "expires_at",
        "is_payment_reversed",
        "partner_id.active",
        "commercial_partner_id.active",
        "policy_id",
    )
    def _compute_last_event_status(self):
        changed = {}
        for license_ in self:
            before, status = license_.last_event_status, license_._get_status_now()
            license_.last_event_status = status
            if license_.id and before and status != before:
                changed[license_.id] = before
        self.env["software.license.event"]._note_statuses(changed)

    def _get_status_now(self):
        """Return the status at this moment, whatever was computed before."""
        self.ensure_one()
        question = verdict.Question(now=fields.Datetime.now())
        return verdict.judge(self._to_facts(), question).status

    @api.model_create_multi
    def create(self, vals_list):
        licenses = super().create(vals_list)
        self.env["software.license.event"]._note("license.issued", licenses)
        return licenses

    @api.model
    def _cron_update_statuses(self, limit=1000):
        """Bring up to date what only the clock, or a policy's grace, has changed."""
        field, outdated = self._fields["last_event_status"], self.browse()
        domain = self._get_outdated_domain()
        # By ID, so that none is looked at twice, whatever comes of it.
        while outdated := self.search(
            domain & Domain("id", ">", max(outdated.ids, default=0)),
            limit=limit,
            order="id",
        ):
            self.env.add_to_compute(field, outdated)
            outdated.flush_recordset()
            # Whether there is more shows the next search.
            if not self.env["ir.cron"]._commit_progress(len(outdated), remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _get_outdated_domain(self):
        """Return the domain of licenses that read otherwise than was told."""
        return Domain.OR(
            domain & Domain("last_event_status", "!=", status)
            for status, domain in self._get_status_domains().items()
        )
