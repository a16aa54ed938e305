"""Certificates: a CA for the vCenter listener, self-signed ones for the host's."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import ipaddress
import ssl
import tempfile
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclasses.dataclass
class Certificate:
    """A certificate as a client pins it, and the context that presents it."""

    pem: str
    context: ssl.SSLContext

    @property
    def sha1(self) -> str:
        """Thumbprint as vSphere writes it: upper case, with colons."""
        return self._thumbprint("sha1")

    @property
    def sha256(self) -> str:
        """The newer thumbprint."""
        return self._thumbprint("sha256")

    def _thumbprint(self, name: str) -> str:
        digest = hashlib.new(name, ssl.PEM_cert_to_DER_cert(self.pem)).digest()
        return digest.hex(":").upper()


def issued(host: str, ca_file: Path) -> Certificate:
    """A certificate from a new CA, whose own is written to ``ca_file``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    names = dict.fromkeys([host, "localhost", "127.0.0.1"])
    leaf = authority.issue_cert(*names)
    context = _context()
    leaf.configure_cert(context)
    return Certificate(leaf.cert_chain_pems[0].bytes().decode(), context)


def self_signed(host: str) -> Certificate:
    """A certificate as an ESXi host makes its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    alternative: x509.GeneralName
    try:
        alternative = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    context = _context()
    with tempfile.TemporaryDirectory() as folder:  # ssl loads from files only
        path = Path(folder, "host.pem")
        path.touch(mode=0o600)
        path.write_bytes(secret + pem)
        context.load_cert_chain(path)
    return Certificate(pem.decode(), context)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A resumed session shows no certificate, and would hide a wrong one.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return context
