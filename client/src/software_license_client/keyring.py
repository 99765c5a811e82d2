"""Which keys are believed: the pinned ones, and those that they vouch for.

Everything but the pinned keys comes from places that others can write: the network and
the state file. So nothing of it counts but signatures that lead back to a pinned key.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .codec import parse_object
from .errors import ConfigurationError, TokenError
from .keys import PublicKey, TrustedKey, from_jwk, from_pem
from .signed import read_header

ENDORSEMENT = "license-key+jwt"
#: What one set of keys from outside may make us compute.
MAX_KEYS = 50
MAX_CHAIN = 50


class KeyRing:
    """The keys that are believed, by their thumbprint."""

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        self._keys = {key.kid: key for key in keys}

    def __contains__(self, kid: object) -> bool:
        return isinstance(kid, str) and kid in self._keys

    def get(self, kid: object) -> TrustedKey:
        """Return a key; TokenError ``unknown_key`` for one that is not believed."""
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenError("unknown_key", "signed with a key that is not trusted")
        return key

    def extended(self, jwks: Iterable[Any]) -> "KeyRing":
        """Return the ring with those of the given JWKs that it vouches for.

        What is wrong with a JWK or one of its endorsements only leaves it out.
        """
        keys = dict(self._keys)
        for jwk in list(jwks)[:MAX_KEYS]:
            if isinstance(jwk, dict):
                endorsed = self._endorsed(jwk)
                if endorsed:
                    keys.setdefault(endorsed.kid, endorsed)
        return KeyRing(keys.values())

    def _endorsed(self, jwk: Mapping[str, Any]) -> TrustedKey | None:
        """Return the key if its chain, oldest link first, begins with one of ours."""
        chain = jwk.get("endorsements")
        if not isinstance(chain, list):
            return None
        known = dict(self._keys)
        for link in chain[:MAX_CHAIN]:
            try:
                key = _follow(link, KeyRing(known.values()))
            except (TokenError, ValueError):
                continue  # a link before our pinned key, or a bad one: proves nothing
            known.setdefault(key.kid, key)
        try:
            kid = TrustedKey.of(from_jwk(jwk), "").kid
        except ValueError:
            return None
        return known.get(kid)


def _follow(link: Any, known: KeyRing) -> TrustedKey:
    """Return the key that one endorsement vouches for, in the name of a known key."""
    if not isinstance(link, str):
        raise ValueError("an endorsement is a text")
    endorser = known.get(read_header(link, ENDORSEMENT).get("kid"))
    claims = parse_object(endorser.verify(link))
    jwk = claims.get("jwk")
    if not isinstance(jwk, dict):
        raise ValueError("nothing is endorsed")
    key = TrustedKey.of(from_jwk(jwk), endorser.issuer)
    if claims.get("iss") != endorser.issuer or claims.get("sub") != key.kid:
        raise ValueError("the endorsement is for another issuer or another key")
    return key


def pinned_ring(
    keys: Mapping[str, Any] | str | Path, issuer: str | None = None
) -> KeyRing:
    """Return the ring of the keys that the vendor shipped.

    :param keys: a JWKS, one JWK, their JSON text, PEM text, or the path of such a file
    :param issuer: whose tokens they verify; not needed if each JWK has an ``iss``
    """
    try:
        pairs = list(_read_pinned(keys))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"keys: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"keys: cannot be read: {error.strerror}") from error
    if not pairs:
        raise ConfigurationError("keys: there is no public key in it")
    trusted = []
    for public_key, own_issuer in pairs:
        if issuer and own_issuer not in (None, issuer):
            raise ConfigurationError("keys: a key is of another issuer")
        name = issuer or own_issuer
        if not name:
            raise ConfigurationError("issuer: needed, since a key does not name its")
        trusted.append(TrustedKey.of(public_key, name))
    return KeyRing(trusted)


def _read_pinned(
    keys: Mapping[str, Any] | str | Path,
) -> Iterable[tuple[PublicKey, str | None]]:
    if isinstance(keys, Path):
        keys = keys.read_text("utf-8")
    elif isinstance(keys, str) and not keys.lstrip().startswith(("{", "-----BEGIN")):
        keys = Path(keys).read_text("utf-8")
    if isinstance(keys, str):
        if "-----BEGIN" in keys:
            return [(key, None) for key in from_pem(keys)]
        keys = parse_object(keys)
    if not isinstance(keys, Mapping):
        raise TypeError("a set of JWKs, text or a path is needed")
    jwks = keys.get("keys", [keys] if "kty" in keys else [])
    if not isinstance(jwks, list) or not all(isinstance(jwk, dict) for jwk in jwks):
        raise ValueError("not a set of JWKs")
    return [(from_jwk(jwk), _issuer_of(jwk)) for jwk in jwks]


def _issuer_of(jwk: Mapping[str, Any]) -> str | None:
    issuer = jwk.get("iss")
    if issuer is not None and not isinstance(issuer, str):
        raise ValueError("iss is not a text")
    return issuer
