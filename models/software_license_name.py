from odoo import models

from ..tools import license_key

#: So many licenses are named one by one; of more, the rest is counted.
SHOWN = 20


class SoftwareLicense(models.Model):
    """What a license is called where the whole key must not stand."""

    _inherit = "software.license"

    def _get_masked_names(self):
        """Return the names of licenses for an error: Odoo writes those to its log."""
        names = ", ".join(
            f"{license_key.mask(license_.license_key)} "
            f"({license_.partner_id.display_name})"
            for license_ in self[:SHOWN]
        )
        if more := len(self[SHOWN:]):
            return self.env._("%(names)s and %(count)s more", names=names, count=more)
        return names
