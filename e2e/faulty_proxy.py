"""A proxy before a server, with or without TLS, that can be told to misbehave."""

import http.client
import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace


class FaultyProxy:
    """Passes calls on to a server of this machine; up while the `with` block runs.

    :param fault: a function of the handler that answers instead, or None
    :param context: an ssl.SSLContext, None without TLS; may change while it runs
    :param source: from which of this machine's addresses the server is called
    :param asked: the paths of the calls that came
    """

    def __init__(self, server_port, context=None):
        self.server_port = server_port
        self.fault = None
        self.context = context
        self.source = "127.0.0.1"
        self.asked = []
        self.is_stopped = threading.Event()
        self._port = 0  # a free one, and then the same again

    @property
    def url(self):
        scheme = "https" if self.context else "http"
        return f"{scheme}://127.0.0.1:{self._port}"

    def __enter__(self):
        self.is_stopped.clear()
        self._listener = _Listener(("127.0.0.1", self._port), _Handler)
        self._listener.proxy = self
        self._port = self._listener.server_port
        serve = self._listener.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        return self

    start = __enter__

    def __exit__(self, *_exception):
        self.stop()

    def stop(self):
        """Listen no more; `start` does again."""
        if not self.is_stopped.is_set():
            self.is_stopped.set()
            self._listener.shutdown()
            self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        if context := self.proxy.context:
            # The handshake is the thread's business, not the listener's.
            connection = context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, *_arguments):
        """Clients that hang up are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        proxy = self.server.proxy
        proxy.asked.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with suppress(OSError, ssl.SSLError):
            if proxy.fault:
                proxy.fault(self)
            else:
                answer = self._ask_server(body)
                self.say(answer.status, answer.data, answer.headers)

    do_GET = do_POST

    def _ask_server(self, body):
        proxy = self.server.proxy
        connection = http.client.HTTPConnection(
            "127.0.0.1", proxy.server_port, 60, source_address=(proxy.source, 0)
        )
        try:
            headers = dict(self.headers)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return SimpleNamespace(
                status=answer.status, data=answer.read(), headers=answer.headers
            )
        finally:
            connection.close()

    def say(self, status, data, headers=()):
        """Answer; the length is told, whatever the headers say."""
        self.send_response_only(status)
        for name, value in dict(headers).items():
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments):
        """pytest's output is for tests."""
