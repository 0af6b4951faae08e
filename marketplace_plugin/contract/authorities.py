"""Certificate authorities as an administrator hands them in: PEM, looked through before anything is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

MOST = 20
MOST_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Authority:
    """``name`` is whom it was made out to, ``until`` the end of its validity (aware UTC), ``pem`` itself alone,
    ``fingerprint`` its SHA-256 in hex."""

    name: str
    until: datetime
    pem: str
    fingerprint: str


class NoAuthority(ValueError):
    """``why`` is a code: not-pem, private-key, too-many, not-an-authority."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_authorities(text: str) -> Sequence[Authority]:
    """Those in ``text``, in its order; none for blank text. Raises NoAuthority for what is no PEM, holds a private key,
    or is a certificate that may sign no others: a server's own would be trusted for that server only by accident."""
    if not text.strip():
        return ()
    if "PRIVATE KEY" in text:
        raise NoAuthority("private-key")
    if len(text) > MOST_BYTES:
        raise NoAuthority("too-many")
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raise NoAuthority("not-pem") from None
    if len(found) > MOST:
        raise NoAuthority("too-many")
    if not all(map(_may_sign, found)):
        raise NoAuthority("not-an-authority")
    return [
        Authority(
            _name(one),
            one.not_valid_after_utc,
            one.public_bytes(Encoding.PEM).decode(),
            one.fingerprint(SHA256()).hex(),
        )
        for one in found
    ]


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _name(certificate: x509.Certificate) -> str:
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else certificate.subject.rfc4514_string()
