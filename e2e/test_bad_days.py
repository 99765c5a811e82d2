"""PostgreSQL goes and comes back, workers die, connections run out: nobody falls over.

Callers see 200, or 503 in JSON; the server comes back by itself; seats are exact.
"""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Site
from kill import kill_workers
from storm import burst, during, one_by_one

SEATS = 40
DEVICES = 60
NAME = "e2e_bad_days"


@pytest.fixture(scope="module")
def database(place, installed):
    place.databases.clone(installed, NAME)
    yield NAME
    place.databases.drop(NAME)


@pytest.fixture
def serve(place, database):
    """Run a server of one's own: what happens to it leaves traces in its log."""
    servers = []

    def start(**options):
        servers.append(place.server(database, **options))
        return Site(servers[-1].start(), place)

    yield start
    for server in servers:
        server.stop()


def bodies(key):
    """New devices and known ones, without an end."""
    numbers = itertools.cycle(range(DEVICES))
    return ({"licenseKey": key, "deviceId": f"device-{n}"} for n in numbers)


def told(answers, valid):
    return {
        answer.body["activation"]["deviceId"]
        for answer in answers
        if answer.status == 200 and answer.body["valid"] is valid
    }


def seated(site, license_):
    """The devices that the database holds for a license, one entry for each row."""
    return site.place.postgres.sql(
        f"SELECT device_id FROM software_license_activation WHERE license_id = "
        f"{license_} AND active ORDER BY device_id",
        db=site.server.db,
    )


def assert_seats_are_exact(site, license_, key, answers):
    """Who was told to have a seat has one; who asks now gets one, up to the limit."""
    rows = seated(site, license_)
    assert len(rows) == len(set(rows)) <= SEATS
    assert told(answers, True) <= set(rows)
    after = burst(site.url("validate"), list(itertools.islice(bodies(key), DEVICES)))
    assert {answer.status for answer in after} == {200}
    assert sum(answer.body["valid"] for answer in after) == SEATS
    assert len(seated(site, license_)) == SEATS


def assert_refused_politely(answers):
    """There is no other answer than 200, and 503 in JSON with a time to wait."""
    refused = [answer for answer in answers if answer.status != 200]
    for answer in refused:
        assert answer.status == 503, answer
        assert answer.body["error"] == "service_unavailable"
        assert int(answer.headers["retry-after"]) > 0
    return len(refused)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"workers": 0, "db_maxconn": 60}, id="threads"),
        # With a filter, Odoo asks PostgreSQL for its databases on every call.
        pytest.param({"workers": 4, "dbfilter": f"^{NAME}$"}, id="processes"),
    ],
)
def test_postgresql_restarted_under_load_is_503_and_then_as_before(
    serve, place, options
):
    site = serve(**options)
    license_, key = site.license(max_activations=SEATS)

    def restart():
        time.sleep(0.5)
        place.postgres.stop()
        time.sleep(0.5)
        place.postgres.start()

    try:
        answers = during(restart, site.url("validate"), bodies(key))
    finally:
        place.postgres.start()
    refused = assert_refused_politely(answers)
    lost = sum(answer.lost for answer in answers)
    print(f"{len(answers)} calls, {refused} refused, {lost} connections lost")
    assert refused
    assert not lost
    assert answers[-1].status == 200
    assert_seats_are_exact(site, license_, key, answers)


def test_a_worker_killed_under_load_costs_its_own_call_a_connection(serve, seed):
    site = serve(workers=4)
    license_, key = site.license(max_activations=SEATS)
    kills = 4
    answers = during(
        lambda: kill_workers(site.server, kills, 0.5), site.url("validate"), bodies(key)
    )
    lost = sum(answer.lost for answer in answers)
    print(f"{len(answers)} calls, {kills} workers killed, {lost} connections lost")
    assert {answer.status for answer in answers} == {200}
    assert lost <= kills
    assert_seats_are_exact(site, license_, key, answers)


def test_connections_that_run_out_are_503_and_then_as_before(serve, place):
    site = serve(workers=0, db_maxconn=4)
    license_, key = site.license(max_activations=SEATS)
    with ThreadPoolExecutor(1) as pool:
        # As long as the license is locked, each call holds a connection.
        lock = f"SELECT id FROM software_license WHERE id = {license_} FOR UPDATE"
        slow = ("BEGIN", lock, "SELECT pg_sleep(1.5)", "COMMIT")
        locked = pool.submit(place.postgres.sql, *slow, db=site.server.db)
        time.sleep(0.5)
        answers = burst(
            site.url("validate"), list(itertools.islice(bodies(key), DEVICES))
        )
        locked.result()
    refused = assert_refused_politely(answers)
    print(f"{len(answers)} calls on 4 connections, {refused} refused")
    assert 0 < refused < len(answers)
    assert told(answers, True) == set(seated(site, license_))
    one_by_one(site.url("validate"), list(itertools.islice(bodies(key), DEVICES)))
    assert len(seated(site, license_)) == SEATS
