"""A small license server on a real socket, which can be told to misbehave."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from authority import claims, jwks


class LicenseServer:
    """Answers as CONTRACT and api.md say, until a fault is set.

    :param fault: a function of the handler that answers instead, or None
    :param refusal: (status, JSON) to answer validations with, or None
    :param clock: the server's own
    """

    def __init__(self, key):
        self.key = key
        self.keys = [key]
        self.fault = None
        self.refusal = None
        self.signs = True
        self.changes = {}
        self.seconds = 14 * 86400
        self.clock = time.time
        self.asked = []  # (path, body, headers) of each call
        self.deactivation = (
            200,
            {"success": True, "currentActivations": 0, "maxActivations": 1},
        )
        self._http = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        port = self._http.server_port if self._http else 0
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        threading.Thread(
            target=self._http.serve_forever, args=(0.01,), daemon=True
        ).start()

    def stop(self):
        self._http.shutdown()
        self._http.server_close()

    def validations(self):
        return [body for path, body, _headers in self.asked if "validate" in path]

    def answer(self, path, body):
        """The status and the JSON for a call."""
        if path == "/api/licenses/jwks.json":
            return 200, jwks(*self.keys)
        if path == "/api/licenses/deactivate":
            return self.deactivation
        if self.refusal:
            return self.refusal
        token = claims(
            now=self.clock(),
            seconds=self.seconds,
            **{
                "deviceId": body["deviceId"].strip(),
                "nonce": body["nonce"],
                "licenseKey": body["licenseKey"],
                **self.changes,
            },
        )
        said = {"valid": True, "status": "active", "features": token["features"]}
        said["expiresAt"] = token["expiresAt"]
        if self.signs:
            said["token"] = self.key.sign(token)
        return 200, said


class _Handler(BaseHTTPRequestHandler):
    owner: LicenseServer

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.owner.asked.append((self.path, body, dict(self.headers)))
        if self.owner.fault:
            return self.owner.fault(self)
        status, said = self.owner.answer(self.path, body)
        self.say(status, json.dumps(said).encode())

    do_GET = do_POST

    def say(self, status, data, **headers):
        headers = {"Content-Type": "application/json", **headers}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass
