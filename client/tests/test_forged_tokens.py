"""Forged, damaged, expired and mis-scoped tokens, each refused for its own reason."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from authority import (
    APPLICATION,
    DAY,
    DEVICE,
    ISSUER,
    KEY,
    claims,
    ed25519_key,
    jwks,
    rsa_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from software_license_client.errors import TokenError
from software_license_client.keyring import pinned_ring
from software_license_client.token import Expected, check_time, verify

NOW = int(time.time())
GOOD = ed25519_key()
RSA = rsa_key()
STRANGER = ed25519_key()
RING = pinned_ring(jwks(GOOD, RSA))
EXPECTED = Expected(APPLICATION, DEVICE, KEY, nonce="n0nce")
GOOD_CLAIMS = claims(NOW, nonce="n0nce")


def b64(data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(key=GOOD, header=None, without=(), **changes):
    payload = {**GOOD_CLAIMS, **changes}
    payload = {name: value for name, value in payload.items() if name not in without}
    return key.sign(payload, **(header or {}))


def unsigned(**header):
    return f"{b64({'typ': 'JWT', 'kid': GOOD.kid, **header})}.{b64(GOOD_CLAIMS)}."


def hmac_with_public_key(key, secret, kid=None):
    head = {"alg": "HS256", "typ": "JWT", "kid": kid or key.kid}
    text = f"{b64(head)}.{b64(GOOD_CLAIMS)}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def pem_of(key):
    return key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def raw_of(key):
    return key.public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def with_part(token, index, change):
    parts = token.split(".")
    parts[index] = change(parts[index])
    return ".".join(parts)


def other_alg(key, alg):
    """A good signature under a header that names another algorithm."""
    text = f"{b64({'alg': alg, 'typ': 'JWT', 'kid': key.kid})}.{b64(GOOD_CLAIMS)}"
    return f"{text}.{b64(key.private.sign(text.encode()))}"


def last_bits(text):
    """The same bytes in another spelling: the unused last bits are set."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) | 1]


OTHER_CLAIMS = b64({**GOOD_CLAIMS, "plan": "enterprise"})

