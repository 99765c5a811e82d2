from odoo import http
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

#: Devices on one page of a license.
DEVICES = 50


class LicensePortal(CustomerPortal):
    """What customers see of their licenses, devices and instances."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "license_count" in counters:
            values["license_count"] = self._count_my_licenses()
        return values

    def _count_my_licenses(self, domain=Domain.TRUE):
        licenses = request.env["software.license"]
        if not licenses.has_access("read"):
            return 0
        return licenses.search_count(licenses._get_portal_domain() & domain)

    @http.route(
        ["/my/licenses", "/my/licenses/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def portal_my_licenses(
        self, page=1, sortby=None, filterby=None, search_in=None, search="", **_kwargs
    ):
        """List the licenses of the user's company; unknown options are the default."""
        licenses = request.env["software.license"]
        bar = self._prepare_license_searchbar(sortby, filterby, search_in, search)
        domain = bar["searchbar_filters"][bar["filterby"]]["domain"]
        domain &= licenses._get_portal_search_domain(bar["search_in"], search)
        count = self._count_my_licenses(domain)
        names = ("sortby", "filterby", "search_in", "search")
        pages = pager(
            "/my/licenses",
            count,
            page,
            step=self._items_per_page,
            url_args={name: bar[name] for name in names if bar[name]},
        )
        found = count and licenses.search(
            licenses._get_portal_domain() & domain,
            order=bar["searchbar_sortings"][bar["sortby"]]["order"],
            limit=self._items_per_page,
            offset=pages["offset"],
        )
        values = {
            **self._prepare_portal_layout_values(),
            **bar,
            "licenses": found and found.sudo(),  # products are not for customers
            "is_narrowed": bool(search) or bar["filterby"] != "all",
            "page_name": "license",
            "default_url": "/my/licenses",
            "pager": pages,
        }
        return _keep_private(
            request.render("software_license.portal_my_licenses", values)
        )

    def _prepare_license_searchbar(self, sortby, filterby, search_in, search):
        """Return the values of the search bar; what nobody offers is the default."""
        licenses = request.env["software.license"]
        sortings = licenses._get_portal_sortings()
        filters = licenses._get_portal_filters()
        inputs = licenses._get_portal_inputs()
        return {
            "searchbar_sortings": sortings,
            "sortby": sortby if sortby in sortings else next(iter(sortings)),
            "searchbar_filters": filters,
            "filterby": filterby if filterby in filters else next(iter(filters)),
            "searchbar_inputs": list(inputs.values()),
            "search_in": search_in if search_in in inputs else next(iter(inputs)),
            "search": search,
        }

    @http.route(
        [
            "/my/licenses/<int:license_id>",
            "/my/licenses/<int:license_id>/page/<int:page>",
        ],
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def portal_my_license(self, license_id, page=1, **_arguments):
        """Show a license; another customer's is not there."""
        license_ = self._get_my_license(license_id)
        return self._render_my_license(
            license_, page=page, notice=self._pop_notice(license_)
        )

    def _get_my_license(self, license_id):
        """Return a license of the user's company, as the server sees it."""
        licenses = request.env["software.license"]
        if not licenses.has_access("read"):
            raise request.not_found()
        is_asked = Domain("id", "=", license_id)
        license_ = licenses.search(licenses._get_portal_domain() & is_asked)
        if not license_:
            raise request.not_found()
        return license_.sudo()

    def _render_my_license(self, license_, page=1, **values):
        """Return the page of a license; ``values`` say what its forms show."""
        path = license_._get_portal_path()
        pages = pager(path, license_._count_portal_devices(), page, step=DEVICES)
        values = {
            **self._prepare_portal_layout_values(),
            "license": license_,
            "devices": license_._get_portal_devices(pages["offset"], DEVICES),
            "pager": pages,
            "page_name": "license",
            **values,
        }
        return _keep_private(
            request.render("software_license.portal_my_license", values)
        )

    # === WHAT WAS JUST DONE === #

    def _redirect_with_notice(self, license_, code, device=""):
        """Lead back to the page of a license, which says once what was done."""
        request.session["license_notice"] = [license_.id, code, device]
        return request.redirect(license_._get_portal_path())

    def _pop_notice(self, license_):
        """Return what the page is to say once, None if nothing."""
        for_id, code, device = request.session.pop("license_notice", (None,) * 3)
        return (
            license_._get_portal_notice(code, device) if for_id == license_.id else None
        )


def _keep_private(response):
    """Let no cache keep a page with keys: whoever logs out has gone."""
    response.headers["Cache-Control"] = "no-store"
    return response
