"""What check() makes of a refusal: of the license, and not of the network."""

import pytest
from authority import DAY, HOUR, OTHER_KEY


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "license_revoked"),
        (200, "license_suspended"),
        (200, "license_expired"),
        (404, "license_not_found"),
        (200, "application_mismatch"),
        (200, "device_blocked"),
        (200, "device_not_activated"),
        (200, "activation_limit_reached"),
    ],
)
def test_a_refusal_takes_effect_at_once_and_outlives_a_restart(
    make, server, status, code
):
    client = make()
    assert client.check().valid
    server.refusal = (status, {"valid": False, "error": code})
    verdict = client.check(refresh=True)
    assert (verdict.valid, verdict.code, verdict.source) == (False, code, "server")
    assert verdict.conclusive and not verdict.has("export")
    server.stop()
    restarted = make()
    assert restarted.check().code == code
    assert restarted.sync().code == code
    server.start()


def test_a_refusal_found_in_the_background_counts_from_the_next_check(
    make, server, clock
):
    client = make()
    client.check()
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    clock.pass_by(DAY)
    assert client.check().valid
    client.wait(1)
    assert client.check().code == "license_revoked"


def test_a_refused_license_is_asked_about_each_hour_until_it_is_good(
    make, server, clock
):
    server.refusal = (200, {"valid": False, "error": "license_suspended"})
    client = make()
    assert client.check().code == "license_suspended"
    server.refusal = None
    clock.pass_by(HOUR - 1)
    client.check()
    client.wait(1)
    assert client.check().code == "license_suspended"
    clock.pass_by(1)
    client.check()
    client.wait(1)
    assert client.check().valid
    assert len(server.validations()) == 2


def test_a_refusal_ends_at_once_if_the_user_asks(make, server):
    server.refusal = (200, {"valid": False, "error": "license_suspended"})
    client = make()
    client.check()
    server.refusal = None
    assert client.check(refresh=True).valid
    assert make().check().valid


def test_the_refusal_of_one_key_says_nothing_about_another(make, server):
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    make().check()
    server.refusal = None
    assert make(OTHER_KEY).check().valid
