"""deploy/nginx.conf before a server of six processes: what it lets through and ends."""

import asyncio
import configparser
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from bad_clients import BadClients
from callers import get_refused, in_one_minute
from certificates import Authority
from conftest import Site
from documents import BLOCK
from machine import BY_SERVER, BY_TOKEN, Machine, told
from nginx import OUTER_PROXY, SAYS_FOR_WHOM, Nginx
from proxied import Upstream, ask, assert_refused, session
from storm import burst

from ground import paths, process

NAME = "test_e2e_proxy"
#: The blocks of docs/deployment.md, by their language.
SHOWN = dict(BLOCK.findall((paths.ROOT / "docs" / "deployment.md").read_text()))
SEATS, DEVICES = 20, 30
#: What nginx lets through at once from one address.
BURST = 500
BAD_CLIENTS = 500


@pytest.fixture(scope="module")
def site(place, installed):
    place.databases.clone(installed, NAME)
    with place.server(NAME, **get_options()) as server:
        yield Site(server, place)
    place.databases.drop(NAME)


def get_options():
    """Return the options of Odoo's configuration file that the document shows."""
    parser = configparser.RawConfigParser()
    parser.read_string(SHOWN["ini"])
    options = dict(parser["options"])
    del options["db_name"]  # that of the tests
    return options


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def nginx(site, authority, tmp_path_factory):
    options = site.server.options
    with Nginx(
        tmp_path_factory.mktemp("nginx"),
        authority,
        site.server.port,
        websocket_port=options["gevent_port"],
    ) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def license_(site):
    """A license of some seats: (id, key)."""
    return site.license(max_activations=SEATS)


# === THE WAY THROUGH === #


def test_one_connection_serves_many_calls_in_each_version_of_tls(nginx, license_):
    _id, key = license_
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=nginx.authority.bundle)
        context.minimum_version = context.maximum_version = version
        client = http.client.HTTPSConnection(
            "127.0.0.1", nginx.port, timeout=60, context=context
        )
        client.connect()
        first = client.sock
        for turn in range(20):
            call = "validate" if turn % 2 else "verify"
            body = json.dumps({"licenseKey": key, "deviceId": "laptop"})
            client.request("POST", f"/api/licenses/{call}", body)
            answer = client.getresponse()
            assert answer.status == 200
            assert "valid" in json.load(answer)
            assert client.sock is first, "the connection was closed"
        client.close()


def test_an_old_version_of_tls_is_refused(nginx):
    context = ssl.create_default_context(cafile=nginx.authority.bundle)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", nginx.port)) as raw:
        with pytest.raises(ssl.SSLError, match="protocol version"):
            context.wrap_socket(raw, server_hostname="127.0.0.1")


def test_clients_may_speak_http_2(nginx, license_):
    _id, key = license_
    curl = ["curl", "-sS", "--http2", "--cacert", str(nginx.authority.bundle)]
    curl += ["--json", json.dumps({"licenseKey": key}), "-w", "\n%{http_version}"]
    done = subprocess.run(
        [*curl, f"{nginx.url}/api/licenses/verify"], capture_output=True, check=True
    )
    answer, version = done.stdout.splitlines()
    assert version == b"2" and json.loads(answer)["valid"]


def test_the_client_package_works_and_trusts_its_authority_only(
    site, nginx, license_, tmp_path
):
    id_, key = license_
    jwk = site.jwks()[0]
    tower = Machine("tower", nginx.url, jwk, tmp_path, nginx.authority.bundle)
    assert told(tower.start(key).check()) == BY_SERVER
    assert told(tower.start(key).check()) == BY_TOKEN
    assert tower.start(key).deactivate()
    stranger = Machine("stranger", nginx.url, jwk, tmp_path)
    assert stranger.start(key).check().code == "server_unreachable"


def test_without_tls_no_call_is_answered_and_people_are_led_to_it(nginx):
    plain = f"http://127.0.0.1:{nginx.plain_port}"
    refused = requests.post(f"{plain}/api/licenses/verify", json={})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    led = requests.get(f"{plain}/web/login?x=1", allow_redirects=False)
    assert led.status_code == 301
    assert led.headers["Location"] == "https://127.0.0.1/web/login?x=1"


