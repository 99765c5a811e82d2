"""HTTP with limits: of time, of size, and of whom to believe.

No redirects (another host must not answer for the server), no cookies, no ``.netrc``,
no CA bundle from the environment. Proxies of the environment are used.
"""

import ipaddress
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies

from .deadline import AbortableAdapter
from .errors import ConfigurationError, TransportError
from .version import __version__

USER_AGENT = f"software-license-client/{__version__}"
MAX_BYTES = 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer as it came; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Limits:
    """Times in seconds: to connect, and for a call as a whole; bytes of an answer."""

    connect_seconds: float = 5.0
    call_seconds: float = 15.0
    max_bytes: int = MAX_BYTES


class Transport:
    """The way to one server.

    :param verify: True for the CAs that requests ships, or the path of a CA bundle;
        there is no way to do without
    """

    def __init__(
        self,
        server: str,
        *,
        verify: bool | str | Path = True,
        allow_http: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._base, self._is_loopback = _checked(server, allow_http)
        self._verify = _checked_bundle(verify)
        self._limits = limits or Limits()

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer, whatever its status; raises TransportError."""
        adapter = AbortableAdapter()
        box: list[Answer | Exception] = []

        def work() -> None:
            try:
                box.append(self._call(adapter, method, path, body, headers))
            except Exception as error:  # carried to the caller, nothing is swallowed
                box.append(error)

        # A thread, since a name look-up or a server that drips bytes has no time-out.
        thread = threading.Thread(target=work, name="license-call", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise _unreachable("the system gives no more threads") from None
        thread.join(self._limits.call_seconds)
        if not box:
            adapter.abort()
            seconds = self._limits.call_seconds
            raise _unreachable(f"no whole answer within {seconds:g} s")
        if isinstance(box[0], Exception):
            raise _explain(box[0])
        return box[0]

    def _call(
        self,
        adapter: AbortableAdapter,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        url = self._base + path
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            with session.request(
                method,
                url,
                json=body,
                headers={**_HEADERS, **(headers or {})},
                timeout=(self._limits.connect_seconds, self._limits.call_seconds),
                verify=self._verify,
                proxies={} if self._is_loopback else get_environ_proxies(url),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response)

    def _read(self, response: requests.Response) -> Answer:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise TransportError(
                "bad_answer", "The server's answer is packed, unasked."
            )
        body = b""
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise TransportError("bad_answer", "The server's answer is too long.")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, body)


_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # nothing to unpack: no bomb
    "User-Agent": USER_AGENT,
}


def _explain(error: Exception) -> Exception:
    """Return the error to raise for one of a call: ours, or a mistake of this code.

    Those of requests go no further: they carry what was sent, the license key too.
    """
    if isinstance(error, TransportError):
        return error
    if isinstance(error, requests.exceptions.SSLError):
        return _unreachable("its certificate is not trusted")
    known = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
    if isinstance(error, (*known, ValueError)):
        return _unreachable(f"no connection ({type(error).__name__})")
    return error


def _unreachable(why: str) -> TransportError:
    return TransportError("server_unreachable", f"The server was not reached: {why}.")


def _checked(server: str, allow_http: bool) -> tuple[str, bool]:
    """Return the server's address without a slash at the end, and if it is here."""
    try:
        parts = urlsplit(server)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http"):
        raise ConfigurationError("server: not an http(s) address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError("server: only scheme, host, port and path")
    is_loopback = _is_loopback(host)
    if parts.scheme == "http" and not (is_loopback or allow_http):
        raise ConfigurationError("server: https is needed (or allow_http=True)")
    return server.rstrip("/"), is_loopback


def _checked_bundle(verify: bool | str | Path) -> bool | str:
    if verify is True:
        return True
    if isinstance(verify, bool) or not Path(verify).exists():
        raise ConfigurationError("verify: True, or a file with CAs; TLS is verified")
    return str(verify)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
