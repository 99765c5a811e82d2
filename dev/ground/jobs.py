"""Jobs of dev/test: as many at a time as there is room for, shown one after the other.

One queue and no phases: a core that has nothing left of one kind takes the next kind.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

AT_ONCE = 2


class Job(NamedTuple):
    """Some steps: `run(live=…)` returns their results.

    `live`: it may print while it runs; else it holds back what it has to say.
    """

    run: Callable
    #: It takes away what others stand on: nothing runs beside it.
    is_alone: bool = False


def run_all(jobs):
    """Run jobs, in this order but for those that run alone; return their results."""
    beside = [job for job in jobs if not job.is_alone]
    alone = [job for job in jobs if job.is_alone]
    results = _run(beside, AT_ONCE)
    for job in alone:
        results += _run([job], 1)
    return results


def _run(jobs, at_once):
    """Run jobs; what the others print is held back until those before are done."""
    results = []
    with ThreadPoolExecutor(at_once) as pool:
        runs = [pool.submit(job.run, live=job is jobs[0]) for job in jobs]
        try:
            for run in runs:
                for result in run.result():
                    result.show()
                    results.append(result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun
            raise
    return results
