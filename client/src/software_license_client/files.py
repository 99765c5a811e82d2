"""License files: whether one is good here and now, and what is remembered of it."""

from dataclasses import dataclass

from .claims import Claims
from .errors import TokenError
from .judge import Judge, moment_for
from .license_key import normalize
from .moments import learnt_offset
from .state import State
from .token import check_time


@dataclass(frozen=True)
class Arrival:
    """A file that is good now.

    :param now: the moment that it is
    :param offset: how far the local clock is behind
    """

    claims: Claims
    now: float
    offset: float


def check_file(judge: Judge, state: State, claims: Claims, local: float) -> Arrival:
    """Return the arrival of a verified file's claims.

    A file with the nonce of a request that had no answer yet was made after that
    request: it proves the time, and that the server said yes since then. Raises
    TokenError, of the time, ``wrong_nonce``, or the refusal that is older.
    """
    nonce = claims.nonce
    is_proof = nonce is not None and state.nonces.get(nonce) is False
    if nonce is not None and state.nonces and nonce not in state.nonces:
        raise TokenError("wrong_nonce", "the file answers a request of another device")
    refusal = judge.refusal(state, claims.license_key)
    if refusal and not is_proof and claims.issued_at <= refusal.moment:
        raise TokenError(
            refusal.code, "the license was refused after the file was made"
        )
    if not is_proof:
        now = moment_for(claims, state.latest, state.offset, local)
        return Arrival(claims, now, state.offset)
    offset = max(0.0, learnt_offset(local, claims.issued_at))
    now = max(local + offset, float(claims.issued_at))
    check_time(claims, now)
    return Arrival(claims, now, offset)


def remember_file(
    state: State, token: str, arrival: Arrival, configured_key: str | None
) -> None:
    """Take a file over; it may bring another license key, unless one is configured.

    A file for any device takes no seat, so that its key is not asked about online.
    """
    claims = arrival.claims
    state.file_token = token
    state.refusal = None
    state.offset = arrival.offset
    state.latest = arrival.now
    if claims.nonce is not None and claims.nonce in state.nonces:
        state.nonces[claims.nonce] = True
    known = state.license_key
    if configured_key or (known and normalize(known) == normalize(claims.license_key)):
        return
    state.token = None
    state.license_key = claims.license_key if claims.device_id else None
