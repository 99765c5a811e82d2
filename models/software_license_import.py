from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import period


class _RefusedTogether(Exception):
    """Some row of several has an error; which one shows when each is tried."""


class SoftwareLicense(models.Model):
    """Licenses from a file: keys that another license server issued.

    A file tells the last day, as people do, where ``expires_at`` is the moment after.
    """

    _inherit = "software.license"

    date_end = fields.Date(
        string="Valid Until",
        compute="_compute_date_end",
        readonly=False,
        help="The last day on which the license is valid. Empty: forever.",
    )

    @api.depends("expires_at")
    def _compute_date_end(self):
        for license_ in self:
            license_.date_end = period.day_of_end(license_.expires_at or None)

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([_with_moment(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(_with_moment(vals))

    @api.model
    def get_import_templates(self):
        """Return the files that the import screen offers to begin with."""
        return [
            {
                "label": self.env._("Import Template for Licenses"),
                "template": "/software_license/static/xls/software_license.csv",
            }
        ]

    def _load_records(self, data_list, update=False):
        """Let a file that is refused as a whole be tried again row by row.

        Odoo does so after any error, and shows one that people may read beside the
        first row, too, whichever it is about: this one it does not show.
        """
        try:
            return super()._load_records(data_list, update)
        except UserError as error:
            if self.env.context.get("import_file") and len(data_list) > 1:
                raise _RefusedTogether from error
            raise

    def _load_records_create(self, vals_list):
        return super()._load_records_create([_without_gaps(it) for it in vals_list])

    def _load_records_write(self, values):
        """Write what a file changes; what it repeats is no entry in the ledger."""
        values = _without_gaps(values)
        if self.billing_identity and not values.get("date_end", True):
            del values["date_end"]  # what was paid says until when, not a gap
        repeated = [
            name
            for name in ("date_end", "expires_at")
            if name in values and not self._is_changed(name, values)
        ]
        for name in repeated:
            del values[name]
        if "activation_ids" in values:
            values["activation_ids"] = self._get_new_devices(values["activation_ids"])
        return super()._load_records_write(values)

    def _get_new_devices(self, commands):
        """Return the commands of a file without the devices that are known already."""
        devices = self.with_context(active_test=False).activation_ids
        known = {(device.kind, device.device_id) for device in devices}
        kind = devices.default_get(["kind"])["kind"]
        return [
            command
            for command in commands
            if command[0]  # 0: a new one
            or (command[2].get("kind") or kind, command[2].get("device_id"))
            not in known
        ]


def _with_moment(vals):
    """Return values with the moment that a last day stands for."""
    if "date_end" not in vals:
        return vals
    vals = dict(vals)
    day = fields.Date.to_date(vals.pop("date_end")) or None
    return {**vals, "expires_at": period.end_moment(day) or False}


def _without_gaps(vals):
    """Return a row's values without the empty cells that leave things as they are."""
    empty = [name for name in ("license_key", "state") if not vals.get(name, True)]
    return {name: value for name, value in vals.items() if name not in empty}
