from odoo import http
from odoo.http import request

from .portal import LicensePortal, _keep_private

CERTIFICATE = "software_license.action_report_certificate"


class LicensePortalCertificate(LicensePortal):
    """The certificate, which customers download themselves."""

    @http.route(
        "/my/licenses/<int:license_id>/certificate",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def portal_license_certificate(self, license_id, **_arguments):
        """Return the certificate of a license, a PDF; another customer's is not there.

        What it is called says the license: ``_get_report_base_filename``.
        """
        license_ = self._get_my_license(license_id)
        if not license_._can_have_certificate():
            raise request.not_found()
        return _keep_private(
            self._show_report(license_, "pdf", CERTIFICATE, download=True)
        )
