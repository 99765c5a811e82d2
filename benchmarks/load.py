"""The load of `dev/bench`: calls a server over some connections, a slice at a time.

It shares the machine with the server that it measures, so it uses little CPU itself:
plain sockets, and answers are looked at, not parsed. It reads a line of JSON for each
slice and answers with one: how many requests, in how many seconds, of which latency,
and the CPU that this process used.
"""

import itertools
import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path


class Slice:
    """Some seconds of requests, sent one after the other by each of some clients.

    It is one request again and again, or those of a file: JSON, ``[[path, body], …]``.
    Each slice goes on where the one before it ended; after the last one of the file
    comes the first again, unless each may be sent but once.

    Each answer must have the status 200, and each text of ``has``, none of ``lacks``.
    """

    def __init__(
        self,
        port,
        seconds,
        clients,
        path=None,
        body=None,
        file=None,
        is_once=False,
        headers=(),
        has=(),
        lacks=(),
    ):
        self.address = ("127.0.0.1", port)
        lines = tuple(f"{name}: {value}" for name, value in dict(headers).items())
        if file:
            self.requests = _read_requests(file, is_once, lines)
        else:
            self.requests = itertools.repeat(_prepare(path, body, lines))
        self.seconds = seconds
        self.clients = clients
        self.has = [text.encode() for text in has]
        self.lacks = [text.encode() for text in lacks]

    def run(self):
        cpu = time.process_time()
        begin = time.perf_counter()
        with ThreadPoolExecutor(self.clients) as pool:
            end = begin + self.seconds
            clients = [pool.submit(self._call, end) for _each in range(self.clients)]
            latencies = sorted(it for client in clients for it in client.result())
        return {
            "requests": len(latencies),
            "seconds": time.perf_counter() - begin,
            "p50": latencies[len(latencies) // 2],
            "p99": latencies[len(latencies) * 99 // 100],
            "load_cpu": time.process_time() - cpu,
        }

    def _call(self, end):
        """Send requests until the end of the slice; return how long each one took."""
        latencies = []
        begin = time.perf_counter()
        while begin < end:
            request = next(self.requests, None)
            assert request, "all requests were sent: make fewer rounds"
            answer = self._send(request)
            done = time.perf_counter()
            self._check(answer)
            latencies.append(done - begin)
            begin = time.perf_counter()
        return latencies

    def _send(self, request):
        """Return the answer, and hang up as soon as it is there.

        Odoo closes each connection, and its worker waits for the client to do so
        before it takes another request.
        """
        with socket.create_connection(self.address, timeout=60) as connection:
            connection.sendall(request)
            answer = b""
            while not _is_complete(answer):
                part = connection.recv(65536)
                if not part:
                    raise ConnectionError(f"half an answer: {answer!r}")
                answer += part
        return answer

    def _check(self, answer):
        """Was what is measured what it is called?"""
        assert answer.split(maxsplit=2)[1] == b"200", answer
        assert all(text in answer for text in self.has), answer
        assert not any(text in answer for text in self.lacks), answer


@cache
def _read_requests(file, is_once, headers):
    """Return the requests of a file, which threads may share; read once."""
    pairs = json.loads(Path(file).read_text())
    requests = [_prepare(path, body, headers) for path, body in pairs]
    return iter(requests) if is_once else itertools.cycle(requests)


def _prepare(path, body, headers):
    """Return a request, as it is sent: GET, or POST of a JSON body."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _is_complete(answer):
    head, blank, content = answer.partition(b"\r\n\r\n")
    _before, _name, length = head.lower().partition(b"\r\ncontent-length:")
    return bool(blank) and len(content) >= int(length.split(maxsplit=1)[0])


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(Slice(**json.loads(line)).run()), flush=True)


main()