def test_odoo_knows_the_address_that_it_is_reached_at(site, nginx):
    """It notes it when an administrator logs in: links in e-mails begin with it."""
    who = {"db": site.server.db, "login": "admin", "password": "admin"}
    login = ask(nginx, "/web/session/authenticate", json={"params": who})
    assert login.json()["result"]["uid"]
    known = site.rpc("ir.config_parameter", "get_param", "web.base.url")
    assert known == nginx.url


def test_web_sockets_get_through(nginx):
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Origin": nginx.url,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    deadline, status = time.monotonic() + 60, 502
    # Their process starts beside the workers, and may take longer.
    while status == 502 and time.monotonic() < deadline:
        with session(nginx) as client:
            status = client.get(
                f"{nginx.url}/websocket", headers=upgrade, stream=True, timeout=60
            ).status_code
    assert status == 101


# === WHO ASKS === #


def test_nobody_is_taken_for_somebody_else_whatever_headers_say(nginx):
    turn = iter(range(1000))

    def forged():
        victim = f"192.0.2.{next(turn) % 250}"
        names = ("X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP")
        return {**dict.fromkeys(names, victim), "X-Forwarded-Host": "other.example"}

    def check():
        refused = get_refused(
            lambda: ask(nginx, "verify", "127.0.0.6", key="WRONG", headers=forged())
        )
        assert "unknown license keys" in refused.json()["message"], "it was nginx"
        other = ask(nginx, "verify", "127.0.0.7", key="WRONG", headers=forged())
        assert other.status_code == 404

    in_one_minute(check)


