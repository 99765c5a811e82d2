"""What documents quote of benchmarks/results: written from there, never by hand."""

import json
import re

from . import bench_calls, measure, paths
from .bench_http import NOOP
from .markdown import table

DOCUMENTS = ("README.md", "docs/performance.md", "docs/deployment.md")
#: `<!-- benchmarks/results: ratios -->`, what is quoted, `<!-- end -->`.
QUOTE = re.compile(
    r"(<!-- benchmarks/results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL
)
#: The server that has the targets, and the one that is recommended.
MEASURED, RECOMMENDED = "prefork, 2 workers", "prefork, 6 workers"
DAY = 24 * 60 * 60
#: How much busier the busiest minute is than the average one.
PEAKS = (5, 20)
CPU = ("server_cpu", "postgres_cpu")


def refresh():
    """Write into the documents what was measured last."""
    for name in DOCUMENTS:
        path = paths.ROOT / name
        path.write_text(_quote(path.read_text()))


def find_stale():
    """Yield the documents that quote what was not measured."""
    for name in DOCUMENTS:
        text = (paths.ROOT / name).read_text()
        if text != _quote(text):
            yield name


def _quote(text):
    return QUOTE.sub(lambda found: found[1] + KINDS[found[2]]() + found[3], text)


def _read(name):
    file = paths.ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(file.read_text())


def _get_rows(found, mode):
    return {row["call"]: row for row in found["modes"][mode]}


def _show_ratios():
    """How fast each call is, beside Odoo doing nothing."""
    found = _read("api")
    rows = _get_rows(found, MEASURED).values()
    lines = [("call", "of the no-op's rate")]
    lines += [(row["call"], f"{row['ratio']['ratio']:.2f}") for row in rows]
    intro = f"{found['licenses']:,} licenses, {MEASURED}, 8 connections:"
    return f"{intro}\n\n{table(lines)}\n"


def _show_targets():
    """What was aimed at, and what came of it."""
    rows = _get_rows(_read("api"), MEASURED)
    lines = [("call", "measured", "95 % interval", "target")]
    for call, target in bench_calls.TARGETS.items():
        ratio = rows[call]["ratio"]
        lines.append((call, *_show(ratio), measure.judge(ratio, target)))
    return f"{table(lines)}\n"


def _show_scale():
    """How fast each call is with many licenses, beside few."""
    found = _read("scale")
    ratio = f"rate with {found['licenses']:,} ÷ with {found['few']:,}"
    lines = [("call", "CPU", ratio, "95 % interval", "target")]
    for row in found["rows"]:
        target = bench_calls.get_scale_target(row["call"])
        judged = measure.judge(row["ratio"], target)
        cpu = f"{row['cpu_ratio']['ratio']:.2f}"
        lines.append((row["call"], cpu, *_show(row["ratio"]), judged))
    return f"{table(lines)}\n"


def _show(ratio):
    """A ratio, and within what the true one is with 95 % certainty."""
    low, high = ratio["interval"]
    return f"{ratio['ratio']:.2f}", f"{low:.2f}–{high:.2f}"


def _show_cpu():
    """The milliseconds of CPU that a call takes more than a no-op."""
    rows = _get_rows(_read("api"), MEASURED)
    noop = rows.pop(NOOP)
    lines = [("call", "Odoo's CPU", "PostgreSQL's CPU")]
    lines += [
        (call, *(f"{1e3 * (row[it] - noop[it]):.2f}" for it in CPU))
        for call, row in rows.items()
    ]
    spent = " and ".join(f"{1e3 * noop[it]:.2f}" for it in CPU)
    return (
        f"In milliseconds more than the no-op, which took {spent}:\n\n{table(lines)}\n"
    )


def _show_capacity():
    """How many devices that ask once a day a machine can serve."""
    found = _read("api")
    machine, rows = found["machine"], _get_rows(found, RECOMMENDED)
    lines = [("call", "a second", *(f"devices, peak factor {it}" for it in PEAKS))]
    for call, row in rows.items():
        if call.startswith(("verify", "validate", "licensing")):
            devices = (_round(row["rate"] * DAY / peak) for peak in PEAKS)
            lines.append((call, f"{row['rate']:.0f}", *devices))
    intro = (
        f"{machine['cpus']} CPUs ({machine['cpu']}), {machine['ram_gb']} GB, for Odoo "
        f"({RECOMMENDED}), PostgreSQL and the clients together; "
        f"{found['licenses']:,} licenses:"
    )
    return f"{intro}\n\n{table(lines)}\n"


def _round(number):
    """A large number as two digits and words."""
    return f"{float(f'{number / 1e6:.2g}'):g} million"


KINDS = {
    "targets": _show_targets,
    "ratios": _show_ratios,
    "scale": _show_scale,
    "cpu": _show_cpu,
    "capacity": _show_capacity,
}
