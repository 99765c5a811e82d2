"""What a server takes of its machine while it works, and whether that grows."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

#: What may be more at the end than after the warm-up. A leak goes on for hours: what
#: does not show in minutes is caught by Odoo's limits, which recycle a worker.
MEMORY_RATIO, MEMORY_KB = 1.10, 4096
SPARE_FILES = 3
SPARE_CONNECTIONS = 2
SLOWER = 3.0
#: Seconds that a transaction may wait for whoever opened it. Odoo keeps one open beside
#: each scheduled action while that runs.
IDLE = 60

#: Each connection: seconds since a transaction that is open was last used, and what
#: it did then.
ACTIVITY = """
    SELECT CASE WHEN state LIKE 'idle in transaction%'
                THEN extract(epoch FROM clock_timestamp() - state_change) ELSE 0 END,
           regexp_replace(left(query, 200), '\\s+', ' ', 'g')
      FROM pg_stat_activity WHERE datname = '{}' AND pid != pg_backend_pid()
     ORDER BY 1 DESC
"""


@dataclass
class Sample:
    """One look at a server: kilobytes and open files by process, and PostgreSQL."""

    moment: float
    memory: dict
    files: dict
    connections: int
    #: Seconds since the longest idle transaction was last used, and its statement.
    idle: float
    idle_after: str


@dataclass
class Watch:
    """Looks at a server's processes again and again."""

    site: object
    samples: list = field(default_factory=list)

    def look(self):
        pids = _family(self.site.server.process.pid)
        rows = self.site.place.postgres.sql(ACTIVITY.format(self.site.server.db))
        idle, _bar, idle_after = rows[0].partition("|")
        self.samples.append(
            Sample(
                time.monotonic(),
                {pid: _memory(pid) for pid in pids},
                {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids},
                len(rows),
                float(idle),
                idle_after,
            )
        )


def fifths(items, begin, end):
    """Return what has a ``moment`` in five lists, by when it was."""
    parts = [[] for _number in range(5)]
    for item in items:
        share = (item.moment - begin) / (end - begin)
        parts[min(4, max(0, int(share * 5)))].append(item)
    return parts


def percentile(calls, share):
    """Return the milliseconds that a share of the calls did not exceed."""
    seconds = sorted(call.seconds for call in calls)
    return 1000 * seconds[int(len(seconds) * share)]


def rows(samples, calls, begin, end):
    """Return a dict of figures for each fifth of the time."""
    parts = zip(fifths(samples, begin, end), fifths(calls, begin, end), strict=True)
    # Of a short run a part may have nothing in it, on a busy machine.
    return [_row(seen, asked) for seen, asked in parts if seen and asked]


def _row(samples, calls):
    return {
        "calls": len(calls),
        "p50_ms": round(percentile(calls, 0.5), 1),
        "p99_ms": round(percentile(calls, 0.99), 1),
        "memory_mb": round(median(sum(s.memory.values()) for s in samples) / 1024),
        "files": median(sum(s.files.values()) for s in samples),
        "connections": median(s.connections for s in samples),
        "idle_in_transaction_s": round(max(s.idle for s in samples), 1),
    }


def grown(samples, begin, end):
    """Return a sentence for all that grew from the second fifth to the last one."""
    _first, early, _third, _fourth, late = fifths(samples, begin, end)
    found = []
    if set(early[0].memory) != set(late[-1].memory):
        found.append("processes were replaced")
    for pid in set(early[0].memory) & set(late[-1].memory):
        before, after = (median(s.memory[pid] for s in part) for part in (early, late))
        if after > before * MEMORY_RATIO + MEMORY_KB:
            found.append(f"process {pid} grew from {before:.0f} to {after:.0f} kB")
        before, after = (median(s.files[pid] for s in part) for part in (early, late))
        if after > before + SPARE_FILES:
            found.append(f"process {pid} had {before} files open, and then {after}")
    before, after = (median(s.connections for s in part) for part in (early, late))
    if after > before + SPARE_CONNECTIONS:
        found.append(f"{before} connections to PostgreSQL became {after}")
    longest = max(samples, key=lambda sample: sample.idle)
    if longest.idle > IDLE:
        found.append(f"{longest.idle:.0f} s idle in transaction: {longest.idle_after}")
    return found


def slower(calls, begin, end):
    """Return how many times as long p99 is in the last fifth as in the second."""
    _first, early, _third, _fourth, late = fifths(calls, begin, end)
    return percentile(late, 0.99) / percentile(early, 0.99)


def _family(pid):
    """A server's process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, children.split())]


def _memory(pid):
    """The kilobytes that a process wrote: whatever other programs have loaded."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nAnonymous:")[2].split()[0])
