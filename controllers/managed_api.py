from urllib.parse import urlencode

from odoo import http
from odoo.http import content_disposition, request

from ..models.software_license_managed import PAGE
from ..tools import license_file, payload
from .dispatcher import Reply

#: What the managed routes share: an API key of Odoo says who calls.
MANAGED = {
    "type": "license_api",
    "auth": "license_api",
    "save_session": False,
    "max_content_length": payload.MAX_BODY,
}
#: One license, by its key.
LICENSE = "/api/licenses/<license_key:key>"


class LicenseManagedApi(http.Controller):
    """Licenses over HTTP for who manages them (api.md, "Licenses, managed")."""

    def _licenses(self):
        return request.env["software.license"]

    def _run_once(self, body, function):
        """Run what an Idempotency-Key lets run once; return its license."""
        sent = request.httprequest
        license_ = request.env["software.license.request"]._run_once(
            sent.headers.get("Idempotency-Key"), [sent.path, body], function
        )
        return license_._to_admin_dict()

    @http.route("/api/licenses", methods=["GET"], readonly=True, **MANAGED)
    def list_licenses(self, query):
        """Return a page of licenses."""
        arguments = payload.read_query(query, payload.LIST)
        licenses, total = self._licenses()._api_list(**arguments)
        return Reply(licenses, headers=_get_page_headers(query, arguments, total))

    @http.route("/api/licenses", methods=["POST"], readonly=False, **MANAGED)
    def create_license(self, body):
        """Issue a license."""
        values = payload.read(body, payload.CREATE)
        create = self._licenses()._api_create
        return Reply(self._run_once(body, lambda: create(values)), 201)

    @http.route(LICENSE, methods=["GET"], readonly=True, **MANAGED)
    def read_license(self, key, query):
        """Return a license."""
        return self._licenses()._api_find(key)._to_admin_dict()

    @http.route(LICENSE, methods=["PUT"], readonly=False, **MANAGED)
    def update_license(self, key, body):
        """Change what was sent of a license."""
        changes = payload.read(body, payload.UPDATE, is_partial=True)
        return self._licenses()._api_find(key)._api_update(changes)

    @http.route(LICENSE, methods=["DELETE"], readonly=False, **MANAGED)
    def delete_license(self, key):
        """Delete a license."""
        return self._licenses()._api_find(key)._api_delete()

    @http.route(f"{LICENSE}/activations", methods=["GET"], readonly=True, **MANAGED)
    def list_activations(self, key, query):
        """Return the devices that hold a seat."""
        return self._licenses()._api_find(key)._api_activations()

    @http.route(
        f"{LICENSE}/activations/<device_id:device_id>",
        methods=["DELETE"],
        readonly=False,
        **MANAGED,
    )
    def free_activation(self, key, device_id):
        """Free the seat of a device."""
        return self._licenses()._api_find(key)._api_free_device(device_id)

    @http.route(
        f"{LICENSE}/rotate",
        methods=["POST"],
        readonly=False,
        is_body_optional=True,
        **MANAGED,
    )
    def rotate(self, key, body):
        """Replace the key of a license."""
        licenses = self._licenses()
        return self._run_once(body, lambda: licenses._api_find(key)._api_rotate())

    @http.route(f"{LICENSE}/file", methods=["GET"], readonly=False, **MANAGED)
    def read_file(self, key, query):
        """Return a license file; one for a device takes a seat."""
        payload.refuse_unknown(query, payload.FILE)
        asked = payload.read_query(query, payload.FILE)
        license_ = self._licenses()._api_find(key)
        text = license_._api_file(**asked)
        return request.make_response(text, _get_file_headers(license_))


def _get_file_headers(license_):
    return [
        ("Content-Type", license_file.CONTENT_TYPE),
        ("Content-Disposition", content_disposition(license_._get_file_name())),
        ("Cache-Control", "no-store"),
    ]


def _get_page_headers(query, arguments, total):
    """Return the headers of a page: how many there are, and links (RFC 8288)."""
    limit, offset = arguments["limit"] or PAGE, arguments["offset"] or 0
    offsets = {"first": 0, "last": max(total - 1, 0) // limit * limit}
    if offset:
        offsets["prev"] = max(offset - limit, 0)
    if offset + limit < total:
        offsets["next"] = offset + limit
    links = [
        f"</api/licenses?{urlencode({**query, 'limit': limit, 'offset': start})}>; "
        f'rel="{name}"'
        for name, start in offsets.items()
    ]
    return {"X-Total-Count": str(total), "Link": ", ".join(links)}
