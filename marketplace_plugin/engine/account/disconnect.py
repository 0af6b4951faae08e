"""The end of a connection. It never needs the service: what cannot be told it is left untold.

Nothing is deleted remotely unless the person ticks it, and then only the copies that we made, each only as we left it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection as Database

from marketplace_plugin.contract.hookspecs import ConnectionRef
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.account import calendars
from marketplace_plugin.engine.acts.chosen import purge
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.sign_in import grants
from marketplace_plugin.engine.views import DisconnectFacts
from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import Applied, Delete, Missing
from marketplace_plugin.store import authorizations, collections, connections, credentials, links, runs
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason

_COPIES = (LinkKind.EXPORT, LinkKind.MIRROR)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """``deleted`` copies were deleted at the service as asked; ``left`` could not be, or were changed there."""

    deleted: int = 0
    left: int = 0


def disconnect_facts(engine: Engine, person: Person, connection_id: str) -> DisconnectFacts:
    """What is deleted here, and what is kept. Raises NotFound."""
    with engine.store.read() as c:
        row = own(c, person, connection_id)
        calendars = [one for one in collections.of_connection(c, row.id) if one.info.kind is Kind.EVENT]
    target = next((one.info.title for one in calendars if one.is_target), "")
    counted = purge.facts(engine, row.id)
    return DisconnectFacts(counted.blocks, counted.converted, counted.exported, target, counted.paired)


def disconnect(engine: Engine, person: Person, connection_id: str, delete_remote: bool = False) -> Disconnected:
    """End it: imported data is purged, tokens are deleted and, with the account's last connection, revoked. Converted
    and exported events stay in the host. Raises NotFound; nothing that a service does makes it fail."""
    with engine.store.begin() as unit:
        c = unit.connection
        row = own(c, person, connection_id)
        connections.seize(c, row.id, engine.now())
        connections.set_state(c, row.id, ConnectionState.PAUSED)
        copies = _let_go(engine, unit.connection, row) if delete_remote else []
    done = _delete(engine, row, copies)
    with engine.store.begin() as unit:
        c = unit.connection
        purge.purge_connection(engine, unit, row.id)
        revocation = grants.withdraw(c, row.id)
        authorizations.remove(c, [row.id])
        credentials.remove(c, [row.id])
        collections.remove(c, row.id)
        runs.remove_of(c, row.id)
        connections.forget_account(c, row.id)
    engine.store.scrub()
    if revocation is not None and not grants.revoke(engine, revocation):
        _log.warning("grant not revoked", connection=row.id, integration=row.integration)
    reference = ConnectionRef(row.id, row.integration, row.tenant, row.user)
    engine.plugins.announce("connection_removed", row.integration, connection=reference)
    return done


def _let_go(engine: Engine, c: Database, row: Connection) -> list[Link]:
    """Before anything is deleted remotely nothing flows back any more: a crash between cannot delete in the host."""
    standing = [
        link
        for link in links.of_connection(c, row.id, kinds=_COPIES)
        if link.remote_id is not None
        and link.remote is not None
        and link.access is Access.FULL
        and link.state not in (LinkState.DETACHED, LinkState.DECLINED)
    ]
    let_go = [replace(link, state=LinkState.DETACHED, reason=Reason.DISCONNECTED) for link in standing]
    links.put(c, let_go, engine.now())
    return standing


def _delete(engine: Engine, row: Connection, copies: Sequence[Link]) -> Disconnected:
    """Each copy if-match: what somebody has edited there stays."""
    if not copies:
        return Disconnected()
    by_collection: dict[str, list[Link]] = defaultdict(list)
    for link in copies:
        by_collection[link.collection].append(link)
    deleted = 0
    try:
        with calendars.opened(engine, row) as provider:
            for collection, some in by_collection.items():
                deleted += _push(engine, provider, collection, some)
    except MarketplaceError as error:
        _log.warning("copies not deleted", connection=row.id, code=error.code)
    return Disconnected(deleted, len(copies) - deleted)


def _push(engine: Engine, provider: Provider, collection: str, copies: Sequence[Link]) -> int:
    deletes: Mapping[str, Delete] = {
        op: Delete(op, link.remote_id, link.remote.revision)
        for op, link in ((engine.new_id(), link) for link in copies)
        if link.remote_id is not None and link.remote is not None
    }
    return sum(isinstance(outcome, Applied | Missing) for outcome in provider.push(collection, list(deletes.values())))
