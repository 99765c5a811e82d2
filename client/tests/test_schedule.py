"""When the server is asked again."""

import random
from email.utils import formatdate

import pytest

from software_license_client.schedule import (
    DAY,
    backoff,
    interval,
    is_over,
    parse_retry_after,
)


def test_the_interval_is_random_within_its_last_quarter():
    seen = [interval(DAY, 14 * DAY, random.uniform) for _ in range(200)]
    assert 0.75 * DAY <= min(seen) < 0.8 * DAY and 0.95 * DAY < max(seen) <= DAY


def test_a_short_lease_is_renewed_before_its_half():
    assert interval(DAY, 600, max) == 300


def test_the_backoff_doubles_from_a_minute_to_an_hour():
    longest = [backoff(failures, None, max) for failures in (1, 2, 3, 6, 7, 5000)]
    assert longest == [120, 240, 480, 3600, 3600, 3600]
    assert {backoff(failures, None, min) for failures in (1, 7)} == {60}


def test_the_server_can_ask_for_a_longer_pause_but_for_a_day_at_most():
    assert backoff(1, parse_retry_after("7200", 0), min) == 7200
    assert parse_retry_after("9999999", 0) == DAY


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("-5", 0),
        ("30", 30),
        (formatdate(1000090, usegmt=True), 90),
        (formatdate(999000, usegmt=True), 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    assert parse_retry_after(value, 1000000) == seconds


def test_a_wait_that_begins_in_the_future_is_over():
    assert is_over(1000, 60, now=999)
    assert not is_over(1000, 60, now=1059)
    assert is_over(1000, 60, now=1060)
    assert is_over(None, 60, now=0)
