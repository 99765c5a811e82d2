"""The verdict on what is stored: no network, no disk, nothing is changed."""

import hashlib
from dataclasses import dataclass

from .claims import Claims
from .errors import TokenError
from .keyring import KeyRing
from .license_key import normalize
from .moments import trusted_now
from .state import Refusal, State
from .token import Expected, check_time, verify
from .verdict import MESSAGES, Source, Verdict, granted, refused


@dataclass(frozen=True)
class Ruling:
    """A verdict, and what follows from it.

    :param is_settled: whether it stands without asking the server now
    :param now: the moment that it was found good at; None if it was not
    """

    verdict: Verdict
    is_settled: bool
    now: float | None = None


@dataclass(frozen=True)
class Judge:
    """Decides for one application on one device."""

    roots: KeyRing
    application: str
    device_id: str

    def ring(self, state: State) -> KeyRing:
        """Return the believed keys; the stored ones are proven anew each time."""
        return self.roots.extended(state.keys)

    def expected(
        self, key: str | None, nonce: str | None = None, any_device: bool = False
    ) -> Expected:
        """Return what a token must be about."""
        return Expected(self.application, self.device_id, key, nonce, any_device)

    def scope(self, key: str) -> str:
        """Return a hash of what a refusal is about; it tells nobody the key."""
        parts = (normalize(key), self.application, self.device_id)
        text = "\0".join(parts).encode("utf-8", "replace")
        return hashlib.sha256(text).hexdigest()

    def refusal(self, state: State, key: str | None) -> Refusal | None:
        """Return the remembered refusal of this license on this device."""
        refusal = state.refusal
        if refusal is None or key is None or refusal.scope != self.scope(key):
            return None
        return refusal

    def rule(
        self, state: State, key: str | None, local: float, warnings: tuple[str, ...]
    ) -> Ruling:
        """Return the ruling on a state, at a time of the local clock."""
        refusal = self.refusal(state, key)
        if refusal:
            message = None if refusal.code in MESSAGES else "The license was refused."
            no = refused(refusal.code, "server", message, warnings=warnings)
            return Ruling(no, True)
        first: tuple[TokenError, Source] | None = None
        ring = self.ring(state)
        stored: tuple[tuple[str | None, Source], ...] = (
            (state.token, "token"),
            (state.file_token, "file"),
        )
        for token, source in stored:
            if token is None:
                continue
            expected = self.expected(key, any_device=source == "file")
            try:
                claims = verify(token, ring, expected)
                latest = max(state.latest, claims.issued_at)  # the token's own floor
                now = moment_for(claims, latest, state.offset, local)
            except TokenError as error:
                first = first or (error, source)
            else:
                return Ruling(granted(claims, source, warnings), True, now)
        if first:
            why, source = first
            no = refused(why.code, source, sentence(why), warnings=warnings)
            return Ruling(no, False)
        return Ruling(nothing_stored(state, key, warnings), False)


def moment_for(claims: Claims, latest: float, offset: float, local: float) -> float:
    """Return the moment that it is, if the claims are good at it.

    Raises TokenError ``clock_turned_back``, ``token_expired``, ``token_not_yet_valid``.
    """
    now = trusted_now(local, offset, latest)
    if now is None:
        raise TokenError("clock_turned_back", "the clock of this device is behind")
    check_time(claims, now)
    return now


def nothing_stored(
    state: State, key: str | None, warnings: tuple[str, ...] = ()
) -> Verdict:
    """Return the verdict where there is no token and the server did not answer."""
    if key is None:
        return refused("no_license_key", "none", warnings=warnings)
    code, _colon, message = (state.trouble or "offline").partition(": ")
    known = MESSAGES.get(code, "The server gave no usable answer.")
    return refused(code, "none", message or known, False, warnings)


def sentence(error: TokenError) -> str:
    """Return an error's message as a sentence."""
    return f"{error.message[:1].upper()}{error.message[1:]}."
