"""Public keys: read from JWKs and PEM, named by their thumbprint, and verifying.

Only two kinds exist here, Ed25519 (RFC 8037) and RSA of 2048 bits or more. The kind
alone decides which algorithm may be verified with a key, never a token's header.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from .codec import decode_base64url, encode_base64url
from .errors import TokenError

PublicKey: TypeAlias = Ed25519PublicKey | RSAPublicKey

ALGORITHMS = ("EdDSA", "RS256")
MIN_RSA_BITS = 2048
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_jws = jwt.PyJWS(algorithms=list(ALGORITHMS))


@dataclass(frozen=True)
class TrustedKey:
    """A public key that is believed, and the issuer for which it may speak."""

    kid: str
    public_key: PublicKey
    issuer: str

    @classmethod
    def of(cls, public_key: PublicKey, issuer: str) -> "TrustedKey":
        """Return the key under its own thumbprint, whatever others call it."""
        return cls(thumbprint(public_key), public_key, issuer)

    def verify(self, token: str) -> bytes:
        """Return what a compact JWS says, if this key signed it.

        Raises TokenError ``algorithm_not_allowed``, ``bad_signature`` or ``malformed``.
        """
        return verify_jws(token, self.public_key)


def verify_jws(token: str, public_key: PublicKey) -> bytes:
    """Return the payload of a compact JWS that this key signed; see TrustedKey."""
    try:
        payload = _jws.decode(token, public_key, algorithms=[algorithm_of(public_key)])
    except jwt.InvalidSignatureError as error:
        raise TokenError("bad_signature", "the signature does not match") from error
    except jwt.InvalidAlgorithmError as error:
        raise TokenError(
            "algorithm_not_allowed", "the key is not for this algorithm"
        ) from error
    except jwt.PyJWTError as error:
        raise TokenError("malformed", "not a signed token") from error
    if not isinstance(payload, bytes):
        raise TokenError("malformed", "the token has no content")
    return payload


def algorithm_of(public_key: PublicKey) -> str:
    """Return the one algorithm that is verified with such a key."""
    return "EdDSA" if isinstance(public_key, Ed25519PublicKey) else "RS256"


def to_jwk(public_key: PublicKey) -> dict[str, str]:
    """Return the members that make up a public key as a JWK (RFC 7517)."""
    if isinstance(public_key, Ed25519PublicKey):
        raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(raw)}
    numbers = public_key.public_numbers()
    return {"e": _from_int(numbers.e), "kty": "RSA", "n": _from_int(numbers.n)}


def thumbprint(public_key: PublicKey) -> str:
    """Return the SHA-256 thumbprint of a key (RFC 7638), base64url."""
    canonical = json.dumps(to_jwk(public_key), sort_keys=True, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(canonical.encode()).digest())


def from_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """Return the key of a JWK; ValueError says what is wrong with it.

    Its ``kid``, ``alg`` and ``use``, if given, must be true.
    """
    if _PRIVATE_MEMBERS & jwk.keys():
        raise ValueError("this is a secret key; only its public part may be given out")
    public_key = _read_jwk(jwk)
    if jwk.get("kid", thumbprint(public_key)) != thumbprint(public_key):
        raise ValueError("kid is not the thumbprint (RFC 7638) of the key")
    if jwk.get("alg", algorithm_of(public_key)) != algorithm_of(public_key):
        raise ValueError("alg does not fit the key")
    if jwk.get("use", "sig") != "sig":
        raise ValueError("the key is not for signatures")
    return public_key


def from_pem(text: str) -> list[PublicKey]:
    """Return the public keys in a PEM text; ValueError says what is wrong with it."""
    if "PRIVATE KEY-----" in text:
        raise ValueError("this is a secret key; only its public part may be given out")
    blocks = [match.group(0) for match in _PEM.finditer(text)]
    return [_read_pem(block) for block in blocks]


def _read_pem(block: str) -> PublicKey:
    try:
        public_key = load_pem_public_key(block.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("not a public key in PEM") from error
    if isinstance(public_key, Ed25519PublicKey):
        return public_key
    if isinstance(public_key, RSAPublicKey):
        return _strong(public_key)
    raise ValueError("only Ed25519 and RSA keys are known")


def _read_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind == ("OKP", "Ed25519"):
        return Ed25519PublicKey.from_public_bytes(_member(jwk, "x"))
    if kind == ("RSA", None):
        n, e = (int.from_bytes(_member(jwk, name), "big") for name in "ne")
        return _strong(RSAPublicNumbers(e, n).public_key())
    raise ValueError("only Ed25519 and RSA keys are known")


def _strong(public_key: RSAPublicKey) -> RSAPublicKey:
    if public_key.key_size < MIN_RSA_BITS:
        raise ValueError(f"an RSA key needs {MIN_RSA_BITS} bits or more")
    return public_key


def _member(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing")
    return decode_base64url(value)


def _from_int(number: int) -> str:
    return encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))
