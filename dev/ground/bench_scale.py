"""dev/bench scale: does it take longer with many licenses than with few?"""

from . import bench_calls, bench_http, bench_report, measure, paths
from .bench_db import BenchDatabase
from .console import say, step
from .workplace import Workplace, locked

FEW = 10_000
ROUNDS = 24
RESULT = paths.DEV / "bench-scale.json"


def scale(count, rounds, is_refill, is_published, db_port):
    """Measure a database with many licenses and one with few, each on its server."""
    with locked(), Workplace(db_port) as place:
        machine = bench_report.describe_machine(place)
        large, small = (
            BenchDatabase(place, it).prepare(is_refill) for it in (count, FEW)
        )
        measured = measure_both(place, large, small, ROUNDS * rounds)
    rows = bench_http.summarize_pairs(measured)
    found = {"machine": machine, "licenses": count, "few": FEW, "rows": rows}
    bench_report.report_scale(found, is_published)
    measure.write(RESULT, {**found, "measured": measured})
    return 0


def measure_both(place, large, small, rounds, **options):
    """Return rounds of pairs: a call of the large database, and of the small one.

    The no-op reads no license: its pair shows what is but noise.
    """
    with step("requests are drawn"):
        calls = [bench_calls.make_calls(database) for database in (large, small)]
        for database, its_calls in zip((large, small), calls, strict=True):
            bench_calls.check_in(database, its_calls)
    with (
        bench_http.server(place, large.name) as many,
        bench_http.server(place, small.name) as few,
        bench_http.load() as ask,
    ):
        pairs = {
            name: ((many, calls[0][name]), (few, calls[1][name]))
            for name in (bench_http.NOOP, *bench_calls.SCALED)
        }
        say(f"     …    {rounds} rounds of {len(pairs)} pairs")
        return bench_http.measure_pairs(ask, pairs, rounds, **options)
