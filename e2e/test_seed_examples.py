"""The examples of the licenses API's own document, sent with curl as written there."""

import json

import pytest

KEY = "RUSTBILL-XXXX-XXXX-XXXX"
JSON = ("-H", "Content-Type: application/json")


@pytest.fixture
def license_(site):
    """The license of the document's examples, made anew."""
    found = site.rpc.search("software.license", ["license_key", "=", KEY])
    if found:
        site.rpc("software.license", "unlink", found)
    policy = site.policy(features={"api_access": True}, max_activations=3)
    return site.license(policy, license_key=KEY, expires_at="2027-01-15 00:00:00")[0]


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
        "expiresAt": "2027-01-15T00:00:00Z",
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
