"""Certificate authorities as they are handed in."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.contract.authorities import NoAuthority, read_authorities

UNTIL = datetime(2027, 3, 14, tzinfo=UTC)


@cache
def certificate(name: str, *, signs: bool | None) -> str:
    """PEM; ``signs`` None leaves the extension out."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(UNTIL - timedelta(days=365))
        .not_valid_after(UNTIL)
    )
    if signs is not None:
        made = made.add_extension(x509.BasicConstraints(ca=signs, path_length=None), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def authority(name: str = "Nordwerk Root") -> str:
    return certificate(name, signs=True)


def server_certificate() -> str:
    return certificate("mail.example.org", signs=False)


def test_each_is_read_by_name_and_validity() -> None:
    first, second = read_authorities(f"# ours\n{authority()}\n\n{authority('Other')}")
    assert (first.name, first.until, second.name) == ("Nordwerk Root", UNTIL, "Other")
    assert first.pem == authority()


def test_blank_text_holds_none() -> None:
    assert read_authorities(" \n") == ()


@pytest.mark.parametrize(
    "text, why",
    [
        ("hallo", "not-pem"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "not-pem"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private-key"),
        ("zertifiziert von Müller", "not-pem"),
        ("x" * 200_001, "too-many"),
    ],
)
def test_what_is_none_is_named(text: str, why: str) -> None:
    with pytest.raises(NoAuthority) as refused:
        read_authorities(text)
    assert refused.value.why == why


@pytest.mark.parametrize("signs", [False, None])
def test_a_certificate_that_signs_no_others_is_none(signs: bool | None) -> None:
    with pytest.raises(NoAuthority, match="not-an-authority"):
        read_authorities(authority() + certificate("mail.example.org", signs=signs))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NoAuthority):
        assert read_authorities(text) == ()
