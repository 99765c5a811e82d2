"""HTTP: whom the client believes, and what it lets no one see."""

import datetime
import ipaddress
import logging
import ssl

import pytest
from authority import DEVICE, KEY, decided_by, ed25519_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from license_server import LicenseServer

from software_license_client import ConfigurationError, TransportError
from software_license_client.license_key import mask
from software_license_client.transport import Transport
from software_license_client.version import __version__


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + built.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def tls_server(key, certificate):
    server = LicenseServer(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    yield server
    server.stop()


def test_a_certificate_of_an_unknown_ca_is_not_believed(make, server, tls_server):
    make().check()
    secure = tls_server.url.replace("http:", "https:")
    verdict = make(url=secure).sync()
    assert decided_by(verdict) == "token"
    assert "certificate" in verdict.warnings[0]
    assert tls_server.asked == []


def test_the_environment_cannot_bring_a_ca(make, tls_server, certificate, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))
    secure = tls_server.url.replace("http:", "https:")
    assert make(url=secure).check().code == "server_unreachable"


def test_the_vendors_own_ca_is_believed(make, tls_server, certificate):
    secure = tls_server.url.replace("http:", "https:")
    assert decided_by(make(url=secure, verify=certificate).check()) == "server"
    assert decided_by(make(url=secure, verify=str(certificate)).sync()) == "server"


def test_a_certificate_for_another_host_is_not_believed(make, tls_server, certificate):
    secure = tls_server.url.replace("http://127.0.0.1", "https://localhost")
    assert make(url=secure, verify=certificate).check().code == "server_unreachable"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "licenses.example.com",
        "ftp://licenses.example.com",
        "http://licenses.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "https://user:secret@licenses.example.com",
        "https://licenses.example.com?db=1",
        "https://[::1",
        "https://licenses.example.com:port",
    ],
)
def test_an_address_that_cannot_be_trusted_is_the_vendors_mistake(address):
    with pytest.raises(ConfigurationError, match="server: ") as caught:
        Transport(address)
    assert "secret" not in str(caught.value)


def test_plain_http_is_for_this_machine_or_for_who_says_so():
    for address in ("http://127.0.0.1:8069", "http://localhost", "http://[::1]:1"):
        Transport(address)
    Transport("http://licenses.example.com", allow_http=True)


def test_tls_cannot_be_switched_off():
    for verify in (False, "/nowhere/ca.pem"):
        with pytest.raises(ConfigurationError, match="verify"):
            Transport("https://licenses.example.com", verify=verify)


def test_an_application_is_needed(make):
    with pytest.raises(ConfigurationError, match="application"):
        make(application="")


def test_a_server_below_a_path_is_asked_there(make, server):
    make(url=f"{server.url}/odoo/").check()
    assert server.asked[0][0] == "/odoo/api/licenses/validate"


def test_no_cookie_and_no_password_is_ever_sent(make, server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password secret")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = make()
    server.fault = lambda handler: handler.say(500, b"", Set_Cookie="id=1; Path=/")
    client.sync()
    client.sync()
    for _path, _body, headers in server.asked:
        assert not {"Cookie", "Authorization"} & headers.keys()
        assert headers["User-Agent"] == f"software-license-client/{__version__}"


def test_no_key_and_no_token_is_ever_logged(make, server, caplog):
    caplog.set_level(logging.DEBUG)
    client = make()
    client.check()
    token = client._store.load().token
    server.key = ed25519_key()
    client.sync()
    server.stop()
    client.sync()
    server.start()
    assert "license ACME…" in caplog.text
    for secret in (KEY, KEY[5:], token, token[-20:]):
        assert secret not in caplog.text


def test_a_system_without_threads_is_a_server_that_is_not_reached(
    make, server, clock, monkeypatch
):
    client = make()
    client.check()
    clock.pass_by(86400)

    def no_thread(_self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", no_thread)
    assert decided_by(client.check()) == "token" and client.wait()
    verdict = client.sync()
    assert decided_by(verdict) == "token"
    assert verdict.warnings[0].startswith("server_unreachable")


def test_an_error_does_not_carry_what_was_sent(server):
    server.stop()
    with pytest.raises(TransportError) as caught:
        Transport(server.url).call("POST", "/", {"licenseKey": KEY})
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    server.start()


def test_a_key_is_masked_after_four_characters():
    assert [mask(key) for key in (KEY, " AB12CD ", "AB12", "", None)] == [
        "ACME…",
        "AB12…",
        "…",
        "none",
        "none",
    ]


def test_proxies_of_the_environment_are_used_but_not_for_this_machine(
    make, server, monkeypatch
):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert make().check().valid
    assert server.asked[-1][0] == "/api/licenses/validate"
    far = make(url="http://licenses.example", allow_http=True, device_id=DEVICE)
    far.sync()
    assert server.asked[-1][0] == "http://licenses.example/api/licenses/validate"
