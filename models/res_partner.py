from odoo import api, fields, models
from odoo.exceptions import UserError


class ResPartner(models.Model):
    _inherit = "res.partner"

    license_count = fields.Integer(
        compute="_compute_license_count",
        groups="software_license.group_license_user,"
        "account.group_account_invoice,account.group_account_readonly",
    )

    # Licenses are looked up by a part of their customer's name.
    _license_name_part_index = models.Index(
        lambda registry: (
            registry.has_trigram and "USING gin (complete_name gin_trgm_ops)"
        )
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_license_count(self):
        counts = self.env["software.license"]._read_group(
            [("partner_id", "child_of", self.ids)], ["partner_id"], ["__count"]
        )
        self.license_count = 0
        for owner, count in counts:
            while owner:
                if owner in self:
                    self.browse(owner.id).license_count += count
                owner = owner.sudo().parent_id

    def write(self, vals):
        if self.env.su or not vals.keys() & {"parent_id", "is_company"}:
            return super().write(vals)
        licenses = self._get_all_licenses()
        owners = {it: it.commercial_partner_id for it in licenses}
        res = super().write(vals)
        self._check_owners(owners)
        return res

    def _get_all_licenses(self):
        """Return the licenses of these customers and their contacts, as the server."""
        licenses = self.env["software.license"].sudo().with_context(active_test=False)
        return licenses.search([("partner_id", "child_of", self.ids)])

    def _check_owners(self, owners):
        """Refuse to take licenses to another company by changing these contacts.

        ``owners`` are {license: its customer's company before}.
        """
        taken = any(
            license_.commercial_partner_id != owner
            and not (owner in self and self._is_all_of(license_.commercial_partner_id))
            for license_, owner in owners.items()
        )
        if taken:
            self.env["software.license"]._check_is_manager(
                self.env._(
                    "Company: the licenses of this contact would go along. Only a "
                    "license manager can move a license to another customer."
                )
            )

    def _is_all_of(self, company):
        """Has a company nobody but these, as one that was just made for them?"""
        company = company.sudo().with_context(active_test=False)
        return company.child_ids <= self.sudo()

    def action_view_licenses(self):
        """Open the licenses of this customer and its contacts."""
        return self.env["software.license"]._get_list_action(
            self, [("partner_id", "child_of", self.ids)], default_partner_id=self.id
        )

    # === TRIALS === #

    def _had_license_trial(self, application):
        """Had this customer a trial of an application before?"""
        trials = [
            ("source", "=", "trial"),
            ("is_effective", "=", True),  # not of an order that was cancelled
            ("license_id.commercial_partner_id", "in", self.commercial_partner_id.ids),
            ("license_id.application", "=", application),
        ]
        return bool(
            self.env["software.license.term"].sudo().search_count(trials, limit=1)
        )

    def _lock_license_trials(self):
        """Let nobody else give this customer a trial meanwhile."""
        self.env["software.license"]._keep_rivals_off(self.commercial_partner_id)

    def _check_license_trial(self, application, is_another_allowed=False):
        """Refuse a second trial, unless a license manager is willing to give it."""
        self.ensure_one()
        self._lock_license_trials()
        manager = "software_license.group_license_manager"
        is_willing = is_another_allowed and self.env.user.has_group(manager)
        if not is_willing and self._had_license_trial(application):
            raise UserError(
                self.env._(
                    "%(customer)s had a trial of %(application)s already. "
                    "A license manager can give another one.",
                    customer=self.display_name,
                    application=application,
                )
            )
