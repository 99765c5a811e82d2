"""Who tries keys is refused, and nobody else is: for all workers, behind a proxy."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests
from callers import LIMIT, FromAddress, get_refused, in_one_minute
from conftest import Site
from storm import one_by_one, some_at_once

WRONG_KEYS = 20_000
AT_ONCE = 4
BAD, GOOD = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def serve(place, installed):
    """Start servers with six worker processes, each on a database of its own."""
    started = []

    def start(name, **options):
        place.databases.clone(installed, name)
        server = place.server(name, workers=6, db_maxconn=250, **options)
        started.append((server, name))
        return Site(server.start(), place)

    yield start
    for server, name in started:
        server.stop()
        place.databases.drop(name)


@pytest.fixture(scope="module")
def direct(serve):
    """A server that callers reach without a proxy."""
    return serve("test_throttle")


@pytest.fixture(scope="module")
def proxied(serve):
    """A server behind a proxy, as README has it."""
    return serve("test_throttle_proxy", proxy_mode=True)


def verify(site, key, source=GOOD, **headers):
    """Ask about a key; return the response."""
    with closing(requests.Session()) as session:
        session.mount("http://", FromAddress(source))
        return session.post(
            site.url("verify"), json={"licenseKey": key}, headers=headers
        )


def nginx(client, sent=None):
    """The headers that nginx adds to what a client sent, as README configures it."""
    forwarded = f"{sent}, {client}" if sent else client
    return {"X-Forwarded-For": forwarded, "X-Forwarded-Host": "licenses.example.com"}


def test_twenty_thousand_wrong_keys_do_not_harm_a_good_client(direct):
    _license, key = direct.license()
    wrong = [{"licenseKey": f"WRONG-{n:016}"} for n in range(WRONG_KEYS)]
    begin, answers = time.time(), []
    with ThreadPoolExecutor(1) as pool:
        guessing = pool.submit(
            some_at_once, direct.url("verify"), wrong, AT_ONCE, source=BAD
        )
        while not guessing.done():
            answers += one_by_one(direct.url("verify"), [{"licenseKey": key}], GOOD)
            time.sleep(0.05)  # two cores: leave the guesser some
    seconds, windows = time.time() - begin, time.time() // 60 - begin // 60 + 1
    print(f"{WRONG_KEYS} wrong keys and {len(answers)} good calls in {seconds:.0f} s")
    assert {(answer.status, answer.body["valid"]) for answer in answers} == {
        (200, True)
    }
    assert len(answers) > 100
    refused = [answer for answer in guessing.result() if answer.status == 429]
    looked_up = WRONG_KEYS - len(refused)
    assert {answer.status for answer in guessing.result()} == {404, 429}
    # Those on their way when the limit is reached still get their answer.
    assert LIMIT <= looked_up <= windows * (LIMIT + 2 * AT_ONCE)
    assert {answer.body["error"] for answer in refused} == {"rate_limited"}
    waits = {int(answer.headers["retry-after"]) for answer in refused}
    assert waits <= set(range(1, 61))


def test_a_good_key_helps_nobody_who_is_over_the_limit(direct):
    _license, key = direct.license()

    def check():
        get_refused(lambda: verify(direct, "WRONG-KEY", "127.0.0.4"))
        assert verify(direct, key, "127.0.0.4").status_code == 429
        assert verify(direct, key, "127.0.0.5").status_code == 200

    in_one_minute(check)


def test_without_a_proxy_no_header_tells_who_asks(direct):
    turn = iter(range(1000))

    def check():
        get_refused(
            lambda: verify(
                direct, "WRONG-KEY", "127.0.0.6", **nginx(f"192.0.2.{next(turn)}")
            )
        )
        assert verify(direct, "WRONG-KEY", **nginx("192.0.2.0")).status_code == 404

    in_one_minute(check)


def test_behind_a_proxy_each_client_has_its_own_count(proxied):
    def check():
        get_refused(lambda: verify(proxied, "WRONG", **nginx("198.51.100.1")))
        assert verify(proxied, "WRONG", **nginx("198.51.100.2")).status_code == 404

    in_one_minute(check)


def test_behind_a_proxy_nobody_can_say_to_be_somebody_else(proxied):
    """What a client sends comes first; only the proxy's entry, the last, counts."""
    turn = iter(range(1000))
    victim = "203.0.113.99"

    def check():
        get_refused(
            lambda: verify(
                proxied,
                "WRONG",
                **nginx("203.0.113.1", f"{victim}, 203.0.113.{next(turn)}"),
            )
        )
        assert verify(proxied, "WRONG", **nginx(victim)).status_code == 404

    in_one_minute(check)


def test_behind_a_proxy_one_network_of_ipv6_is_one_client(proxied):
    turn = iter(range(1000))

    def check():
        get_refused(
            lambda: verify(proxied, "WRONG", **nginx(f"2001:db8::{next(turn):x}"))
        )
        elsewhere = nginx("2001:db8:0:1::1")
        assert verify(proxied, "WRONG", **elsewhere).status_code == 404

    in_one_minute(check)


def test_a_proxy_that_names_no_host_is_not_believed(proxied):
    """Odoo reads X-Forwarded-For only with X-Forwarded-Host: README says set both."""
    headers = nginx("198.51.100.77")
    headers.pop("X-Forwarded-Host")

    def check():
        get_refused(lambda: verify(proxied, "WRONG", "127.0.0.7", **headers))
        good = verify(proxied, "WRONG", **nginx("198.51.100.77"))
        assert good.status_code == 404

    in_one_minute(check)
