"""The client and the real server, with all that may go wrong in between."""

import json
import shutil
import time

import pytest
import requests
from certificates import DAY as DAYS
from certificates import Authority
from faulty_proxy import FaultyProxy
from machine import BY_SERVER, BY_TOKEN, DAY, YEAR, told

from software_license_client import Limits

ALGORITHM = "algorithm_not_allowed"
HTML = b"<!doctype html><title>Welcome to this hotel</title>"
NOBODY = ("server_unreachable", "none", 3)
EXPIRED = ("token_expired", "token", 1)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def laptop(proxy, laptop, authority):
    """A machine that trusts the proxy's certificate."""
    proxy.context = authority.issue()
    laptop.url, laptop.authorities = proxy.url, authority.bundle
    return laptop


@pytest.fixture
def key(own_site):
    _license, key = own_site.license()
    return key


# === THE NETWORK AND THE SERVER === #


def answer(status, data, **headers):
    """A fault: each call is answered like this."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def set_fault(proxy, _authority):
        proxy.fault = lambda handler: handler.say(status, data, headers)

    return set_fault


def show(issue):
    """A fault: TLS with what this makes of the authority."""

    def set_context(proxy, authority):
        proxy.context = issue(authority)

    return set_context


def stop(proxy, _authority):
    proxy.stop()


def hang_up(proxy, _authority):
    proxy.fault = lambda handler: None


def stall(proxy, _authority):
    """A fault: nothing is answered for 30 s."""
    proxy.fault = lambda _handler: proxy.is_stopped.wait(30)


FAULTS = {
    "stopped": (stop, "server_unreachable"),
    "hangs up": (hang_up, "server_unreachable"),
    "500": (answer(500, b'{"error": "internal_error"}'), "server_error"),
    "502 of a proxy": (answer(502, HTML, Content_Type="text/html"), "server_error"),
    "429": (answer(429, b"{}", Retry_After="60"), "rate_limited"),
    "HTML": (answer(200, HTML, Content_Type="text/html"), "bad_answer"),
    "404 in HTML": (answer(404, HTML, Content_Type="text/html"), "bad_answer"),
    "garbage": (answer(200, bytes(range(256))), "bad_answer"),
    "unsigned yes": (answer(200, b'{"valid": true, "features": {}}'), "bad_answer"),
    "forged yes": (answer(200, b'{"valid": true, "token": "e30.e30."}'), ALGORITHM),
    "self-signed": (
        show(lambda it: Authority(it.folder, "127.0.0.1").issue_itself()),
        "server_unreachable",
    ),
    "certificate of another authority": (
        show(lambda it: Authority(it.folder, "Another One").issue()),
        "server_unreachable",
    ),
    "certificate of another host": (
        show(lambda it: it.issue("127.0.0.9")),
        "server_unreachable",
    ),
    "certificate that ended": (
        show(lambda it: it.issue(ends_in=-DAYS)),
        "server_unreachable",
    ),
    "no TLS": (show(lambda it: None), "server_unreachable"),
}


@pytest.mark.parametrize(("set_fault", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_ends_no_token_and_without_one_nobody_can_tell(
    proxy, laptop, tower, authority, key, set_fault, code
):
    until = laptop.start(key).check().valid_until.timestamp()
    set_fault(proxy, authority)
    verdict = laptop.start(key).sync()
    assert told(verdict) == BY_TOKEN
    assert [warning.partition(":")[0] for warning in verdict.warnings] == [code]
    laptop.clock.wrong_by = until - time.time() - 60
    assert told(laptop.start(key).check()) == BY_TOKEN
    laptop.clock.wrong_by = until - time.time()
    assert told(laptop.start(key).check()) == EXPIRED
    assert told(tower.start(key).check()) == (code, "none", 3)
    proxy.fault, proxy.context = None, authority.issue()
    if proxy.is_stopped.is_set():
        proxy.start()
    assert told(laptop.start(key).sync()) == BY_SERVER
    assert told(tower.start(key).sync()) == BY_SERVER


def test_a_server_slow_by_30_s_costs_what_the_limits_allow(
    proxy, laptop, tower, authority, key
):
    laptop.start(key).check()
    stall(proxy, authority)
    limits = Limits(connect_seconds=5, call_seconds=0.5)
    begin = time.monotonic()
    assert told(laptop.start(key, limits=limits).sync()) == BY_TOKEN
    assert told(tower.start(key, limits=limits).check()) == NOBODY
    assert time.monotonic() - begin < 15, "two calls: not even half of one's time"
    laptop.clock.wrong_by = DAY
    client = laptop.start(key)
    assert told(client.check()) == BY_TOKEN
    assert not client.wait(0), "it asks in the background, and nobody waits for it"


def test_a_server_that_is_killed_and_comes_back(own_site, laptop, tower, key):
    laptop.url = tower.url = own_site.server.url
    laptop.start(key).check()
    own_site.server.kill()
    try:
        assert told(laptop.start(key).check()) == BY_TOKEN
        assert told(laptop.start(key).sync()) == BY_TOKEN
        assert told(tower.start(key).check()) == NOBODY
    finally:
        own_site.server.start()
    assert told(laptop.start(key).sync()) == BY_SERVER
    assert told(tower.start(key).check()) == BY_SERVER


def test_a_server_whose_database_is_broken_says_nothing_about_licenses(
    own_site, laptop, tower, key
):
    laptop.start(key).check()
    rename = "ALTER TABLE software_license_policy{} RENAME TO software_license_policy{}"
    sql, db = own_site.place.postgres.sql, own_site.server.db
    sql(rename.format("", "_gone"), db=db)
    try:
        assert told(laptop.start(key).sync()) == BY_TOKEN
        assert told(tower.start(key).check()) == ("server_error", "none", 3)
    finally:
        sql(rename.format("_gone", ""), db=db)
    assert told(tower.start(key).check()) == BY_SERVER


def test_a_redirect_to_another_host_is_not_followed(
    own_site, proxy, laptop, authority, key
):
    with FaultyProxy(own_site.server.port, authority.issue()) as other:
        for status in (301, 302, 303, 307, 308):
            address = f"{other.url}/api/licenses/validate"
            answer(status, b"", Location=address)(proxy, authority)
            verdict = laptop.start(key).check()
            assert told(verdict) == ("bad_answer", "none", 3)
        assert other.asked == []


def test_a_device_of_an_address_that_tries_keys_keeps_its_token(
    proxy, laptop, tower, authority, key
):
    """The server's own throttle; those who try keys may share an address with it."""
    laptop.start(key).check()
    proxy.source = "127.0.0.9"  # other tests keep theirs
    while _be_throttled(proxy, authority) < 5:
        time.sleep(1)  # the minute is nearly over, and its count begins anew
    verdict = laptop.start(key).sync()
    assert told(verdict) == BY_TOKEN
    assert verdict.warnings[0].startswith("rate_limited: ")
    assert told(tower.start(key).check()) == ("rate_limited", "none", 3)


