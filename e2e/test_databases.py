"""Several databases on one server, a filter of them, and a proxy in front."""

import pytest
import requests
from conftest import Site
from test_wire import talk

from ground.rpc import Rpc

NAMES = ("e2e-one", "e2e-two")
HEADER = "X-Odoo-Database"


@pytest.fixture(scope="module")
def databases(place, installed):
    for name in NAMES:
        place.databases.clone(installed, name)
    yield
    for name in NAMES:
        place.databases.drop(name)


@pytest.fixture(scope="module")
def open_server(place, databases):
    """It knows its databases by itself, and the header alone chooses."""
    with place.server(NAMES[0], db_name="", headers={HEADER: NAMES[0]}) as server:
        yield server


@pytest.fixture(scope="module")
def filtered_server(place, databases):
    """Behind a proxy, and the host chooses."""
    with place.server(
        NAMES[0],
        workers=2,
        db_name=",".join(NAMES),
        dbfilter="^%d$",
        proxy_mode=True,
        headers={"Host": host(NAMES[0])},
    ) as server:
        yield server


def host(name):
    return f"{name}.example.com"


def issue(server, name):
    """Make a license in a database; return its key."""
    rpc = Rpc(server.url, name, "admin", "admin")
    values = {
        "partner_id": rpc.create("res.partner", name="Customer"),
        "policy_id": rpc.create(
            "software.license.policy", name="Editor", application="acme-editor"
        ),
    }
    license_ = rpc.create("software.license", **values)
    return rpc.read("software.license", license_, "license_key")["license_key"]


def call(server, call_, key, device=None, **headers):
    """Return (status, answer) of a call."""
    response = requests.post(
        f"{server.url}/api/licenses/{call_}",
        json={"licenseKey": key, "deviceId": device},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Set-Cookie" not in response.headers
    return response.status_code, response.json()


def address(place, name, device):
    """Return the address that a database holds of a device."""
    query = "SELECT ip_address FROM software_license_activation WHERE device_id = "
    (found,) = place.postgres.sql(f"{query} '{device}'", db=name)
    return found


def test_the_header_chooses_the_database(open_server):
    keys = {name: issue(open_server, name) for name in NAMES}
    for name in NAMES:
        for other, key in keys.items():
            status, answer = call(open_server, "verify", key, X_Odoo_Database=name)
            assert (status, answer["valid"]) == (
                (200, True) if name == other else (404, False)
            )


@pytest.mark.parametrize("name", [None, "", "no-such-database", "postgres", "é", "a'b"])
def test_a_request_that_leads_to_no_database_is_told_what_to_send(open_server, name):
    headers = {} if name is None else {HEADER: name.encode()}
    for path in (
        "licenses/verify",
        "licenses",
        "v1/licensing/validate",
        "licenses/x/y",
    ):
        response = requests.post(
            f"{open_server.url}/api/{path}", json={}, headers=headers
        )
        assert response.status_code == 400
        assert response.json()["error"] == "invalid_request"
        assert HEADER in response.json()["message"]


@pytest.mark.parametrize(
    "host_",
    [None, "", "[", "[::1", "a b", "\xff", "x" * 300, "localhost:port", "xn--\xe9"],
)
def test_a_host_that_is_none_is_answered_in_json(open_server, place, host_):
    """Odoo logs a traceback of some, which test_wire.py would find."""
    line = "" if host_ is None else f"Host: {host_}\r\n"
    line += f"{HEADER}: {NAMES[0]}\r\n\r\n"
    raw = f"GET /api/licenses/x/y HTTP/1.0\r\n{line}".encode("latin-1")
    status, headers, answer = talk(Site(open_server, place), raw)
    assert status in (400, 404)
    assert {*answer} == {"error", "message"}
    if host_ in (None, "["):
        assert (status, "Host" in answer["message"]) == (400, True)


def test_a_page_that_leads_to_no_database_is_shown_as_ever(open_server):
    response = requests.get(f"{open_server.url}/my/nothing")
    assert response.status_code == 404
    assert "text/html" in response.headers["Content-Type"]


def test_the_filter_chooses_the_database_by_the_host(filtered_server):
    keys = {name: issue(filtered_server, name) for name in NAMES}
    for name in NAMES:
        for headers in (
            {"Host": host(name)},
            {"X_Forwarded_Host": host(name)},
            {"Host": host(name), "X_Odoo_Database": name},
        ):
            status, answer = call(filtered_server, "verify", keys[name], **headers)
            assert (status, answer["valid"]) == (200, True)
    for headers in (
        {},
        {"Host": host("e2e-three")},
        {"Host": host(NAMES[0]), "X_Odoo_Database": NAMES[1]},
    ):
        status, answer = call(filtered_server, "verify", keys[NAMES[1]], **headers)
        assert (status, answer["error"]) == (400, "invalid_request")


def test_the_address_is_the_one_that_the_proxy_tells(filtered_server, place):
    name = NAMES[0]
    key = issue(filtered_server, name)
    proxy = {"Host": host(name), "X_Forwarded_Host": host(name)}
    client = {"X_Forwarded_For": "198.51.100.1, 203.0.113.7"}
    for device, headers, expected in (
        ("behind", {**proxy, **client}, "203.0.113.7"),
        ("liar", {"Host": host(name), **client}, "127.0.0.1"),
        ("plain", {"Host": host(name)}, "127.0.0.1"),
    ):
        status, answer = call(filtered_server, "validate", key, device, **headers)
        assert (status, answer["valid"]) == (200, True)
        assert address(place, name, device) == expected


def test_without_a_proxy_nobody_chooses_the_own_address(open_server, place):
    name = NAMES[1]
    headers = {"X_Odoo_Database": name, "X_Forwarded_For": "203.0.113.7"}
    headers["X_Forwarded_Host"] = host(name)
    key = issue(open_server, name)
    assert call(open_server, "validate", key, "direct", **headers)[0] == 200
    assert address(place, name, "direct") == "127.0.0.1"
