"""The end of a connection. It never needs the service: what cannot be told it is left untold.

Nothing is deleted remotely unless the person ticks it, and then only the copies that we made, each only as we left it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog
from sqlalchemy import Connection as Database

from marketplace_plugin.contract.hookspecs import ConnectionRef
from marketplace_plugin.contract.module import Person
from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.account import calendars
from marketplace_plugin.engine.acts.chosen import begun, left, purge
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.sign_in import grants
from marketplace_plugin.engine.steps.one_pass import chunks
from marketplace_plugin.engine.views import DisconnectFacts
from marketplace_plugin.errors import CollectionGone, MarketplaceError, PermissionDenied
from marketplace_plugin.model.change import Access, Found, Stamp, Unreadable
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.write import Applied, Delete, Missing
from marketplace_plugin.store import authorizations, collections, connections, credentials, intents, leases, links, runs
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.sync.link import Link, LinkState
from marketplace_plugin.sync.merge.three_way import Policy
from marketplace_plugin.sync.plan.decide import decide
from marketplace_plugin.sync.plan.flows import Place
from marketplace_plugin.sync.plan.step import Case
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """``deleted`` copies were deleted at the service as asked. ``left`` stay there: they could not be deleted, or show
    what the events here do not, so that it stands nowhere else."""

    deleted: int = 0
    left: int = 0


@dataclass(slots=True)
class _Copies:
    """What was written to the service, by link id. ``sent``: what creates carry whose answer did not come. ``differ``:
    those that show on purpose what the events here do not. ``shown``: what stands there now, and where; of others it
    is not known. ``gone`` and ``deleted`` are not there any more."""

    links: dict[str, Link]
    sent: dict[str, Item] = field(default_factory=dict)
    differ: set[str] = field(default_factory=set)
    shown: dict[str, tuple[str, Found]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def told(self) -> Disconnected:
        made = {k.id for k in self.links.values() if k.remote_id is not None or k.id in self.shown}
        deleted = self.deleted | (self.gone & made)
        return Disconnected(len(deleted), len(made - deleted))


def disconnect_facts(engine: Engine, person: Person, connection_id: str) -> DisconnectFacts:
    """What is deleted here, and what is kept. Raises NotFound."""
    with engine.store.read() as c:
        row = own(c, person, connection_id)
        calendars = [one for one in collections.of_connection(c, row.id) if one.info.kind is Kind.EVENT]
    target = next((one for one in calendars if one.is_target), None)
    counted = purge.facts(engine, row.id)
    lies_there = purge.facts(engine, row.id, target.remote_id).exported if target is not None else 0
    title = target.info.title if target is not None and lies_there == counted.exported else ""
    return DisconnectFacts(counted.blocks, counted.converted, counted.exported, title, counted.paired)


def disconnect(engine: Engine, person: Person, connection_id: str, delete_remote: bool = False) -> Disconnected:
    """End it: imported data is purged, tokens are deleted and, with the account's last connection, revoked. Converted
    and exported events stay in the host. Raises NotFound; nothing that a service does makes it fail."""
    with engine.store.begin() as unit:
        c = unit.connection
        row = own(c, person, connection_id)
        leases.seize(c, row.id, engine.now())
        connections.set_state(c, row.id, ConnectionState.PAUSED)
    begun.finish(engine, person, row)
    copies = _Copies({})
    if delete_remote:
        with engine.store.begin() as unit:
            copies = _let_go(engine, unit.connection, row)
    _delete(engine, row, copies)
    with engine.store.begin() as unit:
        c = unit.connection
        purge.forget_links(engine, c, copies.gone | copies.deleted)
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
    return copies.told()


def _let_go(engine: Engine, c: Database, row: Connection) -> _Copies:
    """Before anything is deleted remotely nothing flows back any more: a crash between cannot delete in the host, and
    who asks again goes on. Copies that an earlier connection of the account left behind are among them."""
    begun = intents.open_ones(c, row.id)
    sent = left.sent(begun)
    back = left.put_back(begun)
    ours = [
        link
        for link in links.of_connection(c, row.id, kinds=left.COPIES)
        if left.may_stand(link, sent) and link.access is not Access.ATTENDEE and (left.let_go(link) or not link.rests)
    ]
    ours = [link for link in ours if link.id not in back]
    links.put(c, [replace(k, state=LinkState.DETACHED, reason=Reason.DISCONNECTED) for k in ours], engine.now())
    known = {link.id: link for link in (*links.left_behind(c, row), *ours)}
    return _Copies(known, sent, left.disputed(c, known.values()))


def _delete(engine: Engine, row: Connection, copies: _Copies) -> None:
    """Each copy as it stands now, if-match: what shows anything but what was agreed stays."""
    if not copies.links:
        return
    with engine.store.read() as c:
        reached = {one.remote_id: one.info for one in collections.of_connection(c, row.id)}
    try:
        with calendars.opened(engine, row) as provider:
            _look(engine, provider, reached, copies)
            by_place: dict[str, list[Delete]] = defaultdict(list)
            whose: dict[str, str] = {}
            for link_id, (place, found) in copies.shown.items():
                if link_id not in copies.differ and place in reached and _goes(engine, reached[place], copies, link_id):
                    op = engine.new_id()
                    by_place[place].append(Delete(op, found.id, found.revision))
                    whose[op] = link_id
            for place, deletes in by_place.items():
                for outcome in provider.push(place, deletes):
                    if isinstance(outcome, Applied | Missing):
                        copies.deleted.add(whose[outcome.op])
    except MarketplaceError as error:
        _log.warning("copies not deleted", connection=row.id, code=error.code)


def _goes(engine: Engine, place: CollectionInfo, copies: _Copies, link_id: str) -> bool:
    """By the table of copies whose event went elsewhere; nobody is mailed."""
    found = copies.shown[link_id][1]
    link = left.standing(engine, copies.links[link_id], found, copies.sent.get(link_id))
    step = decide(Case(link, None, found), Place(place.capabilities, place.can_be_target), Policy.NEWEST)
    return step.action is Action.DELETE_REMOTE


def _look(engine: Engine, provider: Provider, reached: Mapping[str, CollectionInfo], copies: _Copies) -> None:
    """What stands of them: under their ids, else by our stamp, wherever they were moved. What cannot be read is
    neither gone nor known. Raises ProviderError."""
    by_id: dict[str, dict[str, str]] = defaultdict(dict)
    for link in copies.links.values():
        if link.remote_id is not None:
            by_id[link.collection][link.remote_id] = link.id
    unclear: set[str] = set()
    for collection, ids in by_id.items():
        try:
            for batch in chunks(sorted(ids), engine.settings.batch):
                for one in provider.fetch(collection, batch):
                    if isinstance(one, Found):
                        copies.shown[ids[one.id]] = collection, one
                    elif isinstance(one, Unreadable):
                        unclear.add(ids[one.id])
        except (CollectionGone, PermissionDenied):
            unclear |= set(ids.values())
    lost = {Stamp(engine.instance, link_id): link_id for link_id in copies.links if link_id not in copies.shown}
    for info in reached.values():
        wanted = [stamp for stamp, link_id in lost.items() if link_id not in copies.shown]
        if not wanted or info.kind is not Kind.EVENT or info.role < Role.READER:
            continue
        try:
            carried = provider.find(info.id, wanted)
        except (CollectionGone, PermissionDenied):
            unclear |= set(lost.values())
            continue
        copies.shown |= {lost[stamp]: (info.id, shown[0]) for stamp, shown in carried.items() if len(shown) == 1}
    # A worker that does not know yet may still be making what is under way: that stays known by its names.
    copies.gone = set(lost.values()) - copies.shown.keys() - copies.sent.keys() - unclear
