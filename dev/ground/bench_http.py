"""Calls of a real server, measured in short slices by turns: speed, latency, CPU."""

import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from . import measure, paths
from .console import say
from .postgres import USER

#: As small as a server in production can be, and busy.
WORKERS, CLIENTS = 2, 8
#: Short, so that what else the machine does is the same for the slices of a round.
SECONDS = 0.5
#: Rounds that do not count: each worker loads its registry, caches fill.
WARM_UP = 2
ADDONS = paths.ROOT / "benchmarks" / "addons"
#: What each figure is compared with: Odoo's own part of an answer.
NOOP = "no-op"


class Call(NamedTuple):
    """A request that is measured, and what its answers have and have not.

    Or the requests of a file, another one each time: see benchmarks/load.py.
    """

    name: str
    path: str | None = None
    body: dict | None = None
    has: tuple = ()
    lacks: tuple = ()
    file: str | None = None
    #: Each request of the file changes something: it may be sent but once.
    is_once: bool = False
    headers: dict | None = None

    def to_work(self):
        """Return what the load is told of it."""
        work = {**self._asdict(), "headers": self.headers or {}}
        del work["name"]
        return work


noop = Call(NOOP, "/bench/noop", has=("nothing",))


def server(place, db, workers=WORKERS):
    """A server as in production, that has the no-op, too; 0 workers are threads."""
    return place.server(
        db,
        workers=workers,
        limit_request=10**9,  # a worker that is replaced takes its figures with it
        addons_path=place.odoo.addons_path(ADDONS),
        server_wide_modules="base,rpc,web,bench_noop",
    )


def measure_calls(running, calls, rounds):
    """Return rounds of measurements, ``{name of the call: figures}`` each."""
    say(f"     …    {rounds} rounds of {len(calls)} calls, {SECONDS} s each")
    with load() as ask:
        found = [
            {call.name: _measure(running, ask, call) for call in _order(calls, turn)}
            for turn in range(-WARM_UP, rounds)
        ]
    return found[WARM_UP:]


def load():
    """The program that calls the servers, while the `with` block runs."""
    script = paths.ROOT / "benchmarks" / "load.py"
    return measure.worker([sys.executable, script], "bench-load")


def measure_pairs(ask, pairs, rounds, seconds=SECONDS):
    """Return rounds of measurements, ``{name of the pair: [figures, figures]}`` each.

    A pair is twice a running server and a call of it, ``(server, call)``: they are
    measured one right after the other, now this one first, now that one.
    """
    names = list(pairs)
    return [
        {name: _measure_pair(ask, pairs[name], turn, seconds) for name in order}
        for turn, order in ((n, _order(names, n)) for n in range(-WARM_UP, rounds))
    ][WARM_UP:]


def _measure_pair(ask, pair, turn, seconds):
    both = [None, None]
    for side in (0, 1) if turn % 2 else (1, 0):
        running, call = pair[side]
        both[side] = _measure(running, ask, call, seconds)
    return both


def _order(calls, turn):
    """Return the calls in another order each turn: none always follows another."""
    start = turn % len(calls)
    rotated = calls[start:] + calls[:start]
    return rotated[::-1] if turn // len(calls) % 2 else rotated


def _measure(running, ask, call, seconds=SECONDS):
    """Return the figures of one slice."""
    before = _read_cpu(running)
    work = {"port": running.port, "seconds": seconds, "clients": CLIENTS}
    found = ask(**work, **call.to_work())
    after = _read_cpu(running)
    return {
        **found,
        "rate": found["requests"] / found["seconds"],
        **{side: (after[side] - before[side]) / found["requests"] for side in after},
    }


# === CPU === #


def _read_cpu(running):
    """Return the seconds of CPU that the server and its backends have used so far."""
    backend = f"postgres: {USER} {running.db} ".encode()
    used = {"server_cpu": 0.0, "postgres_cpu": 0.0}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if _read_session(process) == running.process.pid:
                used["server_cpu"] += _read_clock(int(process.name))
            elif (process / "cmdline").read_bytes().startswith(backend):
                used["postgres_cpu"] += _read_clock(int(process.name))
        except OSError:
            continue  # it has ended
    return used


