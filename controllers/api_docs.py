from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path

from odoo import SUPERUSER_ID, http
from odoo.http import request
from odoo.modules import Manifest

from ..tools import openapi
from ..tools.errors import AddressNotFound
from .dispatcher import HTTP_ERRORS
from .public_api import PUBLIC

DOCS = {**PUBLIC, "methods": ["GET"], "readonly": True, "is_throttled": False}
#: Swagger UI, as the Python package swagger-ui-py brings it: what of it is served.
VIEWER = ("swagger-ui-bundle.js", "swagger-ui.css")
DAY = 86400


class LicenseApiDocs(http.Controller):
    """What the HTTP API is, for programs and for programmers."""

    @http.route("/api/licenses/openapi.json", **DOCS)
    def openapi(self, query):
        """Return the OpenAPI document."""
        version = Manifest.for_addon("software_license").version
        return openapi.document(HTTP_ERRORS, version)

    @http.route("/api/licenses/docs", **DOCS)
    def docs(self, query):
        """Return the page on which a person reads the document."""
        page = (
            request.env["ir.qweb"]
            .with_user(SUPERUSER_ID)
            ._render("software_license.api_docs", {"has_viewer": bool(_find_viewer())})
        )
        return request.make_response(
            page,
            [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Cache-Control", "no-store"),
            ],
        )

    @http.route("/api/licenses/docs/<string:name>", **DOCS)
    def viewer(self, name, query):
        """Return a file of the viewer: nothing comes from elsewhere."""
        folder = _find_viewer()
        if name not in VIEWER or not folder:
            raise AddressNotFound()
        headers = [
            ("Content-Type", guess_type(name)[0]),
            ("Cache-Control", f"public, max-age={DAY}"),
        ]
        return request.make_response((folder / name).read_bytes(), headers)


def _find_viewer():
    """Return the folder of the viewer's files, None where it is not installed."""
    package = find_spec("swagger_ui")
    return package and Path(package.origin).parent / "static"
