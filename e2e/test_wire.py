"""What arrives on a socket, however odd; and what must never be left behind."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import requests

from ground import paths


def talk(site, raw, is_done=False):
    """Send bytes, return (status, headers, answer) of the reply."""
    with closing(socket.create_connection(("127.0.0.1", site.server.port), 30)) as s:
        try:
            s.sendall(raw)
            if is_done:
                s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent: the reply is there all the same
        reply = b""
        while chunk := s.recv(65536):
            reply += chunk
    head, _blank, body = reply.partition(b"\r\n\r\n")
    status, *lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body or "null")


def request(headers, body=b"{}", method="POST", path="/api/licenses/verify"):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("headers", "body", "status", "message"),
    [
        pytest.param([], b"", 400, "no body", id="nothing at all"),
        pytest.param(["Content-Length: 0"], b"", 400, "no body", id="empty body"),
        pytest.param(
            ["Content-Length: 2", "Content-Length: 2"],
            b"{}",
            400,
            "",
            id="two lengths",
        ),
        pytest.param(
            ["Content-Length: 2", "Content-Length: 20"],
            b"{}",
            400,
            "",
            id="two different lengths",
        ),
        pytest.param(["Content-Length: -5"], b"{}", 400, "", id="negative length"),
        pytest.param(["Content-Length: x"], b"{}", 400, "", id="length of no number"),
        pytest.param(
            ["Content-Type: text/html", "Content-Type: application/json"]
            + ["Content-Length: 2"],
            b"{}",
            400,
            "licenseKey is required",
            id="two content types",
        ),
        pytest.param(
            ["Authorization: Bearer x", "Authorization: Basic !!", "Content-Length: 2"],
            b"{}",
            400,
            "licenseKey is required",
            id="two authorizations",
        ),
        pytest.param(
            [
                "Cookie: session_id=../../etc",
                "Cookie: session_id=x",
                "Content-Length: 2",
            ],
            b"{}",
            400,
            "licenseKey is required",
            id="two sessions that are none",
        ),
        pytest.param(
            ["Content-Length: 10000000"], b"x" * 10_000_000, 413, "64 KiB", id="10 MB"
        ),
    ],
)
def test_odd_requests_are_refused_in_json(site, headers, body, status, message):
    got, reply, answer = talk(site, request(headers, body), is_done=len(body) < 100)
    assert (got, reply["content-type"]) == (status, "application/json; charset=utf-8")
    assert message in answer["message"]
    assert "set-cookie" not in reply


def test_a_chunked_body_is_read_or_refused_in_json(site):
    body = b'd\r\n{"licenseKey"\r\n5\r\n: 1}\n\r\n0\r\n\r\n'
    got, _reply, answer = talk(site, request(["Transfer-Encoding: chunked"], body))
    assert got == 400
    assert answer["error"] == "invalid_request"


def test_get_is_refused_in_json(site):
    got, reply, answer = talk(site, request([], b"", "GET"))
    assert (got, answer["error"]) == (405, "method_not_allowed")
    assert "post" in reply["allow"]


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("GET", "/api/licenses/verify?x=%zz&%ff=%&y=\xff", {405}),
        ("GET", "/api/licenses/x/y/%", {404}),
        ("GET", "/api/licenses/x/y/%00%ed%a0%80%ff", {404}),
        ("GET", "/api/licenses/x/y/\xff\xfe", {404}),
        ("GET", "/api/licenses/x/y/" + "z" * 30000, {404}),
        ("GET", "/api/licenses/x/y?" + "z=1&" * 5000, {404}),
        ("GET", "/api/licenses/../../web/login", {404}),
        ("GET", "http://elsewhere.test/api/licenses/x/y", {404}),
        ("TRACE", "/api/licenses/verify", {405}),
        ("PATCH", "/api/licenses/verify", {405}),
        ("brew", "/api/v1/licensing/nothing", {404}),
        ("PROPFIND", "/api/licenses", {405}),
        ("OPTIONS", "/api/licenses/x/y/z", {404}),
        ("OPTIONS", "/api/licenses", {401}),
    ],
)
def test_odd_requests_of_any_method_are_refused_in_json(site, method, path, statuses):
    raw = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    status, headers, answer = talk(site, raw.encode("latin-1"))
    assert status in statuses
    assert headers["content-type"] == "application/json; charset=utf-8"
    is_public = path.startswith(("/api/licenses/verify", "/api/v1/licensing/"))
    assert ("access-control-allow-origin" in headers) == is_public
    assert {*answer} == {"error", "message"}
    assert ("allow" in headers) == (status == 405)


def test_a_web_socket_is_refused(site):
    """Odoo's server of threads drops the body of whatever asks for a web socket."""
    upgrade = ["Connection: Upgrade", "Upgrade: websocket"]
    upgrade += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="]
    for path, expected in (("/api/licenses/verify", 405), ("/api/licenses/x/y", 404)):
        raw = request(upgrade, b"", "GET", path)
        status, headers, answer = talk(site, raw, is_done=True)
        assert status == expected
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert answer is None or {*answer} == {"error", "message"}


def session_files():
    return set(Path(paths.DATA, "sessions").rglob("*.sess"))


def test_no_public_call_leaves_a_cookie_or_a_session_file(site):
    _license, key = site.license()
    before = session_files()
    body = {"licenseKey": key, "deviceId": "laptop"}
    for call in ("verify", "validate", "deactivate", "verify", "nothing"):
        for cookies in ({}, {"session_id": "x" * 84}):
            response = requests.post(site.url(call), json=body, cookies=cookies)
            assert "Set-Cookie" not in response.headers, (call, cookies)
    assert requests.get(site.url("verify")).headers.get("Set-Cookie") is None
    assert session_files() == before


def test_no_key_is_ever_whole_in_the_log(site):
    license_, key = site.license(max_activations=1)
    keys = [key, "SECRET-KEY1-NOBODY-HAS2"]
    for some_key in keys:
        for call in ("verify", "validate", "validate", "deactivate"):
            requests.post(
                site.url(call), json={"licenseKey": some_key, "deviceId": "laptop"}
            )
        requests.post(site.url("verify"), data=some_key)
        requests.post(site.url("verify"), json={"licenseKey": [some_key]})
        requests.post(site.url("validate"), json={"licenseKey": some_key})
    site.rpc("software.license", "action_suspend", [license_])
    assert not any(some_key in site.log() for some_key in keys)


def test_the_log_holds_no_traceback_of_what_clients_did(site):
    """Runs last in this file: everything above went through this log."""
    log = site.log()
    assert "Traceback" not in log
    assert " ERROR " not in log


def test_every_process_sees_a_changed_policy_at_once(site):
    policy = site.policy(max_activations=1)
    _license, key = site.license(policy)
    body = {"licenseKey": key, "deviceId": "laptop"}

    def tell_limits():
        """What enough calls say for each process to have had its turn."""
        with ThreadPoolExecutor(12) as pool:
            ask = partial(requests.post, site.url("validate"), json=body, timeout=60)
            answers = [pool.submit(ask) for _each in range(60)]
            return {answer.result().json()["maxActivations"] for answer in answers}

    for limit in (1, 2, 3):
        vals = {"max_activations": limit}
        site.rpc("software.license.policy", "write", [policy], vals)
        assert tell_limits() == {limit}
