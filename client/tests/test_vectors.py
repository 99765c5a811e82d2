"""The examples of the standards, through the code that verifies tokens."""

import pytest

from software_license_client.errors import TokenError
from software_license_client.keys import from_jwk, from_pem, thumbprint, verify_jws

# RFC 8037, appendix A: the public key (A.2), its thumbprint (A.3), a JWS (A.4).
ED25519_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
ED25519_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
ED25519_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

# RFC 7515, appendix A.2: RS256.
RSA_JWK = {
    "kty": "RSA",
    "n": (
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
        "PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0"
        "LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD"
        "Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
        "PAcDTW9gb54h4FRWyuXpoQ"
    ),
    "e": "AQAB",
}
RSA_JWS = (
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
    "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
    "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
    "p0igcN_IoypGlUPQGe77Rw"
)
RSA_PAYLOAD = (
    b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
)


def test_the_thumbprint_of_rfc_8037_is_the_one_computed_here():
    assert thumbprint(from_jwk(ED25519_JWK)) == ED25519_THUMBPRINT


@pytest.mark.parametrize(
    ("jwk", "jws", "payload"),
    [
        (ED25519_JWK, ED25519_JWS, b"Example of Ed25519 signing"),
        (RSA_JWK, RSA_JWS, RSA_PAYLOAD),
    ],
    ids=["rfc8037", "rfc7515"],
)
def test_the_signed_example_verifies_and_no_changed_one_does(jwk, jws, payload):
    public_key = from_jwk(jwk)
    assert verify_jws(jws, public_key) == payload
    header, content, signature = jws.split(".")
    for changed in (
        f"{header}.{'A' if content[0] != 'A' else 'B'}{content[1:]}.{signature}",
        f"{header}.{content}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
    ):
        with pytest.raises(TokenError, match="bad_signature"):
            verify_jws(changed, public_key)


@pytest.mark.parametrize(
    ("jws", "jwk"), [(ED25519_JWS, RSA_JWK), (RSA_JWS, ED25519_JWK)]
)
def test_a_key_verifies_its_own_algorithm_only(jws, jwk):
    with pytest.raises(TokenError, match="algorithm_not_allowed"):
        verify_jws(jws, from_jwk(jwk))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}, "secret"),
        ({"kid": "my-key"}, "thumbprint"),
        ({"alg": "RS256"}, "alg"),
        ({"use": "enc"}, "signatures"),
        ({"crv": "Ed448"}, "only Ed25519"),
        ({"kty": "oct"}, "only Ed25519"),
        ({"x": None}, "x is missing"),
        ({"x": "AAAA"}, "32 bytes"),
        ({"x": "+" + ED25519_JWK["x"][1:]}, "base64url"),
    ],
)
def test_a_wrong_jwk_is_refused_with_the_reason(change, reason):
    with pytest.raises(ValueError, match=reason):
        from_jwk({**ED25519_JWK, **change})


def test_a_text_without_pem_holds_no_key():
    assert from_pem("nothing") == []
