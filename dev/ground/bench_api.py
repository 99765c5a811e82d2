"""dev/bench api: the calls of the API on real servers, each beside Odoo's own part."""

import itertools
import json
from pathlib import Path

from . import (
    bench_calls,
    bench_http,
    bench_report,
    measure,
    paths,
    pgbench,
    statements,
)
from .bench_db import BenchDatabase
from .console import say, step
from .workplace import Workplace, locked

LICENSES, LARGE = 1_000_000, 10_000_000
#: The servers: their workers (0: threads), and how many rounds are made on each. The
#: targets are of the first one.
MODES = {
    "prefork, 2 workers": (2, 20),
    "prefork, 6 workers": (6, 6),
    "threads": (0, 6),
}
RESULT = paths.DEV / "bench-api.json"


def api(count, rounds, is_refill, is_published, db_port):
    """Measure all calls on each kind of server; print tables, write them down."""
    with locked(), Workplace(db_port) as place:
        machine = bench_report.describe_machine(place)
        database = BenchDatabase(place, count).prepare(is_refill)
        found = measure_all(place, database, rounds)
    found = {"machine": machine, "licenses": count, **found}
    bench_report.report_api(found, is_published)
    measure.write(RESULT, found)
    return 0


def measure_all(place, database, rounds, modes=MODES, **options):
    """Return all that is measured of a database that was just prepared."""
    with step("requests are drawn"):
        calls = bench_calls.make_calls(database)
    bench_calls.check_in(database, calls)
    counts, lookup = count_statements(place, database, calls)
    bare = pgbench.measure(place.postgres, database, lookup, bench_http.CLIENTS)
    measured = {}
    with bench_http.load() as ask:
        for mode, (workers, turns) in modes.items():
            bench_calls.check_in(database, calls)
            with bench_http.server(place, database.name, workers) as server:
                pairs = _pair_with_noop(server, calls)
                say(f"     …    {mode}: {turns * rounds} rounds of {len(pairs)} pairs")
                measured[mode] = bench_http.measure_pairs(
                    ask, pairs, turns * rounds, **options
                )
    rows = {mode: bench_http.summarize_pairs(it) for mode, it in measured.items()}
    return {
        "modes": rows,
        "statements": counts,
        "pgbench": bare,
        "measured": measured,
    }


def _pair_with_noop(server, calls):
    """Each call and a no-op beside it; the no-op beside itself shows what is noise."""
    noop = (server, bench_http.noop)
    return {name: ((server, call), noop) for name, call in calls.items()}


def count_statements(place, database, calls):
    """Return {name of a call: statements of a request}, and the look-up of verify."""
    postgres, name = place.postgres, database.name
    counts, lookup = {}, None
    with (
        statements.logged(postgres, name),
        bench_http.server(place, name, workers=0) as server,
    ):
        for call in calls.values():
            counts[call.name], own = statements.count(
                postgres, server, _get_requests(call), call.headers or {}
            )
            if call.name == bench_calls.VERIFY:
                (lookup,) = (it for it in own if "software_license" in it)
    return counts, lookup


def _get_requests(call):
    """The last ones of a file, which the load comes to last, if ever."""
    if not call.file:
        return itertools.repeat((call.path, call.body))
    return iter(json.loads(Path(call.file).read_text())[::-1])
