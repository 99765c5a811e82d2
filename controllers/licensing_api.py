from odoo import http
from odoo.http import request

from ..tools import payload
from .public_api import PUBLIC, public_licenses

#: Its document words the missing key in its own way: see LicenseKeyRequired.
INSTANCE = {**payload.INSTANCE, "licenseKey": payload.Text()}


class LicensingApi(http.Controller):
    """The call that self-hosted instances make; the key is the credential."""

    @http.route(
        "/api/v1/licensing/validate", readonly=False, is_body_optional=True, **PUBLIC
    )
    def validate(self, body):
        """Say whether a key is good, and put the instance on record."""
        return public_licenses()._api_licensing_validate(
            **payload.read(body, INSTANCE),
            ip_address=request.httprequest.remote_addr,
        )
