from odoo import api, models
from odoo.exceptions import AccessError


class SoftwareLicenseCertificate(models.AbstractModel):
    """The certificate of licenses, a page each."""

    _name = "report.software_license.report_certificate"
    _description = "License Certificate"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return the licenses to print, after asking whether the user may see them.

        A page holds what not all who may print it can read, such as the policy. The
        portal is not the only way of customers to a report: it has its own address.
        """
        licenses = self.env["software.license"].browse(docids)
        licenses.check_access("read")
        licenses = licenses.sudo()
        if not self.env.user._is_internal() and not all(
            license_._can_have_certificate() for license_ in licenses
        ):
            raise AccessError(
                self.env._("A revoked or archived license has no certificate.")
            )
        return {"doc_ids": docids, "doc_model": licenses._name, "docs": licenses}
