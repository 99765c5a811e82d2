"""What dev/bench tells of servers: tables in Markdown, a plot, what has changed."""

import json
import os
import subprocess
from pathlib import Path

from . import bench_calls, bench_http, bench_plot, measure, paths, quotes, venv
from .bench_calls import TARGETS
from .console import say, shown
from .markdown import table

RESULTS = paths.ROOT / "benchmarks" / "results"
HEAD = (
    "call",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "Odoo CPU ms",
    "PostgreSQL CPU ms",
)


def report_api(found, is_published):
    """Print the tables of dev/bench api; keep them beside those of others."""
    before = _read("api.json")
    texts = [f"## The API, {found['licenses']:,} licenses", _show_machine(found)]
    for mode, rows in found["modes"].items():
        texts += [f"### {mode}, {bench_http.CLIENTS} connections"]
        texts += [_make_table(rows, found["statements"], _is_first(found, mode))]
    texts.append(_show_pgbench(found))
    text = "\n\n".join(texts) + "\n"
    say(f"\n{text}")
    for line in compare(found, before):
        say(line)
    if is_published:
        rows = _get_targeted(found)
        plot = bench_plot.draw(rows, TARGETS, f"{found['licenses']:,} licenses")
        _publish("api", found, text, plot)


def report_scale(found, is_published):
    """Print the table of dev/bench scale; keep it beside those of others."""
    large, small = (f"{found[name]:,}" for name in ("licenses", "few"))
    head = ("call", f"{large}: requests/s", f"{small}: requests/s")
    rows = [
        (
            row["call"],
            f"{row['rate']:.0f}",
            f"{row['other_rate']:.0f}",
            f"{row['cpu_ratio']['ratio']:.2f}",
            *_show_ratio(row["ratio"]),
            measure.judge(row["ratio"], bench_calls.get_scale_target(row["call"])),
        )
        for row in found["rows"]
    ]
    head += ("their CPU ÷ its", "rate ÷ rate", "quartiles", "95 % interval", "target")
    title = f"## {large} licenses beside {small}"
    text = "\n\n".join([title, _show_machine(found), table([head, *rows])]) + "\n"
    say(f"\n{text}")
    if is_published:
        _publish("scale", found, text)


def compare(found, before):
    """Return lines: which ratios are others than in the result that was committed."""
    if not before:
        return ["There is no committed result to compare with."]
    earlier = {row["call"]: row["ratio"] for row in _get_targeted(before)}
    lines = [
        f"{row['call']}: {earlier[row['call']]['ratio']:.3f} → "
        f"{row['ratio']['ratio']:.3f}"
        for row in _get_targeted(found)
        if row["call"] in earlier and _has_moved(row["ratio"], earlier[row["call"]])
    ]
    of = f"the committed result (commit {before['machine']['commit']}"
    of += ")" if _is_alike(found, before) else ", not measured as this one was)"
    if not lines:
        return [f"No ratio moved by more than its noise since {of}."]
    return [f"Moved by more than their noise since {of}:", *lines]


def _is_alike(found, before):
    """Whether two results are of machines of a kind, and of as many licenses."""
    one, other = (
        [it["licenses"], it["machine"]["cpu"], it["machine"]["cpus"]]
        for it in (found, before)
    )
    return one == other


def _has_moved(now, then):
    """Whether the 95 % intervals of two ratios have nothing in common."""
    (low, high), (low_then, high_then) = now["interval"], then["interval"]
    return high < low_then or high_then < low


def _get_targeted(found):
    """The rows of the first server: it has the targets."""
    return next(iter(found["modes"].values()))


def _is_first(found, mode):
    return mode == next(iter(found["modes"]))


# === TABLES === #


