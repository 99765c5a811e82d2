from odoo import api, models


class SoftwareLicenseCertificate(models.AbstractModel):
    """The certificate of licenses, a page each."""

    _name = "report.software_license.report_certificate"
    _description = "License Certificate"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return the licenses to print, after asking whether the user may see them.

        A page holds what not all who may print it can read, such as the policy.
        """
        licenses = self.env["software.license"].browse(docids)
        licenses.check_access("read")
        return {"doc_ids": docids, "doc_model": licenses._name, "docs": licenses.sudo()}
