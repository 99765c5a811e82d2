"""What the measurements of dev/bench share: their helpers, their ratios, a file."""

import json
import subprocess
from contextlib import contextmanager
from math import ceil, floor, sqrt
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
    """Return the median of the ratios of pairs, their quartiles, and how sure it is.

    Each pair was measured one right after the other, so that what else the machine
    did then is in both.
    """
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    quarters = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return {
        "ratio": median(ratios),
        "quartiles": [quarters[0], quarters[2]],
        "interval": _get_interval(sorted(ratios)),
    }


def _get_interval(ratios):
    """Return within what the true median is, with a certainty of 95 %.

    So many of the sorted ratios lie between it and the middle, whatever their
    distribution is (the binomial one, as the normal one has it).
    """
    count = len(ratios)
    reach = 1.96 * sqrt(count) / 2
    low, high = floor(count / 2 - reach), ceil(count / 2 + reach)
    return [ratios[max(low - 1, 0)], ratios[min(high, count - 1)]]


def show_ratio(found):
    """A ratio as the tables have it, 21 characters wide."""
    low, high = found["quartiles"]
    return f"{found['ratio']:7.3f} ({low:.3f}–{high:.3f})"


def write(path, found):
    """Keep all that was measured as JSON."""
    path.write_text(json.dumps(found, indent=1))
    say(f"wrote {shown(path)}")


def judge(ratio, target):
    """Say whether a ratio is as wanted, and whether that is sure; nothing of None."""
    if target is None:
        return ""
    low, high = ratio["interval"]
    sure = "" if low >= target or high < target else ", within the noise"
    return f"≥ {target:.2f} {'met' if ratio['ratio'] >= target else 'missed'}{sure}"
