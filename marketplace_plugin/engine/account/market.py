"""What a tenant has installed and for whom: offers, install, request, grant, uninstall."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection as Database

from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.form import servers
from marketplace_plugin.engine.views import AdminRow, Asked, Audience, Permission
from marketplace_plugin.errors import NotAllowed, NotFound
from marketplace_plugin.store import connections, host_positions, installations, leases
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.accounts.installations import InstallationState, RequestState


@dataclass(frozen=True, slots=True)
class Offer:
    """An integration as one person meets it. ``audience``: None where it is not installed. ``connections`` are his."""

    integration: Integration
    permission: Permission
    audience: Audience | None = None
    connections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestRow:
    """What a user asks the admin for; ``subject`` and ``detail`` as in ``installations.Request``. ``created_at``: aware
    UTC."""

    id: str
    person: str
    integration: str
    created_at: datetime
    what: Asked = Asked.INSTALL
    subject: str = ""
    detail: str = ""


def offers(engine: Engine, person: Person) -> Sequence[Offer]:
    """Every integration that the bundles offer, in their order, as this person meets it."""
    with engine.store.read() as c:
        return [_offer(c, person, integration) for integration in engine.plugins.integrations()]


def _offer(c: Database, person: Person, integration: Integration) -> Offer:
    mine = tuple(row.id for row in connections.of_user(c, person.id) if row.integration == integration.id)
    audience = _audience(c, person.tenant, integration.id)
    return Offer(integration, _permission(c, person, integration, mine), audience, mine)


def _permission(c: Database, person: Person, integration: Integration, mine: Sequence[str]) -> Permission:
    if mine:
        return Permission.ADDED
    if may_add(c, person, integration.id):
        return Permission.ADD
    if person.admin:
        return Permission.INSTALL
    return Permission.REQUESTED if _asked(c, person, integration.id, RequestState.OPEN) else Permission.REQUEST


def _audience(c: Database, tenant: str, integration: str) -> Audience | None:
    found = installations.get(c, tenant, integration)
    if found is None or found.state is not InstallationState.INSTALLED:
        return None
    return Audience(found.audience)


def may_add(c: Database, person: Person, integration: str) -> bool:
    """It is installed, and opened for all, or for this person by a granted request, or he is an admin."""
    audience = _audience(c, person.tenant, integration)
    if audience is None:
        return False
    if audience is Audience.ALL or person.admin:
        return True
    return _asked(c, person, integration, RequestState.GRANTED)


def _asked(c: Database, person: Person, integration: str, state: RequestState) -> bool:
    """Whether a request of his for the integration itself is in that state; those for servers or consent are others."""
    mine = installations.requests(c, person.tenant, state, person.id)
    return any((one.integration, one.what) == (integration, Asked.INSTALL) for one in mine)


def install(engine: Engine, person: Person, integration: str, audience: Audience) -> None:
    """Install for the admin's tenant, or change who may use it. Connections that an uninstall paused stay paused
    until their owners authorise again. A disconnect that died has let go of copies before it deleted any: the host is
    read from its beginning then, so that they are known again. Raises NotAllowed, NotFound."""
    entry = _available(engine, person, integration)
    with engine.store.begin() as unit:
        installations.put(
            unit.connection,
            person.tenant,
            integration,
            audience=audience,
            state=InstallationState.INSTALLED,
            version=entry.version,
            person=person.id,
            now=engine.now(),
        )
        for row in connections.of_tenant(unit.connection, person.tenant, integration):
            if row.state is ConnectionState.PAUSED:
                connections.set_state(unit.connection, row.id, ConnectionState.EXPIRED)
                host_positions.drop(unit.connection, row.id)


def affected(engine: Engine, person: Person, integration: str) -> int:
    """How many connections of the tenant an uninstall would end."""
    _require_admin(person)
    with engine.store.read() as c:
        return len(connections.of_tenant(c, person.tenant, integration))


def uninstall(engine: Engine, person: Person, integration: str) -> None:
    """Pause the tenant's connections of it, so that no pass starts, then end each as its owner would: what they
    imported is purged, tokens are revoked, and nothing is deleted remotely. Raises NotAllowed, NotFound.

    What an interrupted one left paused stays so until the integration is installed again, and is ended by the next.
    """
    entry = _available(engine, person, integration)
    with engine.store.begin() as unit:
        c = unit.connection
        installations.put(
            c,
            person.tenant,
            integration,
            audience=Audience.NOBODY,
            state=InstallationState.UNINSTALLED,
            version=entry.version,
            person=person.id,
            now=engine.now(),
        )
        rows = connections.of_tenant(c, person.tenant, integration)
        for row in rows:
            leases.seize(c, row.id, engine.now())  # a pass that is under way writes nothing more
            connections.set_state(c, row.id, ConnectionState.PAUSED)
    for row in rows:
        owner = engine.host.person(row.user) or Person(row.user, row.tenant, "", "", "UTC")  # a person who has left
        with suppress(NotFound):  # he has disconnected by himself meanwhile
            disconnect(engine, owner, row.id)


def request(engine: Engine, person: Person, integration: str) -> None:
    """ "Anfragen"; asking twice is one request. Raises NotFound."""
    _entry(engine, integration)
    with engine.store.begin() as unit:
        if not may_add(unit.connection, person, integration):
            installations.ask(unit.connection, person.tenant, person.id, integration, engine.now())


def ask(engine: Engine, person: Person, integration: str, what: Asked, subject: str = "", detail: str = "") -> None:
    """Ask the tenant's admin for something that a connection of this integration needs; asking twice is one request.
    Raises NotFound."""
    _entry(engine, integration)
    with engine.store.begin() as unit:
        installations.ask(
            unit.connection,
            person.tenant,
            person.id,
            integration,
            engine.now(),
            what=what,
            subject=subject,
            detail=detail,
        )


def open_requests(engine: Engine, person: Person) -> Sequence[RequestRow]:
    """Those of the admin's tenant, oldest first. Raises NotAllowed."""
    _require_admin(person)
    with engine.store.read() as c:
        rows = installations.requests(c, person.tenant, RequestState.OPEN)
    return [
        RequestRow(row.id, row.user, row.integration, row.created_at, row.what, row.subject, row.detail) for row in rows
    ]


