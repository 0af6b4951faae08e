"""A form in memory: who is entered where, what a search and a test answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.contract.authorities import read_authorities
from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.servers import read_entries
from marketplace_plugin.engine.form.credentials import FormView, Searched, Tried
from marketplace_plugin.engine.form.servers import ServersView
from marketplace_plugin.engine.views import ConnectionState, ConnectionView
from marketplace_plugin.errors import InvalidSettings, NotFound, NotTested
from marketplace_plugin.web.actions import Authorized

FOUND = Searched((), "mail.example.org")
PASSED = Tried(
    (
        TestStep("server", StepState.PASSED, 12, facts=(("server", "mail.example.org"), ("address", "192.0.2.1"))),
        TestStep("tls", StepState.PASSED, 80, facts=(("protocol", "TLS 1.3"), ("valid-until", "2027-03-14"))),
        TestStep("sign-in", StepState.PASSED, 700, facts=(("account", "anna@nordwerk.example"), ("scheme", "NTLM"))),
        TestStep("calendars", StepState.PASSED, 500, facts=(("calendars", "4"),)),
        TestStep("target", StepState.SKIPPED, cause="not-ticked"),
    ),
    passed=True,
)


@dataclass(kw_only=True)
class FakeForm:
    """Part of ``FakeActions``: ``called``, ``fail`` and ``connections`` are its own."""

    integrations: Sequence[Integration]
    connections: dict[str, tuple[str, ConnectionView]] = field(default_factory=dict)
    searches: Searched = FOUND
    tests: Tried = PASSED
    passed: dict[str, str] = field(default_factory=dict)
    kept: FormView | None = None
    rules: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def _call(self, name: str, *arguments: Any) -> None:
        raise NotImplementedError

    def form(self, person: Person, connection: str) -> FormView:
        return self.kept or FormView(person.email, {}, "Rita Brandt, 5500", stored=False)

    def search_server(self, person: Person, connection: str, email: str) -> Searched:
        self._call("search_server", person.id, connection, email)
        return self.searches

    def test_credentials(
        self, person: Person, connection: str, browser_session: str, entered: Mapping[str, str], write: bool
    ) -> Tried:
        self._call("test_credentials", person.id, connection, browser_session, dict(entered), write)
        self.passed = dict(entered) if self.tests.passed else {}
        return self.tests

    def save_credentials(
        self, person: Person, connection: str, browser_session: str, entered: Mapping[str, str]
    ) -> Authorized:
        self._call("save_credentials", person.id, connection, browser_session, dict(entered))
        if {**entered, "password": ""} != {**self.passed, "password": ""} or not self.passed:
            raise NotTested("not this")
        owner, view = self.connections[connection]
        self.connections[connection] = (
            owner,
            replace(view, state=ConnectionState.CONNECTED, account="anna@nordwerk.example"),
        )
        return Authorized(connection, "anna@nordwerk.example", 4)

    def ask_server(self, person: Person, connection: str, server: str) -> None:
        if self.connections[connection][0] != person.id:
            raise NotFound(connection)
        self._call("ask_server", person.id, connection, server)

    def servers(self, person: Person) -> Sequence[ServersView]:
        found = [entry for entry in self.integrations if entry.available and entry.auth.type == "form"]
        return [self._view(entry) for entry in found]

    def _view(self, entry: Integration) -> ServersView:
        allowed, authorities, contact = self.rules.get(entry.id, ("", "", ""))
        entries = tuple(str(one) for one in read_entries(allowed))
        return ServersView(entry, entries, ("mail.example.org",), tuple(read_authorities(authorities)), contact)

    def save_servers(
        self, person: Person, integration: str, allowed: str, authorities: str, contact: str, known: str | None
    ) -> None:
        self._call("save_servers", person.id, integration, allowed, authorities, contact)
        try:
            read_entries(allowed)
            read_authorities(authorities)
        except ValueError as error:
            raise InvalidSettings(str(error)) from None
        self.rules[integration] = (allowed, authorities, contact)

    def distrust(self, person: Person, integration: str, fingerprint: str) -> None:
        self._call("distrust", person.id, integration, fingerprint)
