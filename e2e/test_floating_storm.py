"""Floating seats are exact, too: when their leases lapse, and when they are renewed."""

import time
from concurrent.futures import ThreadPoolExecutor

from storm import burst, one_by_one
from test_storm import devices

SEATS = 5
LEASE_MINUTES = 10


def _floating(site):
    """Return the (id, key) of a license whose seats are all taken."""
    policy = site.policy(max_activations=SEATS, lease_minutes=LEASE_MINUTES)
    license_, key = site.license(policy)
    answers = one_by_one(site.url("validate"), devices(key, SEATS, "old"))
    assert all(answer.body["valid"] for answer in answers)
    return license_, key


def _age(site, license_, seconds):
    """Let the last check-in of all devices be so long ago, in whole seconds."""
    site.place.postgres.sql(
        "UPDATE software_license_activation SET last_seen = date_trunc('second',"
        f" now() AT TIME ZONE 'UTC') - interval '{seconds} seconds'"
        f" WHERE license_id = {license_}",
        db=site.server.db,
    )


def _wait_for_the_next_second(early=0.0):
    """Odoo's clock has whole seconds: at the next one the leases end."""
    time.sleep(max(0, 1 - time.time() % 1 - early))


def _seat_count(site, license_):
    return site.rpc.read("software.license", license_, "seat_count")["seat_count"]


def test_devices_that_fight_for_lapsed_seats_get_exactly_those(site):
    for _turn in range(4):
        license_, key = _floating(site)
        _age(site, license_, LEASE_MINUTES * 60 + 1)
        assert _seat_count(site, license_) == 0
        # Those who held them fight, too, and nobody is preferred.
        fight = devices(key, 40, "new") + devices(key, SEATS, "old")
        storm = burst(site.url("validate"), fight)
        assert {answer.status for answer in storm} == {200}
        assert sum(answer.body["valid"] for answer in storm) == SEATS
        refused = {a.body["error"] for a in storm if not a.body["valid"]}
        assert refused == {"activation_limit_reached"}
        assert max(answer.body["currentActivations"] for answer in storm) == SEATS
        assert site.rows(license_) == _seat_count(site, license_) == SEATS


def test_renewing_at_the_last_moment_and_taking_over_never_oversell(site):
    """The leases end in the middle of the storm, while their holders renew them."""
    for turn in range(6):
        license_, key = _floating(site)
        _wait_for_the_next_second()
        _age(site, license_, LEASE_MINUTES * 60 - 1)
        with ThreadPoolExecutor(2) as pool:
            taking = pool.submit(
                one_by_one, site.url("validate"), devices(key, 100, "new")
            )
            # Once before the end, then at it, then ever later.
            _wait_for_the_next_second(0.02 - turn * 0.01)
            renewing = pool.submit(
                burst, site.url("validate"), devices(key, SEATS, "old") * 2
            )
            answers = renewing.result() + taking.result()
        assert {answer.status for answer in answers} == {200}
        seated = {
            answer.body["activation"]["deviceId"]
            for answer in answers
            if answer.body["valid"]
        }
        print("seats went to", sorted(seated))
        assert site.rows(license_) == _seat_count(site, license_) == SEATS


def test_people_and_devices_that_fight_for_lapsed_seats_never_oversell(site):
    """Odoo's own transactions count in a snapshot, which may hold an older lease."""
    license_, key = _floating(site)
    _age(site, license_, LEASE_MINUTES * 60)
    with ThreadPoolExecutor(6) as pool:
        names = [f"backend-{number}" for number in range(5)]
        by_hand = [pool.submit(site.let_in, license_, name) for name in names]
        storm = burst(
            site.url("validate"),
            devices(key, 15, "new") + devices(key, SEATS, "old"),
        )
        created = sum(one.result() for one in by_hand)
    assert {answer.status for answer in storm} == {200}
    assert created + sum(answer.body["valid"] for answer in storm) == SEATS
    assert site.rows(license_) == _seat_count(site, license_) == SEATS
