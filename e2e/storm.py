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
    #: Names in lower case.
    headers: dict = {}
    #: How many connections were lost before without an answer.
    lost: int = 0


def burst(url, bodies):
    """Send all requests at once, each on its own connection; return the answers."""
    return asyncio.run(_burst(url, bodies))


def one_by_one(url, bodies, source=None):
    """Send the requests one after the other; return the answers.

    ``source`` is the address that they come from.
    """
    return asyncio.run(_one_by_one(url, bodies, source))


def some_at_once(url, bodies, count, source=None):
    """Send the requests one after the other on each of some connections."""
    shares = [bodies[number::count] for number in range(count)]
    return asyncio.run(_some_at_once(url, shares, source))


def during(event, url, bodies, clients=12):
    """Send requests, some at a time, while something happens; return the answers.

    There must be more bodies than can be sent until the event is over. A second of
    calls follows it.
    """
    return asyncio.run(_during(event, url, iter(bodies), clients))


def percentile(answers, share):
    """Return the seconds that a share of the answers did not exceed."""
    seconds = sorted(answer.seconds for answer in answers)
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))]


async def _burst(url, bodies):
    return await asyncio.gather(*(_ask(urlsplit(url), body) for body in bodies))


async def _one_by_one(url, bodies, source=None):
    return [await _ask(urlsplit(url), body, source) for body in bodies]


async def _during(event, url, bodies, clients):
    answers, done = [], asyncio.Event()

    async def client():
        while not done.is_set():
            answers.append(await _ask(urlsplit(url), next(bodies)))

    calling = asyncio.gather(*(client() for _number in range(clients)))
    try:
        await asyncio.to_thread(event)
        await asyncio.sleep(1)
    finally:
        done.set()
        await calling
    return answers


async def _some_at_once(url, shares, source):
    answers = await asyncio.gather(
        *(_one_by_one(url, bodies, source) for bodies in shares)
    )
    return [answer for share in answers for answer in share]


async def _ask(address, body, source=None):
    """Send a request; connect again when the connection is lost without an answer.

    The kernel drops connections beyond a server's backlog, which is 8 for each of
    Odoo's workers; every client and every proxy then tries again. An answer, of
    whatever status, is never asked for twice.
    """
    for turn in range(20):
        try:
            pair = await asyncio.open_connection(
                address.hostname, address.port, local_addr=source and (source, 0)
            )
            return (await _send(*pair, address, body))._replace(lost=turn)
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
        headers = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r$", head.decode().lower()))
        answer = await reader.readexactly(int(headers["content-length"]))
        seconds = time.monotonic() - begin
        return Answer(int(head.split()[1]), json.loads(answer), seconds, headers)
    finally:
        # At once: Odoo's worker waits for it before it takes another request.
        writer.close()
