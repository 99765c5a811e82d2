"""What is remembered after an answer of the server: one function for each kind."""

from dataclasses import dataclass

from .claims import Claims
from .errors import LicenseClientError, TransportError
from .moments import learnt_offset
from .schedule import DAY, Between, backoff, interval, is_over
from .state import Refusal, State

_FOREVER = float("inf")


@dataclass(frozen=True)
class Pace:
    """How often to ask: when all is well, and while the license is refused."""

    refresh_seconds: float
    refused_seconds: float
    between: Between

    def is_due(self, state: State, local: float) -> bool:
        """Whether to ask the server again; an edited state cannot put it off."""
        longest = max(DAY, self.refresh_seconds)
        wait = min(max(state.ask_after, state.hold), longest)
        return is_over(state.asked_at, wait, local)


def is_held(state: State, local: float) -> bool:
    """Whether the server asked to be left alone until later than now."""
    return not is_over(state.asked_at, min(state.hold, DAY), local)


def remember_grant(
    state: State, key: str, token: str, claims: Claims, local: float, pace: Pace
) -> None:
    """The server answered our nonce with a token: its time is the time."""
    state.token = token
    state.latest = claims.issued_at
    state.offset = learnt_offset(local, claims.issued_at)
    lifetime = claims.ends_at - claims.issued_at
    _lift(state, key, interval(pace.refresh_seconds, lifetime, pace.between), local)


def remember_unsigned_grant(state: State, key: str, local: float, pace: Pace) -> None:
    """The server said yes without a token: good for now, nothing for later."""
    after = interval(pace.refresh_seconds, _FOREVER, pace.between)
    _lift(state, key, after, local)


def remember_refusal(state: State, refusal: Refusal, local: float, pace: Pace) -> None:
    """The server said no: at once, and until it says otherwise."""
    state.forget_tokens()
    state.refusal = refusal
    _note_answer(state, local, interval(pace.refused_seconds, _FOREVER, pace.between))


def remember_trouble(
    state: State, error: LicenseClientError, local: float, pace: Pace
) -> None:
    """There was no usable answer: nothing changes, but when to ask again."""
    wait = error.retry_after if isinstance(error, TransportError) else None
    state.failures += 1
    state.asked_at = local
    state.hold = wait or 0.0
    state.ask_after = backoff(state.failures, wait, pace.between)
    state.trouble = f"{error.code}: {error.message}"


def _lift(state: State, key: str, ask_after: float, local: float) -> None:
    state.license_key = key
    state.refusal = None
    _note_answer(state, local, ask_after)


def _note_answer(state: State, local: float, ask_after: float) -> None:
    state.asked_at = local
    state.ask_after = ask_after
    state.hold = 0.0
    state.failures = 0
    state.trouble = None
