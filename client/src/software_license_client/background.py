"""One piece of work at a time in a thread that never keeps a program from ending."""

import threading
from collections.abc import Callable


class Background:
    """The thread of one client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Do the work soon, unless some is under way."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = threading.Thread(target=work, name="license-check", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads, or the program is ending: later
                return
            self._thread = thread

    def wait(self, timeout: float | None) -> bool:
        """Wait for the work under way; False if the time-out came first."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()
