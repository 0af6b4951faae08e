"""A person's connections: add, look, test. Settings are in ``settings.py``, the end of one in ``disconnect.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.steps import NO_STEPS, WRONG_PASSWORD
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.account.calendars import expire
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.sign_in.grants import integration_of, session_for
from marketplace_plugin.engine.views import ConnectionView, RunState
from marketplace_plugin.engine.work import requests
from marketplace_plugin.errors import AuthorizationExpired, ConfigError, NotAllowed
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import blocks, collections, connections, credentials, plans
from marketplace_plugin.store import links as stored_links
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.log.plans import PlanState
from marketplace_plugin.sync.link import LinkKind, LinkState


def add(engine: Engine, person: Person, integration: str) -> str:
    """Put an integration into the person's profile; the id of the connection. One that he has added and not
    authorised yet is the same one again. Raises NotAllowed where it is not opened for him."""
    with engine.store.begin() as unit:
        c = unit.connection
        if not market.may_add(c, person, integration):
            raise NotAllowed("not installed, or not opened for this user")
        for row in connections.of_user(c, person.id):
            if row.integration == integration and row.state is ConnectionState.ADDED:
                return row.id
        new = Connection(engine.new_id(), person.tenant, person.id, integration, ConnectionState.ADDED, engine.now())
        connections.add(c, new)
    return new.id


def mine(engine: Engine, person: Person) -> Sequence[ConnectionView]:
    """Oldest first."""
    with engine.store.read() as c:
        return [view(engine, c, row) for row in connections.of_user(c, person.id)]


def one(engine: Engine, person: Person, connection_id: str) -> ConnectionView:
    """Raises NotFound."""
    with engine.store.read() as c:
        return view(engine, c, own(c, person, connection_id))


def examine(engine: Engine, person: Person, connection_id: str, write: bool = False) -> Iterator[TestStep]:
    """The plugin's steps, as they come. Nothing is written unless ``write``. Raises NotFound before the first step."""
    with engine.store.read() as c:
        row = own(c, person, connection_id)
        calendars = [one for one in collections.of_connection(c, row.id) if one.info.kind is Kind.EVENT]
        target = next((one.remote_id for one in calendars if one.is_target), None)
    return _steps(engine, row, target, write)


def _steps(engine: Engine, row: Connection, target: str | None, write: bool) -> Iterator[TestStep]:
    try:
        integration_of(engine, row.integration)
        session = session_for(engine, row)
    except ConfigError as error:
        yield TestStep("settings", StepState.FAILED, cause=error.code)
        return
    except AuthorizationExpired as error:
        yield TestStep("sign-in", StepState.FAILED, cause=error.code, way_out="reauthorize")
        return
    with engine.store.read() as c:
        version = credentials.version(c, row.id)
    told = False
    for step in engine.plugins.test_connection(row.integration, session, target, write):
        told = True
        if step.cause == WRONG_PASSWORD:
            expire(engine, row.id, version)
        yield step
    if not told:
        yield NO_STEPS


def view(engine: Engine, c: Database, row: Connection) -> ConnectionView:
    """One connection as its owner sees it."""
    last = requests.newest(engine, c, {row.id: row}).get(row.id)
    plan = plans.current(c, row.id)
    counts = stored_links.count(c, row.id)
    exported = sum(
        number
        for (kind, state), number in counts.items()
        if kind in (LinkKind.EXPORT, LinkKind.MIRROR, LinkKind.CONVERTED) and state is LinkState.LIVE
    )
    return ConnectionView(
        id=row.id,
        integration=row.integration,
        state=row.state,
        account=row.account,
        since=row.connected_at or row.created_at,
        last_run=last if last is not None and last.state is RunState.FINISHED else None,
        running=last if last is not None and last.state is not RunState.FINISHED else None,
        next_due=row.next_due,
        backoff_until=row.backoff_until,
        error=row.error or "",
        number=row.error_number or "",
        blocks=blocks.count(c, row.id),
        exported=exported,
        saved=row.settings_version > 0,
        started=row.approved_version is not None and row.approved_version == row.settings_version,
        begun=row.approved_version is not None,
        plan=plan.id if plan is not None and plan.state is PlanState.WAITING else "",
    )
