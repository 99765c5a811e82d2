"""The client that software vendors build in; the README tells how it decides."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .armor import LICENSE, unwrap, unwrap_key, wrap_request
from .asking import Asker, new_nonce, warnings_of
from .background import Background
from .believing import verify_with_server_keys
from .errors import ConfigurationError, TokenError
from .files import check_file, remember_file
from .fingerprint import fingerprint
from .judge import Judge, Ruling, sentence
from .keyring import pinned_ring
from .memory import Pace, is_held
from .names import checked_id, shown_name
from .online import Deactivation, Server
from .schedule import DAY, HOUR, Between
from .state import State
from .store import StateStore, default_path
from .transport import Limits, Transport
from .verdict import DEACTIVATED, Verdict, granted, refused

_between = random.SystemRandom().uniform  # copies of a process must not agree

#: The latest known moment is written at most so often, in seconds.
_CLOCK_STEP = 300


class LicenseClient:
    """Whether this software may run on this device. Safe to use from many threads.

    :param server: the server's address, such as ``https://licenses.example.com``
    :param application: the application's code on the server; tokens must name it
    :param license_key: the customer's key; None: the one that `activate` was given
    :param keys: the pinned public keys: a JWKS, its path, or PEM text
    :param issuer: whose tokens are good; needed unless the pinned JWKs say it
    :param device_id: by default `fingerprint(application)`
    :param device_name: shown to the customer beside the device; by default nothing
    :param state_path: by default a file in the user's folder for such things
    :param refresh_seconds: how old an answer may be before the server is asked again
    :param refused_seconds: the same while the license is refused
    :param pause_seconds: how long `check` waits for no other call after a failed one
    :param verify: True, or the path of a CA bundle
    :param offline: never use the network
    :param allow_http: also without TLS; loopback addresses always may
    :param require_token: a server's yes counts only with a signed token; False is for
        servers without a signing key: any server that the user trusts may say yes
    :param clock: like time.time
    :param between: like random.uniform

    Raises ConfigurationError for what can only be the vendor's mistake.
    """

    def __init__(
        self,
        server: str,
        application: str,
        license_key: str | None = None,
        *,
        keys: Mapping[str, Any] | str | Path,
        issuer: str | None = None,
        device_id: str | None = None,
        device_name: str | None = None,
        state_path: str | Path | None = None,
        refresh_seconds: float = DAY,
        refused_seconds: float = HOUR,
        pause_seconds: float = 30.0,
        verify: bool | str | Path = True,
        offline: bool = False,
        allow_http: bool = False,
        require_token: bool = True,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        between: Between = _between,
    ) -> None:
        application = checked_id("application", application)
        if not application:
            raise ConfigurationError("application: missing")
        path = Path(state_path) if state_path else default_path(application)
        device_id = checked_id("device_id", device_id)
        device_id = device_id or fingerprint(application, path.parent)
        transport = Transport(
            server, verify=verify, allow_http=allow_http, limits=limits
        )
        self.device_id = device_id
        self._configured_key = (license_key or "").strip() or None
        self._judge = Judge(pinned_ring(keys, issuer), application, device_id)
        name = shown_name(device_name)
        self._server = Server(transport, application, device_id, name, clock)
        self._store = StateStore(path)
        self._pace = Pace(refresh_seconds, refused_seconds, between)
        self._asker = Asker(
            self._judge, self._server, self._store, self._pace, require_token, clock
        )
        self._pause_seconds = pause_seconds
        self._offline = offline
        self._clock = clock
        self._asked_at = 0.0  # by the monotonic clock
        self._asking = threading.Lock()
        self._background = Background()

    def check(self, *, refresh: bool = False) -> Verdict:
        """Return whether the software may run; never raises, rarely waits.

        A good token decides at once; when it is time, the server is asked in the
        background and a later call knows. Without one the server is asked now.

        :param refresh: ask the server now in any case, as `sync` does
        """
        if refresh:
            return self.sync()
        state, key, ruling = self._look()
        if ruling.is_settled:
            self._note_time(state, ruling)
            if self._askable(state, key) and self._pace.is_due(state, self._clock()):
                self._background.start(self._ask_if_due)
            return ruling.verdict
        with self._asking:  # whoever had it may have settled it meanwhile
            state, key, ruling = self._look()
            key = self._askable(state, key)
            if ruling.is_settled or key is None or self._must_wait(state):
                return ruling.verdict
            return self._ask(key, key)

    def sync(self) -> Verdict:
        """Ask the server now; where it is away, what is stored decides."""
        with self._asking:
            state, key, ruling = self._look()
            key = self._askable(state, key)
            return ruling.verdict if key is None else self._ask(key, key)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a question in the background; False if it is still under way.

        For scripts that end after `check`: the question would end with them.
        """
        return self._background.wait(timeout)

    def activate(self, license_key: str | None = None) -> Verdict:
        """Take a seat for this device, and remember the key if the server grants it.

        :param license_key: by default the one in use; a device that was deactivated
            takes a seat again
        """
        with self._asking:
            known = self._key(self._store.load())
            key = (license_key or "").strip() or known
            if key is None:
                return refused("no_license_key", "none")
            if self._offline:
                return refused("offline", "none", conclusive=False)
            verdict = self._ask(key, known)
            if verdict.valid and self._configured_key:
                self._configured_key = key  # until the program starts anew
            return verdict

    def deactivate(self) -> Deactivation:
        """Give up this device's seat; until `activate`, `check` says so."""
        with self._asking:
            key = self._key(self._store.load())
            if key is None:
                no = refused("no_license_key", "none")
                return Deactivation(False, no.code, no.message)
            if self._offline:
                return Deactivation(False, "offline", "The network is off.", False)
            return self._asker.deactivate(key)

    def request_file(self) -> str:
        """Return the text to hand in at the portal for this device's license file."""
        nonce = new_nonce()
        state = self._store.update(lambda state: state.remember_nonce(nonce))
        request = self._server.request(self._key(state))
        return wrap_request({"version": 1, **request, "nonce": nonce})

    def install_file(self, text_or_path: str | Path) -> Verdict:
        """Take over a license file if it is good here and now; the verdict on it.

        A refused file leaves everything as it was. Raises OSError or UnicodeError for
        a path that cannot be read.
        """
        text = str(text_or_path)
        if isinstance(text_or_path, Path) or "-----BEGIN" not in text:
            text = Path(text_or_path).read_text("utf-8")
        with self._asking:
            try:
                return self._install(unwrap(LICENSE, text), unwrap_key(text))
            except TokenError as error:
                return refused(error.code, "file", sentence(error))

    def _install(self, token: str, jwk: dict[str, Any] | None) -> Verdict:
        state, key = self._store.load(), self._configured_key
        expected = self._judge.expected(key, any_device=True)
        fetch = None if self._offline else self._server.keys
        if jwk:
            fetch = [jwk].copy  # the file brings the key that it needs
        claims = verify_with_server_keys(self._judge, state, token, expected, fetch)
        arrival = check_file(self._judge, state, claims, self._clock())
        keys = state.keys

        def change(state: State) -> None:
            state.keys = keys
            remember_file(state, token, arrival, key)

        self._store.update(change)
        return granted(claims, "file", self._store.warnings)

    def _look(self) -> tuple[State, str | None, Ruling]:
        """Return what is stored, the key in use, and the ruling on them."""
        state = self._store.load()
        key = self._key(state)
        warnings = warnings_of(state, self._store)
        return state, key, self._judge.rule(state, key, self._clock(), warnings)

    def _key(self, state: State) -> str | None:
        return self._configured_key or state.license_key

    def _note_time(self, state: State, ruling: Ruling) -> None:
        """Remember that a moment has been, if the license was found good at it."""
        now = ruling.now
        if now is not None and now >= state.latest + _CLOCK_STEP:

            def change(state: State) -> None:
                state.latest = max(state.latest, now)

            self._store.update(change)

    def _askable(self, state: State, key: str | None) -> str | None:
        """Return the key if the server may be asked about it."""
        refusal = self._judge.refusal(state, key)
        is_given_up = refusal is not None and refusal.code == DEACTIVATED
        return None if self._offline or is_given_up else key

    def _must_wait(self, state: State) -> bool:
        """Whether `check` does not ask now: asked in vain just before, or told so."""
        since = time.monotonic() - self._asked_at
        is_pausing = self._asker.has_failed and since < self._pause_seconds
        return is_pausing or is_held(state, self._clock())

    def _ask_if_due(self) -> None:
        """The work in the background."""
        with self._asking:
            state, key, _ruling = self._look()
            key = self._askable(state, key)
            if key is not None and self._pace.is_due(state, self._clock()):
                self._ask(key, key)

    def _ask(self, key: str, known_key: str | None) -> Verdict:
        verdict = self._asker.ask(key, known_key)
        self._asked_at = time.monotonic()
        return verdict
