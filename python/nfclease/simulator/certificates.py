"""Certificates: a CA-signed one for the vCenter, self-signed ones for its hosts."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Identity:
    """A server's certificate and the context that shows it."""

    context: ssl.SSLContext
    der: bytes

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return ssl.DER_cert_to_PEM_cert(self.der)

    def thumbprint(self, algorithm: str) -> str:
        """Upper-case hex with colons, as vSphere writes it."""
        return ":".join(f"{byte:02X}" for byte in hashlib.new(algorithm, self.der).digest())


def vcenter(host: str, directory: Path) -> tuple[Identity, Path]:
    """A certificate from a CA of its own; returns it and the CA's file."""
    authority = trustme.CA()
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    certificate = authority.issue_cert(host, "localhost")
    context = _context()
    certificate.configure_cert(context)
    pem = certificate.cert_chain_pems[0].bytes().decode("ascii")
    return Identity(context, ssl.PEM_cert_to_DER_cert(pem)), ca_file


def self_signed(host: str, directory: Path, name: str) -> Identity:
    """A self-signed certificate, as a fresh ESXi host has one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = directory / f"{name}.pem"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = _context()
    context.load_cert_chain(chain)
    return Identity(context, certificate.public_bytes(serialization.Encoding.DER))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
