"""Certificates for servers, right and wrong ones, and the authorities behind them."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)


class Authority:
    """A certification authority that lives as long as the test.

    :param bundle: the path of its certificate, which clients trust
    """

    def __init__(self, folder, name="An Authority"):
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.bundle = folder / f"{name}.pem"
        self.bundle.write_bytes(_pem(self._certify(self.private, is_authority=True)))

    def issue(self, host=HOST, ends_in=DAY):
        """Return what a server needs to show a certificate for an address."""
        return _context(self.issue_file(host, ends_in))

    def issue_file(self, host=HOST, ends_in=DAY):
        """Return the path of a certificate for an address, with its private key."""
        private = ec.generate_private_key(ec.SECP256R1())
        return self._write(private, self._certify(private, host, ends_in))

    def issue_itself(self):
        """Return what a server needs to show a certificate that is signed by itself."""
        certificate = self._certify(self.private, is_authority=True)
        return _context(self._write(self.private, certificate))

    def _write(self, private, certificate):
        path = self.folder / f"{certificate.serial_number}.pem"
        key = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(key + _pem(certificate))
        return path

    def _certify(self, private, host=HOST, ends_in=DAY, is_authority=False):
        """Return the certificate of a key, signed by this authority."""
        now = datetime.datetime.now(datetime.timezone.utc)
        own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        public = private.public_key()
        signer = self.private.public_key()
        address = x509.IPAddress(ipaddress.ip_address(host))
        identify = x509.AuthorityKeyIdentifier.from_issuer_public_key
        return (
            x509.CertificateBuilder()
            .subject_name(self.name if is_authority else own)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + ends_in)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(_usage(is_authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(identify(signer), critical=False)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(self.private, hashes.SHA256())
        )


def _usage(is_authority):
    """What a key is for (RFC 5280, 4.2.1.3); Python 3.13 asks authorities for it."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _context(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
