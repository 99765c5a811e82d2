from odoo import http

from ..tools.address import is_api
from .dispatcher import LicenseApiDispatcher


class HttpDispatcher(http._dispatchers["http"]):
    """Odoo's own, which serves every request until a route is known.

    What goes wrong before, such as a database that is away, is told in JSON to a
    caller of the API. Everybody else sees what Odoo shows.
    """

    routing_type = "http"

    def handle_error(self, exc):
        if is_api(self.request.httprequest.path):
            return LicenseApiDispatcher(self.request).handle_error(exc)
        return super().handle_error(exc)
