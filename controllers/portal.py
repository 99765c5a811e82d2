from odoo import http
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager


class LicensePortal(CustomerPortal):
    """What customers see of their licenses, devices and instances."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "license_count" in counters:
            values["license_count"] = self._count_my_licenses()
        return values

    def _count_my_licenses(self):
        licenses = request.env["software.license"]
        if not licenses.has_access("read"):
            return 0
        return licenses.search_count(licenses._get_portal_domain())

    @http.route(
        ["/my/licenses", "/my/licenses/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def portal_my_licenses(self, page=1, **_arguments):
        """List the licenses of the user's company."""
        licenses = request.env["software.license"]
        pages = pager("/my/licenses", self._count_my_licenses(), page)
        found = licenses.search(
            licenses._get_portal_domain(),
            limit=self._items_per_page,
            offset=pages["offset"],
        )
        values = {
            **self._prepare_portal_layout_values(),
            "licenses": found.sudo(),  # products and policies are not for customers
            "page_name": "license",
            "default_url": "/my/licenses",
            "pager": pages,
        }
        return request.render("software_license.portal_my_licenses", values)

    @http.route(
        "/my/licenses/<int:license_id>",
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def portal_my_license(self, license_id, **_arguments):
        """Show a license; another customer's is not there."""
        return self._render_my_license(self._get_my_license(license_id))

    def _get_my_license(self, license_id):
        """Return a license of the user's company, as the server sees it."""
        licenses = request.env["software.license"]
        is_asked = Domain("id", "=", license_id)
        license_ = licenses.search(licenses._get_portal_domain() & is_asked)
        if not license_:
            raise request.not_found()
        return license_.sudo()

    def _render_my_license(self, license_, **values):
        """Return the page of a license; ``values`` say what its forms show."""
        values = {
            **self._prepare_portal_layout_values(),
            "license": license_,
            "page_name": "license",
            **values,
        }
        return request.render("software_license.portal_my_license", values)
