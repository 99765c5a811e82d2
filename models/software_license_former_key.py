from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import license_key


class SoftwareLicenseFormerKey(models.Model):
    """A key that a license had before it was replaced: it opens nothing any more.

    No user has a right to these: they are keys, and tell nothing else.
    """

    _name = "software.license.former.key"
    _description = "Former Software License Key"

    license_id = fields.Many2one(
        "software.license", required=True, ondelete="cascade", index=True
    )
    license_key_normalized = fields.Char(required=True)

    _license_key_unique = models.UniqueIndex(
        "(license_key_normalized)", "A license had this key already."
    )


class SoftwareLicense(models.Model):
    """Replacing a key that leaked: the license, its devices and seats stay."""

    _inherit = "software.license"

    def action_replace_key(self):
        """Replace the keys of these licenses, say because they leaked."""
        self._replace_key()

    def _replace_key(self):
        """Give these licenses new keys; the old ones are told to be revoked.

        Each customer has to enter the new key: of many at once a manager decides.
        """
        self.check_access("write")
        if len(self) > 1:
            self._check_is_manager(
                self.env._("Only a license manager can replace several keys at once.")
            )
        if revoked := self.filtered(lambda license_: license_.state == "revoked"):
            raise UserError(
                self.env._(
                    "A revoked license gets no new key: %(keys)s.",
                    keys=revoked._get_masked_names(),
                )
            )
        self._lock_seats()  # a rival's call is tried again by Odoo
        self.env["software.license.former.key"].sudo().create(
            [
                {
                    "license_id": license_.id,
                    "license_key_normalized": license_.license_key_normalized,
                }
                for license_ in self
            ]
        )
        for license_ in self.sudo():
            license_.license_key = license_.policy_id._generate_license_key()

    @api.model
    def _read_former_facts(self, key):
        """Return facts, as of a revoked license, of what had this key once; else None.

        Asked only about keys that no license has. The device is nobody's business.
        """
        had_key = SQL(
            """license.active AND license.id = (
                SELECT former.license_id FROM software_license_former_key former
                 WHERE former.license_key_normalized = %s)""",
            license_key.normalize(key),
        )
        for facts in self._select_facts(had_key):
            return facts._replace(state="revoked", quantity_until=None)
        return None
