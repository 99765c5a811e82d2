"""The outside of a compact JWS: its three parts and its header."""

from typing import Any

from .codec import decode_base64url, parse_object
from .errors import TokenError
from .keys import ALGORITHMS

MAX_CHARACTERS = 64 * 1024


def read_header(token: str, kind: str) -> dict[str, Any]:
    """Return the header of a token of a kind (its ``typ``); nothing is verified yet.

    Keys in the header (``jwk``, ``jku``, ``x5u``…) are of whoever wrote it: never used.
    Raises TokenError ``malformed``, ``unsupported_header`` or
    ``algorithm_not_allowed``.
    """
    if len(token) > MAX_CHARACTERS:
        raise TokenError("malformed", "too long for a token")
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError("malformed", "a token has three parts")
    try:
        header, *_others = (decode_base64url(part) for part in parts)
        fields = parse_object(header)
    except ValueError as error:
        raise TokenError("malformed", "the token is damaged") from error
    if fields.get("alg") not in ALGORITHMS:
        raise TokenError("algorithm_not_allowed", "not an algorithm of ours")
    if fields.get("typ") != kind:
        raise TokenError("unsupported_header", f"not of the type {kind}")
    if "crit" in fields or "b64" in fields:
        raise TokenError("unsupported_header", "asks for an extension")
    return fields
