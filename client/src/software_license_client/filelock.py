"""A lock between processes that never stops a program: without it, we go on."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 1.0
_PAUSE = 0.01

if sys.platform == "win32":
    import msvcrt

    def _acquire(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _acquire(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Keep other processes out for a moment; closing the file gives the lock back."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield  # writing will fail as well, and be told
        return
    try:
        _wait(handle)
        yield
    finally:
        os.close(handle)


def _wait(handle: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _acquire(handle)
        except OSError:
            if time.monotonic() > end:
                return  # someone hangs with the lock: better a lost update than us
            time.sleep(_PAUSE)