def test_who_names_no_host_is_counted_by_the_own_address_too(nginx):
    """Without X-Forwarded-Host Odoo takes a call for the proxy's own."""

    def ask_as_of_1996(source):
        context = ssl.create_default_context(cafile=nginx.authority.bundle)
        raw = socket.create_connection(
            ("127.0.0.1", nginx.port), timeout=60, source_address=(source, 0)
        )
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as client:
            body = b'{"licenseKey": "WRONG"}'
            client.sendall(
                b"POST /api/licenses/verify HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            answer = http.client.HTTPResponse(client)
            answer.begin()
            answer.status_code = answer.status
            return answer

    def check():
        get_refused(lambda: ask_as_of_1996("127.0.0.10"))
        assert ask_as_of_1996("127.0.0.11").status_code == 404

    in_one_minute(check)


def one_address(turn):
    return {"source": "127.0.0.4"}


def one_network(turn):
    headers = {SAYS_FOR_WHOM: f"2001:db8::{turn:x}"}
    return {"source": OUTER_PROXY, "headers": headers}


@pytest.fixture
def odooless(authority, tmp_path):
    """nginx before nothing: what it counts does not depend on how fast Odoo is."""
    port = process.free_port()
    with Nginx(tmp_path / "nginx", authority, port, websocket_port=port) as nginx:
        yield nginx


@pytest.mark.parametrize("caller", [one_address, one_network])
def test_who_calls_too_often_waits_and_nobody_else_does(odooless, caller):
    """More than an office of devices that start at once, and then 20 a second."""
    calls = 2 * BURST
    with session(odooless, caller(0)["source"]) as client:
        answers = [
            client.post(
                f"{odooless.url}/api/licenses/validate",
                headers=caller(turn).get("headers"),
            )
            for turn in range(calls)
        ]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused, "never refused"
    assert_refused(refused[0], 429, "rate_limited")
    assert {answer.status_code for answer in answers[:BURST]} == {503}
    other = {SAYS_FOR_WHOM: "2001:db8:0:1::1"}
    elsewhere = OUTER_PROXY if caller is one_network else "127.0.0.5"
    answer = ask(odooless, "validate", elsewhere, headers=other)
    assert answer.status_code == 503


def test_calls_with_an_api_key_are_not_limited(odooless):
    with session(odooless) as client:
        statuses = {
            client.get(f"{odooless.url}/api/licenses?q=x").status_code
            for _turn in range(2 * BURST)
        }
    assert statuses == {503}


# === WHAT IS REFUSED === #


def test_a_body_that_is_too_large_is_refused_at_the_same_size_as_by_odoo(site, nginx):
    for size, status in ((64 * 1024, 400), (64 * 1024 + 1, 413)):
        body = b"x" * size
        direct = requests.post(site.url("validate"), data=body)
        proxied = ask(nginx, "validate", data=body)
        assert direct.status_code == proxied.status_code == status
    assert_refused(proxied, 413, "payload_too_large")
    assert proxied.json() == direct.json()


def test_odoo_stopped_is_503_and_then_as_before_and_no_log_has_a_key(
    site, nginx, license_
):
    _id, key = license_

    def ask_with_keys_everywhere():
        managed = {"Authorization": "Bearer wrong"}
        paths = (f"/api/licenses/{key}", f"/api/licenses/{key}/activations/x")
        pages = (f"/my/licenses?search_in=key&search={key}", f"//api//licenses/{key}")
        for path in (*paths, *pages, "/web/login"):
            headers = {**managed, "Referer": f"{nginx.url}/my/licenses?search={key}"}
            ask(nginx, path, method="GET", headers=headers, allow_redirects=False)
        ask(nginx, paths[0], method="PUT", headers=managed, data=b"x" * 2**17)

    ask_with_keys_everywhere()
    site.server.stop()
    try:
        for _turn in range(3):
            away = ask(nginx, "validate", key=key)
            assert_refused(away, 503, "service_unavailable")
        ask_with_keys_everywhere()
        assert "json" not in ask(nginx, "/web", method="GET").headers["Content-Type"]
    finally:
        site.server.start()
    assert ask(nginx, "validate", key=key).json()["valid"]
    assert ask(nginx, "openapi.json?last", method="GET").ok
    nginx.wait_for("openapi.json")
    assert key not in nginx.logs()
    assert f'"/api/licenses/{key[:4]}…/activations/x"' in nginx.logs()


def test_the_health_route_is_not_logged(nginx):
    before = nginx.logs()
    assert ask(nginx, "health", method="GET").json() == {"status": "pass"}
    ask(nginx, "jwks.json", method="GET")
    nginx.wait_for("jwks.json", before.count("jwks.json") + 1)
    assert "/health" not in nginx.logs()


def test_a_call_that_may_have_taken_a_seat_is_never_sent_twice(authority, tmp_path):
    servers = Upstream(), Upstream()
    ports = [server.port for server in servers]
    with Nginx(tmp_path / "nginx", authority, *ports, websocket_port=1) as nginx:
        for turn in (1, 2):
            away = ask(nginx, "validate", key="ANY")
            assert_refused(away, 503, "service_unavailable")
            assert sum(len(server.asked) for server in servers) == turn
    for server in servers:
        server.close()


# === BAD CLIENTS === #


def test_five_hundred_bad_clients_harm_nobody(site, nginx):
    """They take seats, as others do: exactly as many as there are."""
    id_, key = site.license(max_activations=SEATS)
    answers = []

    def body(number):
        return {"licenseKey": key, "deviceId": f"device-{number % DEVICES}"}

    def be_good(done):
        with session(nginx, "127.0.0.3") as client:
            while not done.is_set():
                sent = {"licenseKey": key}
                answers.append(
                    client.post(f"{nginx.url}/api/licenses/verify", json=sent)
                )
                done.wait(0.05)

    def are_slow_ones_ended():
        return bad.cut_off.count("head") >= BAD_CLIENTS // 5

    context = ssl.create_default_context(cafile=nginx.authority.bundle)
    bad = BadClients(("127.0.0.1", nginx.port), body, context)
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        good = pool.submit(be_good, done)
        try:
            asyncio.run(bad.run(BAD_CLIENTS, are_slow_ones_ended))
        finally:
            done.set()
        good.result()
    seconds = sorted(answer.elapsed.total_seconds() for answer in answers)
    print(f"{len(answers)} good calls, the slowest took {seconds[-1]:.2f} s")
    print(f"bad ones: {bad.counts}, cut off: {len(bad.cut_off)}")
    assert {answer.status_code for answer in answers} == {200}
    assert len(answers) > 20
    assert are_slow_ones_ended()
    assert 0 < site.rows(id_) <= SEATS
    after = burst(site.url("validate"), [body(number) for number in range(DEVICES)])
    assert {answer.status for answer in after} == {200}
    assert sum(answer.body["valid"] for answer in after) == site.rows(id_) == SEATS
    assert_connections_are_given_back(site)


def assert_connections_are_given_back(site):
    """No connection of PostgreSQL is in a transaction, and there are few."""
    query = (
        "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM"
        f" pg_stat_activity WHERE datname = '{site.server.db}'"
    )
    deadline, busy = time.monotonic() + 20, True
    while busy and time.monotonic() < deadline:  # a scheduled action may run
        (row,) = site.place.postgres.sql(query)
        total, busy = map(int, row.split("|"))
    assert not busy
    assert total <= 2 * int(site.server.options["workers"])
