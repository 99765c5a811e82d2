from odoo import http
from odoo.http import content_disposition, request

from ..tools import license_file
from ..tools.errors import LicenseApiError
from .portal import LicensePortal

#: What a customer does on the page of a license.
FORM = {"type": "http", "auth": "user", "website": True, "methods": ["POST"]}


class LicensePortalForms(LicensePortal):
    """What customers do themselves: license files, and another key."""

    @http.route("/my/licenses/<int:license_id>/file", **FORM)
    def portal_license_file(self, license_id, request_text="", **_arguments):
        """Return the license file that a device's request asks for."""
        license_ = self._get_my_license(license_id)
        if upload := request.httprequest.files.get("request_file"):
            text = upload.read(license_file.MAX_REQUEST).decode(errors="replace")
            request_text = text or request_text
        try:
            with request.env.cr.savepoint():
                text = license_._make_file_for(request_text)
        except LicenseApiError as refusal:
            return self._render_my_license(
                license_,
                file_problem=license_._explain_refusal(refusal),
                request_text=request_text,
            )
        name = content_disposition(license_._get_file_name())
        headers = {
            "Content-Type": license_file.CONTENT_TYPE,
            "Content-Disposition": name,
        }
        return request.make_response(text, list(headers.items()))

    @http.route("/my/licenses/<int:license_id>/replace-key", **FORM)
    def portal_replace_key(self, license_id, **_arguments):
        """Give the license a new key, if its policy lets customers do that."""
        license_ = self._get_my_license(license_id)
        if not license_._can_customer_replace_key():
            raise request.not_found()
        license_._replace_key()
        return request.redirect(license_._get_portal_path())
