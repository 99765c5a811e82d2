"""Which keys are believed."""

import json
from types import SimpleNamespace

import pytest
from authority import ISSUER, ed25519_key, jwks, rsa_key
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from software_license_client.errors import ConfigurationError
from software_license_client.keyring import pinned_ring

OTHER_ISSUER = "urn:uuid:other"


def trusted(pinned, *published):
    """Which of the published keys are believed by someone who pins one."""
    ring = pinned_ring(jwks(pinned)).extended([key.jwk for key in published])
    return [key.kid in ring for key in published]


def test_an_endorsed_key_is_believed():
    first = ed25519_key()
    assert trusted(first, first.successor()) == [True]


def test_a_key_two_rotations_away_is_believed_though_the_middle_one_is_gone():
    first = ed25519_key()
    assert trusted(first, first.successor().successor()) == [True]


def test_who_pins_the_middle_key_believes_the_newest_and_not_the_first():
    first = ed25519_key()
    second = first.successor()
    assert trusted(second, second.successor(), first) == [True, False]


def test_an_rsa_key_can_be_endorsed_and_endorse():
    first, second = ed25519_key(), rsa_key()
    second.endorsements = [first.endorse(second)]
    assert trusted(first, second.successor()) == [True]


def broken(link):
    head, body, signature = link.split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def forged_chains():
    first, stranger = ed25519_key(), ed25519_key()
    new = ed25519_key()
    foreign = ed25519_key(OTHER_ISSUER)
    weak = rsa_key(1024)
    second = first.successor()
    good = first.endorse(new)
    bad_jwk = {**new.bare_jwk, "kid": stranger.kid}
    return first, {
        "none": (new, []),
        "no list": (new, good),
        "no text": (new, [7]),
        "no token": (new, ["endorsed"]),
        "broken signature": (new, [broken(good)]),
        "by an unpinned key": (new, [stranger.endorse(new)]),
        "by itself": (new, [new.endorse(new)]),
        "by an unpinned key under our kid": (
            new,
            [stranger.sign({"iss": ISSUER}, typ="license-key+jwt", kid=first.kid)],
        ),
        "for another key": (new, [first.endorse(ed25519_key())]),
        "of another issuer": (new, [first.endorse(new, iss=OTHER_ISSUER)]),
        "by a key of another issuer": (new, [foreign.endorse(new)]),
        "wrong sub": (new, [first.endorse(new, sub=stranger.kid)]),
        "wrong thumbprint": (
            new,
            [first.endorse(new, jwk=bad_jwk, sub=stranger.kid)],
        ),
        "no jwk": (new, [first.endorse(new, jwk=None)]),
        "a license token": (
            new,
            [first.sign({"iss": ISSUER, "sub": new.kid, "jwk": new.bare_jwk})],
        ),
        "a weak key": (weak, [first.endorse(weak)]),
        "a chain with a broken middle": (
            new,
            [broken(second.endorsements[0]), second.endorse(new)],
        ),
        "newest first": (new, [second.endorse(new), *second.endorsements]),
    }


FIRST, FORGED = forged_chains()


@pytest.mark.parametrize(("new", "chain"), FORGED.values(), ids=FORGED)
def test_a_key_without_a_good_chain_is_not_believed(new, chain):
    new.endorsements = chain
    assert trusted(FIRST, new) == [False]


def test_the_jwk_beside_a_good_chain_must_be_the_endorsed_one():
    first, stranger = ed25519_key(), ed25519_key()
    new = first.successor()
    ring = pinned_ring(jwks(first))
    swapped = {**stranger.jwk, "kid": new.kid, "endorsements": new.endorsements}
    assert new.kid not in ring.extended([swapped])
    assert stranger.kid not in ring.extended([swapped])


def test_garbage_among_the_keys_leaves_the_good_ones():
    first = ed25519_key()
    new = first.successor()
    garbage = [
        None,
        1,
        "key",
        {},
        {"kty": "oct", "k": "AAAA"},
        {"endorsements": [None]},
    ]
    assert new.kid in pinned_ring(jwks(first)).extended([*garbage, new.jwk])


def pem(key):
    form = PublicFormat.SubjectPublicKeyInfo
    return key.public.public_bytes(Encoding.PEM, form).decode()


def private_pem(key):
    return key.private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()


def test_keys_are_pinned_as_jwks_as_text_as_pem_and_by_path(tmp_path):
    key, old = ed25519_key(), rsa_key()
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(jwks(key, old)))
    for keys in (
        jwks(key, old),
        json.dumps(jwks(key, old)),
        path,
        str(path),
        pem(key) + pem(old),
    ):
        ring = pinned_ring(keys, ISSUER)
        assert (key.kid in ring, old.kid in ring) == (True, True)
    assert key.kid in pinned_ring(key.jwk)


EC = SimpleNamespace(public=ec.generate_private_key(ec.SECP256R1()).public_key())
DAMAGED_PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("keys", "issuer", "reason"),
    [
        ({"keys": []}, ISSUER, "no public key"),
        ({"keys": "all"}, ISSUER, "not a set"),
        ({}, ISSUER, "no public key"),
        ("{", ISSUER, "not JSON"),
        ("/nowhere/keys.json", ISSUER, "cannot be read"),
        (pem(FIRST), None, "issuer"),
        (private_pem(FIRST), ISSUER, "secret"),
        ({**FIRST.jwk, "d": "AAAA"}, None, "secret"),
        ({**FIRST.jwk, "kid": "other"}, None, "thumbprint"),
        ({**FIRST.jwk, "iss": None}, None, "issuer"),
        ({**FIRST.jwk, "iss": 5}, None, "iss"),
        (FIRST.jwk, OTHER_ISSUER, "another issuer"),
        (pem(rsa_key(1024)), ISSUER, "2048"),
        (pem(EC), ISSUER, "only Ed25519 and RSA"),
        (DAMAGED_PEM, ISSUER, "not a public key"),
        (DAMAGED_PEM.encode(), ISSUER, "keys"),
        ("", ISSUER, "keys"),
    ],
)
def test_wrongly_pinned_keys_are_the_vendors_mistake(keys, issuer, reason):
    with pytest.raises(ConfigurationError, match=reason):
        pinned_ring(keys, issuer)
