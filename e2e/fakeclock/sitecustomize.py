"""Python's own sleep fails below libfaketime 0.9.10, which breaks clock_nanosleep."""

import select
import time


def _sleep(seconds):
    select.select((), (), (), seconds)


time.sleep = _sleep
