"""A plugin of pytest: the web client's bundles are made once, before the first test.

Odoo's own runner does so, too. What a test makes is rolled back with it: each tour
would make the bundles anew, which takes longer than to click through it.
"""

import gc

import pytest

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name

#: Those of the backend, of the portal, of tours, and of unit tests in a browser.
SCRIPTS = (
    "web.assets_web",
    "web.assets_frontend_minimal",
    "web.assets_frontend_lazy",
    "web.assets_tests",
    "web.assets_unit_tests",
    "web.assets_unit_tests_setup",
)
STYLES = (
    "web.assets_web",
    "web.assets_web_print",
    "web.assets_frontend",
    "web.assets_unit_tests_setup",
)

# A twentieth of the time of Odoo's tests goes into looking for garbage.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def bundles(load_registry, request):
    """Make and keep the bundles, if there are tests in a browser among the chosen."""
    names = {item.path.stem for item in request.session.items}
    if not any("tour" in name or "browser" in name for name in names):
        return
    with Registry(get_db_name()).cursor() as cr:
        qweb = api.Environment(cr, SUPERUSER_ID, {})["ir.qweb"]
        for name in SCRIPTS:
            qweb._get_asset_bundle(name, css=False, js=True).js()
        for name in STYLES:
            qweb._get_asset_bundle(name, css=True, js=False).css()
