"""The host's modules as a connection syncs them: which ones, and as what a service shows of them.

A mirrored task or call passes for an event on the whole way through a pass: ``Mirrored`` shows it as its entry and
writes back its time alone. A task of a list stays a task: ``Listed`` keeps what is richer here than a list can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from marketplace_plugin.contract.module import HostModule, Person, UnitOfWork
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.change import HostCursor, HostGone, HostItem, HostPage
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import (
    HostApplied,
    HostMissing,
    HostOutcome,
    HostRefused,
    HostStale,
    HostUpdate,
    HostWrite,
    RefusedCode,
)
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.plan.mirror import Manner, moved, on_day, shown

TIMED_ONLY = "timed_only"
"""The connection's switch: tasks without a time are not mirrored as whole days."""

PAIRED = (Kind.CONTACT, Kind.TASK)
"""What has collections of its own at a service, beside calendars."""

_PHONE = {"de": "Telefon"}


def switched_on(connection: Connection) -> frozenset[Kind]:
    return frozenset(Kind(name) for name, on in connection.switches.items() if on is True and name in set(Kind))


def lists_tasks(rows: Iterable[Collection]) -> bool:
    """Tasks are synced with lists, so that they are not mirrored into a calendar as well."""
    return any(row.info.kind is Kind.TASK and row.is_read for row in rows)


def modules_of(
    engine: Engine,
    connection: Connection,
    person: Person,
    rows: Iterable[Collection],
    *,
    listed_elsewhere: bool = False,
) -> Mapping[Kind, HostModule]:
    """What this connection syncs, by kind. ``rows`` are its collections; ``listed_elsewhere``: another connection of
    the person syncs his tasks with a list."""
    modules, on = engine.host.modules, switched_on(connection) | {Kind.EVENT}
    found: dict[Kind, HostModule] = {
        kind: modules[kind] for kind in (Kind.EVENT, Kind.CONTACT) if kind in on and kind in modules
    }
    manner = manner_of(connection, person)
    if Kind.TASK in on and Kind.TASK in modules:
        if lists_tasks(rows):
            found[Kind.TASK] = Listed(modules[Kind.TASK])
        elif not listed_elsewhere:
            found[Kind.TASK] = Mirrored(modules[Kind.TASK], manner)
    if Kind.CALL in on and Kind.CALL in modules:
        found[Kind.CALL] = Mirrored(modules[Kind.CALL], manner)
    return found


def module_for(engine: Engine, link: Link, connection: Connection, person: Person) -> HostModule:
    """The module of one link's host item, as its service shows it."""
    module = engine.host.modules[link.host_kind]
    if link.kind is LinkKind.MIRROR:
        return Mirrored(module, manner_of(connection, person))
    return Listed(module) if link.host_kind is Kind.TASK else module


def module_now(engine: Engine, link: Link) -> HostModule:
    """The same, outside a pass."""
    with engine.store.read() as c:
        connection = connections.get(c, link.connection)
    person = engine.host.person(link.user)
    if connection is None or person is None:
        return engine.host.modules[link.host_kind]
    return module_for(engine, link, connection, person)


def manner_of(connection: Connection, person: Person) -> Manner:
    return Manner(_PHONE.get(person.locale, "Phone"), whole_days=connection.switches.get(TIMED_ONLY) is not True)


class Mirrored:
    """Tasks, or calls, as the entries of a calendar. What has no entry (done, without a day) is withdrawn, not gone."""

    def __init__(self, inner: HostModule, manner: Manner) -> None:
        self.kind, self.inner, self.manner = inner.kind, inner, manner

    def changes(self, owner: str, since: HostCursor | None, limit: int) -> HostPage:
        page = self.inner.changes(owner, since, limit)
        return replace(page, changes=tuple(self._entry(one) for one in page.changes))

    def get(self, owner: str, refs: Sequence[str]) -> Sequence[HostItem | HostGone]:
        return [self._entry(one) for one in self.inner.get(owner, refs)]

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        """Time moves, and nothing else: a mirror makes and deletes nothing here."""
        return [self._move(owner, write, unit) for write in writes]

    def _entry(self, one: HostItem | HostGone) -> HostItem | HostGone:
        if isinstance(one, HostGone) or not isinstance(one.item, Task | Call):
            return one
        entry = shown(one.item, self.manner)
        return HostGone(one.ref, one.version, withdrawn=True, op=one.op) if entry is None else replace(one, item=entry)

    def _move(self, owner: str, write: HostWrite, unit: UnitOfWork | None) -> HostOutcome:
        if not isinstance(write, HostUpdate) or not isinstance(write.item, Event | Series):
            return HostRefused(write.op, RefusedCode.INVALID)
        (current,) = self.inner.get(owner, [write.ref])
        if isinstance(current, HostGone) or not isinstance(current.item, Task | Call):
            return HostMissing(write.op)
        item = moved(current.item, write.item, self.manner)
        names = frozenset({"due"} if isinstance(item, Task) else {"when"})
        (outcome,) = self.inner.apply(owner, [replace(write, item=item, changed=names)], unit)
        match outcome:
            case HostApplied(stored=HostItem() as stored):
                entry = self._entry(stored)
                return replace(outcome, stored=entry if isinstance(entry, HostItem) else None)
            case HostStale(current=HostItem() as stands):
                entry = self._entry(stands)
                return replace(outcome, current=entry if isinstance(entry, HostItem) else None)
        return outcome


class Listed:
    """Tasks of lists, which hold days alone: a task that has a time here keeps it when its day is moved there."""

    def __init__(self, inner: HostModule) -> None:
        self.kind, self.inner = inner.kind, inner

    def changes(self, owner: str, since: HostCursor | None, limit: int) -> HostPage:
        return self.inner.changes(owner, since, limit)

    def get(self, owner: str, refs: Sequence[str]) -> Sequence[HostItem | HostGone]:
        return self.inner.get(owner, refs)

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        done: list[HostOutcome] = []
        for write in writes:
            done += self.inner.apply(owner, [self._kept(owner, write)], unit)
        return done

    def _kept(self, owner: str, write: HostWrite) -> HostWrite:
        if not isinstance(write, HostUpdate) or "due" not in write.changed or not isinstance(write.item, Task):
            return write
        day = write.item.due
        (current,) = self.inner.get(owner, [write.ref])
        clock = current.item.due if isinstance(current, HostItem) and isinstance(current.item, Task) else None
        if day is None or isinstance(day, Timed | datetime) or not isinstance(clock, Timed):
            return write
        return replace(write, item=replace(write.item, due=on_day(clock, day)))
