from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..tools import payload

#: What the public routes share: nobody logs in, and no session comes of it.
PUBLIC = {
    "type": "license_api",
    "auth": "none",
    "methods": ["POST"],
    "cors": "*",
    "save_session": False,
    "is_throttled": True,
    "max_content_length": payload.MAX_BODY,
}


def public_licenses():
    """Return the model as the public calls use it: nobody is logged in."""
    return request.env["software.license"].with_user(SUPERUSER_ID)


class LicensePublicApi(http.Controller):
    """The calls that shipped software makes; the key is the credential."""

    @http.route("/api/licenses/verify", readonly=True, **PUBLIC)
    def verify(self, body):
        """Say whether a key is good."""
        return public_licenses()._api_verify(**payload.read(body, payload.VERIFY))

    @http.route("/api/licenses/validate", readonly=False, **PUBLIC)
    def validate(self, body):
        """Say whether a key is good, and activate the device."""
        return public_licenses()._api_validate(
            **payload.read(body, payload.VALIDATE),
            ip_address=request.httprequest.remote_addr,
        )

    @http.route("/api/licenses/deactivate", readonly=False, **PUBLIC)
    def deactivate(self, body):
        """Free the seat of a device."""
        return public_licenses()._api_deactivate(
            **payload.read(body, payload.DEACTIVATE)
        )
