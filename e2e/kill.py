"""Killing a server (SIGKILL) while a client of it is at work."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

KILLS = 10
CONNECTION_LOST = (OSError, HTTPException)


def kill_at_work(server, call, items, patience):
    """Let a client call for each item, kill the server on the way, start it again.

    The moment is random, and always in the middle of work: there is more of it than
    patience, in seconds.
    """
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(lambda: [call(item) for item in items])
        time.sleep(random.uniform(0, patience))
        server.kill()
        error = client.exception()
    server.start()
    assert isinstance(error, CONNECTION_LOST), error or "it was idle when killed"
