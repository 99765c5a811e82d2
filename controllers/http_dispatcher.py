from odoo import http

from ..tools.address import is_api
from ..tools.errors import InvalidRequest
from .dispatcher import LicenseApiDispatcher


class HttpDispatcher(http._dispatchers["http"]):
    """Odoo's own, which serves every request until a route is known.

    What goes wrong before, such as a database that is away, is told in JSON to a
    caller of the API. Everybody else sees what Odoo shows.
    """

    routing_type = "http"

    def handle_error(self, exc):
        if not is_api(self.request.httprequest.path):
            return super().handle_error(exc)
        if not self._is_host_good():
            exc = InvalidRequest("The Host header is missing or not valid.")
        return LicenseApiDispatcher(self.request).handle_error(exc)

    def _is_host_good(self):
        """Whether the request says who was asked, which Odoo takes for granted."""
        sent = self.request.httprequest
        try:
            return "HTTP_HOST" in sent.environ and bool(sent.url)
        except ValueError:
            return False
