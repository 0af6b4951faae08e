"""Which servers a password may go to."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.contract.servers import (
    Address,
    AllowedServers,
    is_loopback,
    is_public,
    normal_host,
    plain,
    read_entry,
)

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.builds(".".join, st.lists(LABEL, min_size=2, max_size=4)).filter(lambda n: normal_host(n) == n)
ADDRESS: st.SearchStrategy[Address] = st.ip_addresses()
PUBLIC = ADDRESS.filter(lambda a: is_public(a))
PORT = st.integers(1, 65535)

METADATA = "169.254.169.254"


@pytest.mark.parametrize(
    "entries, host, address, allowed",
    [
        ("mail.example.org", "mail.example.org", "8.8.8.8", True),
        ("mail.example.org", "MAIL.Example.ORG.", "8.8.8.8", True),
        ("mail.example.org", "mail.example.org", "10.1.2.3", True),
        ("mail.example.org", "mail.example.org", "::ffff:10.1.2.3", True),
        ("mail.example.org", "mail.example.org", "127.0.0.1", False),
        ("mail.example.org", "mail.example.org", METADATA, False),
        ("mail.example.org 169.254.0.0/16", "mail.example.org", METADATA, False),
        ("mail.example.org", "amail.example.org", "8.8.8.8", False),
        ("mail.example.org", "mail.example.org.evil.example", "8.8.8.8", False),
        ("*.example.org", "a.example.org", "8.8.8.8", True),
        ("*.example.org", "a.b.example.org", "8.8.8.8", True),
        ("*.example.org", "example.org", "8.8.8.8", False),
        ("*.example.org", "badexample.org", "8.8.8.8", False),
        ("*.example.org", "a.example.org", "192.168.1.1", False),
        ("*.example.org 192.168.0.0/16", "a.example.org", "192.168.1.1", True),
        ("*.example.org", "a.example.org", "100.64.0.1", False),
        ("*.example.org", "a.example.org", "64:ff9b::a00:1", False),
        ("10.0.0.0/8", "10.4.4.4", "10.4.4.4", True),
        ("10.0.0.0/8", "mail.example.org", "10.4.4.4", False),
        ("localhost", "localhost", "127.0.0.1", True),
        ("mail.example.org 127.0.0.1", "mail.example.org", "127.0.0.1", True),
        ("müller.example", "xn--mller-kva.example", "8.8.8.8", True),
        ("mail.example.org:8443", "mail.example.org", "8.8.8.8", False),
        ("", "mail.example.org", "8.8.8.8", False),
    ],
)
def test_entries(entries: str, host: str, address: str, allowed: bool) -> None:
    assert AllowedServers.read(entries).reaches(host, ipaddress.ip_address(address)) is allowed


def test_a_port_is_part_of_an_entry() -> None:
    allowed = AllowedServers.read("localhost:8443, [::1]:9000; *.example.org:444")
    assert allowed.names("localhost", 8443)
    assert not allowed.names("localhost")
    assert allowed.reaches("::1", ipaddress.ip_address("::1"), 9000)
    assert allowed.names("a.example.org", 444)
    assert not allowed.names("a.example.org")


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "*.de",
        "*.",
        "https://mail.example.org",
        "mail..org",
        "-a.org",
        "mail.example.org:0",
        "a:70000",
        "2130706433",
        "0x7f.1",
        "127.1",
        "user@mail.example.org",
        "mail.*.org",
        "a/b",
        "[::1",
        "10.0.0.0/40",
    ],
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        read_entry(text)


@given(NAME, PUBLIC, PORT)
def test_an_entry_is_read_back_as_it_is_written(name: str, address: Address, port: int) -> None:
    for text in (name, f"*.{name}", f"{name}:{port}", str(address)):
        entry = read_entry(text)
        assert read_entry(str(entry)) == entry


@given(NAME, NAME, ADDRESS)
def test_what_is_not_named_is_not_reached(listed: str, host: str, address: Address) -> None:
    if host != listed and not host.endswith(f".{listed}"):
        assert not AllowedServers.read(f"{listed} *.{listed}").reaches(host, address)


@given(NAME, LABEL, ADDRESS)
def test_a_wildcard_reaches_public_addresses_alone(domain: str, label: str, address: Address) -> None:
    reached = AllowedServers.read(f"*.{domain}").reaches(f"{label}.{domain}", address)
    assert reached is (is_public(address) and normal_host(f"{label}.{domain}") != "")


@given(NAME, ADDRESS)
def test_more_entries_never_allow_less(name: str, address: Address) -> None:
    one, more = AllowedServers.read(name), AllowedServers.read(f"{name} 10.0.0.0/8 *.{name}")
    assert not one.reaches(name, address) or more.reaches(name, address)


@given(NAME, LABEL, ADDRESS, PORT)
def test_a_refused_server_is_refused_whatever_is_allowed(name: str, label: str, address: Address, port: int) -> None:
    host = f"{label}.{name}"
    allowed = AllowedServers.read(f"{host}:{port} *.{name}:{port} 0.0.0.0/0 ::/0", f"*.{name}")
    assert not allowed.names(host, port)
    assert not allowed.reaches(host, address, port)


@given(NAME, ADDRESS)
def test_link_local_and_multicast_are_never_reached(name: str, address: Address) -> None:
    known = plain(address)
    if known.is_link_local or known.is_multicast or known.is_unspecified:
        assert not AllowedServers.read(f"{name} {known} 0.0.0.0/0 ::/0").reaches(name, address)


@given(st.text(max_size=30))
def test_any_text_is_an_entry_or_a_value_error(text: str) -> None:
    try:
        entry = read_entry(text)
    except ValueError:
        return
    assert read_entry(str(entry)) == entry


@given(st.text(max_size=30), ADDRESS)
def test_any_host_may_be_asked_about(host: str, address: Address) -> None:
    assert not AllowedServers.read("mail.example.org").reaches(host, address) or normal_host(host) == "mail.example.org"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "0.0.0.0", "::"])
def test_not_this_machine(host: str) -> None:
    assert not is_loopback(host)
