"""Certificates that real sites have, and that no honest one has, for tests of trust."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NOW = datetime.now(timezone.utc)
#: What a server is called, when the test does not say otherwise.
HOST = "vc.example.test"
NAMES = (HOST, "localhost")
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
#: ECDSA with SHA-256, as an AlgorithmIdentifier.
_ECDSA = bytes.fromhex("300a06082a8648ce3d040302")
_serial = iter(range(1000, 1 << 30))


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    der: bytes
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def parsed(self) -> x509.Certificate:
        """As the library reads it."""
        return x509.load_der_x509_certificate(self.der)

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.parsed.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The key alone."""
        plain = self.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        return plain.decode()


def name(common: str) -> x509.Name:
    """A name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(**bits: bool) -> x509.KeyUsage:
    """A KeyUsage with these bits and no others."""
    names: tuple[str, ...] = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
    )
    names += ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{each: bits.get(each, False) for each in names})


def issue(
    common: str,
    issuer: Certificate | None = None,
    *,
    ca: bool | None = False,
    path_length: int | None = None,
    critical: bool = True,
    names: Sequence[str] = (),
    purposes: Sequence[ObjectIdentifier] = (),
    key_usage: x509.KeyUsage | None = None,
    days: tuple[int, int] = (-30, 300),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    key_ids: bool = True,
    extra: x509.ExtensionType | None = None,
) -> Certificate:
    """A certificate of version 3, self-signed without an issuer; ``ca=None`` says nothing of it."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(issuer.parsed.subject if issuer else name(common))
        .public_key(own.public_key())
        .serial_number(next(_serial))
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    if ca is not None:
        constraints = x509.BasicConstraints(ca=ca, path_length=path_length)
        builder = builder.add_extension(constraints, critical=critical)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(names)), critical=False)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if key_usage:
        builder = builder.add_extension(key_usage, critical=True)
    if extra:
        builder = builder.add_extension(extra, critical=True)
    if key_ids:
        own_id = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
        issuers = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(own_id, critical=False)
        builder = builder.add_extension(issuers, critical=False)
    return Certificate(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER), own)


def authority(
    common: str = "root", issuer: Certificate | None = None, **also: object
) -> Certificate:
    """A CA with everything that the strict rules ask for."""
    options: dict[str, object] = {"ca": True, "key_usage": usage(key_cert_sign=True, crl_sign=True)}
    return issue(common, issuer, **{**options, **also})  # type: ignore[arg-type]


def version_1(common: str, issuer: Certificate | None = None) -> Certificate:
    """A certificate of X.509 version 1, which no library makes any more."""
    made = issue(common, issuer, ca=None, key_ids=False)
    body = made.parsed.tbs_certificate_bytes
    header = 2 if body[1] < 0x80 else 2 + (body[1] & 0x7F)
    version_3 = bytes.fromhex("a003020102")
    assert body[header:].startswith(version_3)
    body = _tagged(0x30, body[header + len(version_3) :])
    signer = issuer.key if issuer else made.key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    signature = signer.sign(body, ec.ECDSA(hashes.SHA256()))
    der = _tagged(0x30, body + _ECDSA + _tagged(0x03, b"\0" + signature))
    return Certificate(der, made.key)


def revocations(issuer: Certificate, *revoked: Certificate) -> str:
    """The issuer's list of what it has revoked, PEM."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.parsed.subject)
        .last_update(NOW - timedelta(days=1))
        .next_update(NOW + timedelta(days=30))
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.parsed.serial_number)
        builder = builder.add_revoked_certificate(
            entry.revocation_date(NOW - timedelta(days=1)).build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def hashed(folder: Path, certificate: Certificate) -> Path:
    """The folder with this CA in it, as OpenSSL keeps them in a directory."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("not run: no openssl command here")
    (folder / "ca.pem").write_text(certificate.pem, encoding="ascii")
    subprocess.run([openssl, "rehash", str(folder)], check=True, timeout=60)
    return folder


def _names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for each in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(each)))
        except ValueError:
            found.append(x509.DNSName(each))
    return found


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