def _be_throttled(proxy, authority):
    """Try keys until that is refused; return for how many seconds."""
    for number in range(200):
        answered = requests.post(
            f"{proxy.url}/api/licenses/verify",
            json={"licenseKey": f"WRONG-{number}"},
            timeout=60,
            verify=authority.bundle,
        )
        if answered.status_code == 429:
            return int(answered.headers["Retry-After"])
    raise AssertionError("nobody may try so many keys in a minute or two")


# === THE CLOCK === #

CLOCKS = {
    "a day behind": (-DAY, ("clock_turned_back", "token", 1)),
    "a year ahead": (YEAR, EXPIRED),
}


@pytest.mark.parametrize(("wrong_by", "refusal"), CLOCKS.values(), ids=CLOCKS)
def test_a_wrong_clock_stops_a_device_that_is_offline(
    proxy, laptop, key, wrong_by, refusal
):
    laptop.start(key).check()
    proxy.stop()
    laptop.clock.wrong_by = wrong_by
    assert told(laptop.start(key).check()) == refusal
    laptop.clock.wrong_by = 0
    assert told(laptop.start(key).check()) == BY_TOKEN


@pytest.mark.parametrize(("wrong_by", "_refusal"), CLOCKS.values(), ids=CLOCKS)
def test_a_wrong_clock_does_not_matter_once_the_server_told_the_time(
    proxy, laptop, tower, key, wrong_by, _refusal
):
    laptop.start(key).check()
    laptop.clock.wrong_by = tower.clock.wrong_by = wrong_by
    assert told(laptop.start(key).check()) == BY_SERVER
    assert told(tower.start(key).check()) == BY_SERVER, "it never had another clock"
    proxy.stop()
    for machine in (laptop, tower):
        assert told(machine.start(key).check()) == BY_TOKEN
        machine.clock.wrong_by = 0
        assert told(machine.start(key).check()) == BY_TOKEN, "the clock was set right"


