"""A million licenses: the managed API asks no more of the database than with few."""

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from conftest import Site

from ground.fill import PER_CUSTOMER, fill

COUNT = 1_000_000
DB = "test_e2e_scale"
NOW = datetime.now(UTC)
#: What the web client asks for of each license in the list, and in the form.
NAME = {"fields": {"display_name": {}}}
ROW = {
    "license_key": {},
    "partner_id": NAME,
    "product_id": NAME,
    "plan": {},
    "seat_usage": {},
    "seat_count": {},
    "seat_limit": {},
    "is_over_limit": {},
    "expires_at": {},
    "status": {},
}
FORM = {
    **ROW,
    "activation_ids": {"fields": {"device_name": {}, "status": {}}, "limit": 40},
    "term_ids": {"fields": {"move_id": NAME, "date_end": {}}, "limit": 40},
    "device_count": {},
    "invoice_count": {},
    "message_count": {},
}
#: What PostgreSQL writes of each statement, and how it ran it.
PLAN = re.compile(r"Query Text: (.*?)\n(.*?)(?=\n\S|\Z)", re.DOTALL)


@pytest.fixture(scope="module")
def server(place, installed):
    """A server whose PostgreSQL writes down how it runs each statement."""
    place.databases.clone(installed, DB)
    place.postgres.sql(
        f"ALTER DATABASE {DB} SET session_preload_libraries = 'auto_explain'",
        f"ALTER DATABASE {DB} SET auto_explain.log_min_duration = 0",
    )
    with place.server(DB) as server:
        yield server
    place.databases.drop(DB)


@pytest.fixture(scope="module")
def big(server, place):
    """A million licenses; (site, product, statements that a hundred took)."""
    site = Site(server, place)
    product = site.rpc.create("product.product", name="Scale")
    some = f"CASE WHEN n % 100 = 0 THEN {product} END"
    fill(place.postgres, DB, 100, some)
    few = count_statements(site), count_statements_of_views(site)
    fill(place.postgres, DB, COUNT, some)
    return site, product, few


def count_statements(site):
    """Return how many statements a page of the list takes, by Odoo's own log."""
    for _call in range(2):  # the first fills caches
        assert len(site.manage("GET", "?limit=100").json()) == 100
    lines = re.findall(r'"GET /api/licenses\?limit=100 .*?" 200 - (\d+) ', site.log())
    return int(lines[-1])


def count_statements_of_views(site):
    """Return {method: statements} of what the web client opens."""
    (first,) = site.rpc.search("software.license", limit=1)
    calls = {
        "web_search_read": ([], ROW, 0, 80),
        "web_read": ([first], FORM),
        "get_dashboard": (),
    }
    for method, arguments in [*calls.items()] * 2:  # the first fill caches
        site.rpc("software.license", method, *arguments)
    line = r'"POST /jsonrpc#software\.license\.(\w+) .*?" 200 - (\d+) '
    counted = {name: int(count) for name, count in re.findall(line, site.log())}
    return {method: counted[method] for method in calls}


def get_plans(place, function):
    """Return [(statement, plan)] of the statements about licenses in a function."""
    log = place.postgres.home / "server.log"
    begin = log.stat().st_size
    function()
    time.sleep(0.1)  # PostgreSQL writes after it answered
    with log.open("rb") as stream:
        stream.seek(begin)
        written = stream.read().decode(errors="replace")
    return [
        (query, plan)
        for query, plan in PLAN.findall(written)
        if 'FROM "software_license"' in query
    ]


def test_a_page_of_a_million_takes_as_many_statements_as_of_a_hundred(big):
    site, _product, (few, _of_views) = big
    assert count_statements(site) == few


def test_list_form_and_dashboard_take_as_many_statements_as_of_a_hundred(big):
    site, _product, (_few, of_views) = big
    counted = count_statements_of_views(site)
    more = {
        name: counted[name] for name, few in of_views.items() if counted[name] > few
    }
    assert more == {}


def test_every_filter_and_order_uses_an_index(big, place):
    site, product, _few = big
    customer = site.rpc.search("res.partner", ["name", "=", "Scale 77"])[0]
    (key,) = place.postgres.sql(
        "SELECT license_key FROM software_license OFFSET 77777 LIMIT 1", db=DB
    )
    part = key[-14:]
    ago = NOW - timedelta(days=90)
    found = {}
    for query in (
        {},
        {"status": "active"},
        {"status": "expired"},
        {"status": "suspended"},
        {"status": "revoked"},
        {"customerId": customer},
        {"productId": product},
        {"q": part},
        {"q": "Scale 777"},
        {"expiresBefore": ago.isoformat()},
        {"createdAfter": (NOW - timedelta(days=2)).isoformat()},
        {"sort": "createdAt"},
        {"sort": "expiresAt"},
        {"sort": "-expiresAt"},
    ):
        path = f"?{urlencode(query)}"
        plans = get_plans(place, lambda path=path: site.manage("GET", path))
        (page,) = [plan for text, plan in plans if "LIMIT 100" in text]
        assert "Seq Scan on software_license" not in page, (query, page)
        found[path] = site.manage("GET", path).headers["X-Total-Count"]
    assert found["?"] == str(COUNT)
    assert found[f"?customerId={customer}"] == str(PER_CUSTOMER)
    assert found[f"?productId={product}"] == str(COUNT // 100)
    assert found["?status=revoked"] == str(COUNT // 200)
    assert found[f"?q={part}"] == "1"
