"""What the server does with keys: sign tokens, endorse new keys, publish them."""

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from software_license_client.armor import KEY as KEY_BLOCK
from software_license_client.armor import LICENSE, wrap
from software_license_client.keys import algorithm_of, thumbprint, to_jwk

ISSUER = "urn:uuid:6d7b2b5e-0000-4000-8000-000000000001"
APPLICATION = "acme-editor"
DEVICE = "device-1"
KEY = "ACME-7K3M-91QZ-V0XT-8RWB"
OTHER_KEY = "ACME-0000-0000-0000-0000"
HOUR = 3600
DAY = 86400


@dataclass
class SigningKey:
    """One private key, and how the older ones vouch for it."""

    private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    issuer: str = ISSUER
    endorsements: list = field(default_factory=list)

    @property
    def public(self):
        return self.private.public_key()

    @property
    def kid(self):
        return thumbprint(self.public)

    @property
    def algorithm(self):
        return algorithm_of(self.public)

    @property
    def bare_jwk(self):
        return {**to_jwk(self.public), "kid": self.kid, "alg": self.algorithm}

    @property
    def jwk(self):
        more = {"use": "sig", "iss": self.issuer, "endorsements": self.endorsements}
        return {**self.bare_jwk, **more}

    def sign(self, payload, **header):
        """A compact JWS; header members may be overridden, None drops them."""
        fields = {"typ": "JWT", "kid": self.kid, **header}
        fields = {name: value for name, value in fields.items() if value is not None}
        fields.setdefault("typ", "")  # PyJWT would add its own
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return jwt.PyJWS().encode(
            data, self.private, algorithm=self.algorithm, headers=fields
        )

    def endorse(self, other, **claims):
        """The endorsement of another key, as this key's owner gives it."""
        payload = {
            "iss": self.issuer,
            "iat": int(time.time()),
            "sub": other.kid,
            "jwk": other.bare_jwk,
            **claims,
        }
        return self.sign(payload, typ="license-key+jwt")

    def successor(self):
        """A new key of the ring that this key endorses."""
        new = ed25519_key(self.issuer)
        new.endorsements = [*self.endorsements, self.endorse(new)]
        return new


def ed25519_key(issuer=ISSUER):
    return SigningKey(ed25519.Ed25519PrivateKey.generate(), issuer)


def rsa_key(bits=2048):
    return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def jwks(*keys):
    return {"keys": [key.jwk for key in keys]}


def claims(now=None, seconds=14 * DAY, **changes):
    """The claims of a good token; None drops one."""
    now = int(time.time() if now is None else now)
    payload = {
        "iss": ISSUER,
        "sub": "42",
        "aud": APPLICATION,
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "jti": uuid.uuid4().hex,
        "licenseKey": KEY,
        "status": "active",
        "plan": "pro",
        "features": {"export": True, "seats": 5, "beta": False},
        "orgName": "Deco Addict",
        "expiresAt": iso(now + 365 * DAY),
        "deviceId": DEVICE,
        **changes,
    }
    return {name: value for name, value in payload.items() if value is not None}


def iso(seconds):
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def license_file(key, **changes):
    """The text of a license file; a key that others endorsed comes with it."""
    text = wrap(LICENSE, key.sign(claims(**changes)))
    return text + key_block(key.jwk) if key.endorsements else text


def key_block(jwk):
    """The part of a license file that brings a key."""
    return wrap(KEY_BLOCK, base64.b64encode(json.dumps(jwk).encode()).decode())


def decided_by(verdict):
    """What made a verdict valid; its code if it is not."""
    return verdict.source if verdict.valid else verdict.code
