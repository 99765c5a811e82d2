import json

from odoo import http
from odoo.http import request

from ..models.software_license_signing_key import JWKS_MAX_AGE
from .api_docs import DOCS


class LicenseSigningKeys(http.Controller):
    """The public keys with which anybody verifies tokens and license files."""

    @http.route("/api/licenses/jwks.json", **DOCS)
    def jwks(self, query):
        """Return the published keys of all companies (RFC 7517)."""
        keys = request.env["software.license.signing.key"].sudo()._get_jwks()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Cache-Control": f"public, max-age={JWKS_MAX_AGE}",
        }
        response = request.make_response(json.dumps(keys), list(headers.items()))
        response.add_etag()
        return response.make_conditional(request.httprequest.environ)
