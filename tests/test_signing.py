import json
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws as joserfc_jws
from joserfc.jwk import KeySet
from jwt.api_jws import PyJWS
from jwt.utils import base64url_decode, base64url_encode, to_base64url_uint

from odoo.tests import BaseCase, tagged

from ..tools import license_file, signing, token
from ..tools.errors import InvalidRequest

NOW = datetime(2026, 3, 1, 12)
FORTNIGHT = timedelta(days=14)
#: RFC 8037, appendix A.
ED25519_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
ED25519_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
ED25519_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PP"
    "Ot7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
#: RFC 7515, appendix A.2.
RSA_N = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM"
    "EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
    "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3"
    "qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g"
    "b54h4FRWyuXpoQ"
)
RSA_D = (
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-"
    "7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzub"
    "Su3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1j"
    "uUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91"
    "p1DhOVRuOopznQ"
)
RSA_JWS = (
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9le"
    "GFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9"
    "PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BA"
    "ynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOL"
    "n6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9"
    "Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)


def make_key(private, issuer="urn:test", **values):
    """Return a private key as the ring hands it out."""
    jwk = signing.public_jwk(private)
    key = signing.SigningKey(jwk["kid"], jwk["alg"], private, issuer, NOW)
    return key._replace(**values)


def load_rfc_rsa_key():
    numbers = {
        name: int.from_bytes(base64url_decode(value))
        for name, value in {"n": RSA_N, "d": RSA_D, "e": "AQAB"}.items()
    }
    p, q = rsa.rsa_recover_prime_factors(numbers["n"], numbers["e"], numbers["d"])
    jwk = {"kty": "RSA", "n": RSA_N, "e": "AQAB", "d": RSA_D}
    parts = {
        "p": p,
        "q": q,
        "dp": numbers["d"] % (p - 1),
        "dq": numbers["d"] % (q - 1),
        "qi": pow(q, -1, p),
    }
    jwk.update({name: to_base64url_uint(it).decode() for name, it in parts.items()})
    return jwt.PyJWK({**jwk, "alg": "RS256"}).key


@tagged("post_install", "-at_install")
class TestSigning(BaseCase):
    """Keys and tokens, without a database."""

    def test_the_vectors_of_rfc_8037_and_rfc_7515_are_signed_and_verified(self):
        ed25519 = Ed25519PrivateKey.from_private_bytes(
            base64url_decode(ED25519_JWK["d"])
        )
        for private, vector in (
            (ed25519, ED25519_JWS),
            (load_rfc_rsa_key(), RSA_JWS),
        ):
            algorithm = signing.get_algorithm(private)
            with self.subTest(algorithm):
                payload = base64url_decode(vector.split(".")[1])
                self.assertEqual(
                    PyJWS().encode(payload, private, algorithm, {"typ": None}), vector
                )
                public = private.public_key()
                self.assertEqual(PyJWS().decode(vector, public, [algorithm]), payload)

    def test_a_key_is_named_by_its_thumbprint_as_rfc_8037_and_rfc_7638_do(self):
        private = Ed25519PrivateKey.from_private_bytes(
            base64url_decode(ED25519_JWK["d"])
        )
        jwk = signing.public_jwk(private)
        self.assertEqual(jwk["x"], ED25519_JWK["x"])
        self.assertEqual(jwk["kid"], ED25519_THUMBPRINT)
        self.assertNotIn("d", jwk)
        # RFC 7638, section 3.1.
        self.assertEqual(
            signing.thumbprint(
                {
                    "kty": "RSA",
                    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT"
                    "86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY"
                    "4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs"
                    "8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQF"
                    "h6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKn"
                    "qDKgw",
                    "e": "AQAB",
                    "alg": "RS256",
                    "kid": "2011-04-29",
                }
            ),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        )

    def _sign(self, algorithm):
        key = make_key(signing.generate(algorithm))
        ends = token.get_expiry(NOW, FORTNIGHT)
        return key, token.sign(key, {"aud": "acme-editor"}, NOW, ends)

    def test_a_token_is_verified_by_a_library_of_others(self):
        for algorithm in (signing.ED25519, signing.RS256):
            key, signed = self._sign(algorithm)
            ring = KeySet.import_key_set({"keys": [signing.public_jwk(key.private)]})
            read = joserfc_jws.deserialize_compact(signed, ring, [algorithm])
            self.assertEqual(read.headers()["kid"], key.kid)
            claims = json.loads(read.payload)
            self.assertEqual(claims["iss"], "urn:test")
            self.assertEqual(claims["exp"] - claims["iat"], 14 * 86400)

    def test_a_token_is_verified_by_openssl(self):
        for algorithm, options in (
            (signing.ED25519, ["-rawin"]),
            (signing.RS256, ["-rawin", "-digest", "sha256"]),
        ):
            key, signed = self._sign(algorithm)
            text, _dot, signature = signed.rpartition(".")
            for said, is_good in ((text, True), (f"{text}x", False)):
                with tempfile.TemporaryDirectory() as name, self.subTest(algorithm):
                    folder = Path(name)
                    (folder / "key.pem").write_text(signing.public_pem(key.private))
                    (folder / "text").write_text(said)
                    (folder / "signature").write_bytes(base64url_decode(signature))
                    command = ["openssl", "pkeyutl", "-verify", "-pubin", *options]
                    command += ["-inkey", "key.pem", "-in", "text"]
                    done = subprocess.run(
                        [*command, "-sigfile", "signature"],
                        cwd=folder,
                        capture_output=True,
                        text=True,
                    )
                    self.assertEqual(done.returncode == 0, is_good, done.stderr)

    def test_no_two_tokens_are_the_same(self):
        key, signed = self._sign(signing.ED25519)
        again = token.sign(
            key, {"aud": "acme-editor"}, NOW, token.get_expiry(NOW, FORTNIGHT)
        )
        self.assertNotEqual(signed, again)

    def test_a_token_ends_at_the_first_of_its_ends(self):
        soon, late = datetime(2026, 3, 2), datetime(2027, 1, 1)
        self.assertEqual(token.get_expiry(NOW, FORTNIGHT), datetime(2026, 3, 15, 12))
        self.assertEqual(
            token.get_expiry(NOW, FORTNIGHT, None, late), datetime(2026, 3, 15, 12)
        )
        self.assertEqual(token.get_expiry(NOW, FORTNIGHT, late, soon), soon)

    def test_an_endorsement_says_which_key_to_trust_and_is_no_token(self):
        older, newer = make_key(signing.generate()), signing.generate()
        said = token.endorse(older, newer, NOW)
        header = jwt.get_unverified_header(said)
        self.assertEqual((header["kid"], header["typ"]), (older.kid, "license-key+jwt"))
        claims = jwt.decode(
            said,
            older.private.public_key(),
            ["EdDSA"],
            options={"verify_iat": False},
        )
        jwk = signing.public_jwk(newer)
        self.assertEqual(claims["sub"], jwk["kid"])
        self.assertEqual(claims["jwk"]["x"], jwk["x"])
        self.assertNotIn("aud", claims)

    # === KEYS FROM ELSEWHERE === #

    def test_a_private_key_is_read_back_only_with_its_passphrase(self):
        for algorithm in (signing.ED25519, signing.RS256):
            private = signing.generate(algorithm)
            name = signing.public_jwk(private)["kid"]
            plain, locked = signing.dump(private), signing.dump(private, "secret")
            self.assertFalse(signing.is_encrypted(plain))
            self.assertTrue(signing.is_encrypted(locked))
            for pem, passphrases in (
                (plain, []),
                (plain, ["of no use"]),
                (locked, ["wrong", "secret"]),
                (f"\n  {plain}  \n", []),
            ):
                found = signing.load(pem, passphrases)
                self.assertEqual(signing.public_jwk(found)["kid"], name)
            for passphrases in ([], ["wrong"]):
                with self.assertRaisesRegex(signing.BadKey, "passphrase"):
                    signing.load(locked, passphrases)

    def test_what_is_no_key_to_sign_with_is_refused(self):
        for private, words in (
            (rsa.generate_private_key(public_exponent=65537, key_size=1024), "2048"),
            (rsa.generate_private_key(public_exponent=65537, key_size=4104), "4096"),
            (ec.generate_private_key(ec.SECP256R1()), "Ed25519"),
            (dsa.generate_private_key(2048), "Ed25519"),
        ):
            with self.assertRaisesRegex(signing.BadKey, words):
                signing.load(signing.dump(private))
        public = signing.generate().public_key()
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
        for text in ("", "no key", pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n", "ключ"):
            with self.assertRaisesRegex(signing.BadKey, "PEM"):
                signing.load(text)

    # === TEXTS IN ARMOR === #

    def test_armor_holds_lines_of_64_characters_and_nothing_is_lost(self):
        _key, signed = self._sign(signing.RS256)
        first, *lines, last = license_file.armor(signed).splitlines()
        self.assertEqual(first, "-----BEGIN LICENSE-----")
        self.assertEqual(last, "-----END LICENSE-----")
        self.assertEqual({len(line) for line in lines[:-1]}, {64})
        self.assertEqual("".join(lines), signed)

    def _request(self, value):
        text = base64url_encode(b"").decode() + json.dumps(value)
        encoded = jwt.utils.base64.b64encode(text.encode()).decode()
        return license_file.armor(encoded, license_file.REQUEST)

    def test_a_request_is_read_however_it_was_pasted(self):
        asked = {"version": 1, "deviceId": "d-1", "deviceName": "Labor Süd", "x": 1}
        text = self._request(asked)
        for pasted in (
            text,
            f"Hello!\n {text}",
            text.replace("\n", "\r\n  "),
            text.replace("\n", "\n> "),
        ):
            read = license_file.read_request(pasted)
            self.assertEqual(read["deviceId"], "d-1")
            self.assertEqual(read["deviceName"], "Labor Süd")
            self.assertIsNone(read["nonce"])

    def test_what_is_no_request_is_refused(self):
        good = self._request({"deviceId": "d-1"})
        for text, words in (
            ("", "does not begin"),
            ("d-1", "does not begin"),
            (good[:-10], "does not begin"),
            (good.replace("\n", "\n!", 1), "damaged"),
            (self._request(["d-1"]), "damaged"),
            (self._request({}), "deviceId is required"),
            (self._request({"deviceId": 5}), "deviceId must be a string"),
            (self._request({"deviceId": "d", "nonce": "x" * 256}), "nonce is longer"),
            (license_file.armor("/w==", license_file.REQUEST), "damaged"),
            (license_file.armor("A" * 20000, license_file.REQUEST), "does not begin"),
        ):
            with self.subTest(text[:50]), self.assertRaisesRegex(InvalidRequest, words):
                license_file.read_request(text)
