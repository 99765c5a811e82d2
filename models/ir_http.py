import re

import psycopg2
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized
from werkzeug.routing import BaseConverter

from odoo import models
from odoo.exceptions import AccessDenied
from odoo.http import request

from ..tools import address
from ..tools.address import is_api
from ..tools.errors import AddressNotFound, LicenseApiError

#: Odoo's keys have 40 digits; what is far longer is not worth hashing.
BEARER = re.compile(r"bearer\s+([!-~]{1,128})", re.IGNORECASE)


class LicenseKeyConverter(BaseConverter):
    """A license key in an address: anything but the API's own words."""

    regex = rf"(?!(?:{'|'.join(map(re.escape, address.WORDS))})(?:/|$))[^/]+"


class DeviceIdConverter(BaseConverter):
    """A device's own name for itself: all that is left of the address, slashes too."""

    part_isolating = False
    regex = ".+"


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _get_converters(cls):
        return {
            **super()._get_converters(),
            "license_key": LicenseKeyConverter,
            "device_id": DeviceIdConverter,
        }

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
        if is_api(path_info):
            # No page of a website: no address in another language to be sent to.
            request.is_frontend = request.is_frontend_multilang = False
        asked = request.httprequest.path
        try:
            match = super()._match(path_info)
        except NotFound as error:
            if not is_api(path_info) and not _is_led_to_api(asked):
                raise
            # Anything else would let Odoo look for a web page or an attachment.
            raise AddressNotFound() from error
        if _is_led_to_api(asked):
            raise AddressNotFound()
        return match

    @classmethod
    def _authenticate_explicit(cls, auth):
        """A database that can't tell who calls is no refusal: the API says which."""
        try:
            return super()._authenticate_explicit(auth)
        except AccessDenied as denied:
            # Odoo raises it for whatever goes wrong there.
            cause = denied.__context__
            is_ours = isinstance(cause, psycopg2.Error | LicenseApiError)
            if is_ours and is_api(request.httprequest.path):
                raise cause from None
            raise


def _is_led_to_api(asked):
    """Whether Odoo took the language off an address, and found one of the API.

    Proxies that limit the API's calls, or hide the keys in them, know its roots only.
    """
    return is_api(request.httprequest.path) and not is_api(asked)
