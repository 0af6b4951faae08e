"""The name server of the demo, asked by the resolver that the product uses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from marketplace_plugin.contract.names import ServiceRecord, SystemNames
from marketplace_plugin.sandbox.dns import NameServer

SERVICE = "_autodiscover._tcp.example.org"


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = NameServer(
        {
            ("mail.example.org", "A"): ["127.0.0.1", "192.0.2.7"],
            ("mail.example.org", "AAAA"): ["::1"],
            (SERVICE, "SRV"): [
                "10 5 443 backup.example.org.",
                "0 1 443 less.example.org.",
                "0 9 8443 mail.example.org.",
            ],
            ("_autodiscover._tcp.none.example", "SRV"): ["0 0 0 ."],
        }
    )
    made.start()
    yield made
    made.stop()


def test_addresses_of_both_kinds(server: NameServer) -> None:
    names = SystemNames(server.address)
    assert set(names.addresses("mail.example.org")) == {
        ipaddress.ip_address(text) for text in ("127.0.0.1", "192.0.2.7", "::1")
    }
    assert names.addresses("10.1.2.3") == [ipaddress.ip_address("10.1.2.3")]
    assert names.addresses("nowhere.example.org") == []


def test_the_lowest_priority_comes_first_then_the_highest_weight(server: NameServer) -> None:
    found = SystemNames(server.address).services(SERVICE)
    assert found[0] == ServiceRecord("mail.example.org", 8443, 0, 9)
    assert [one.host for one in found] == ["mail.example.org", "less.example.org", "backup.example.org"]


def test_a_service_that_is_declared_absent_is_none(server: NameServer) -> None:
    names = SystemNames(server.address)
    assert names.services("_autodiscover._tcp.none.example") == []
    assert names.services("_autodiscover._tcp.other.example") == []


def test_a_server_that_does_not_answer_is_no_answer(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace_plugin.contract.names.SECONDS", 0.05)
    address = server.address
    server.stop()
    assert SystemNames(address).addresses("mail.example.org") == []


def test_it_tells_what_it_was_asked(server: NameServer) -> None:
    SystemNames(server.address).addresses("mail.example.org")
    assert server.asked == [("mail.example.org", "A"), ("mail.example.org", "AAAA")]