def settle_request(engine: Engine, person: Person, request_id: str, *, grant: bool) -> Asked:
    """Grant or decline, and tell what was asked for. Granting an integration opens it for this user, whoever else may
    add it, and installs it for nobody else where it is not installed yet. Granting a server enters it among those that
    are allowed; granting consent says that it was given.

    Raises NotAllowed, NotFound (settled already, or another tenant's)."""
    _require_admin(person)
    state = RequestState.GRANTED if grant else RequestState.DECLINED
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        settled = installations.settle(c, person.tenant, request_id, state, person.id, now)
        if settled is None:
            raise NotFound("no such open request")
        if grant and settled.what is Asked.HOST:
            servers.allow(engine, c, person, settled.integration, settled.subject)
        wanted = grant and settled.what is Asked.INSTALL
        if wanted and _audience(c, person.tenant, settled.integration) is None:
            installations.put(
                c,
                person.tenant,
                settled.integration,
                audience=Audience.NOBODY,
                state=InstallationState.INSTALLED,
                version=_entry(engine, settled.integration).version,
                person=person.id,
                now=now,
            )
    return settled.what


def admin_rows(engine: Engine, person: Person) -> Sequence[AdminRow]:
    """The tenant's connections as operating data. Raises NotAllowed."""
    _require_admin(person)
    with engine.store.read() as c:
        rows = connections.of_tenant(c, person.tenant)
    return [
        AdminRow(
            connection=row.id,
            person=row.user,
            integration=row.integration,
            state=row.state,
            last_run_at=row.last_run_at,
            next_due=row.next_due,
            error=row.error or "",
            number=row.error_number or "",
        )
        for row in rows
    ]


def _require_admin(person: Person) -> None:
    if not person.admin:
        raise NotAllowed("only an admin")


def _entry(engine: Engine, integration: str) -> Integration:
    for entry in engine.plugins.integrations():
        if entry.id == integration and entry.available:
            found: Integration = entry
            return found
    raise NotFound(integration)


def _available(engine: Engine, person: Person, integration: str) -> Integration:
    _require_admin(person)
    return _entry(engine, integration)
