"""Clocks that users set, and batteries that fail."""

import time

import pytest
from authority import DAY, HOUR, decided_by

from software_license_client.moments import learnt_offset, trusted_now

YEAR = 365 * DAY


def test_a_clock_turned_back_asks_the_server_before_the_answer(make, server, clock):
    client = make(server_clock=clock)
    client.check()
    clock.pass_by(DAY - 10)
    assert client.check().valid
    server.clock = lambda now=clock.now: now
    clock.pass_by(-DAY)
    assert decided_by(client.check()) == "server"
    assert decided_by(client.check()) == "token"


def test_a_clock_turned_back_without_the_server_is_told(make, server, clock):
    client = make()
    client.check()
    server.stop()
    clock.pass_by(10 * DAY)
    assert client.check().valid
    clock.pass_by(-DAY)
    verdict = make().check()
    assert (verdict.code, verdict.source) == ("clock_turned_back", "token")
    assert verdict.conclusive
    clock.pass_by(DAY)
    assert make().check().valid
    server.start()


def test_the_tokens_own_time_is_a_floor_though_the_state_was_edited(
    make, server, clock, state_file
):
    make(server_clock=clock).check()
    server.stop()
    edited = state_file.read_text().replace('"latest": ', '"latest": 0, "was": ')
    state_file.write_text(edited)
    clock.pass_by(-2 * HOUR)
    assert make().check().code == "clock_turned_back"
    server.start()


def test_a_refusal_counts_although_the_clock_was_turned_back(make, server, clock):
    make().check()
    clock.pass_by(-DAY)
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    assert make().check().code == "license_revoked"


def test_an_hour_back_is_daylight_saving_and_no_fraud(make, server, clock):
    make().check()
    server.stop()
    clock.pass_by(-HOUR)
    assert decided_by(make().check()) == "token"
    clock.pass_by(-1)
    assert make().check().code == "clock_turned_back"
    server.start()


def test_a_year_ahead_is_valid_online(make, server, clock):
    now = clock.now
    client = make(server_clock=lambda: now)
    client.check()
    clock.pass_by(YEAR)
    assert decided_by(client.check()) == "server"
    assert decided_by(client.check()) == "token"
    clock.pass_by(13 * DAY)
    server.stop()
    assert decided_by(make().check()) == "token"
    clock.pass_by(DAY)
    assert make().check().code == "token_expired"
    server.start()


def test_a_year_ahead_offline_is_expired_until_the_clock_is_right(make, server, clock):
    make().check()
    server.stop()
    clock.pass_by(YEAR)
    assert make().check().code == "token_expired"
    clock.pass_by(-YEAR)
    assert make().check().valid
    server.start()


def test_a_clock_set_right_after_the_server_proved_it_wrong_is_valid_offline(
    make, server, clock
):
    for wrong in (YEAR, -YEAR):
        server.clock = lambda now=clock.now: now
        clock.pass_by(wrong)
        assert make().sync().valid
        server.stop()
        assert decided_by(make().check()) == "token"
        clock.pass_by(-wrong)
        assert decided_by(make().check()) == "token"
        server.start()


def test_a_machine_that_boots_in_1970_is_valid_online(make, server, clock):
    server.clock = lambda now=clock.now: now
    clock.now = 60.0
    client = make()
    assert decided_by(client.check()) == "server"
    clock.pass_by(HOUR)
    assert decided_by(client.check()) == "token"


def test_an_answer_from_before_the_stored_time_resets_it(make, server, clock):
    """The server's own clock was wrong, and was set right."""
    client = make(server_clock=lambda now=clock.now: now + 10 * DAY)
    assert client.check().valid
    server.clock = clock
    assert client.sync().valid
    server.stop()
    assert decided_by(client.check()) == "token"
    server.start()


def test_a_clock_that_jumps_back_does_not_put_the_next_question_off(
    make, server, clock
):
    clock.pass_by(HOUR)
    client = make()
    client.check()
    asked = len(server.validations())
    clock.pass_by(-HOUR / 2)
    assert decided_by(client.check()) == "token"
    client.wait(1)
    assert len(server.validations()) == asked + 1


@pytest.mark.parametrize(
    ("local", "offset", "latest", "now"),
    [
        (5000, 0, 5000, 5000),
        (9000, 0, 5000, 9000),
        (4000, 0, 5000, 5000),
        (1399, 0, 5000, None),
        (9000, -4000, 5000, 5000),
        (5000, 9000, 5000, 5000),
        (0, 9000, 5000, 9000),
        (9000, -9000, 5000, 9000),
        (0, 100, 5000, None),
    ],
)
def test_the_earliest_plausible_moment_is_taken(local, offset, latest, now):
    assert trusted_now(local, offset, latest) == now


def test_the_way_through_the_network_is_no_wrong_clock():
    assert learnt_offset(1000, 1060) == 0
    assert learnt_offset(1000, 1061) == 61
    assert learnt_offset(2000, 1000) == -1000


def test_the_clock_is_the_systems_by_default(make, server):
    assert make(clock=time.time).check().valid
