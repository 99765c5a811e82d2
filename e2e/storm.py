"""Many calls at the same moment, from one thread: the load costs little by itself."""

import asyncio
import json
import re
import time
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    status: int
    body: dict
    #: Seconds from the moment the request was sent.
    seconds: float


def burst(url, bodies):
    """Send all requests at once, each on its own connection; return the answers."""
    return asyncio.run(_burst(url, bodies))


def one_by_one(url, bodies):
    """Send the requests one after the other; return the answers."""
    return asyncio.run(_one_by_one(url, bodies))


def percentile(answers, share):
    """Return the seconds that a share of the answers did not exceed."""
    seconds = sorted(answer.seconds for answer in answers)
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))]


async def _burst(url, bodies):
    return await asyncio.gather(*(_ask(urlsplit(url), body) for body in bodies))


async def _one_by_one(url, bodies):
    return [await _ask(urlsplit(url), body) for body in bodies]


async def _ask(address, body):
    """Send a request; connect again when the connection is lost without an answer.

    The kernel drops connections beyond a server's backlog, which is 8 for each of
    Odoo's workers; every client and every proxy then tries again. An answer, of
    whatever status, is never asked for twice.
    """
    for _turn in range(20):
        try:
            pair = await asyncio.open_connection(address.hostname, address.port)
            return await _send(*pair, address, body)
        except (ConnectionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
    raise ConnectionError("no answer after 20 connections")


async def _send(reader, writer, address, body):
    content = json.dumps(body).encode()
    begin = time.monotonic()
    writer.write(
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(content)}\r\n\r\n".encode()
        + content
    )
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        answer = await reader.readexactly(length)
        return Answer(
            int(head.split()[1]), json.loads(answer), time.monotonic() - begin
        )
    finally:
        # At once: Odoo's worker waits for it before it takes another request.
        writer.close()
