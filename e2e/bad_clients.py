"""Clients that harm: they close too early, or send a byte a second. One process."""

import asyncio
import json
import ssl
from contextlib import suppress

#: Seconds between what a patient client sends.
PAUSE = 1
LOST = (OSError, asyncio.IncompleteReadError, ssl.SSLError)


class BadClients:
    """Many clients that call `validate` badly, until told to stop.

    :param address: (host, port) of the server
    :param body: a function of a number that returns what to ask
    :param context: an ssl.SSLContext, None without TLS
    :param cut_off: names of those that the server itself ended
    """

    def __init__(self, address, body, context=None):
        self.address = address
        self.body = body
        self.context = context
        self.cut_off = []
        self.counts = {}

    async def run(self, count, is_over, patience=60):
        """Let so many be at work until it is over, as many of each kind."""
        kinds = (
            self.connect_only,
            self.send_half,
            self.send_all_and_leave,
            self.send_head_by_bytes,
            self.send_body_by_bytes,
        )
        tasks = [
            asyncio.create_task(self._repeat(kinds[number % len(kinds)], number))
            for number in range(count)
        ]
        for _turn in range(patience * 10):
            if is_over():
                break
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, kind, number):
        """Let a client do it again and again; each has an address of its own."""
        source = f"127.1.{number // 250}.{number % 250 + 1}"
        while True:
            with suppress(*LOST):
                reader, writer = await asyncio.open_connection(
                    *self.address, ssl=self.context, local_addr=(source, 0)
                )
                try:
                    await kind(reader, writer, number)
                finally:
                    writer.transport.abort()
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            await asyncio.sleep(PAUSE)

    async def connect_only(self, reader, writer, number):
        """Leave at once, with a reset of the connection."""

    async def send_half(self, reader, writer, number):
        head, body = self._make(number)
        writer.write(head + body[: len(body) // 2])
        await writer.drain()

    async def send_all_and_leave(self, reader, writer, number):
        """Ask for a seat, and don't wait for the answer."""
        writer.write(b"".join(self._make(number)))
        await writer.drain()
        await asyncio.sleep(number % 10 / 100)

    async def send_head_by_bytes(self, reader, writer, number):
        head, _body = self._make(number)
        await self._send_by_bytes("head", reader, writer, b"", head)

    async def send_body_by_bytes(self, reader, writer, number):
        await self._send_by_bytes("body", reader, writer, *self._make(number))

    async def _send_by_bytes(self, name, reader, writer, begin, rest):
        ended = asyncio.create_task(reader.read())
        writer.write(begin)
        try:
            for byte in rest:
                writer.write(bytes([byte]))
                if (await asyncio.wait([ended], timeout=PAUSE))[0]:
                    self.cut_off.append(name)
                    with suppress(*LOST):
                        ended.result()
                    return
        finally:
            ended.cancel()

    def _make(self, number):
        body = json.dumps(self.body(number)).encode()
        head = (
            "POST /api/licenses/validate HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode(), body
