"""The examples of the two documents of the API, sent with curl as written there."""

import json
from datetime import datetime

import pytest
from conftest import one_kind

pytestmark = one_kind
KEY = "RUSTBILL-XXXX-XXXX-XXXX"
JSON = ("-H", "Content-Type: application/json")
#: The document says 2027: these tests are to pass after that, too.
END = "2127-01-15T00:00:00Z"


@pytest.fixture
def license_(site):
    """The license of the document's examples, made anew."""
    found = site.rpc.search("software.license", ["license_key", "=", KEY])
    if found:
        site.rpc("software.license", "unlink", found)
    policy = site.policy(features={"api_access": True}, max_activations=3)
    return site.license(policy, license_key=KEY, expires_at="2127-01-15 00:00:00")[0]


def test_verify(curl, license_):
    status, headers, answer = curl(
        "verify",
        "-X",
        "POST",
        *JSON,
        "-d",
        '{ "licenseKey": "RUSTBILL-XXXX-XXXX-XXXX" }',
    )
    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert answer == {
        "valid": True,
        "status": "active",
        "features": {"api_access": True},
        "expiresAt": END,
    }


def test_validate_and_activate(curl, site, license_):
    body = (
        '{ "licenseKey": "RUSTBILL-XXXX-XXXX-XXXX", "deviceId": '
        '"device-fingerprint-hash", "deviceName": "John\'s Laptop" }'
    )
    status, _headers, answer = curl("validate", "-X", "POST", *JSON, "-d", body)
    assert status == 200
    assert answer["valid"] is True
    assert answer["activation"]["deviceId"] == "device-fingerprint-hash"
    assert answer["activation"]["deviceName"] == "John's Laptop"
    assert (answer["currentActivations"], answer["maxActivations"]) == (1, 3)
    assert site.rows(license_) == 1


def test_validate_returns_an_error_when_the_limit_is_reached(curl, license_):
    for number in range(4):
        body = json.dumps({"licenseKey": KEY, "deviceId": f"device-{number}"})
        status, _headers, answer = curl("validate", "-X", "POST", *JSON, "-d", body)
        assert status == 200
    assert answer["valid"] is False
    assert answer["error"] == "activation_limit_reached"
    assert (answer["maxActivations"], answer["currentActivations"]) == (3, 3)


LIST_ANSWER = """[ { "id": "01JQX...", "licenseKey": "RUSTBILL-XXXX-XXXX-XXXX",
"customerId": "01JQA...", "productId": "01JQB...", "status": "active",
"maxActivations": 5, "currentActivations": 2, "features": { "api_access": true,
"premium_support": true, "max_users": 50 }, "expiresAt": "2027-01-15T00:00:00Z",
"createdAt": "2026-01-15T10:30:00Z" } ]"""


def assert_as_documented(answer, **differs):
    """Each field of the document's license has its type, and its value but for ids."""
    (example,) = json.loads(LIST_ANSWER)
    ids = {"id", "customerId", "productId", "licenseKey", "createdAt"}
    for name, value in {**example, "expiresAt": END, **differs}.items():
        assert type(answer[name]) is type(value), name
        assert name in ids or answer[name] == value, name
    datetime.strptime(answer["createdAt"], "%Y-%m-%dT%H:%M:%SZ")


def test_licenses_are_listed_created_updated_and_deleted(curl, site, license_):
    site.rpc("software.license", "unlink", [license_])
    bearer = ("-H", f"Authorization: Bearer {site.api_key()}")
    (example,) = json.loads(LIST_ANSWER)
    policy = site.policy()
    product = site.rpc.create("product.product", name="A", license_policy_id=policy)
    customer = site.rpc.create("res.partner", name="Customer")
    body = {
        "customerId": str(customer),
        "productId": str(product),
        "maxActivations": 5,
        "features": example["features"],
        "expiresAt": END,
    }
    status, _headers, created = curl(
        "", "-X", "POST", *bearer, *JSON, "-d", json.dumps(body)
    )
    assert status == 201
    assert_as_documented(created, currentActivations=0)
    for device in "12":
        seat = json.dumps({"licenseKey": created["licenseKey"], "deviceId": device})
        curl("validate", "-X", "POST", *JSON, "-d", seat)
    status, _headers, listed = curl(f"?customerId={customer}", *bearer)
    assert (status, len(listed)) == (200, 1)
    assert_as_documented(listed[0])
    one = created["licenseKey"]
    for name, value in (
        ("status", "suspended"),
        ("maxActivations", 7),
        ("features", {"api_access": False}),
        ("expiresAt", "2128-01-15T00:00:00Z"),
    ):
        changed = json.dumps({name: value})
        status, _headers, answer = curl(one, "-X", "PUT", *bearer, *JSON, "-d", changed)
        assert (status, answer[name]) == (200, value)
    status, _headers, answer = curl(one, "-X", "DELETE", *bearer)
    assert (status, answer) == (200, {"success": True})