REFUSED = {
    # damaged
    "empty": ("", "malformed"),
    "one part": ("license", "malformed"),
    "two parts": (signed().rpartition(".")[0], "malformed"),
    "four parts": (signed() + ".AAAA", "malformed"),
    "five parts, as if encrypted": ("a.b.c.d.e", "malformed"),
    "not base64url": (with_part(signed(), 1, lambda p: "*" + p[1:]), "malformed"),
    "padded": (with_part(signed(), 2, lambda p: p + "=="), "malformed"),
    "line break inside": (
        with_part(signed(), 1, lambda p: p[:9] + "\n" + p[9:]),
        "malformed",
    ),
    "not ascii": (signed() + "é", "malformed"),
    "other spelling of the signature": (with_part(signed(), 2, last_bits), "malformed"),
    "header no JSON": (with_part(signed(), 0, lambda p: b64(b"{")), "malformed"),
    "header no object": (with_part(signed(), 0, lambda p: b64([])), "malformed"),
    "header nested deeply": (
        with_part(signed(), 0, lambda p: b64(b"[" * 9999)),
        "malformed",
    ),
    "too long": (signed(orgName="x" * 70000), "malformed"),
    "content no JSON": (GOOD.sign(b"license"), "malformed"),
    "content no object": (GOOD.sign(["license"]), "malformed"),
    "content with NaN": (GOOD.sign({**GOOD_CLAIMS, "exp": float("nan")}), "malformed"),
    # forged
    "alg none": (unsigned(alg="none"), "algorithm_not_allowed"),
    "alg None": (unsigned(alg="None"), "algorithm_not_allowed"),
    "alg missing": (unsigned(), "algorithm_not_allowed"),
    "alg no text": (unsigned(alg=["EdDSA"]), "algorithm_not_allowed"),
    "HMAC with the PEM": (
        hmac_with_public_key(RSA, pem_of(RSA)),
        "algorithm_not_allowed",
    ),
    "HMAC with the raw key": (
        hmac_with_public_key(GOOD, raw_of(GOOD)),
        "algorithm_not_allowed",
    ),
    "HMAC with the JWK": (
        hmac_with_public_key(GOOD, json.dumps(GOOD.bare_jwk).encode()),
        "algorithm_not_allowed",
    ),
    "Ed25519 as RS256": (other_alg(GOOD, "RS256"), "algorithm_not_allowed"),
    "Ed25519 as ES256": (other_alg(GOOD, "ES256"), "algorithm_not_allowed"),
    "RS256 with the Ed25519 kid": (
        signed(RSA, {"kid": GOOD.kid}),
        "algorithm_not_allowed",
    ),
    "EdDSA with the RSA kid": (signed(GOOD, {"kid": RSA.kid}), "algorithm_not_allowed"),
    "no signature": (signed().rpartition(".")[0] + ".", "bad_signature"),
    "zero signature": (
        with_part(signed(), 2, lambda p: b64(bytes(64))),
        "bad_signature",
    ),
    "cut signature": (with_part(signed(), 2, lambda p: p[:-22]), "bad_signature"),
    "other content": (with_part(signed(), 1, lambda p: OTHER_CLAIMS), "bad_signature"),
    "other header": (
        with_part(
            signed(),
            0,
            lambda p: b64({"alg": "EdDSA", "typ": "JWT", "kid": GOOD.kid, "x": 1}),
        ),
        "bad_signature",
    ),
    "stranger under our kid": (signed(STRANGER, {"kid": GOOD.kid}), "bad_signature"),
    "RSA stranger under our kid": (
        signed(rsa_key(), {"kid": RSA.kid}),
        "bad_signature",
    ),
    "stranger": (signed(STRANGER), "unknown_key"),
    "stranger who brings its key": (
        signed(STRANGER, {"jwk": STRANGER.bare_jwk}),
        "unknown_key",
    ),
    "stranger who tells where its key is": (
        signed(STRANGER, {"jku": "https://evil.example/jwks"}),
        "unknown_key",
    ),
    "stranger's key under our kid": (
        signed(STRANGER, {"kid": GOOD.kid, "jwk": STRANGER.bare_jwk}),
        "bad_signature",
    ),
    "no kid": (signed(GOOD, {"kid": None}), "unknown_key"),
    "kid a path": (signed(GOOD, {"kid": "../../dev/null"}), "unknown_key"),
    "an endorsement": (GOOD.endorse(STRANGER), "unsupported_header"),
    "other type": (signed(GOOD, {"typ": "at+jwt"}), "unsupported_header"),
    "no type": (signed(GOOD, {"typ": None}), "unsupported_header"),
    "crit": (signed(GOOD, {"crit": ["exp"], "exp": 1}), "unsupported_header"),
    # mis-scoped
    "other issuer": (signed(iss="urn:uuid:other"), "wrong_issuer"),
    "issuer in capitals": (signed(iss=ISSUER.upper()), "wrong_issuer"),
    "other application": (signed(aud="acme-player"), "wrong_application"),
    "other device": (signed(deviceId="device-2"), "wrong_device"),
    "no device": (signed(without=["deviceId"]), "wrong_device"),
    "other license key": (
        signed(licenseKey="ACME-0000-0000-0000-0000"),
        "wrong_license_key",
    ),
    "other nonce": (signed(nonce="yesterday"), "wrong_nonce"),
    "no nonce": (signed(without=["nonce"]), "wrong_nonce"),
    # of the wrong time
    "expired": (signed(iat=NOW - 9, nbf=NOW - 9, exp=NOW - 1), "token_expired"),
    "ends now": (signed(exp=NOW), "token_expired"),
    "begins in an hour": (signed(nbf=NOW + 3600), "token_not_yet_valid"),
    "made in an hour": (signed(iat=NOW + 3600), "token_not_yet_valid"),
    # claims of a wrong type
    "exp a text": (signed(exp=str(NOW + DAY)), "bad_claim"),
    "exp a fraction": (signed(exp=NOW + 0.5), "bad_claim"),
    "exp a truth": (signed(exp=True), "bad_claim"),
    "exp beyond all dates": (signed(exp=10**30), "bad_claim"),
    "iat negative": (signed(iat=-1), "bad_claim"),
    "aud a list": (signed(aud=[APPLICATION]), "bad_claim"),
    "deviceId a number": (signed(deviceId=1), "bad_claim"),
    "features a list": (signed(features=["export"]), "bad_claim"),
    "expiresAt no date": (signed(expiresAt="soon"), "bad_claim"),
    "expiresAt without zone": (signed(expiresAt="2027-01-15T00:00:00"), "bad_claim"),
    "status revoked": (signed(status="revoked"), "bad_claim"),
    "licenseKey null": (signed(licenseKey=None), "bad_claim"),
    **{
        f"no {name}": (signed(without=[name]), "missing_claim")
        for name in "iss sub aud iat nbf exp jti licenseKey status features".split()
    },
}


def judged(token, expected=EXPECTED):
    check_time(verify(token, RING, expected), NOW)


@pytest.mark.parametrize(("token", "code"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_token_is_refused_for_its_own_reason(token, code):
    with pytest.raises(TokenError) as caught:
        judged(token)
    assert caught.value.code == code
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "token",
    [
        signed(),
        signed(RSA),
        signed(licenseKey="  acme-7k3m-9iqz-vOxt-8rwb "),
        signed(nbf=NOW + 200, iat=NOW + 200),
        signed(expiresAt=None, plan=None),
        signed(GOOD, {"jwk": STRANGER.bare_jwk}),
        signed(future="claims may be added"),
    ],
    ids=["Ed25519", "RS256", "other spelling", "fast clock", "no end", "jwk", "more"],
)
def test_a_good_token_is_not_refused(token):
    judged(token)


def test_without_a_device_only_a_license_file_is_good():
    judged(
        signed(without=["deviceId"]),
        Expected(APPLICATION, DEVICE, KEY, "n0nce", any_device=True),
    )


def test_a_file_for_another_device_is_refused_where_any_device_would_do():
    with pytest.raises(TokenError, match="wrong_device"):
        judged(
            signed(deviceId="device-2"),
            Expected(APPLICATION, DEVICE, KEY, "n0nce", any_device=True),
        )
