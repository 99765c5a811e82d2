"""Killing a server (SIGKILL) while a client of it is at work."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

#: Which of the kills take the whole server, and which its workers only.
KILLS = [turn % 4 == 0 for turn in range(10)]
CONNECTION_LOST = (OSError, HTTPException)


def kill_at_work(server, call, items, patience, has_begun=lambda: True, is_whole=True):
    """Let a client call for each item, kill the server on the way, start it again.

    The moment is random, and always in the middle of work: there is much more of it
    than patience, in seconds after it has begun. Of a server that is not killed as a
    whole all workers are, which it replaces by itself: PostgreSQL sees no difference,
    and it takes less time. A client that was between two calls does not notice, then:
    they are killed again until it does.
    """
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(lambda: [call(item) for item in items])
        while not has_begun() and not client.done():
            time.sleep(0.01)
        is_noticed = False
        while not is_noticed:
            time.sleep(random.uniform(0, patience))
            if is_whole:
                server.kill()
            else:
                for worker in workers(server):
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
            wait([client], None if is_whole else 0.5)
            is_noticed = client.done()
        error = client.exception()
    if is_whole:
        server.start()
    assert isinstance(error, CONNECTION_LOST), error or "it was idle when killed"


def kill_workers(server, count, pause):
    """Kill some of the processes that answer a server's calls, one after the other."""
    for _turn in range(count):
        time.sleep(pause)
        os.kill(random.choice(workers(server)), signal.SIGKILL)


def workers(server):
    """The processes that answer HTTP: the children, but for the one of web sockets."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline") for child in children}
    return [child for child, path in commands.items() if b"gevent" not in _read(path)]


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b"gevent"  # it has just ended: nothing to kill
