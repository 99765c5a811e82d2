import re

from werkzeug.exceptions import Forbidden, NotFound, Unauthorized
from werkzeug.routing import BaseConverter

from odoo import models
from odoo.http import request

from ..controllers.dispatcher import LicenseApiDispatcher
from ..tools.errors import AddressNotFound

#: What follows the API's root and is no key.
WORDS = ("verify", "validate", "deactivate", "jwks.json", "openapi.json", "docs")
BEARER = re.compile(r"bearer\s+(\S+)", re.IGNORECASE)
API_ROOTS = ("/api/licenses/", "/api/v1/licensing/")


class LicenseKeyConverter(BaseConverter):
    """A license key in an address: anything but the API's own words."""

    regex = rf"(?!(?:{'|'.join(map(re.escape, WORDS))})(?:/|$))[^/]+"


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _get_converters(cls):
        return {**super()._get_converters(), "license_key": LicenseKeyConverter}

    @classmethod
    def _auth_method_license_api(cls):
        """Let an internal user in by an API key of Odoo; a session does not count.

        A browser sends cookies of its own accord, an Authorization header never.
        """
        header = request.httprequest.headers.get("Authorization", "")
        token = BEARER.fullmatch(header.strip())
        keys = request.env["res.users.apikeys"]
        # There is no scope "rpc": it asks for a key that is good for everything.
        uid = token and keys._check_credentials(scope="rpc", key=token[1])
        if not uid:
            raise Unauthorized()
        request.update_env(user=uid)
        if not request.env.user._is_internal():
            raise Forbidden()

    @classmethod
    def _match(cls, path_info):
        """Below the API's roots, the API tells of what does not exist, in JSON."""
        if not _is_api(path_info):
            return super()._match(path_info)
        request.dispatcher = LicenseApiDispatcher(request)
        try:
            return super()._match(path_info)
        except NotFound as error:
            # Anything else would let Odoo look for a web page or an attachment.
            raise AddressNotFound() from error


def _is_api(path):
    return f"{path}/".startswith(API_ROOTS)
