"""Signed answers: tokens (JWT, RFC 7519) and the endorsements of new keys."""

import calendar
import secrets

import jwt

from . import period
from .signing import public_jwk

#: The type of an endorsement, so that it is never taken for a token (RFC 8725, 3.11).
ENDORSEMENT = "license-key+jwt"


def to_seconds(moment):
    """Return a naive UTC moment in seconds since 1970 (RFC 7519, NumericDate)."""
    return calendar.timegm(moment.timetuple())


def get_expiry(now, lifetime, *ends):
    """Return when a token ends: after its lifetime, or at the first of the ends.

    The lifetime is a timedelta; ends are naive UTC moments, None for never.
    """
    return min([period.add(now, lifetime), *(end for end in ends if end)])


def sign(key, claims, now, expires_at):
    """Return a signed token with these claims and those of every token."""
    issued = to_seconds(now)
    standard = {
        "iss": key.issuer,
        "iat": issued,
        "nbf": issued,
        "exp": to_seconds(expires_at),
        "jti": secrets.token_urlsafe(12),
    }
    return _encode(key, {**claims, **standard}, "JWT")


def endorse(key, private, now):
    """Return the statement of a key that another one, its successor, is to be trusted.

    Software that was shipped with the older key learns of the new one by it.
    """
    jwk = public_jwk(private)
    del jwk["use"]
    claims = {
        "iss": key.issuer,
        "iat": to_seconds(now),
        "sub": jwk["kid"],
        "jwk": jwk,
    }
    return _encode(key, claims, ENDORSEMENT)


def get_kid(signed):
    """Return the name of the key that signed a token of ours."""
    return jwt.get_unverified_header(signed)["kid"]


def _encode(key, claims, type_):
    headers = {"kid": key.kid, "typ": type_}
    return jwt.encode(claims, key.private, key.algorithm, headers)
