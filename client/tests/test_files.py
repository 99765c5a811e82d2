"""License files, for devices that never see the network."""

import pytest
from authority import (
    DAY,
    DEVICE,
    KEY,
    OTHER_KEY,
    claims,
    decided_by,
    ed25519_key,
    key_block,
    license_file,
)

from software_license_client.armor import LICENSE, unwrap_request, wrap
from software_license_client.errors import TokenError

YEAR = 365 * DAY


@pytest.fixture
def make_offline(make):
    def make_offline(license_key=None, **options):
        return make(license_key, offline=True, **options)

    return make_offline


def answer(key, request, **changes):
    """The license file that the portal makes for a request."""
    asked = unwrap_request(request)
    both = {"deviceId": asked["deviceId"], "nonce": asked["nonce"], **changes}
    return license_file(key, **{"seconds": YEAR, **both})


def test_a_request_says_who_asks_and_its_answer_licenses_the_device(
    make_offline, key, clock
):
    client = make_offline(device_name="Läb 3")
    request = client.request_file()
    asked = unwrap_request(request)
    assert asked.pop("nonce")
    assert asked == {
        "version": 1,
        "application": "acme-editor",
        "deviceId": DEVICE,
        "deviceName": "Läb 3",
    }
    assert max(len(line) for line in request.splitlines()) == 64
    verdict = client.install_file(answer(key, request))
    assert decided_by(verdict) == "file" and verdict.has("export")
    clock.pass_by(300 * DAY)
    assert decided_by(make_offline().check()) == "file"
    clock.pass_by(66 * DAY)
    assert make_offline().check().code == "token_expired"


def test_a_request_names_the_license_key_that_is_known(make_offline):
    assert unwrap_request(make_offline(KEY).request_file())["licenseKey"] == KEY


def test_a_file_is_read_from_a_path_too(make_offline, key, tmp_path):
    path = tmp_path / "my.license"
    path.write_text(license_file(key))
    assert make_offline().install_file(str(path)).valid
    assert make_offline().install_file(path).valid
    with pytest.raises(FileNotFoundError):
        make_offline().install_file(tmp_path / "none")


def test_a_file_that_came_by_mail_is_read(make_offline, key):
    text = "\r\n".join(f"> {line}" for line in license_file(key).splitlines())
    assert make_offline().install_file(f"Dear customer,\r\n{text}\r\nYours").valid


def test_a_file_of_a_newer_key_is_believed_without_a_network(make_offline, key):
    newest = key.successor().successor()
    assert make_offline().install_file(license_file(newest)).valid
    assert decided_by(make_offline().check()) == "file"  # the key is remembered, too


@pytest.mark.parametrize(
    ("bring", "code"),
    [
        (lambda key, other: "", "unknown_key"),
        (lambda key, other: key_block(other.jwk), "unknown_key"),
        (lambda key, other: key_block({**other.jwk, **key.jwk}), "unknown_key"),
        (lambda key, other: key_block({**other.jwk, "endorsements": 7}), "unknown_key"),
        (lambda key, other: wrap("LICENSE KEY", "nonsense"), "malformed"),
        (lambda key, other: key_block([]), "malformed"),
        (lambda key, other: key_block(other.jwk) * 2, "malformed"),
    ],
)
def test_a_file_that_brings_a_key_of_its_own_is_refused(make_offline, key, bring, code):
    other = ed25519_key()
    other.endorsements = [other.endorse(other)]
    file, _key = license_file(other).split("-----BEGIN LICENSE KEY-----")
    client = make_offline()
    assert client.install_file(file + bring(key, other)).code == code
    assert not make_offline().check().valid


def test_a_file_for_any_device_is_good_and_takes_no_seat_online(make, server, key):
    client = make(None)
    assert client.install_file(license_file(key, deviceId=None)).valid
    assert decided_by(client.check()) == "file"
    client.wait(1)
    assert decided_by(client.sync()) == "file"
    assert server.asked == []


def test_a_token_for_any_device_is_good_as_a_file_only(make, server):
    server.changes = {"deviceId": None}
    assert make().check().code == "wrong_device"


def test_the_license_of_a_file_can_be_revoked_online(make, server, key):
    client = make(None)
    client.install_file(license_file(key, seconds=YEAR))
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    assert client.check().valid
    client.wait(1)
    assert client.check().code == "license_revoked"


def test_a_file_outlives_the_shorter_token_of_the_server(make, server, key, clock):
    client = make(None)
    client.install_file(license_file(key, seconds=YEAR))
    client.sync()
    assert decided_by(client.check()) == "token"
    server.stop()
    clock.pass_by(20 * DAY)
    assert decided_by(client.check()) == "file"
    server.start()


