"""A plugin of pytest: a company with a chart of accounts, made before the first test.

Each class of tests that bill made one of its own, a tenth of the time of all tests. It
is not the main company: what reads that one by mistake must be found.
"""

import pytest

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

#: Where the tests look for it.
XML_ID = "__tests__.company"
CHART = "generic_coa"


@pytest.fixture(scope="session", autouse=True)
def company(load_registry, request):
    """Make and keep the company, if tests that bill are among the chosen."""
    classes = {item.cls for item in request.session.items if item.cls}
    if not any(issubclass(cls, AccountTestInvoicingCommon) for cls in classes):
        return
    with Registry(get_db_name()).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        company = env["res.company"].create({"name": "Tests"})
        chart = env["account.chart.template"]
        chart.try_loading(CHART, company=company, install_demo=False)
        company.account_fiscal_country_id = env.ref("base.us")
        env["ir.model.data"]._update_xmlids([{"xml_id": XML_ID, "record": company}])
