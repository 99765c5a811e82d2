"""docs/offline.md: its commands, and its recipes on good tokens and on bad ones."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import time

import jwt
import pytest
import requests
from conftest import one_kind
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from documents import AT_HAND, VOLATILE, Document, run_recipe

TOKEN_FIELDS = ("sub", "licenseKey", "iss", "iat", "nbf", "exp", "jti", "kid", "x")
DOCUMENT = Document("offline.md", {*VOLATILE, *TOKEN_FIELDS})
DEVICE = "3f9c2b7e"
FEATURES = {"export": True}


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def get_answers(word):
    """Return what the document shows that has this word."""
    every = [answer for _text, answers in DOCUMENT.commands for answer in answers]
    return [answer for _language, answer in every if word in answer]


def to_x(private):
    return encode(private.public_key().public_bytes_raw())


def to_kid(x):
    """Return the name of a key (RFC 7638)."""
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return encode(hashlib.sha256(jwk.encode()).digest())


#: The key that the document shows; nobody has its private part.
(SHOWN,) = json.loads(get_answers('"keys"')[0])["keys"]
ISSUER = SHOWN["iss"]
#: The key that is pinned in its place, and that of another vendor, say.
PINNED, OWN = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
X = to_x(PINNED)
KID = to_kid(X)


def to_pem(private):
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


# === TOKENS, GOOD AND BAD === #


def sign(key=PINNED, headers=(), **changes):
    """Return a token that the recipes believe, but for what is changed."""
    now = int(time.time())
    claims = {
        **{"iss": ISSUER, "aud": "acme-editor", "deviceId": DEVICE},
        **{"iat": now, "nbf": now, "exp": now + 86400, "features": FEATURES},
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {"typ": "JWT", "kid": KID, **dict(headers)}
    return jwt.encode(claims, key, "EdDSA", headers)


def put_together(header, payload, make_signature):
    """Return a token whose signature is whatever somebody makes of the rest."""
    header = {"typ": "JWT", "kid": KID, **header}
    signed = f"{encode(json.dumps(header).encode())}.{payload}"
    return f"{signed}.{encode(make_signature(signed.encode()))}"


def alter():
    header, payload, signature = sign(deviceId="other").split(".")
    payload = decode(payload).replace(b"other", DEVICE.encode())
    return f"{header}.{encode(payload)}.{signature}"


def sign_not_at_all():
    return put_together({"alg": "none"}, sign().split(".")[1], lambda signed: b"")


def sign_by_hmac(secret):
    def make(signed):
        return hmac.digest(secret, signed, hashlib.sha256)

    return put_together({"alg": "HS256"}, sign().split(".")[1], make)


def sign_for_another_algorithm():
    return put_together({"alg": "ES256"}, sign().split(".")[1], PINNED.sign)


def sign_by_own_key(**headers):
    return sign(OWN, headers)


def hour(hours):
    return int(time.time()) + 3600 * hours


OWN_JWK = {"kty": "OKP", "crv": "Ed25519", "x": to_x(OWN)}
SIGNATURE = "signature|alg|not a token"
#: What is refused: how it is made, and what the recipes say of it.
CLAIMS_OF_OTHERS = {
    "another device": (lambda: sign(deviceId="other"), "device"),
    "no device": (lambda: sign(deviceId=None), "device"),
    "another application": (lambda: sign(aud="acme-viewer"), "audience"),
    "another issuer": (lambda: sign(iss="urn:uuid:other"), "issuer"),
    "an end that is past": (lambda: sign(exp=hour(-1)), "expired"),
    "no end": (lambda: sign(exp=None), "exp"),
    "a begin that is to come": (lambda: sign(nbf=hour(1)), "not yet valid"),
    "the type of an endorsement": (
        lambda: sign(headers={"typ": "license-key+jwt"}),
        "not a token",
    ),
    "another algorithm": (sign_for_another_algorithm, "alg|not a token"),
}
SIGNATURES_OF_OTHERS = {
    "an altered payload": (alter, "signature"),
    "alg none": (sign_not_at_all, SIGNATURE),
    "an HMAC with the PEM": (lambda: sign_by_hmac(to_pem(PINNED)), SIGNATURE),
    "an HMAC with the key": (lambda: sign_by_hmac(decode(X)), SIGNATURE),
    "an HMAC with x": (lambda: sign_by_hmac(X.encode()), SIGNATURE),
    "an unknown kid": (lambda: sign_by_own_key(kid="unknown"), "unknown key"),
    "a path for kid": (lambda: sign_by_own_key(kid="../keys/own"), "unknown key"),
    "a key of its own": (lambda: sign_by_own_key(jwk=OWN_JWK), "signature"),
    "nothing in it": (lambda: "", "."),
    "one part": (lambda: sign().split(".")[0], "."),
    "half of a signature": (lambda: sign()[:-46], "signature"),
}
REFUSED = {**CLAIMS_OF_OTHERS, **SIGNATURES_OF_OTHERS}


def armor(token):
    lines = re.findall(".{1,64}", token)
    return "\n".join(["-----BEGIN LICENSE-----", *lines, "-----END LICENSE-----", ""])


# === RECIPES === #


@pytest.fixture
def judge(tmp_path):
    """Run a recipe on a text; return (exit code, what it says)."""

    def run(language, text, kid=KID, x=X, iss=ISSUER):
        program = DOCUMENT.recipes[language]
        for name, value in {"kid": kid, "x": x, "iss": iss}.items():
            program = program.replace(SHOWN[name], value)
        (tmp_path / "acme-editor.lic").write_text(text)
        return run_recipe(language, program, tmp_path, "acme-editor.lic")

    return run


def assert_valid(code, said):
    assert code == 0, said
    assert said.startswith("valid ")
    assert json.loads(said.removeprefix("valid ")) == FEATURES


@pytest.mark.parametrize("language", AT_HAND)
def test_the_recipe_believes_a_token_bare_armored_or_mangled_on_its_way(
    judge, language
):
    token = sign()
    mangled = armor(token).replace("\n", "\r\n  ")
    with_key = armor(token) + armor("eyJrdHkiOiAiT0tQIn0=").replace(
        "LICENSE", "LICENSE KEY"
    )
    for text in (token, armor(token), mangled, with_key):
        assert_valid(*judge(language, text))


@pytest.mark.parametrize("language", AT_HAND)
def test_the_recipe_bears_with_clocks_that_differ_by_a_minute(judge, language):
    now = int(time.time())
    assert_valid(*judge(language, sign(exp=now - 60)))
    assert_valid(*judge(language, sign(nbf=now + 60)))


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("language", AT_HAND)
def test_the_recipe_refuses(judge, language, what):
    make, reason = REFUSED[what]
    code, said = judge(language, armor(make()))
    assert code == 1
    assert re.match(rf"refused: .*({reason})", said, re.IGNORECASE), said


def test_there_is_a_recipe_for_each_language_and_it_pins_the_documents_key():
    assert set(DOCUMENT.recipes) == {"python", "javascript", "csharp", "go", "php"}
    for program in DOCUMENT.recipes.values():
        for word in (SHOWN["kid"], SHOWN["x"], ISSUER, DEVICE, "acme-editor"):
            assert word in program
    assert SHOWN["kid"] == to_kid(SHOWN["x"])


# === OPENSSL === #


@pytest.fixture
def openssl(tmp_path):
    """Run the document's commands for openssl on a text; return (code, said)."""
    (function,) = re.findall(
        r"^decode\(\) \{.*?^\}$", DOCUMENT.commands[1][0], re.DOTALL | re.MULTILINE
    )
    (commands,) = [text for text, _answers in DOCUMENT.commands if "pkeyutl" in text]
    (tmp_path / "keys").mkdir()
    for name, private in ((KID, PINNED), ("own", OWN)):
        (tmp_path / "keys" / f"{name}.pem").write_bytes(to_pem(private))

    def run(text):
        (tmp_path / "acme-editor.lic").write_text(text)
        done = subprocess.run(
            ["bash", "-e"],
            input=f"{function}\n{commands}",
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def test_openssl_verifies_the_signature(openssl):
    code, said = openssl(armor(sign()))
    assert code == 0
    assert "Signature Verified Successfully" in said


@pytest.mark.parametrize("what", SIGNATURES_OF_OTHERS)
def test_openssl_refuses(openssl, what):
    make, _reason = SIGNATURES_OF_OTHERS[what]
    code, said = openssl(armor(make()))
    assert code != 0
    assert "Verified Successfully" not in said


# === THE REAL SERVER === #


@pytest.fixture(scope="module")
def ring(site):
    """The company's only key, as a manager sees it."""
    keys = "software.license.signing.key"
    old = site.rpc.search(keys, ["withdrawn_at", "=", False])
    site.rpc(keys, "action_withdraw", old)
    (new,) = site.rpc.search(keys, ["withdrawn_at", "=", False])
    return site.rpc.read(
        keys, new, "kid", "issuer", "public_jwk", "public_file", "public_file_name"
    )


@pytest.fixture(scope="module")
def licensed(site, ring):
    """A license as the document shows it: its (id, key)."""
    policy = site.policy(plan="pro", features=FEATURES)
    product = site.rpc.create(
        "product.product", name="Acme Editor Pro", license_policy_id=policy
    )
    customer = site.rpc.create("res.partner", name="Blue Heron Studio")
    order = {
        "customerId": str(customer),
        "productId": str(product),
        "expiresAt": "2127-01-15T00:00:00Z",
    }
    answer = site.manage("POST", json=order).json()
    return int(answer["id"]), answer["licenseKey"]


@pytest.fixture
def pinned(ring):
    """What a vendor builds into the recipes."""
    return {
        "kid": ring["kid"],
        "x": ring["public_jwk"]["x"],
        "iss": ring["issuer"],
    }


@one_kind
def test_every_command_answers_what_the_document_shows(site, ring, licensed, tmp_path):
    (tmp_path / "keys").mkdir()
    pem = tmp_path / "keys" / ring["public_file_name"]
    pem.write_bytes(base64.b64decode(ring["public_file"]))
    settings = f"BASE={site.server.url}\nAPI_KEY={site.api_key()}\nKEY={licensed[1]}\n"
    DOCUMENT.check(settings, tmp_path)


def _validate(site, key, device=DEVICE):
    body = {"licenseKey": key, "deviceId": device}
    return requests.post(site.url("validate"), json=body, timeout=30).json()["token"]


@one_kind
def test_the_documents_token_lasts_as_long_as_a_real_one(site, licensed):
    (shown,) = map(json.loads, get_answers('"exp"'))
    claims = json.loads(decode(_validate(site, licensed[1]).split(".")[1]))
    assert claims["exp"] - claims["nbf"] == shown["exp"] - shown["nbf"]
    assert claims["nbf"] == claims["iat"]


@one_kind
@pytest.mark.parametrize("language", AT_HAND)
def test_the_recipe_believes_the_server_and_only_on_the_device(
    site, licensed, pinned, judge, language
):
    _id, key = licensed
    for device in (DEVICE, "other"):
        file = site.manage("GET", f"/{key}/file", params={"deviceId": device})
        for text in (_validate(site, key, device), file.text):
            code, said = judge(language, text, **pinned)
            if device == DEVICE:
                assert_valid(code, said)
            else:
                assert (code, said) == (1, "refused: another device\n")


@one_kind
def test_the_documents_request_is_answered_with_a_file_for_its_device(
    site, licensed, pinned, judge
):
    (request,) = get_answers("BEGIN LICENSE REQUEST")
    wizard = "software.license.file"
    made = site.rpc.create(wizard, license_id=licensed[0], request=request)
    site.rpc(wizard, "action_make", [made])
    file = base64.b64decode(site.rpc.read(wizard, made, "content")["content"]).decode()
    assert_valid(*judge("python", file, **pinned))
    token = "".join(file.splitlines()[1:-1])
    claims = json.loads(decode(token.split(".")[1]))
    assert claims["nonce"] == "b1946ac92492d234"