REFUSED = {
    "no armor": (lambda key: "-----BEGIN", "malformed"),
    "no end": (lambda key: license_file(key).replace("END", "FIN"), "malformed"),
    "two": (lambda key: license_file(key) * 2, "malformed"),
    "end before begin": (
        lambda key: "-----END LICENSE-----\n-----BEGIN LICENSE-----",
        "malformed",
    ),
    "empty": (lambda key: wrap(LICENSE, ""), "malformed"),
    "a request": (lambda key: wrap("LICENSE REQUEST", "e30="), "malformed"),
    "too long": (lambda key: license_file(key) + "x" * 300000, "malformed"),
    "a line missing": (
        lambda key: (
            "".join(license_file(key).splitlines(True)[:3])
            + "".join(license_file(key).splitlines(True)[4:])
        ),
        None,
    ),
    "of a stranger": (lambda key: license_file(ed25519_key()), "unknown_key"),
    "for another device": (
        lambda key: license_file(key, deviceId="device-2"),
        "wrong_device",
    ),
    "for another application": (
        lambda key: license_file(key, aud="acme-player"),
        "wrong_application",
    ),
    "expired": (
        lambda key: wrap(LICENSE, key.sign(claims(now=5, seconds=9))),
        "token_expired",
    ),
    "of tomorrow": (
        lambda key: wrap(LICENSE, key.sign(claims(now=2**32))),
        "token_not_yet_valid",
    ),
}


@pytest.mark.parametrize(("make_file", "code"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_file_is_refused_with_the_reason_and_changes_nothing(
    make_offline, key, make_file, code
):
    client = make_offline()
    client.install_file(license_file(key))
    verdict = client.install_file(make_file(key))
    assert not verdict.valid and verdict.source == "file"
    assert code is None or verdict.code == code
    assert client.check().valid


def test_a_file_for_another_key_than_the_configured_one_is_refused(make_offline, key):
    file = license_file(key, licenseKey=OTHER_KEY)
    assert make_offline(KEY).install_file(file).code == "wrong_license_key"


def test_a_file_brings_a_new_key_where_none_is_configured(make, server, key):
    client = make(None)
    client.activate(KEY)
    assert client.install_file(license_file(key, licenseKey=OTHER_KEY)).valid
    assert decided_by(client.check()) == "file"
    client.sync()
    assert server.validations()[-1]["licenseKey"] == OTHER_KEY


def test_a_file_that_answers_another_devices_request_is_refused(make_offline, key):
    client = make_offline()
    request = client.request_file()
    file = answer(key, request, nonce="of another request")
    assert client.install_file(file).code == "wrong_nonce"
    assert client.install_file(license_file(key)).valid


def test_any_of_the_requests_may_be_answered_and_twice(make_offline, key):
    client = make_offline()
    first, _second = client.request_file(), client.request_file()
    file = answer(key, first)
    assert make_offline().install_file(file).valid
    assert make_offline().install_file(file).valid


def test_a_file_with_a_nonce_is_good_where_the_state_was_lost(
    make_offline, key, state_file
):
    file = answer(key, make_offline().request_file())
    state_file.unlink()
    assert make_offline().install_file(file).valid


def test_a_file_from_before_a_refusal_does_not_lift_it(make, server, key, clock):
    client = make()
    old = license_file(key, now=clock.now)
    client.install_file(old)
    clock.pass_by(60)
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    client.sync()
    assert client.install_file(old).code == "license_revoked"
    assert client.check().code == "license_revoked"
    clock.pass_by(60)
    assert client.install_file(license_file(key, now=clock.now)).valid
    assert client.check().valid


def test_an_answered_request_sets_a_wrong_clock_right(make_offline, key, clock):
    """The clock ran a month ahead for a while; no server can tell the time."""
    client = make_offline()
    client.install_file(license_file(key, seconds=YEAR))
    clock.pass_by(30 * DAY)
    assert client.check().valid
    clock.pass_by(-30 * DAY)
    assert client.check().code == "clock_turned_back"
    assert client.install_file(license_file(key)).code == "clock_turned_back"
    file = answer(key, client.request_file(), now=clock.now)
    assert client.install_file(file).valid
    assert client.check().valid
    clock.pass_by(30 * DAY)
    assert client.check().valid
    clock.pass_by(-30 * DAY)
    assert client.install_file(file).code == "clock_turned_back"


def test_an_answered_request_proves_that_a_clock_is_behind(make_offline, key, clock):
    true_now = clock.now
    clock.now = 60.0
    client = make_offline()
    file = answer(key, client.request_file(), now=true_now)
    assert client.install_file(file).valid
    assert client.check().valid


def test_a_file_that_took_a_month_to_arrive_lasts_no_month_longer(
    make_offline, key, clock
):
    client = make_offline()
    file = answer(key, client.request_file(), now=clock.now)
    clock.pass_by(30 * DAY)
    assert client.install_file(file).valid
    clock.pass_by(YEAR - 30 * DAY)
    assert client.check().code == "token_expired"


def test_a_new_signing_key_is_fetched_for_a_file_where_there_is_a_network(
    make, make_offline, server, key
):
    new = key.successor()
    server.keys = [key, new]
    file, _key = license_file(new).split("-----BEGIN LICENSE KEY-----")
    assert make_offline().install_file(file).code == "unknown_key"
    assert make(None).install_file(file).valid
    assert decided_by(make_offline().check()) == "file"


def test_a_damaged_request_is_none():
    for text in ("", wrap("LICENSE REQUEST", "*"), wrap("LICENSE REQUEST", "W10=")):
        with pytest.raises(TokenError, match="malformed"):
            unwrap_request(text)
