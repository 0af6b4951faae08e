"""Connections to allowed servers: over real TLS on this machine, with names that lead where a test says."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
import requests

from marketplace_plugin.contract.names import ServiceRecord
from marketplace_plugin.contract.reach import Reach, told
from marketplace_plugin.contract.servers import Address, AllowedServers
from marketplace_plugin.errors import CertificateRefused, ServerHandedOver, ServerNotAllowed, ServerUnknown
from marketplace_plugin.sandbox.ews.transport.http import HttpServer
from marketplace_plugin.sandbox.ews.transport.tls import Certificates, make

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAIL = "mail.example.org"
SETTINGS_OF_THE_ENVIRONMENT = {"HTTPS_PROXY": "http://127.0.0.1:9", "REQUESTS_CA_BUNDLE": "/dev/null"}


@dataclass
class Told:
    """Names as a test tells them; each question takes the next answer, the last one stays."""

    answers: Mapping[str, Sequence[Sequence[str]]]
    asked: list[str] = field(default_factory=list)

    def addresses(self, host: str) -> Sequence[Address]:
        turns = self.answers.get(host, [[]])
        turn = turns[min(self.asked.count(host), len(turns) - 1)]
        self.asked.append(host)
        return [ipaddress.ip_address(text) for text in turn]

    def services(self, name: str) -> Sequence[ServiceRecord]:
        return []


@dataclass
class Standing:
    """A server with a certificate for ``mail.example.org``, and what it was asked."""

    port: int
    certificates: Certificates
    requests: list[str]

    def reach(self, names: Told, allowed: str = "", refused: str = "") -> Reach:
        """Whatever address a name leads to, the connection ends at this server; ``opened`` of it tells the address."""
        entries = allowed or f"{MAIL}:{self.port} 127.0.0.1:{self.port}"
        return Reach(AllowedServers.read(entries, refused), self.certificates.ca_pem, names=names)

    def url(self, host: str = MAIL) -> str:
        return f"https://{host}:{self.port}/EWS"


def standing(certificates: Certificates) -> Iterator[Standing]:
    asked: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/away":
            start_response("302 Found", [("Location", "https://elsewhere.example/")])
            return [b""]
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"here"]

    server = HttpServer(app, context=certificates.context)
    server.start()
    try:
        yield Standing(int(server.url.rpartition(":")[2]), certificates, asked)
    finally:
        server.stop()
        certificates.close()


@pytest.fixture
def server() -> Iterator[Standing]:
    yield from standing(make((MAIL,)))


HERE = Told({MAIL: [["127.0.0.1"]]})


def test_a_request_goes_to_the_server_by_its_name(server: Standing) -> None:
    with server.reach(Told({MAIL: [["127.0.0.1"]]})).session() as http:
        assert http.get(server.url()).text == "here"


def test_the_environment_decides_nothing(server: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS_OF_THE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with server.reach(Told({MAIL: [["127.0.0.1"]]})).session() as http:
        assert http.get(server.url()).text == "here"
        with pytest.raises(requests.exceptions.ProxyError):
            http.get(server.url(), proxies={"https": "http://127.0.0.1:9"})


def test_another_server_is_not_even_looked_up(server: Standing) -> None:
    names = Told({"elsewhere.example": [["127.0.0.1"]]})
    with server.reach(names).session() as http, pytest.raises(ServerNotAllowed) as refused:
        http.get(server.url("elsewhere.example"))
    assert refused.value.server == f"elsewhere.example:{server.port}"
    assert not names.asked
    assert not server.requests


def test_no_redirect_is_followed(server: Standing) -> None:
    with server.reach(Told({MAIL: [["127.0.0.1"]]})).session() as http:
        answer = http.get(server.url().replace("/EWS", "/away"), allow_redirects=True)
    assert (answer.status_code, server.requests) == (302, ["/away"])


def test_a_name_that_leads_to_another_address_a_moment_later_leads_nowhere(server: Standing) -> None:
    """DNS rebinding: each connection looks once, and goes to what it has looked at."""
    names = Told({MAIL: [["127.0.0.1"], ["169.254.169.254"]]})
    reach = server.reach(names)
    with reach.session() as http:
        assert http.get(server.url()).text == "here"
    with reach.session() as http, pytest.raises(ServerNotAllowed):
        http.get(server.url())
    assert names.asked == [MAIL, MAIL], "one look for each connection"


def test_the_connection_goes_to_the_address_that_was_checked(server: Standing) -> None:
    opened: list[str] = []

    def connect(address: Address, port: int, seconds: float) -> socket.socket:
        opened.append(str(address))
        return socket.create_connection(("127.0.0.1", port), timeout=seconds)

    names = Told({MAIL: [["127.0.0.2", "10.0.0.7"]]})
    reach = Reach(
        AllowedServers.read(f"{MAIL}:{server.port}"), server.certificates.ca_pem, names=names, connect=connect
    )
    with reach.session() as http:
        assert http.get(server.url()).text == "here"
    assert opened == ["10.0.0.7"], "the loopback address is passed over"


def test_a_name_without_an_address_is_said_so(server: Standing) -> None:
    with server.reach(Told({})).session() as http, pytest.raises(ServerUnknown):
        http.get(server.url())


def test_a_server_that_is_handed_over_gets_nothing(server: Standing) -> None:
    allowed = f"*.example.org:{server.port} 127.0.0.1:{server.port}"
    with server.reach(HERE, allowed, "*.example.org").session() as http, pytest.raises(ServerHandedOver):
        http.get(server.url())
    assert not server.requests


def test_http_is_refused(server: Standing) -> None:
    with server.reach(HERE).session() as http, pytest.raises(requests.exceptions.InvalidSchema):
        http.get(f"http://{MAIL}:{server.port}/")
    with pytest.raises(ValueError, match="https"):
        server.reach(HERE).check("http://mail.example.org/EWS")


@pytest.mark.parametrize(
    "flaw, why", [("expired", "expired"), ("other host", "other-name"), ("self-signed", "unknown-authority")]
)
@pytest.mark.parametrize("verify", [True, False], ids=["checked", "asked not to check"])
def test_a_bad_certificate_is_named_and_cannot_be_waved_through(flaw: str, why: str, verify: bool) -> None:
    """Known failures 40 and D7: there is no switch that turns the check of certificates off."""
    for server in standing(make((MAIL,), flaw)):  # type: ignore[arg-type]  # one of tls.FLAWS
        with server.reach(Told({MAIL: [["127.0.0.1"]]})).session() as http:
            http.verify = verify
            with pytest.raises(requests.exceptions.SSLError) as refused:
                http.get(server.url(), verify=verify)
        error = told(refused.value)
        assert isinstance(error, CertificateRefused)
        assert error.why == why
        assert not server.requests


def test_an_unknown_authority_is_named_as_such(server: Standing) -> None:
    reach = Reach(server.reach(HERE).allowed, names=Told({MAIL: [["127.0.0.1"]]}))
    with reach.session() as http, pytest.raises(requests.exceptions.SSLError) as refused:
        http.get(server.url())
    error = told(refused.value)
    assert isinstance(error, CertificateRefused)
    assert error.why == "unknown-authority"


def test_one_context_for_all_sessions_with_the_same_authorities(server: Standing) -> None:
    assert server.reach(HERE).tls() is server.reach(HERE).tls()
    assert server.reach(HERE).tls().minimum_version.name == "TLSv1_2"


def test_questions_without_secrets_go_to_public_addresses_and_allowed_servers_only(server: Standing) -> None:
    names = Told({MAIL: [["127.0.0.1"]], "private.example": [["10.0.0.1"]], "public.example": [["8.8.8.8"]]})
    reach = server.reach(names).without_secrets()
    assert str(reach.address("public.example")) == "8.8.8.8"
    assert str(reach.address(MAIL, server.port)) == "127.0.0.1"
    for host, port in (("private.example", 443), ("public.example", 25)):
        with pytest.raises(ServerNotAllowed):
            reach.address(host, port)


def test_a_handshake_tells_the_version_and_the_validity_and_sends_nothing(server: Standing) -> None:
    made = server.reach(Told({MAIL: [["127.0.0.1"]]})).handshake(MAIL, server.port)
    assert made.protocol in ("TLSv1.2", "TLSv1.3")
    assert made.until.tzinfo is UTC
    assert not server.requests
    with pytest.raises(CertificateRefused, match="unknown-authority"):
        Reach(server.reach(HERE).allowed, names=Told({MAIL: [["127.0.0.1"]]})).handshake(MAIL, server.port)


def test_a_server_that_does_not_speak_tls_is_named() -> None:
    plain = HttpServer(lambda environ, start_response: [])
    plain.start()
    try:
        port = int(plain.url.rpartition(":")[2])
        reach = Reach(AllowedServers.read(f"{MAIL}:{port} 127.0.0.1:{port}"), names=HERE)
        with pytest.raises(CertificateRefused, match="protocol"):
            reach.handshake(MAIL, port)
    finally:
        plain.stop()
