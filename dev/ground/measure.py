"""What the measurements of dev/bench share: their helpers, their ratios, a file."""

import json
import subprocess
from contextlib import contextmanager
from statistics import median, quantiles

from . import paths, process
from .console import Failure, say, shown


@contextmanager
def worker(command, name, env=None):
    """Start a program that reads a line of JSON, and answers with one, again and again.

    Yields how to ask it: a function with the line as keywords.
    """
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    log = paths.LOGS / f"{name}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=env,
            text=True,
            start_new_session=True,
        ) as child,
    ):
        process.remember(child.pid)
        try:
            _read(child, log)
            yield lambda **work: _ask(child, log, work)
        finally:
            process.stop(child)


def _ask(child, log, work):
    child.stdin.write(json.dumps(work) + "\n")
    child.stdin.flush()
    return json.loads(_read(child, log))


def _read(child, log):
    line = child.stdout.readline()
    if not line:
        raise Failure(f"the benchmark's worker ended: read {shown(log)}")
    return line


def compare(ones, others):
    """Return the median and the quartiles of the ratios of pairs.

    Each pair was measured one right after the other, so that what else the machine
    did then is in both.
    """
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    quarters = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return {"ratio": median(ratios), "quartiles": [quarters[0], quarters[2]]}


def show_ratio(found):
    """A ratio as the tables have it, 21 characters wide."""
    low, high = found["quartiles"]
    return f"{found['ratio']:7.3f} ({low:.3f}–{high:.3f})"


def write(path, found):
    """Keep all that was measured as JSON."""
    path.write_text(json.dumps(found, indent=1))
    say(f"wrote {shown(path)}")
