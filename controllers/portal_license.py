from odoo import http
from odoo.http import content_disposition, request

from ..tools import license_file
from ..tools.errors import LicenseApiError
from .portal import LicensePortal

#: What a customer does on the page of a license.
FORM = {"type": "http", "auth": "user", "website": True, "methods": ["POST"]}
FORMS = (
    "/my/licenses/<int:license_id>/file",
    "/my/licenses/<int:license_id>/replace-key",
    "/my/licenses/<int:license_id>/devices/<int:device_id>/free",
    "/my/licenses/<int:license_id>/devices/<int:device_id>/rename",
)
FILE, REPLACE_KEY, FREE, RENAME = FORMS


class LicensePortalForms(LicensePortal):
    """What customers do themselves: devices, license files, and another key."""

    @http.route(FILE, **FORM)
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

    @http.route(REPLACE_KEY, **FORM)
    def portal_replace_key(self, license_id, **_arguments):
        """Give the license a new key, if its policy lets customers do that."""
        license_ = self._get_my_license(license_id)
        if not license_._can_customer_replace_key():
            raise request.not_found()
        license_._replace_key()
        return self._redirect_with_notice(license_, "key_replaced")

    @http.route(FREE, **FORM)
    def portal_free_device(self, license_id, device_id, **_arguments):
        """Free the seat of a device."""
        license_, device = self._get_my_device(license_id, device_id)
        code = license_._free_for_customer(device)
        return self._redirect_with_notice(license_, code, device.display_name)

    @http.route(RENAME, **FORM)
    def portal_rename_device(self, license_id, device_id, label="", **_arguments):
        """Let a device be called what the customer calls it."""
        license_, device = self._get_my_device(license_id, device_id)
        device._rename_for_customer(label)
        return self._redirect_with_notice(license_, "renamed", device.display_name)

    def _get_my_device(self, license_id, device_id):
        """Return a license of the user's company, and a device of it."""
        license_ = self._get_my_license(license_id)
        device = license_._get_portal_device(device_id)
        if not device:
            raise request.not_found()
        return license_, device

    @http.route(
        list(FORMS),
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
        readonly=True,
    )
    def portal_license_form(self, license_id, **_arguments):
        """Lead to the page: a login, or a reload, asks for what only a form does."""
        return request.redirect(self._get_my_license(license_id)._get_portal_path())