# === THE STATE FILE === #


def truncate(text):
    return text[: len(text) // 2]


def edit(text):
    """Change one character of what the token says."""
    state = json.loads(text)
    head, payload, signature = state["token"].split(".")
    payload = ("B" if payload[40] == "A" else "A").join((payload[:40], payload[41:]))
    return json.dumps({**state, "token": f"{head}.{payload}.{signature}"})


def test_a_refusal_cut_out_of_the_state_file_leaves_nothing(own_site, proxy, laptop):
    license_, key = own_site.license()
    laptop.start(key).check()
    own_site.manage("PUT", f"/{key}", json={"status": "revoked"})
    laptop.start(key).sync()
    state = json.loads(laptop.state.read_text())
    laptop.state.write_text(json.dumps({**state, "refusal": None}))
    proxy.stop()
    assert told(laptop.start(key).check()) == NOBODY
    proxy.start()
    assert told(laptop.start(key).check()) == ("license_revoked", "server", 1)


DAMAGES = {
    "truncated": (truncate, NOBODY),
    "emptied": (lambda _text: "", NOBODY),
    "of another program": (lambda _text: '{"version": "4.2"}', NOBODY),
    "edited": (edit, ("bad_signature", "token", 1)),
}


@pytest.mark.parametrize(("damage", "offline"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_state_file_costs_one_question(proxy, laptop, key, damage, offline):
    laptop.start(key).check()
    laptop.state.write_text(damage(laptop.state.read_text()))
    proxy.stop()
    assert told(laptop.start(key).check()) == offline
    proxy.start()
    assert told(laptop.start(key).check()) == BY_SERVER
    assert told(laptop.start(key).check()) == BY_TOKEN


def test_where_nothing_can_be_written_the_server_is_asked_at_each_start(
    own_site, laptop, key
):
    (laptop.folder / laptop.name).write_text("a file where the folder would be")
    for _start in range(2):
        client = laptop.start(key)
        verdict = client.check()
        assert told(verdict) == BY_SERVER
        assert verdict.warnings[0].startswith("state_unwritable: ")
        assert told(client.check()) == BY_TOKEN, "it is kept in memory"


@pytest.mark.parametrize(
    ("seats", "online"),
    [(1, ("activation_limit_reached", "server", 1)), (2, BY_SERVER)],
)
def test_a_state_file_of_another_machine_is_worth_nothing(
    own_site, proxy, laptop, tower, seats, online
):
    license_, key = own_site.license(max_activations=seats)
    laptop.start().activate(key)
    tower.state.parent.mkdir()
    shutil.copy(laptop.state, tower.state)
    proxy.stop()
    assert told(tower.start().check()) == ("wrong_device", "token", 1)
    proxy.start()
    assert told(tower.start().check()) == online
    assert own_site.rows(license_) == seats
