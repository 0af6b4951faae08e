"""Consent by an organisation's admin at the service, where its people cannot give it themselves: the address for him,
the request to the tenant's admin, and the way back.

Who opens the address may have no account here and no session, and it may be days later. So the way back changes
nothing: its state proves alone which connection the address was made for.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from marketplace_plugin.bundle.manifest import SHARED
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.kinds import switched_on
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.sign_in import authorize, grants, oauth
from marketplace_plugin.engine.views import Asked
from marketplace_plugin.errors import NotFound, StateMismatch
from marketplace_plugin.store import connections, installations
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.accounts.installations import RequestState

PREFIX = "consent."
"""Begins each state of such an address; those of sign-ins are random and hold no dot."""


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What a person reads whose connection waits for an admin's consent. ``request`` is the state of his newest request
    to the tenant's admin, None before the first."""

    connection: str
    integration: str
    address: str
    request: RequestState | None


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What came back from the service. ``owner`` is the person whose connection the address was made for, and
    ``tenant`` his tenant here; both are empty where the connection has ended since."""

    connection: str
    integration: str
    owner: str
    tenant: str
    given: bool


def view(engine: Engine, person: Person, connection_id: str) -> ConsentView:
    """Raises NotFound where the connection is not his or its service knows no such consent, ConfigError where the
    deployment has not set it up."""
    with engine.store.read() as c:
        connection = own(c, person, connection_id)
        if grants.integration_of(engine, connection.integration).auth.admin_consent is None:
            raise NotFound("the service knows no consent of an admin")
        asked = installations.requests(c, person.tenant, user=person.id)
    mine = [row.state for row in asked if (row.integration, row.what) == (connection.integration, Asked.CONSENT)]
    return ConsentView(connection.id, connection.integration, _address(engine, connection), mine[-1] if mine else None)


def ask(engine: Engine, person: Person, connection_id: str) -> None:
    """Ask the tenant's admin to see to it; asking twice is one request. Raises NotFound, ConfigError."""
    found = view(engine, person, connection_id)
    market.ask(engine, person, found.integration, Asked.CONSENT, detail=found.address)


def answer(engine: Engine, query: Mapping[str, str]) -> ConsentAnswer:
    """What the service's redirect tells; changes nothing. Raises StateMismatch for a state that is not ours."""
    connection_id, _, mark = query.get("state", "").removeprefix(PREFIX).partition(".")
    if not hmac.compare_digest(mark.encode(), _mark(engine, connection_id).encode()):
        raise StateMismatch("the state is not one of ours")
    with engine.store.read() as c:
        row = connections.get(c, connection_id)
    if row is None:
        raise StateMismatch("there is no such connection")
    given = query.get("admin_consent", "").lower() == "true" and "error" not in query
    if row.state is ConnectionState.REMOVED:
        return ConsentAnswer(row.id, row.integration, "", "", given)
    return ConsentAnswer(row.id, row.integration, row.user, row.tenant, given)


def _address(engine: Engine, connection: Connection) -> str:
    """For what every connection needs, for shared collections and for what its owner has switched on: an admin who
    consents once should not be asked twice, and nobody consents to what nobody wants."""
    client = grants.oauth_client(engine, connection.integration)
    wanted = {"", SHARED, *switched_on(connection)}
    client = replace(client, scopes=tuple(s for s in client.scopes if s.feature in wanted))
    state = f"{PREFIX}{connection.id}.{_mark(engine, connection.id)}"
    return oauth.admin_consent_url(client, authorize.redirect_uri(engine), state)


def _mark(engine: Engine, connection_id: str) -> str:
    return engine.store.vault.keyed(f"admin consent\0{connection_id}".encode())
