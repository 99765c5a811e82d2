"""A server in trouble: nothing that it does ends a good token, or hangs us."""

import contextlib
import json
import threading
import time

import pytest
from authority import DAY, decided_by
from license_server import LicenseServer

from software_license_client import Limits

HTML = b"<!doctype html><title>Welcome to this hotel</title>"
REFUSAL = b'{"valid": false, "error": "license_revoked"}'


def answer(status, data, **headers):
    return lambda handler: handler.say(status, data, **headers)


def slow(handler):
    time.sleep(0.9)
    with contextlib.suppress(OSError):
        handler.say(200, b"{}")


def drip_head(handler):
    drip(handler, b"HTTP/1.1 200 OK\r\nX-Filler: ")


def drip_body(handler):
    drip(handler, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")


def drip(handler, begin):
    with contextlib.suppress(OSError):
        handler.wfile.write(begin)
        for _ in range(30):
            time.sleep(0.05)
            handler.wfile.write(b" ")


def hang_up(handler):
    handler.connection.close()
    handler.close_connection = True


def cut_short(handler):
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"valid": fal')
    handler.close_connection = True


FAULTS = {
    "500": (answer(500, b"{}"), "server_error"),
    "500 with a refusal": (answer(500, REFUSAL), "server_error"),
    "502 HTML": (answer(502, HTML, Content_Type="text/html"), "server_error"),
    "503": (answer(503, b"", Retry_After="10"), "server_error"),
    "429": (answer(429, b'{"error": "rate_limited"}'), "rate_limited"),
    "429 with a refusal": (answer(429, REFUSAL), "rate_limited"),
    "400": (answer(400, b'{"error": "invalid_request"}'), "bad_answer"),
    "401 with a refusal": (answer(401, REFUSAL), "bad_answer"),
    "404 HTML": (answer(404, HTML), "bad_answer"),
    "404 of another JSON": (answer(404, b'{"error": "not_found"}'), "bad_answer"),
    "404 with another refusal": (answer(404, REFUSAL), "bad_answer"),
    "unknown in a 200": (
        answer(200, b'{"valid": false, "error": "license_not_found"}'),
        "bad_answer",
    ),
    "a code of later": (answer(200, b'{"valid": false, "error": "new"}'), "bad_answer"),
    "no code": (answer(200, b'{"valid": false}'), "bad_answer"),
    "valid a text": (
        answer(200, b'{"valid": "false", "error": "license_revoked"}'),
        "bad_answer",
    ),
    "hotel's page": (answer(200, HTML, Content_Type="text/html"), "bad_answer"),
    "garbage": (answer(200, bytes(range(256))), "bad_answer"),
    "nothing": (answer(200, b""), "bad_answer"),
    "a list": (answer(200, b"[]"), "bad_answer"),
    "hostile nesting": (answer(200, b"[" * 50000), "bad_answer"),
    "token a number": (answer(200, b'{"valid": true, "token": 5}'), "bad_answer"),
    "token garbage": (answer(200, b'{"valid": true, "token": "x"}'), "malformed"),
    "oversized": (answer(200, REFUSAL + b" " * 100000), "bad_answer"),
    "packed": (answer(200, REFUSAL, Content_Encoding="gzip"), "bad_answer"),
    "slow": (slow, "server_unreachable"),
    "drips its head": (drip_head, "server_unreachable"),
    "drips its body": (drip_body, "server_unreachable"),
    "hangs up": (hang_up, "server_unreachable"),
    "cut short": (cut_short, "server_unreachable"),
}


@pytest.mark.parametrize(("fault", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_never_ends_a_good_token_and_without_one_nobody_can_tell(
    make, server, tmp_path, fault, code
):
    client = make()
    client.check()
    server.fault = fault
    verdict = client.sync()
    assert decided_by(verdict) == "token"
    assert verdict.warnings[0].startswith(f"{code}: ")
    assert make().check().valid
    verdict = make(state_path=tmp_path / "new").check()
    assert (verdict.valid, verdict.code, verdict.source) == (False, code, "none")
    assert not verdict.conclusive


def test_a_fault_lasts_no_longer_than_the_deadline(make, server):
    client = make(limits=Limits(0.5, 0.3))
    for fault in (drip_head, drip_body):
        server.fault = fault
        begin = time.monotonic()
        client.sync()
        assert time.monotonic() - begin < 1


def test_a_call_past_its_deadline_leaves_no_thread_behind(make, server):
    server.fault = drip_head
    make(limits=Limits(0.5, 0.2)).sync()
    end = time.monotonic() + 0.8  # the dripping takes longer
    while any(thread.name == "license-call" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_redirect_is_not_followed(make, server, key):
    other = LicenseServer(key)
    try:
        for status in (301, 302, 303, 307, 308):
            address = f"{other.url}/api/licenses/validate"
            server.fault = answer(status, REFUSAL, Location=address)
            assert make(pause_seconds=0).check().code == "bad_answer"
        assert other.asked == []
    finally:
        other.stop()


def test_a_stopped_server_ends_nothing_before_the_tokens_end(make, server, clock):
    client = make(pause_seconds=0, server_clock=clock)
    client.check()
    server.stop()
    for _day in range(13):
        clock.pass_by(DAY)
        assert client.check().valid
        client.wait(1)
    clock.pass_by(DAY)
    verdict = client.check()
    assert (verdict.code, verdict.source) == ("token_expired", "token")
    assert verdict.warnings[0].startswith("server_unreachable")
    server.start()
    assert client.check().valid


def test_failures_are_spaced_out_from_a_minute_to_an_hour(make, server, clock):
    client = make()
    client.check()
    clock.pass_by(DAY)
    server.fault = answer(500, b"")
    for wait in (120, 240, 480, 960, 1920, 3600, 3600):
        client.check()
        client.wait(1)
        asked = len(server.validations())
        clock.pass_by(wait - 1)
        client.check()
        client.wait(1)
        assert len(server.validations()) == asked
        clock.pass_by(1)
    server.fault = None
    client.check()
    client.wait(1)
    assert client.check().warnings == ()


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(make, server, clock, status):
    client = make()
    client.check()
    clock.pass_by(DAY)
    server.fault = answer(status, b"", Retry_After="7200")
    client.check()
    client.wait(1)
    asked = len(server.validations())
    clock.pass_by(7199)
    client.check()
    client.wait(1)
    assert len(server.validations()) == asked
    clock.pass_by(1)
    client.check()
    client.wait(1)
    assert len(server.validations()) == asked + 1


def test_retry_after_is_honoured_by_a_new_process_without_a_token(make, server, clock):
    server.fault = answer(429, b"", Retry_After="60")
    make().check()
    server.fault = None
    verdict = make().check()
    assert (verdict.code, verdict.conclusive) == ("rate_limited", False)
    clock.pass_by(60)
    assert make().check().valid


def test_the_user_may_ask_though_the_server_wants_a_pause(make, server):
    server.fault = answer(429, b"", Retry_After="60")
    client = make()
    client.check()
    server.fault = None
    assert client.check(refresh=True).valid


def test_a_failed_check_without_a_token_is_not_repeated_at_once(make, server):
    server.fault = answer(500, b"")
    client = make()
    for _ in range(5):
        assert client.check().code == "server_error"
    assert len(server.validations()) == 1


def test_a_restarted_program_asks_again_at_once(make, server):
    server.fault = answer(500, b"")
    make().check()
    server.fault = None
    assert make().check().valid


def test_unreachable_keys_leave_the_new_token_unknown(make, server):
    make().check()
    server.key = server.key.successor()

    def no_keys(handler):
        handler.owner.fault = None if "jwks" in handler.path else no_keys
        if "jwks" in handler.path:
            return handler.say(500, b"")
        status, said = handler.owner.answer(handler.path, handler.owner.asked[-1][1])
        handler.say(status, json.dumps(said).encode())

    server.fault = no_keys
    verdict = make().sync()
    assert decided_by(verdict) == "token" and "unknown_key" in verdict.warnings[0]
