"""Callers from several addresses of this machine, as the throttles tell them apart."""

import time

from requests.adapters import HTTPAdapter

#: Unknown keys a minute, as shipped.
LIMIT = 60


class FromAddress(HTTPAdapter):
    """Requests that come from one of this machine's addresses."""

    def __init__(self, source):
        self.source = source
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        kwargs["source_address"] = (self.source, 0)
        super().init_poolmanager(*args, **kwargs)


def in_one_minute(check):
    """Run a check again if a minute ended, and counts with it, while it ran."""
    while True:
        minute = time.time() // 60
        try:
            return check()
        except AssertionError:
            if time.time() // 60 == minute:
                raise


def get_refused(ask):
    """Fail until refused, which is at the limit; return the refusal."""
    for _turn in range(LIMIT + 1):
        response = ask()
        if response.status_code == 429:
            return response
        assert response.status_code == 404
    raise AssertionError(f"not refused after {LIMIT + 1} failures")