def _read_session(process):
    """The session of a process: a server's own one, all of whose children are in it."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[3])


def _read_clock(pid):
    """Seconds of CPU of a process, by the clock that the kernel keeps for each.

    It is what clock_getcpuclockid(3) returns; the ticks in /proc are too coarse.
    """
    return time.clock_gettime(~pid << 3 | 2)


# === RESULTS === #


def summarize(rounds, base):
    """Return a row for each call: medians, and ratios to the no-op and to another."""
    return [_summarize(rounds, name, base) for name in rounds[0]]


def _summarize(rounds, name, base):
    figures = {meter: _get(rounds, name, meter) for meter in rounds[0][name]}
    cpu, base_cpu = (_get_cpu(rounds, it) for it in (name, base))
    return {
        "call": name,
        **{meter: median(values) for meter, values in figures.items()},
        "to_noop": measure.compare(figures["rate"], _get(rounds, NOOP, "rate")),
        # Time per request, not requests per time: what is added reads as it is.
        "to_base": measure.compare(_get(rounds, base, "rate"), figures["rate"]),
        "cpu_to_base": measure.compare(cpu, base_cpu),
    }


def _get(rounds, name, meter):
    return [found[name][meter] for found in rounds]


def _get_cpu(rounds, name):
    """Return the CPU of a request in each round."""
    return [_add_cpu(found[name]) for found in rounds]


def show(rows, base):
    """Print the table; a ratio is the median of rounds, with its quartiles."""
    say()
    say(
        f"{'':26} {'requests':>8} {'p50':>6} {'p99':>6}"
        f" {'CPU ms':>7} {'PostgreSQL':>10}"
        f" {'rate ÷ ' + NOOP:^22} {'time ÷ ' + base:^22} {'CPU ÷ ' + base:^22}"
    )
    for row in rows:
        say(
            f"{row['call']:26} {row['rate']:6.0f}/s"
            f" {row['p50'] * 1e3:6.1f} {row['p99'] * 1e3:6.1f}"
            f" {row['server_cpu'] * 1e3:7.3f} {row['postgres_cpu'] * 1e3:10.3f}"
            f" {measure.show_ratio(row['to_noop'])}"
            f" {measure.show_ratio(row['to_base'])}"
            f" {measure.show_ratio(row['cpu_to_base'])}"
        )


def show_added(row):
    """Print what a call costs more than the one that it was compared with."""
    time, cpu = (_show_percent(row[name]) for name in ("to_base", "cpu_to_base"))
    say(f"{row['call']}: {cpu} CPU, {time} time")


def _show_percent(found):
    low, middle, high = (
        f"{(it - 1) * 100:+.1f}"
        for it in (found["interval"][0], found["ratio"], found["interval"][1])
    )
    return f"{middle} % ({low} to {high})"


def summarize_pairs(rounds):
    """Return a row for each pair: medians of the first one, its ratios to the second.

    ``rate``: requests a second; latencies and CPU are seconds, of a request.
    """
    return [_summarize_pairs(rounds, name) for name in rounds[0]]


def _summarize_pairs(rounds, name):
    ones, others = zip(*(found[name] for found in rounds), strict=True)
    return {
        "call": name,
        **{meter: median(it[meter] for it in ones) for meter in ones[0]},
        "other_rate": median(it["rate"] for it in others),
        "ratio": measure.compare(
            [it["rate"] for it in ones], [it["rate"] for it in others]
        ),
        # The other way round: as it is of time, so that both say how fast it is.
        "cpu_ratio": measure.compare(map(_add_cpu, others), map(_add_cpu, ones)),
    }


def _add_cpu(figures):
    """The CPU of a request, PostgreSQL's included."""
    return figures["server_cpu"] + figures["postgres_cpu"]


def describe_machine():
    """What the figures are of; how busy it was before they were taken."""
    return {"cpus": os.cpu_count(), "load": os.getloadavg()}
