"""A mail server that delivers nothing: it keeps what it is sent."""

import threading
from email.parser import BytesParser
from socketserver import StreamRequestHandler, ThreadingTCPServer


class SmtpSink(ThreadingTCPServer):
    """Listens on a free port of the loopback while the `with` block runs."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Session)
        #: The Message-Id of each e-mail, in the order of arrival.
        self.delivered = []

    @property
    def port(self):
        return self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()


class _Session(StreamRequestHandler):
    """One connection; as much of RFC 5321 as a client needs to get rid of a mail."""

    def handle(self):
        self._say("220 sink")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self._say("354 go on")
                self.server.delivered.append(self._read_message_id())
            self._say("221 bye" if line == b"QUIT" else "250 ok")
            if line == b"QUIT":
                return

    def _read_message_id(self):
        """Read an e-mail to its end."""
        lines = list(iter(self.rfile.readline, b".\r\n"))
        return BytesParser().parsebytes(b"".join(lines))["Message-Id"]

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())