@pytest.mark.parametrize(
    ("vals", "status"),
    [
        ({}, "active"),
        ({"expires_at": "2020-01-01 00:00:00"}, "expired"),
        ({"state": "suspended"}, "suspended"),
        ({"state": "revoked"}, "revoked"),
    ],
)
def test_each_status_of_the_document_is_told(curl, site, license_, vals, status):
    if vals:
        site.rpc("software.license", "write", [license_], vals)
    _status, _headers, answer = curl(
        "verify", "-X", "POST", *JSON, "-d", json.dumps({"licenseKey": KEY})
    )
    assert answer["status"] == status
    assert answer["valid"] is (status == "active")


# === THE LICENSING ENDPOINT === #

LICENSING = "/api/v1/licensing/validate"
HEX_KEY = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2"
LICENSING_REQUEST = """{
    "licenseKey": "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2",
    "instanceName": "Production Server",
    "instanceUrl": "https://factura.mycompany.ro"
  }"""
LICENSING_ANSWER = """{
  "valid": true,
  "plan": "pro",
  "features": {
    "maxCompanies": 5,
    "maxInvoicesPerMonth": 500,
    "maxUsers": 5,
    "recurringInvoices": true,
    "apiAccess": true,
    "prioritySupport": false
  },
  "organizationName": "SC Firma Mea SRL",
  "currentPeriodEnd": "2026-03-20T00:00:00+00:00",
  "billingUrl": "https://app.storno.ro/settings/billing"
}"""


@pytest.fixture
def ask(curl):
    """Call the licensing endpoint; return (status, answer)."""

    def call(body):
        status, headers, answer = curl(LICENSING, "-X", "POST", *JSON, "-d", body)
        assert headers["Content-Type"].startswith("application/json")
        assert "WWW-Authenticate" not in headers
        return status, answer

    return call


@pytest.fixture
def instance_license(site):
    """The license of the licensing document's examples, made anew."""
    found = site.rpc.search("software.license", ["license_key", "=", HEX_KEY])
    if found:
        site.rpc("software.license", "unlink", found)
    example = json.loads(LICENSING_ANSWER)
    company = site.rpc.search("res.company")[:1]
    url = {"license_billing_url": example["billingUrl"]}
    site.rpc("res.company", "write", company, url)
    policy = site.policy(key_format="hex64", plan="pro", features=example["features"])
    yield site.license(
        policy,
        license_key=HEX_KEY,
        expires_at="2099-03-20 00:00:00",
        partner_id=site.rpc.create("res.partner", name=example["organizationName"]),
    )[0]
    site.rpc("res.company", "write", company, {"license_billing_url": False})


def types(answer):
    return {name: type(value) for name, value in answer.items()}


def test_licensing_validate(ask, site, instance_license):
    status, answer = ask(LICENSING_REQUEST)
    example = json.loads(LICENSING_ANSWER)
    assert status == 200
    assert types(answer) == types(example)
    assert answer == {**example, "currentPeriodEnd": "2099-03-20T00:00:00+00:00"}
    found = site.rpc.search(
        "software.license.activation", ["license_id", "=", instance_license]
    )
    row = site.rpc.read(
        "software.license.activation", found[0], "device_name", "instance_url"
    )
    assert row["device_name"] == "Production Server"
    assert row["instance_url"] == "https://factura.mycompany.ro"


def test_licensing_validate_in_a_trial(ask, site, instance_license):
    partner = site.rpc.create("res.partner", name="SC Firma Mea SRL")
    policy = site.policy(key_format="hex64", plan="pro", features={"maxUsers": 5})
    wizard = site.rpc.create(
        "software.license.trial", partner_id=partner, policy_id=policy, days=14
    )
    action = site.rpc("software.license.trial", "action_give", [wizard])
    trial = site.rpc.read("software.license", action["res_id"], "license_key")
    status, answer = ask(json.dumps({"licenseKey": trial["license_key"]}))
    assert status == 200
    assert answer["trialDaysLeft"] == 14
    assert answer["trialEndsAt"].endswith("T00:00:00+00:00")
    documented = {*json.loads(LICENSING_ANSWER), "trialEndsAt", "trialDaysLeft"}
    assert set(answer) == documented


def test_licensing_errors(ask, site, instance_license):
    assert ask("{}") == (400, {"error": "licenseKey is required"})
    invalid = (401, {"valid": False, "error": "Invalid or revoked license key"})
    assert ask('{"licenseKey": "0000"}') == invalid
    suspend = {"state": "suspended"}
    site.rpc("software.license", "write", [instance_license], suspend)
    inactive = (403, {"valid": False, "error": "Organization is inactive"})
    assert ask(LICENSING_REQUEST) == inactive
    site.rpc("software.license", "write", [instance_license], {"state": "revoked"})
    assert ask(LICENSING_REQUEST) == invalid
