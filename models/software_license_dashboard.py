from ast import literal_eval

from lxml import etree

from odoo import api, models

#: The tiles: filters of the list's search view, and how they are shown.
TILES = {
    "status_active": "success",
    "expiring": "warning",
    "recently_expired": "secondary",
    "payment_reversed": "danger",
    "over_limit": "danger",
    "never_activated": "info",
    "silent": "warning",
    "trial": "info",
}
#: Nobody waits for more to be counted; the list's pager says "10000+", too.
MOST = 10_000
#: How many of the licenses issued last it shows.
LATEST = 8


class SoftwareLicense(models.Model):
    """The dashboard: what needs somebody's attention, and where to click.

    Its chart comes by itself, from the report: with a million licenses that reads
    their whole ledger, and nobody waits for it to see the rest.
    """

    _inherit = "software.license"

    @api.model
    def get_dashboard(self):
        """Return what the dashboard shows, as far as the user may read it."""
        self.check_access("read")
        self.env["software.license.report"].check_access("read")  # not to customers
        return {
            "steps": self.env["software.license.onboarding"].get_steps(),
            "tiles": self._get_dashboard_tiles(),
            "latest": self._get_dashboard_latest(),
            "statuses": dict(self._fields["status"]._description_selection(self.env)),
        }

    @api.model
    def _get_dashboard_tiles(self):
        """Return the tiles; each counts what the filter of its name finds.

        The search view is the one home of these domains: one that somebody changed
        there is another tile here. One that was removed, or that only a browser can
        work out, is none.
        """
        filters = self._get_saved_filters()
        tiles = (
            self._get_dashboard_tile(filters[name], tone)
            for name, tone in TILES.items()
            if name in filters
        )
        return [tile for tile in tiles if tile]

    @api.model
    def _get_dashboard_tile(self, filter_, tone):
        """Return what a tile shows, None if only a browser knows its domain."""
        try:
            domain = literal_eval(filter_.get("domain"))
        except (ValueError, SyntaxError):
            return None
        count = self.search_count(domain, limit=MOST + 1)
        return {
            "filter": filter_.get("name"),
            "label": filter_.get("string"),
            "help": filter_.get("help") or "",
            "tone": tone,
            "count": min(count, MOST),
            "has_more": count > MOST,
        }

    @api.model
    def _get_saved_filters(self):
        """Return {name: element} of the filters of the list's search view."""
        view = self.env.ref("software_license.software_license_view_search")
        arch = etree.fromstring(self.get_view(view.id, "search")["arch"])
        return {it.get("name"): it for it in arch.iter("filter")}

    @api.model
    def _get_dashboard_latest(self):
        """Return the licenses issued last."""
        return self.search([], limit=LATEST).web_read(
            {
                "license_key": {},
                "partner_id": {"fields": {"display_name": {}}},
                "product_id": {"fields": {"display_name": {}}},
                "policy_id": {"fields": {"display_name": {}}},
                "create_date": {},
                "status": {},
            }
        )
