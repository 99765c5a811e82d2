"""dev/bench invoices: one worker with the addon, one without, which work by turns."""

from statistics import median

from . import measure, paths, venv
from .console import say
from .workplace import Workplace, locked

KINDS = ("unlicensed", "licensed")
STAGES = {
    "post": ("post",),
    "pay": ("pay",),
    "post + pay": ("post", "pay"),
    "create + post + pay": ("create", "post", "pay"),
}
#: Time is what counts; CPU tells the same when others use the machine, too.
METERS = ("seconds", "cpu", "statements")
#: Invoices in a batch: how many pairs of measurements.
BATCHES = {1: 40, 100: 9}
LARGE = {1000: 1}
RESULT = paths.DEV / "bench-invoices.json"


def invoices(large, rounds, db_port):
    """Measure invoices of ten lines; print a table and write all of it as JSON."""
    batches = {**BATCHES, **(LARGE if large else {})}
    with locked(), Workplace(db_port) as place:
        place.databases.fresh("bench_without", base="core")
        place.databases.fresh("bench_with", base="core", install=[paths.MODULE])
        with _worker(place, "bench_with") as on, _worker(place, "bench_without") as off:
            pairs = {
                (kind, size): _measure(on, off, kind, size, count * rounds)
                for size, count in batches.items()
                for kind in KINDS
            }
    rows = [
        _row(*key, found, stage) for key, found in pairs.items() for stage in STAGES
    ]
    _show(rows)
    raw = [
        {"kind": kind, "size": size, "pairs": found}
        for (kind, size), found in pairs.items()
    ]
    measure.write(RESULT, {"rows": rows, "measured": raw})
    return 0


def _worker(place, db):
    """Start benchmarks/invoices.py on a database."""
    config = place.odoo.config(db, f"{db}-worker", http_enable=False)
    script = paths.ROOT / "benchmarks" / "invoices.py"
    command = (venv.PYTHON, script, config, db)
    return measure.worker(command, db, place.odoo.environment())


def _measure(on, off, kind, size, count):
    """Return pairs of measurements, each made one right after the other.

    Which comes first alternates: whatever grows meanwhile, grows for both.
    """
    say(f"     …    {count} × {size} {kind} invoices, with the addon and without")
    work = {"kind": kind, "size": size}
    for worker in (on, off):
        worker(kind=kind, size=min(size, 10))  # to warm up
    pairs = []
    for turn in range(count):
        order = ("with", "without") if turn % 2 else ("without", "with")
        workers = {"with": on, "without": off}
        pairs.append({side: workers[side](**work) for side in order})
    return pairs


def _row(kind, size, pairs, stage):
    """Return one line of the table."""
    row = {"kind": kind, "size": size, "stage": stage}
    for meter in METERS:
        on, off = (_total(pairs, side, stage, meter) for side in ("with", "without"))
        row[meter] = {
            "with": median(on),
            "without": median(off),
            **measure.compare(on, off),
        }
    return row


def _total(pairs, side, stage, meter):
    """Return what a stage took in each pair on one side."""
    return [sum(pair[side][name][meter] for name in STAGES[stage]) for pair in pairs]


def _show(rows):
    """Print the table; a ratio is the median of pairs, with its quartiles."""
    say()
    say(
        f"{'':40} {'time: with ÷ without':^23} {'CPU: with ÷ without':^22}"
        f" {'seconds':>9} {'without':>8} {'SQL':>6} {'without':>8}"
    )
    for row in rows:
        seconds, statements = row["seconds"], row["statements"]
        say(
            f"{row['size']:>5} {row['kind']:12}  {row['stage']:20}"
            f"{measure.show_ratio(seconds)} {measure.show_ratio(row['cpu'])}"
            f" {seconds['with']:9.3f} {seconds['without']:8.3f}"
            f" {statements['with']:6.0f} {statements['without']:8.0f}"
        )
