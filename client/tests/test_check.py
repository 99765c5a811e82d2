"""How check() decides, against a server that behaves."""

import json
import threading
import time
from types import SimpleNamespace

import pytest
from authority import DAY, KEY, OTHER_KEY, claims, decided_by, ed25519_key

from software_license_client import ConfigurationError

GARBAGE = SimpleNamespace(jwk={"kid": ["x"], "kty": [], "endorsements": [{}]})


def test_the_first_check_asks_and_tells_what_the_license_allows(make, server):
    verdict = make(device_name="Anna's laptop").check()
    assert verdict and (verdict.code, verdict.source) == ("valid", "server")
    assert (verdict.plan, verdict.org_name) == ("pro", "Deco Addict")
    assert verdict.has("export") and verdict.has("seats")
    assert not verdict.has("beta") and not verdict.has("unheard of")
    assert verdict.expires_at > verdict.valid_until
    (body,) = server.validations()
    assert body.pop("nonce")
    assert body == {
        "licenseKey": KEY,
        "deviceId": "device-1",
        "deviceName": "Anna's laptop",
        "application": "acme-editor",
    }


def test_blanks_around_ids_do_not_matter_as_on_the_server(make, server):
    spaced = {"device_id": " device-1\n", "application": "acme-editor\n"}
    assert decided_by(make(**spaced).check()) == "server"
    assert decided_by(make().check()) == decided_by(make(**spaced).check()) == "token"
    assert make(device_id=" \n").device_id == make(device_id=None).device_id


def test_a_name_that_the_server_would_refuse_is_shortened_not_refused(make, server):
    make(device_name=" Anna\x00's\udcff " + "x" * 300).check()
    assert server.validations()[0]["deviceName"] == "Anna's " + "x" * 248
    make(device_name="\n").sync()
    assert "deviceName" not in server.validations()[1]


@pytest.mark.parametrize("text", ["x" * 256, "a\nb", "a\x00", "a\x7f", "a\udcff"])
@pytest.mark.parametrize("setting", ["application", "device_id"])
def test_an_id_that_the_server_would_refuse_is_the_vendors_mistake(make, setting, text):
    with pytest.raises(ConfigurationError, match=setting):
        make(**{setting: text})


def test_a_good_token_decides_without_the_network_also_after_a_restart(make, server):
    client = make()
    client.check()
    assert decided_by(client.check()) == "token"
    assert decided_by(make().check()) == "token"
    assert len(server.validations()) == 1


def test_each_question_has_a_nonce_of_its_own(make, server):
    client = make()
    client.sync()
    client.sync()
    first, second = (body["nonce"] for body in server.validations())
    assert first != second and len(first) >= 32


def test_a_due_check_answers_at_once_and_asks_in_the_background(make, server, clock):
    client = make()
    client.check()
    clock.pass_by(DAY - 1)
    client.check()
    assert client.wait() and len(server.validations()) == 1
    clock.pass_by(1)
    server.clock = clock
    assert decided_by(client.check()) == "token"
    assert client.wait(1) and len(server.validations()) == 2
    assert client.check().valid_until.timestamp() == clock.now + 14 * DAY


def test_many_due_checks_ask_once(make, server, clock):
    client = make()
    client.check()
    clock.pass_by(DAY)
    gate = threading.Event()

    def slow(handler):
        gate.wait(5)
        handler.say(503, b"")

    server.fault = slow
    assert all(client.check().valid for _ in range(20))
    assert not client.wait(0.01)
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("license-check") == 1
    gate.set()
    assert client.wait(1) and len(server.validations()) == 2


def test_two_clients_do_not_ask_at_the_same_time(make, server, clock, tmp_path):
    lows = {}
    for name, share in (("early", 0.0), ("late", 1.0)):
        lows[name] = make(
            state_path=tmp_path / name,
            between=lambda low, high, share=share: low + share * (high - low),
        )
        lows[name].check()
    clock.pass_by(0.8 * DAY)
    for client in lows.values():
        client.check()
        client.wait(1)
    assert len(server.validations()) == 3


def test_a_floating_seats_short_lease_is_renewed_in_time(make, server, clock):
    server.seconds = 600
    client = make(server_clock=clock)
    for _minute in range(30):
        assert client.check().valid
        client.wait(1)
        clock.pass_by(60)
    assert len(server.validations()) == 6


