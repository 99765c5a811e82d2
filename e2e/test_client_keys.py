"""The client and the real server: signing keys come and go, and clients follow."""

import time
from dataclasses import replace

import jwt
import pytest
from machine import BY_FILE, BY_SERVER, BY_TOKEN, told

KEYS = "software.license.signing.key"


@pytest.fixture
def key(own_site):
    _license, key = own_site.license()
    return key


def stored_token(machine):
    """The header of the token that a machine keeps."""
    return jwt.get_unverified_header(machine.token)


def newest(site, machine):
    """The same machine with a release of today: it pins the newest key."""
    return replace(machine, jwk=site.jwks()[0])


def withdraw(site, kid):
    site.rpc(KEYS, "action_withdraw", site.rpc.search(KEYS, ["kid", "=", kid]))


def let_pass(site, kid):
    """Let the last token of a key that signs no more have ended."""
    site.place.postgres.sql(
        f"UPDATE software_license_signing_key SET longest_days = 0 WHERE kid = '{kid}'",
        db=site.server.db,
    )


def published(site):
    return [jwk["kid"] for jwk in site.jwks()]


def test_a_client_follows_a_rotation_by_itself_and_remembers(
    own_site, proxy, laptop, key
):
    laptop.start(key).check()
    kid = own_site.rotate()
    assert told(laptop.start(key).check()) == BY_TOKEN, "signed by the retired key"
    assert told(laptop.start(key).sync()) == BY_SERVER
    assert stored_token(laptop)["kid"] == kid != laptop.jwk["kid"]
    assert told(laptop.start(key).sync()) == BY_SERVER
    assert len([path for path in proxy.asked if "jwks" in path]) == 1
    proxy.stop()
    assert told(laptop.start(key).check()) == BY_TOKEN


@pytest.mark.parametrize("retire", [withdraw, let_pass])
def test_a_release_of_long_ago_follows_two_rotations(
    own_site, proxy, laptop, key, retire
):
    first = laptop.jwk["kid"]
    second, third = own_site.rotate(), own_site.rotate()
    retire(own_site, first)
    assert first not in published(own_site)
    assert published(own_site)[:2] == [third, second]
    assert told(laptop.start().activate(key)) == BY_SERVER
    proxy.stop()
    assert told(laptop.start().check()) == BY_TOKEN


def test_a_new_release_asks_once_where_the_token_is_of_a_retired_key(
    own_site, proxy, laptop, key
):
    laptop.start(key).check()
    own_site.rotate()
    updated = newest(own_site, laptop)
    proxy.stop()
    assert told(updated.start(key).check()) == ("unknown_key", "token", 1)
    both = {"keys": own_site.jwks()}
    assert told(updated.start(key, keys=both).check()) == BY_TOKEN
    proxy.start()
    assert told(updated.start(key).check()) == BY_SERVER
    assert told(updated.start(key).check()) == BY_TOKEN


def test_after_the_signing_key_was_withdrawn_only_a_new_release_believes_the_next(
    own_site, proxy, laptop, tower, key
):
    until = laptop.start(key).check().valid_until.timestamp()
    withdraw(own_site, laptop.jwk["kid"])
    verdict = laptop.start(key).sync()
    assert told(verdict) == BY_TOKEN, "what it has is good to its end"
    assert verdict.warnings[0].startswith("unknown_key: ")
    assert told(tower.start(key).check()) == ("unknown_key", "none", 3)
    laptop.clock.wrong_by = until - time.time()
    assert told(laptop.start(key).check()) == ("token_expired", "token", 1)
    for machine in (laptop, tower):
        assert told(newest(own_site, machine).start(key).check()) == BY_SERVER


def test_an_rs256_key_is_followed_and_pinned_like_any_other(
    own_site, proxy, laptop, tower, key
):
    rsa = own_site.rotate(algorithm="RS256")
    tower = newest(own_site, tower)
    assert (tower.jwk["kty"], tower.jwk["kid"]) == ("RSA", rsa)
    for machine in (laptop, tower):
        assert told(machine.start(key).check()) == BY_SERVER
        assert stored_token(machine) == {"typ": "JWT", "alg": "RS256", "kid": rsa}
    own_site.rotate(algorithm="EdDSA")
    for machine in (laptop, tower):
        assert told(machine.start(key).sync()) == BY_SERVER
        assert stored_token(machine)["alg"] == "EdDSA"
    proxy.stop()
    for machine in (laptop, tower):
        assert told(machine.start(key).check()) == BY_TOKEN


def test_a_license_file_of_a_new_key_is_believed_by_who_never_saw_the_network(
    own_site, laptop, tower, key
):
    for _rotation in range(2):
        own_site.rotate()
    text = own_site.manage("GET", f"/{key}/file").text
    token, _key = text.split("-----BEGIN LICENSE KEY-----")
    offline = {"offline": True}
    unknown = ("unknown_key", "file", 1)
    assert told(laptop.start(**offline).install_file(token)) == unknown
    for machine in (laptop, newest(own_site, tower)):
        assert told(machine.start(**offline).install_file(text)) == BY_FILE
        assert told(machine.start(**offline).check()) == BY_FILE
