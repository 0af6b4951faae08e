"""A certificate authority made at start, and a certificate of the server signed by it.

Nothing is kept between two starts: no private key of the sandbox outlives it.
"""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Flaw = Literal["none", "expired", "other host", "self-signed"]
FLAWS: tuple[str, ...] = get_args(Flaw)
"""What can be wrong with the server's certificate: a client has to refuse all but ``none``."""
OTHER_HOST = "elsewhere.example"


@dataclass(frozen=True)
class Certificates:
    """The authority's certificate for clients, and what the server shows.

    ``ca_file`` is a PEM file in a folder of the process's own; ``binding`` is the hash that
    RFC 5929 calls tls-server-end-point.
    """

    ca_file: Path
    context: ssl.SSLContext
    binding: bytes
    folder: tempfile.TemporaryDirectory[str]

    @property
    def ca_pem(self) -> str:
        return self.ca_file.read_text(encoding="ascii")

    def close(self) -> None:
        """Delete the files."""
        self.folder.cleanup()


def make(hosts: tuple[str, ...], flaw: Flaw = "none") -> Certificates:
    """A new authority and a certificate for host names and addresses; TLS 1.2 or later.

    Valid by the wall clock, as TLS libraries look at no other.
    """
    if flaw not in FLAWS:
        raise ValueError(f"unknown flaw {flaw!r}; one of {', '.join(FLAWS)}")
    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key, now)
    names = (OTHER_HOST,) if flaw == "other host" else hosts
    until = now - timedelta(days=1) if flaw == "expired" else now + timedelta(days=30)
    issuer, signer = (None, key) if flaw == "self-signed" else (authority, authority_key)
    certificate = _server(names, key, issuer, signer, until)
    folder = tempfile.TemporaryDirectory(prefix="ews-sandbox-")
    ca_file, own = Path(folder.name) / "ca.pem", Path(folder.name) / "server.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own.touch(mode=0o600)
    own.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(own)
    own.unlink()
    return Certificates(ca_file, context, certificate.fingerprint(hashes.SHA256()), folder)


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EWS sandbox authority")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    hosts: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
    until: datetime,
) -> x509.Certificate:
    """``issuer`` None: the certificate is its own."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    known_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=32))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(known_by, critical=False)
        .sign(signer, hashes.SHA256())
    )


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
