from odoo import http
from odoo.http import request

from ..tools.errors import NotHealthy
from .api_docs import DOCS


class LicenseHealth(http.Controller):
    """What a monitor, or whatever spreads calls over servers, asks."""

    @http.route("/api/licenses/health", **DOCS)
    def health(self, query):
        """Say whether this server can answer the calls of licenses."""
        if not request.env["software.license.signing.key"].sudo()._can_all_sign():
            raise NotHealthy()
        return {"status": "pass"}
