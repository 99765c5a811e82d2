"""Calls through nginx, and a server behind it that is not Odoo."""

import socket
import threading
from contextlib import closing, suppress

import requests
from callers import FromAddress


def session(nginx, source="127.0.0.1"):
    """Return a session of a client that trusts the certificate."""
    session = requests.Session()
    session.trust_env = False  # which may name other authorities
    session.verify = str(nginx.authority.bundle)
    session.mount("https://", FromAddress(source))
    return closing(session)


def ask(nginx, call, source="127.0.0.1", method="POST", key=None, **kwargs):
    """Make one call; return the response."""
    path = call if call.startswith("/") else f"/api/licenses/{call}"
    if key:
        kwargs["json"] = {"licenseKey": key, "deviceId": "laptop"}
    with session(nginx, source) as client:
        return client.request(method, nginx.url + path, timeout=60, **kwargs)


def assert_refused(response, status, code):
    """It is an error as the API's own are, and says when to come back."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json().keys() == {"error", "message"}
    assert response.json()["error"] == code
    assert ("Retry-After" in response.headers) == (status in (429, 503))
    assert int(response.headers.get("Retry-After", 1)) > 0


class Upstream:
    """A server that answers the same each time; by default it closes without.

    :param asked: the requests that came, each as far as it was read at once
    """

    def __init__(self, answer=b""):
        self.answer = answer
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                with connection:
                    if request := connection.recv(65536):
                        self.asked.append(request.decode())
                        connection.sendall(self.answer)
