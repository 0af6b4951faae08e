"""Where the server of a mail address is: names and addresses as a test tells them, and never a password."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from marketplace_plugin.contract.hookspecs import ServerSearch, StepState
from marketplace_plugin.contract.names import ServiceRecord
from marketplace_plugin.contract.reach import Reach
from marketplace_plugin.contract.servers import Address, AllowedServers
from marketplace_plugin.providers.ews.discovery.search import search
from marketplace_plugin.sandbox.ews import EwsSandbox

EMAIL = "anna@nordwerk.example"
PUBLIC = "8.8.8.8"
HOSTS = ("autodiscover.nordwerk.example", "nordwerk.example")
PASSED, SKIPPED, FAILED = StepState.PASSED, StepState.SKIPPED, StepState.FAILED


@dataclass
class Told:
    """``hosts`` lead to an address, ``records`` are those of autodiscover's service."""

    hosts: Mapping[str, str] = field(default_factory=dict)
    records: Sequence[ServiceRecord] = ()
    asked: list[str] = field(default_factory=list)

    def addresses(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        return [ipaddress.ip_address(self.hosts[host])] if host in self.hosts else []

    def services(self, name: str) -> Sequence[ServiceRecord]:
        self.asked.append(name)
        return self.records


@dataclass
class Internet:
    """Every connection ends at the stand-in: port 80 at its listener without TLS, 443 at the other one."""

    sandbox: EwsSandbox
    connected: list[tuple[str, int]] = field(default_factory=list)

    def connect(self, address: Address, port: int, seconds: float) -> socket.socket:
        self.connected.append((str(address), port))
        url = self.plain if port == 80 else self.sandbox.url
        return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=seconds)

    def __post_init__(self) -> None:
        self.sandbox.start()
        self.plain = self.sandbox.start_redirect()

    def search(self, names: Told, email: str = EMAIL) -> ServerSearch:
        reach = Reach(AllowedServers(), self.sandbox.certificates.ca_pem, names=names, connect=self.connect)
        found = search(email, reach, lambda: datetime(2026, 11, 18, tzinfo=UTC))
        assert not self.sandbox.sign_ins
        for row in self.sandbox.log:
            assert "authorization" not in {name.lower() for name, _ in row.headers}
        return found


@pytest.fixture
def internet() -> Iterator[Internet]:
    made = Internet(EwsSandbox(seeded=False, hosts=HOSTS))
    yield made
    made.sandbox.stop()


def states(found: ServerSearch) -> list[StepState]:
    return [step.state for step in found.steps]


def test_the_name_service_is_asked_first_and_is_enough(internet: Internet) -> None:
    names = Told(
        records=[ServiceRecord("mail.nordwerk.example", 443), ServiceRecord("backup.nordwerk.example", 443, 9)]
    )
    found = internet.search(names)
    assert (found.server, states(found)) == ("mail.nordwerk.example", [PASSED, SKIPPED, SKIPPED])
    assert names.asked == ["_autodiscover._tcp.nordwerk.example"]
    assert not internet.connected


def test_another_port_is_part_of_the_server(internet: Internet) -> None:
    assert internet.search(Told(records=[ServiceRecord("mail.nordwerk.example", 8443)])).server.endswith(":8443")


def test_a_referral_is_taken_and_not_followed(internet: Internet) -> None:
    internet.sandbox.state.knobs.redirect_to = "https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"
    found = internet.search(Told({HOSTS[0]: PUBLIC}))
    assert (found.server, states(found)) == ("autodiscover-s.outlook.com", [SKIPPED, PASSED, SKIPPED])
    assert internet.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "to", ["http://mail.nordwerk.example/", "//mail", "https://", "javascript:alert(1)", "https://a b/"]
)
def test_a_referral_to_no_https_address_is_none(internet: Internet, to: str) -> None:
    internet.sandbox.state.knobs.redirect_to = to
    found = internet.search(Told({HOSTS[0]: PUBLIC}))
    assert found.server == HOSTS[0], "the usual address asks for a sign-in"


@pytest.mark.parametrize("host", HOSTS)
def test_the_usual_addresses_come_last(internet: Internet, host: str) -> None:
    internet.sandbox.state.knobs.redirect_to = "http://nowhere.example/"
    found = internet.search(Told({host: PUBLIC}))
    assert (found.server, states(found)) == (host, [SKIPPED, SKIPPED, PASSED])


def test_what_leads_nowhere_is_nothing_found(internet: Internet) -> None:
    found = internet.search(Told())
    assert (found.server, states(found)) == ("", [SKIPPED] * 3)
    assert [step.cause for step in found.steps] == ["nothing-found"] * 3


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "100.64.0.1"])
def test_a_domain_cannot_send_us_into_our_own_network(internet: Internet, address: str) -> None:
    found = internet.search(Told(dict.fromkeys(HOSTS, address)))
    assert found.server == ""
    assert not internet.connected


@pytest.mark.parametrize("email", ["anna@", "anna@localhost", "anna@127.0.0.1", "anna@a b.example", "anna@-x.example"])
def test_what_is_no_domain_is_not_asked_about(internet: Internet, email: str) -> None:
    names = Told()
    found = internet.search(names, email)
    assert (states(found)[0], found.steps[0].cause) == (FAILED, "no-address")
    assert not names.asked