def _make_table(rows, statements, has_targets):
    """The table of one server."""
    head = (*HEAD, "statements", "ours", "no-op's CPU ÷ its")
    head += ("rate ÷ no-op", "quartiles", "95 % interval")
    lines = [(*head, "target") if has_targets else head]
    for row in rows:
        line = (*_show_figures(row, statements), *_show_ratio(row["ratio"]))
        judged = measure.judge(row["ratio"], TARGETS.get(row["call"]))
        lines.append((*line, judged) if has_targets else line)
    return table(lines)


def _show_figures(row, statements):
    counts = statements[row["call"]]
    return (
        row["call"],
        f"{row['rate']:.0f}",
        *(f"{row[name] * 1e3:.1f}" for name in ("p50", "p99")),
        *(f"{row[name] * 1e3:.2f}" for name in ("server_cpu", "postgres_cpu")),
        *(f"{counts[name]:g}" for name in ("all", "own")),
        f"{row['cpu_ratio']['ratio']:.2f}",
    )


def _show_ratio(ratio):
    ranges = (ratio["quartiles"], ratio["interval"])
    return f"{ratio['ratio']:.3f}", *(f"{low:.3f}–{high:.3f}" for low, high in ranges)


def _show_pgbench(found):
    noop = next(row for row in _get_targeted(found) if row["call"] == bench_http.NOOP)
    rates = ", ".join(
        f"{rate:,.0f}/s {mode} ({rate / noop['rate']:.0f} times the no-op)"
        for mode, rate in found["pgbench"].items()
    )
    return f"Bare PostgreSQL (pgbench, the same look-up as verify's): {rates}."


# === THE MACHINE === #


def describe_machine(place):
    """What the figures are of; how busy it was before they were taken."""
    python = "import platform; print(platform.python_version())"
    return {
        **bench_http.describe_machine(),
        "cpu": _find("/proc/cpuinfo", "model name") or os.uname().machine,
        "ram_gb": round(int(_find("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "kernel": os.uname().release,
        "postgresql": place.postgres.sql("SHOW server_version")[0].split()[0],
        "fsync": place.postgres.sql("SHOW fsync")[0],
        "python": _ask(venv.PYTHON, "-c", python),
        "odoo": " ".join(paths.pins()["odoo"].values()),
        "commit": _ask("git", "-C", paths.ROOT, "describe", "--always", "--dirty"),
    }


def _show_machine(found):
    machine = found["machine"]
    load = ", ".join(f"{it:.1f}" for it in machine["load"])
    return (
        f"{machine['cpus']} × {machine['cpu']}, {machine['ram_gb']} GB, "
        f"Linux {machine['kernel']}; PostgreSQL {machine['postgresql']} (fsync "
        f"{machine['fsync']}), Python {machine['python']}, Odoo {machine['odoo']}; "
        f"load average before: {load}; commit {machine['commit']}."
    )


def _find(file, name):
    """The value of a name in a file of the kernel's."""
    lines = (line.partition(":") for line in Path(file).read_text().splitlines())
    return next(
        (text.strip() for key, _colon, text in lines if key.strip() == name), ""
    )


def _ask(*command):
    done = subprocess.run([str(it) for it in command], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


# === FILES === #


def _read(name):
    """What was committed, None before there is anything."""
    file = RESULTS / name
    return json.loads(file.read_text()) if file.exists() else None


def _publish(name, found, text, plot=None):
    """Write the result, without each single measurement, to where it is committed."""
    RESULTS.mkdir(exist_ok=True)
    kept = {key: value for key, value in found.items() if key != "measured"}
    measure.write(RESULTS / f"{name}.json", _round(kept))
    (RESULTS / f"{name}.md").write_text(text)
    if plot:
        (RESULTS / f"{name}.svg").write_text(plot)
    quotes.refresh()
    say(f"wrote {shown(RESULTS)}/{name}.*, and who quotes them: commit them")


def _round(found):
    """The same with five digits of each number."""
    if isinstance(found, dict):
        return {key: _round(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_round(value) for value in found]
    return float(f"{found:.5g}") if isinstance(found, float) else found
