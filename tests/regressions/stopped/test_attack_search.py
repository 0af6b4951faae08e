"""Whoever enters a mail address makes us ask a server that strangers run: what it answers must not bring us down."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from marketplace_plugin.contract.hookspecs import ServerSearch
from marketplace_plugin.contract.names import ServiceRecord
from marketplace_plugin.contract.reach import Reach
from marketplace_plugin.contract.servers import Address, AllowedServers, is_public
from marketplace_plugin.providers.ews.discovery import endpoint
from marketplace_plugin.providers.ews.discovery.search import search
from marketplace_plugin.sandbox.ews.transport.http import HttpServer
from marketplace_plugin.sandbox.ews.transport.tls import make
from tests.providers.ews.test_search import Told

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "autodiscover.nordwerk.example"
LARGE = b"x" * 1024 * 1024


class Stranger:
    """A server at each address of the internet; ``location`` is where it leads."""

    def __init__(self) -> None:
        self.certificates = make((HOST, "nordwerk.example"))
        self.location = ""
        self._secure = HttpServer(self._app, context=self.certificates.context)
        self._plain = HttpServer(self._app)
        self._secure.start()
        self._plain.start()

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("302 Found", [("Location", self.location)])
        return [LARGE]

    def connect(self, address: Address, port: int, seconds: float) -> socket.socket:
        url = self._plain.url if port == 80 else self._secure.url
        return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=seconds)

    def reach(self, names: Told, allowed: str = "") -> Reach:
        return Reach(AllowedServers.read(allowed), self.certificates.ca_pem, names=names, connect=self.connect)

    def search(self, names: Told) -> ServerSearch:
        return search("anna@nordwerk.example", self.reach(names), lambda: datetime(2026, 11, 18, tzinfo=UTC))

    def close(self) -> None:
        self._secure.stop()
        self._plain.stop()
        self.certificates.close()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


@pytest.mark.parametrize("location", ["https://[nowhere", "https://a:99999/", "//[", "https://", "https://a b/"])
def test_a_referral_that_is_no_address(stranger: Stranger, location: str) -> None:
    """The search ends with an error page instead of "nothing was found"."""
    stranger.location = location
    assert stranger.search(Told({HOST: "8.8.8.8"})).server == ""


@pytest.mark.parametrize("location", ["https://[nowhere", "//["])
def test_a_server_that_leads_nowhere_at_the_sign_in(stranger: Stranger, location: str) -> None:
    """The test of a password ends with an error page instead of a step that failed."""
    stranger.location = location
    reach = stranger.reach(Told({HOST: "8.8.8.8"}), HOST)
    assert endpoint.offer_of(f"https://{HOST}/EWS", reach).scheme == ""


def test_a_record_with_a_port_that_is_none(stranger: Stranger) -> None:
    """The owner of a domain makes the search of everybody who enters it an error page."""
    assert stranger.search(Told({}, [ServiceRecord("mail.nordwerk.example", 0)])).server == ""


def test_the_body_of_a_referral_is_not_read(stranger: Stranger) -> None:
    """A server that sends without end behind a redirect fills the memory of the whole installation."""
    stranger.location = "https://elsewhere.example/"
    reach = stranger.reach(Told({HOST: "8.8.8.8"})).without_secrets()
    with reach.session() as http, http.get(f"https://{HOST}/", stream=True) as answer:
        assert answer.status_code == 302
        assert answer.raw.tell() == 0


@pytest.mark.parametrize("address", ["fec0::1", "::10.0.0.1", "::127.0.0.1", "3fff::1", "::ffff:10.0.0.1", "fd00::1"])
def test_addresses_of_somebodys_own_network_are_not_the_internet(address: str) -> None:
    """A stranger's name would lead the search, or a password for ``*.example.org``, into the installation's network."""
    assert not is_public(ipaddress.ip_address(address))
