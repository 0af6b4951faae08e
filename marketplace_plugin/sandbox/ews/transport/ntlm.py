"""The server's side of NTLMv2 (MS-NLMP): the challenge, and whether an answer proves the password.

Only NTLMv2 is accepted; the message integrity code is not looked at. A channel binding (Extended
Protection) is compared with the hash of the server's certificate if the client sends one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from marketplace_plugin.sandbox.ews.transport import md4

SIGNATURE = b"NTLMSSP\0"
_NEGOTIATE, _CHALLENGE, _AUTHENTICATE = 1, 2, 3
_FLAGS = (
    0x00000001  # UNICODE
    | 0x00000004  # REQUEST_TARGET
    | 0x00000200  # NTLM
    | 0x00008000  # ALWAYS_SIGN
    | 0x00010000  # TARGET_TYPE_DOMAIN
    | 0x00080000  # EXTENDED_SESSIONSECURITY
    | 0x00800000  # TARGET_INFO
    | 0x02000000  # VERSION
    | 0x20000000  # 128
    | 0x40000000  # KEY_EXCH
    | 0x80000000  # 56
)
_AV_END, _AV_COMPUTER, _AV_DOMAIN, _AV_DNS_COMPUTER, _AV_DNS_DOMAIN, _AV_TIME, _AV_BINDINGS = 0, 1, 2, 3, 4, 7, 10
_VERSION = bytes([10, 0, 0x7C, 0x4F, 0, 0, 0, 15])
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class Malformed(ValueError):
    """The bytes are no NTLM message of the kind that is due."""


@dataclass(frozen=True)
class Answer:
    """What an AUTHENTICATE message says; ``domain`` is empty for a user principal name."""

    domain: str
    user: str
    response: bytes


def kind(message: bytes) -> int:
    """1 for NEGOTIATE, 3 for AUTHENTICATE. Raises Malformed for what is no NTLM message."""
    if not message.startswith(SIGNATURE) or len(message) < 12:
        raise Malformed("no NTLM message")
    found: int = struct.unpack_from("<I", message, 8)[0]
    if found not in (_NEGOTIATE, _AUTHENTICATE):
        raise Malformed(f"message type {found}")
    return found


def challenge(domain: str, host: str, now: datetime) -> tuple[bytes, bytes]:
    """A CHALLENGE message, and the eight bytes in it that the answer has to use."""
    nonce = secrets.token_bytes(8)
    target = domain.encode("utf-16-le")
    ticks = int((now - _EPOCH).total_seconds() * 10_000_000)
    pairs = [
        (_AV_DOMAIN, target),
        (_AV_COMPUTER, host.partition(".")[0].upper().encode("utf-16-le")),
        (_AV_DNS_DOMAIN, f"{domain.lower()}.example".encode("utf-16-le")),
        (_AV_DNS_COMPUTER, host.encode("utf-16-le")),
        (_AV_TIME, struct.pack("<Q", ticks)),
        (_AV_END, b""),
    ]
    info = b"".join(struct.pack("<HH", number, len(value)) + value for number, value in pairs)
    head = SIGNATURE + struct.pack("<I", _CHALLENGE)
    head += struct.pack("<HHI", len(target), len(target), 56)
    head += struct.pack("<I", _FLAGS) + nonce + bytes(8)
    head += struct.pack("<HHI", len(info), len(info), 56 + len(target)) + _VERSION
    return head + target + info, nonce


def read_answer(message: bytes) -> Answer:
    """Raises Malformed."""
    if kind(message) != _AUTHENTICATE or len(message) < 64:
        raise Malformed("no AUTHENTICATE message")
    response, domain, user = (_buffer(message, at) for at in (20, 28, 36))
    try:
        return Answer(domain.decode("utf-16-le"), user.decode("utf-16-le"), response)
    except UnicodeDecodeError as error:
        raise Malformed("names are not UTF-16") from error


def _buffer(message: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    return message[offset : offset + length]


def proves(answer: Answer, password: str, nonce: bytes) -> bool:
    """Whether an NTLMv2 response was made with the password for this challenge."""
    proof, blob = answer.response[:16], answer.response[16:]
    if len(blob) < 28:  # 24 bytes in all would be NTLMv1
        return False
    secret = md4.digest(password.encode("utf-16-le"))
    identity = (answer.user.upper() + answer.domain).encode("utf-16-le")
    key = hmac.new(secret, identity, hashlib.md5).digest()
    return hmac.compare_digest(hmac.new(key, nonce + blob, hashlib.md5).digest(), proof)


def binding_of(answer: Answer) -> bytes | None:
    """The MD5 of the channel bindings that the client has seen; None if it sent none."""
    blob, at = answer.response[16:], 28
    while at + 4 <= len(blob):
        number, length = struct.unpack_from("<HH", blob, at)
        if number == _AV_END:
            break
        if number == _AV_BINDINGS:
            value = blob[at + 4 : at + 4 + length]
            return value if any(value) else None
        at += 4 + length
    return None


def expected_binding(certificate_hash: bytes) -> bytes:
    """The MD5 that a client sends which has seen the certificate with this SHA-256 (RFC 5929)."""
    data = b"tls-server-end-point:" + certificate_hash
    return hashlib.md5(bytes(16) + struct.pack("<I", len(data)) + data, usedforsecurity=False).digest()
