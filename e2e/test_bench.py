"""dev/bench measures what it says: each call of it, on a real server, once."""

import pytest

from ground import bench_api, bench_calls, bench_http, fill, paths, pgbench
from ground.bench_db import BenchDatabase
from ground.bench_http import Call
from ground.console import Failure

COUNT = 1000


@pytest.fixture(scope="module")
def database(place, installed):
    """A thousand licenses, where dev/bench has a million."""
    database = BenchDatabase(place, COUNT)
    database.name = "test_e2e_bench"
    place.databases.clone(installed, database.name)
    fill.fill(place.postgres, database.name, COUNT)
    fill.fill_devices(place.postgres, database.name)
    yield database
    place.databases.drop(database.name)


@pytest.fixture(scope="module")
def found(place, database):
    """One slice of each call, beside its no-op; a wrong answer ends the load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_http, "WARM_UP", 0)
        patch.setattr(pgbench, "SECONDS", 1)
        modes = {"threads": (0, 1)}
        return bench_api.measure_all(place, database, 1, modes, seconds=0.05)


def test_every_call_is_measured_and_answers_what_it_is_called(found):
    rows = {row["call"]: row for row in found["modes"]["threads"]}
    assert rows.keys() > bench_calls.TARGETS.keys()
    for row in rows.values():
        assert row["requests"] > 0 and row["server_cpu"] > 0, row
        assert row["ratio"]["ratio"] > 0, row
    assert all(rate > 0 for rate in found["pgbench"].values())


def test_reading_a_license_takes_one_statement(found):
    own = {name: counts["own"] for name, counts in found["statements"].items()}
    reading = ("verify", "validate, known device", "validate, full license")
    assert {own[name] for name in (*reading, "licensing/validate")} == {1}


def test_every_look_up_was_prepared(found, database):
    log = (paths.LOGS / f"server-{database.name}.log").read_text()
    assert database.name in log and "No prepared statements" not in log


def test_another_answer_than_the_called_one_ends_the_measurement(own_site):
    wrong = Call("wrong", "/api/licenses/jwks.json", has=("nonsense",))
    pair = {"wrong": [(own_site.server, wrong)] * 2}
    with bench_http.load() as ask, pytest.raises(Failure, match="worker ended"):
        bench_http.measure_pairs(ask, pair, 1, 0.05)