def test_concurrent_first_checks_ask_once(make, server):
    client = make()
    verdicts = []
    threads = [
        threading.Thread(target=lambda: verdicts.append(client.check()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verdicts) == 8 and all(verdicts)
    assert len(server.validations()) == 1


def test_a_token_of_another_key_is_no_token_for_this_one(make, server):
    make().check()
    server.stop()
    assert make(OTHER_KEY).check().code == "wrong_license_key"
    assert make(" acme-7k3m-9lqz-voxt-8rwb ").check().valid
    server.start()


def test_without_a_key_nothing_is_asked(make, server):
    verdict = make(None).check()
    assert (verdict.code, verdict.conclusive) == ("no_license_key", True)
    assert make(None).sync().code == "no_license_key"
    assert server.asked == []


def test_offline_means_no_network_at_all(make, server):
    verdict = make(offline=True).check()
    assert (verdict.code, verdict.conclusive) == ("offline", False)
    make().check()
    asked = len(server.asked)
    client = make(offline=True)
    assert (
        decided_by(client.check()) == "token" and decided_by(client.sync()) == "token"
    )
    assert client.activate().code == "offline"
    assert client.deactivate().code == "offline"
    assert len(server.asked) == asked


def test_an_unsigned_yes_is_good_for_now_only(make, server):
    server.signs = False
    client = make(require_token=False)
    verdict = client.check()
    assert decided_by(verdict) == "server" and verdict.has("export")
    assert verdict.valid_until is None and "unsigned" in verdict.warnings[0]
    server.stop()
    assert not make().check().valid
    server.start()


def test_an_unsigned_yes_with_strange_fields_is_a_yes(make, server):
    said = {"valid": True, "features": ["export"], "expiresAt": "soon"}
    server.fault = lambda handler: handler.say(200, json.dumps(said).encode())
    verdict = make(require_token=False).check()
    assert verdict.valid and verdict.expires_at is None and not verdict.has("export")


def test_an_unsigned_yes_leaves_a_good_token_alone(make, server):
    client = make(require_token=False)
    client.check()
    server.signs = False
    assert decided_by(client.sync()) == "token"


def test_an_unsigned_yes_is_too_little_unless_the_vendor_says_so(make, server):
    """Else a server that a user puts in the place of ours would license everything."""
    server.signs = False
    verdict = make().check()
    assert (verdict.code, verdict.conclusive) == ("bad_answer", False)
    assert "not signed" in verdict.message


def test_an_unsigned_yes_lifts_no_refusal(make, server):
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    make().check()
    server.refusal, server.signs = None, False
    assert make().sync().code == "license_revoked"


def test_a_new_signing_key_is_fetched_past_caches_and_kept(make, server):
    client = make()
    client.check()
    old, new = server.key, server.key.successor()
    server.key, server.keys = new, [old, new]
    assert decided_by(client.sync()) == "server"
    (headers,) = [headers for path, _, headers in server.asked if "jwks" in path]
    assert headers["Cache-Control"] == "no-cache"
    server.stop()
    assert decided_by(make().check()) == "token"
    server.start()
    assert decided_by(client.sync()) == "server"
    assert len([path for path, *_ in server.asked if "jwks" in path]) == 1


def test_a_client_that_slept_through_two_rotations_believes_the_newest(make, server):
    server.key = server.key.successor().successor()
    server.keys = [server.key]
    assert make().check().valid
    assert decided_by(make().check()) == "token"


def test_a_key_that_nobody_endorsed_is_not_believed(make, server):
    make().check()
    server.key = ed25519_key()
    server.keys.append(server.key)
    verdict = make().sync()
    assert decided_by(verdict) == "token" and "unknown_key" in verdict.warnings[0]


def test_garbage_among_the_servers_keys_does_not_matter(make, server, key):
    make().check()
    new = key.successor()
    server.key = new
    server.keys = [GARBAGE, new]
    assert decided_by(make().sync()) == "server"


def test_a_replayed_answer_is_no_answer(make, server, clock):
    """A proxy that recorded a yes cannot outlive a revocation with it."""
    recorded = claims(nonce="recorded yesterday", now=clock.now)
    token = server.key.sign(recorded)

    def replay(handler):
        handler.say(200, b'{"valid": true, "token": "%s"}' % token.encode())

    server.fault = replay
    verdict = make().check()
    assert (verdict.valid, verdict.code) == (False, "wrong_nonce")
    assert not verdict.conclusive


def test_the_token_of_another_device_is_no_answer(make, server):
    client = make()
    client.check()
    server.changes = {"deviceId": "device-2"}
    verdict = client.sync()
    assert decided_by(verdict) == "token" and "wrong_device" in verdict.warnings[0]
    assert len(server.asked) == 2  # new keys would not help


def test_after_the_tokens_end_the_server_is_asked_before_the_answer(
    make, server, clock
):
    client = make(server_clock=clock)
    client.check()
    clock.pass_by(14 * DAY)
    assert decided_by(client.check()) == "server"


def test_no_check_takes_long_for_what_is_stored(make):
    client = make()
    client.check()
    begin = time.perf_counter()
    for _ in range(20):
        client.check()
    assert (time.perf_counter() - begin) / 20 < 0.1
