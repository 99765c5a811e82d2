"""deploy/nginx.conf without Odoo: what nginx alone decides, hides and refuses."""

import socket
import ssl
from contextlib import contextmanager

import pytest
from certificates import Authority
from nginx import Nginx
from proxied import Upstream, ask, assert_refused

from ground import process

KEY = "ABCDE-FGHJK-MNPQR"
LONG = 12_000
#: Larger than what nginx keeps in memory unless told otherwise.
BODY = b"x" * 60_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def alone(authority, tmp_path):
    """nginx before nothing."""
    port = process.free_port()
    with Nginx(tmp_path / "nginx", authority, port, websocket_port=port) as nginx:
        yield nginx


@pytest.fixture
def before(authority, tmp_path):
    """Return nginx before a server that gives an answer: (nginx, server)."""

    @contextmanager
    def start(answer, **options):
        server = Upstream(answer)
        folder = tmp_path / str(server.port)
        options = {"websocket_port": server.port, **options}
        with Nginx(folder, authority, server.port, **options) as nginx:
            yield nginx, server
        server.close()

    return start


def make_answer(status, body="", *headers):
    lines = [f"HTTP/1.0 {status} Status", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def test_where_no_file_can_be_written_calls_go_on_and_no_log_has_their_key(alone):
    alone.lose_files()
    for body in (BODY, iter([BODY])):  # with its length, and in chunks
        away = ask(alone, f"/api/licenses/{KEY}", method="PUT", data=body)
        assert_refused(away, 503, "service_unavailable")
    page = f"/my/licenses?search={KEY}"
    assert ask(alone, page, data=b"x" * 2**20).status_code == 500
    alone.wait_for("/my/licenses")
    assert KEY not in alone.logs()


@pytest.mark.parametrize("status", [400, 405, 413, 429, 500, 503])
def test_what_odoo_refuses_passes_as_it_is(before, status):
    body = '{"error": "its_own"}'
    with before(make_answer(status, body)) as (nginx, _server):
        answer = ask(nginx, "validate", data=b"{}")
        assert (answer.status_code, answer.text) == (status, body)


def test_odoo_is_told_the_host_as_a_browser_tells_it(before):
    for is_usual in (True, False):
        with before(make_answer(200), is_usual=is_usual) as (nginx, server):
            for path in ("/api/licenses/verify", "/web", "/websocket"):
                ask(nginx, path, method="GET")
            host = "127.0.0.1" if is_usual else f"127.0.0.1:{nginx.port}"
            assert len(server.asked) == 3
            for request in server.asked:
                assert f"\nHost: {host}\r" in request
                assert f"\nX-Forwarded-Host: {host}\r" in request


def test_a_session_is_sent_by_https_only_and_not_from_other_sites(before):
    cookie = "Set-Cookie: session_id=x; HttpOnly; Path=/"
    with before(make_answer(200, "", cookie)) as (nginx, _server):
        headers = ask(nginx, "/web/login", method="GET").headers
    flags = {flag.strip().lower() for flag in headers["Set-Cookie"].split(";")}
    assert {"secure", "samesite=lax", "httponly"} <= flags
    assert int(headers["Strict-Transport-Security"].removeprefix("max-age=")) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/api/licenses/{}",
        "/api/licenses/{}%0A",
        "/api/licenses/{}/activations/a%0Ab",
        "/en/api/licenses/{}",
        "/x/y//api//licenses//{}",
    ],
)
def test_no_odd_address_brings_a_key_into_a_log(alone, path):
    ask(alone, path.format(KEY), method="GET")
    alone.wait_for(f"{KEY[:4]}…")
    assert KEY[:6] not in alone.logs()


@pytest.mark.parametrize(
    "request_",
    [
        "GARBAGE\r\n\r\n",
        "TRACE /api/licenses/verify HTTP/1.1\r\nHost: x\r\n\r\n",
        # Too long for nginx, and one record of TLS, which it reads as a whole: else it
        # may hang up while the rest is being sent.
        f"GET /api/licenses/{KEY}{'x' * LONG} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /api/licenses/{KEY} HTTP/1.1\r\nX: {'x' * LONG}\r\n\r\n",
        "POST /api/licenses/verify HTTP/1.1\r\nHost: x\r\n"
        "Transfer-Encoding: chunked\r\n\r\nodd\r\n",
    ],
    ids=["garbage", "trace", "address", "header", "chunk"],
)
def test_what_is_no_request_is_refused_in_json(alone, request_):
    context = ssl.create_default_context(cafile=alone.authority.bundle)
    raw = socket.create_connection(("127.0.0.1", alone.port), timeout=60)
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as client:
        client.sendall(request_.encode())
        head, body = read_all(client).split("\r\n\r\n")
    assert head.splitlines()[0] == "HTTP/1.1 400 Bad Request"
    assert "Content-Type: application/json" in head
    assert '"error": "invalid_request"' in body
    alone.wait_for('"status": 400')
    assert KEY[:6] not in alone.logs()


def read_all(client):
    """Return all that a server answers until it closes."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts).decode()
