"""From an answer's token to claims that are believed."""

from collections.abc import Callable
from typing import Any

from .claims import Claims
from .errors import TokenError, TransportError
from .judge import Judge
from .state import State
from .token import Expected, verify

Jwks = list[dict[str, Any]]


def verify_with_server_keys(
    judge: Judge,
    state: State,
    token: str,
    expected: Expected,
    fetch: Callable[[], Jwks] | None,
) -> Claims:
    """Return a token's claims; if its key is unknown, ask the server for new keys.

    New keys that a pinned one vouches for are kept in the given state.

    :param fetch: returns the server's JWKs; None: the network is not to be used

    Raises TokenError.
    """
    ring = judge.ring(state)
    try:
        return verify(token, ring, expected)
    except TokenError as error:
        if error.code != "unknown_key" or fetch is None:
            raise
        try:
            jwks = fetch()
        except TransportError:
            raise error from None
    believed = judge.roots.extended(jwks)
    new = [jwk for jwk in jwks if jwk.get("kid") in believed]
    claims = verify(token, believed, expected)
    state.keys = [jwk for jwk in new if jwk.get("kid") not in judge.roots]
    return claims
