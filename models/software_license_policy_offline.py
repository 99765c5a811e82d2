from odoo import api, fields, models


class SoftwareLicensePolicy(models.Model):
    """How long software may run that can't ask, and whether customers replace keys."""

    _inherit = "software.license.policy"

    offline_days = fields.Integer(
        string="Offline (days)",
        required=True,
        default=14,
        tracking=True,
        help="For so many days after it last asked, software runs without asking "
        "again, on the signed token that it got. A license that is revoked meanwhile "
        "stops it at the end of these days at the latest.",
    )
    file_days = fields.Integer(
        string="License Files (days)",
        required=True,
        default=0,
        tracking=True,
        help="How long a license file is good, for devices without internet; never "
        "beyond the end of the license. 0: as many days as above.",
    )
    customers_replace_keys = fields.Boolean(
        string="Customers May Replace Keys",
        tracking=True,
        help="In the portal, a customer whose key leaked gets a new one. Devices keep "
        "their seats; the old key is told to be revoked.",
    )

    _offline_days_in_range = models.Constraint(
        "CHECK (offline_days BETWEEN 1 AND 3650)", "Offline: 1 to 3650 days."
    )
    _file_days_in_range = models.Constraint(
        "CHECK (file_days BETWEEN 0 AND 3650)", "License Files: 0 to 3650 days."
    )

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        policies._keep_keys_published()
        return policies

    def write(self, vals):
        res = super().write(vals)
        if vals.keys() & {"offline_days", "file_days"}:
            self._keep_keys_published()
        return res

    def _keep_keys_published(self):
        """Let the keys that sign be published as long as any of their tokens lasts."""
        days = max(
            self.mapped(lambda it: max(it.offline_days, it.file_days)), default=0
        )
        keys = self.env["software.license.signing.key"].sudo()
        keys._raise_longest_days(days)

    def _get_file_days(self):
        """Return for how many days a license file is good."""
        self.ensure_one()
        return self.file_days or self.offline_days
