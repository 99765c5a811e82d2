"""Tokens: who signed them, for whom they are, and when they are good.

Time is apart (`check_time`): what the time is, is a question of its own (moments.py).
"""

from dataclasses import dataclass

from .claims import Claims
from .codec import parse_object
from .errors import TokenError
from .keyring import KeyRing
from .license_key import normalize
from .signed import read_header

TYPE = "JWT"
#: How far the server's clock may be ahead of ours, in seconds.
LEEWAY = 300


@dataclass(frozen=True)
class Expected:
    """What a token must be about.

    :param license_key: None: whichever license
    :param nonce: the one that was sent; None: not asked just now
    :param any_device: whether a token that names no device is good (license files)
    """

    application: str
    device_id: str
    license_key: str | None = None
    nonce: str | None = None
    any_device: bool = False


def verify(token: str, ring: KeyRing, expected: Expected) -> Claims:
    """Return what a token says, if a trusted key signed it for us.

    Raises TokenError, see the table of codes in the README. Does not look at the time.
    """
    header = read_header(token, TYPE)
    key = ring.get(header.get("kid"))
    try:
        payload = parse_object(key.verify(token))
    except ValueError as error:
        raise TokenError("malformed", "the token's content is no JSON") from error
    claims = Claims.read(payload)
    if claims.issuer != key.issuer:
        raise TokenError("wrong_issuer", "the token is of another issuer")
    _check_scope(claims, expected)
    return claims


def _check_scope(claims: Claims, expected: Expected) -> None:
    if claims.audience != expected.application:
        raise TokenError("wrong_application", "the token is for another application")
    is_for_all = claims.device_id is None and expected.any_device
    if claims.device_id != expected.device_id and not is_for_all:
        raise TokenError("wrong_device", "the token is for another device")
    wanted = expected.license_key
    if wanted is not None and normalize(wanted) != normalize(claims.license_key):
        raise TokenError("wrong_license_key", "the token is for another license key")
    if expected.nonce is not None and claims.nonce != expected.nonce:
        raise TokenError("wrong_nonce", "the token is no answer to this question")


def check_time(claims: Claims, now: float) -> None:
    """Raise TokenError ``token_not_yet_valid`` or ``token_expired``."""
    if max(claims.issued_at, claims.not_before) > now + LEEWAY:
        raise TokenError("token_not_yet_valid", "the token is of a later time")
    if claims.ends_at <= now:
        raise TokenError("token_expired", "the token is past its end")
