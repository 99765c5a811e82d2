"""Keys that sign: made, read, written, and told as JSON Web Keys (RFC 7517).

Ed25519 (RFC 8037), and RSA for RS256 (RFC 7518) where a client knows nothing newer.
"""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

ED25519, RS256 = "EdDSA", "RS256"
#: RFC 7518, section 3.3: smaller ones must not be used.
RSA_BITS = 2048
#: Larger ones take too long for each answer.
MAX_RSA_BITS = 4096
#: What a JSON Web Key's thumbprint is made of (RFC 7638, RFC 8037 appendix A.3).
THUMBPRINT_MEMBERS = ("crv", "e", "kty", "n", "x")


class SigningKey(NamedTuple):
    """A private key, and in whose name it signs from when until when (naive UTC)."""

    kid: str
    algorithm: str
    private: Any
    issuer: str
    signs_from: datetime
    retired_at: datetime | None = None

    def signs_at(self, now):
        return self.signs_from <= now and not (
            self.retired_at and self.retired_at <= now
        )


class BadKey(ValueError):
    """What was given is no key that we can sign with; the text says why."""


def generate(algorithm=ED25519):
    """Return a new private key."""
    if algorithm == RS256:
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return ed25519.Ed25519PrivateKey.generate()


def load(pem, passphrases=()):
    """Return the private key of a PEM text, which one of the passphrases may open.

    Raises BadKey.
    """
    problem = "This is not a private key in PEM format."
    for passphrase in (None, *passphrases):
        try:
            key = serialization.load_pem_private_key(
                pem.strip().encode(), passphrase and passphrase.encode()
            )
        except TypeError:  # encrypted and no passphrase, or the other way round
            problem = "The key is encrypted: its passphrase is missing."
        except (ValueError, UnsupportedAlgorithm):
            problem = (
                "This is not a private key in PEM format, or the passphrase is wrong."
            )
        else:
            get_algorithm(key)
            return key
    raise BadKey(problem)


def dump(key, passphrase=None):
    """Return a private key as PEM (PKCS #8), encrypted if there is a passphrase."""
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def is_encrypted(pem):
    """Whether a private key can't be read without a passphrase."""
    return "ENCRYPTED" in pem


def opens(pem, *passphrases):
    """Whether one of these passphrases is that of an encrypted private key."""
    try:
        return bool(load(pem, passphrases))
    except BadKey:
        return False


def get_algorithm(key):
    """Return the algorithm that a private key signs with; raise BadKey without one."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ED25519
    if isinstance(key, rsa.RSAPrivateKey):
        if not RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise BadKey(f"An RSA key has {RSA_BITS} to {MAX_RSA_BITS} bits.")
        return RS256
    raise BadKey("Use an Ed25519 or an RSA key.")


def public_pem(key):
    """Return the public part of a private key as PEM (SubjectPublicKeyInfo)."""
    return (
        key.public_key()
        .public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        .decode()
    )


def public_jwk(key):
    """Return the public part of a private key as a JSON Web Key, named by itself."""
    algorithm = get_algorithm(key)
    to_jwk = (RSAAlgorithm if algorithm == RS256 else OKPAlgorithm).to_jwk
    jwk = json.loads(to_jwk(key.public_key()))
    members = {name: jwk[name] for name in ("kty", *THUMBPRINT_MEMBERS) if name in jwk}
    return {**members, "kid": thumbprint(members), "use": "sig", "alg": algorithm}


def thumbprint(jwk):
    """Return the SHA-256 thumbprint of a JSON Web Key (RFC 7638)."""
    members = {name: jwk[name] for name in THUMBPRINT_MEMBERS if name in jwk}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url_encode(sha256(text.encode()).digest()).decode()
