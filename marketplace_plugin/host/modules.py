"""Steg's modules as the engine sees them: ``contract.module.HostModule`` for calendar, contacts, tasks and calls.

They share the engine's transaction (``unit``). Each write is compare-and-set on the version that its owner sees, and is
remembered under its operation key: the same key again gets the same answer and changes nothing. No mail is ever sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

import sqlalchemy as sa

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.errors import HostError
from marketplace_plugin.host.records import contacts, events, log, participation, persons, todos
from marketplace_plugin.host.records.tables import Database, applied, person
from marketplace_plugin.model.change import HostCursor, HostGone, HostItem, HostPage
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import Event, Series, Unknown
from marketplace_plugin.model.form import codec
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.series.edit import patch
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.write import (
    HostApplied,
    HostCreate,
    HostDelete,
    HostMissing,
    HostOutcome,
    HostRefused,
    HostStale,
    HostUpdate,
    HostWrite,
    RefusedCode,
)

REMEMBERED = timedelta(days=30)
"""How long an operation key is known; a pass that was interrupted settles within hours."""


class Module(ABC):
    """What the modules have in common: the log read as pages, and writes that are done once."""

    kind: Kind

    def __init__(self, database: Database, now: Callable[[], datetime], new_ref: Callable[[], str]) -> None:
        self._database, self._now, self._new_ref = database, now, new_ref

    # ---- reading

    def changes(self, owner: str, since: HostCursor | None, limit: int) -> HostPage:
        with self._database.read() as c:
            last = _head(c, owner)
            seq, first_until = _read_cursor(since) if since is not None else (0, last)
            entries = log.since(c, owner, self.kind, seq, limit + 1)
            more = len(entries) > limit
            entries = entries[:limit]
            # Whoever reads from the beginning never knew what is gone already.
            news = [e for e in entries if not (e.gone and e.seq <= first_until)]
            reached = entries[-1].seq if more else max(seq, last)
            page = self._visible(c, owner, news)
        return HostPage(tuple(page), _cursor(reached, first_until), more)

    def get(self, owner: str, refs: Sequence[str]) -> Sequence[HostItem | HostGone]:
        with self._database.read() as c:
            known = log.of(c, owner, self.kind, refs)
            shown = self._visible(c, owner, list(known.values()))
        found = {item.ref: item for item in shown}
        return [found.get(ref) or HostGone(ref) for ref in refs]

    # ---- writing

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        if unit is not None:
            return [self._once(unit.connection, owner, write) for write in writes]
        with self._database.begin() as own:
            return [self._once(own.connection, owner, write) for write in writes]

    def _once(self, c: sa.Connection, owner: str, write: HostWrite) -> HostOutcome:
        before = c.execute(sa.select(applied).where(applied.c.op == write.op)).one_or_none()
        if before is not None:
            return self._repeated(owner, before)
        outcome = self._write(c, owner, write)
        if isinstance(outcome, HostApplied):
            self._remember(c, owner, outcome)
        return outcome

    def _repeated(self, owner: str, row: sa.Row[tuple[object, ...]]) -> HostOutcome:
        if row.owner != owner:
            raise HostError("an operation key was used for two people")
        stored = None
        if row.stored is not None:
            item = codec.loads(row.stored.encode())
            stored = HostItem(row.ref, row.version, item, organised=row.organised, op=row.op, changed=row.at)
        return HostApplied(row.op, row.ref, row.version, stored)

    def _remember(self, c: sa.Connection, owner: str, done: HostApplied) -> None:
        stored, now = done.stored, self._now()
        c.execute(sa.delete(applied).where(applied.c.at < now - REMEMBERED))
        c.execute(
            sa.insert(applied).values(
                op=done.op,
                owner=owner,
                ref=done.ref,
                version=done.version,
                stored=None if stored is None else codec.dumps(stored.item).decode(),
                organised=stored is None or stored.organised,
                at=now,
            )
        )

    def _write(self, c: sa.Connection, owner: str, write: HostWrite) -> HostOutcome:
        if isinstance(write, HostCreate):
            if not self._holds(write.item) or _is_masked(write.item):
                return HostRefused(write.op, RefusedCode.INVALID)
            stored = self._create(c, owner, write)
            return HostApplied(write.op, stored.ref, stored.version, stored)
        current = self._current(c, owner, write.ref)
        if current is None:
            return HostMissing(write.op)
        if current.version != write.expected:
            return HostStale(write.op, current)
        if isinstance(write, HostDelete):
            version = self._delete(c, owner, write)
            return HostApplied(write.op, write.ref, version, None)
        if not self._holds(write.item) or _is_masked(write.item):
            return HostRefused(write.op, RefusedCode.INVALID)
        try:
            return self._update(c, owner, write)
        except ValueError:  # the fields do not make an item together
            return HostRefused(write.op, RefusedCode.INVALID)

    def _current(self, c: sa.Connection, owner: str, ref: str) -> HostItem | None:
        known = log.of(c, owner, self.kind, [ref])
        (shown,) = self._visible(c, owner, list(known.values())) or (None,)
        return shown if isinstance(shown, HostItem) else None

    # ---- of each module

    @abstractmethod
    def _holds(self, item: Item) -> bool: ...

    @abstractmethod
    def _visible(self, c: sa.Connection, owner: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]: ...

    @abstractmethod
    def _create(self, c: sa.Connection, owner: str, write: HostCreate) -> HostItem: ...

    @abstractmethod
    def _update(self, c: sa.Connection, owner: str, write: HostUpdate) -> HostOutcome: ...

    @abstractmethod
    def _delete(self, c: sa.Connection, owner: str, write: HostDelete) -> int: ...


class Calendar(Module):
    """Events. A participant's writes touch his response, reminder and show-as; his deletion takes him out alone.

    A write never invites anyone: attendees that come from a service stay names in the item. One that is taken out of
    the organiser's item there leaves the event here.
    """

    kind = Kind.EVENT

    def _holds(self, item: Item) -> bool:
        return isinstance(item, Event | Series)

    def _visible(self, c: sa.Connection, owner: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]:
        return events.visible(c, owner, entries)

    def _create(self, c: sa.Connection, owner: str, write: HostCreate) -> HostItem:
        item = _event(write.item)
        # What a pass creates was a grey block before: Steg marks it, and its content stays with its source.
        record = events.insert(
            c, owner, self._new_ref(), item, self._now(), converted=True, uids=write.uids, op=write.op
        )
        return record.host_item(owner, write.op)

    def _update(self, c: sa.Connection, owner: str, write: HostUpdate) -> HostOutcome:
        record = events.load(c, [write.ref])[write.ref]
        if owner == record.owner:
            item = _event(patch(record.item, write.item, write.changed))
            record = events.save(
                c,
                record,
                owner,
                item,
                self._now(),
                invited=_still_invited(record, item) if "attendees" in write.changed else None,
                uids=write.uids,
                op=write.op,
            )
        else:
            if not write.changed <= participation.OWN_FIELDS | {"overrides"}:
                return HostRefused(write.op, RefusedCode.NOT_ORGANIZER)
            before = record.participants[owner].own
            own = participation.answered(_event(write.item), write.changed, record.item, before)
            own = participation.named_alone(before, own, write.changed, record.item)
            record = events.answer(c, record, owner, own, self._now(), uids=write.uids, op=write.op)
        stored = record.host_item(owner, write.op)
        return HostApplied(write.op, write.ref, stored.version, stored)

    def _delete(self, c: sa.Connection, owner: str, write: HostDelete) -> int:
        record = events.load(c, [write.ref])[write.ref]
        if owner == record.owner:
            return events.remove(c, record, owner, op=write.op)
        return events.withdraw(c, record, owner, self._now(), op=write.op)


class Todos(Module):
    """Tasks, or calls."""

    def __init__(self, kind: Kind, database: Database, now: Callable[[], datetime], new_ref: Callable[[], str]) -> None:
        super().__init__(database, now, new_ref)
        self.kind = kind

    def _holds(self, item: Item) -> bool:
        return isinstance(item, Task if self.kind is Kind.TASK else Call)

    def _visible(self, c: sa.Connection, owner: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]:
        return todos.visible(c, self.kind, owner, entries)

    def _create(self, c: sa.Connection, owner: str, write: HostCreate) -> HostItem:
        item = _todo(write.item)
        return todos.insert(c, self.kind, owner, self._new_ref(), item, self._now(), write.op).host_item(write.op)

    def _update(self, c: sa.Connection, owner: str, write: HostUpdate) -> HostOutcome:
        record = self._mine(c, owner, write.ref)
        item = _todo(patch(record.item, write.item, write.changed))
        stored = todos.save(c, self.kind, record, item, self._now(), write.op).host_item(write.op)
        return HostApplied(write.op, write.ref, stored.version, stored)

    def _delete(self, c: sa.Connection, owner: str, write: HostDelete) -> int:
        return todos.remove(c, self.kind, self._mine(c, owner, write.ref), write.op)

    def _mine(self, c: sa.Connection, owner: str, ref: str) -> todos.Record:
        record = todos.mine(c, self.kind, owner, ref)
        if record is None:
            raise HostError("a to-do of somebody else")
        return record


class Contacts(Module):
    """A person's own contacts. What colleagues share with him is theirs to sync; what comes in is his alone."""

    kind = Kind.CONTACT

    def _holds(self, item: Item) -> bool:
        return isinstance(item, Contact)

    def _visible(self, c: sa.Connection, owner: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]:
        return contacts.visible(c, owner, entries)

    def _create(self, c: sa.Connection, owner: str, write: HostCreate) -> HostItem:
        who = persons.by_id(c, owner)
        if who is None:
            raise HostError("no such person")
        return contacts.insert(c, who, self._new_ref(), _contact(write.item), self._now(), write.op).host_item(write.op)

    def _update(self, c: sa.Connection, owner: str, write: HostUpdate) -> HostOutcome:
        record = self._mine(c, owner, write.ref)
        item = _contact(patch(record.item, write.item, write.changed))
        stored = contacts.save(c, record, item, self._now(), write.op).host_item(write.op)
        return HostApplied(write.op, write.ref, stored.version, stored)

    def _delete(self, c: sa.Connection, owner: str, write: HostDelete) -> int:
        return contacts.remove(c, self._mine(c, owner, write.ref), write.op)

    def _mine(self, c: sa.Connection, owner: str, ref: str) -> contacts.Record:
        record = contacts.mine(c, owner, ref)
        if record is None:
            raise HostError("a contact of somebody else")
        return record


def _is_masked(item: Item) -> bool:
    """Whether a field is UNKNOWN: a host keeps what is known (docs/sync.md, L6)."""
    if not isinstance(item, Event | Series):
        return False
    contents = [item] if isinstance(item, Event) else [item.master, *(o.event for o in item.overrides if o.event)]
    return any(isinstance(getattr(event, f.name), Unknown) for event in contents for f in fields(event))


def _still_invited(record: events.Record, item: Event | Series) -> list[str]:
    attendees = (item.master if isinstance(item, Series) else item).attendees
    addresses = {a.address for a in attendees} if not isinstance(attendees, Unknown) else set()
    return [p.person for p in record.participants.values() if p.address in addresses]


def _event(item: Item) -> Event | Series:
    if isinstance(item, Event | Series):
        return item
    raise TypeError("the calendar holds events")


def _contact(item: Item) -> Contact:
    if isinstance(item, Contact):
        return item
    raise TypeError("an address book holds contacts")


def _todo(item: Item) -> Task | Call:
    if isinstance(item, Task | Call):
        return item
    raise TypeError("a list holds tasks or calls")


def _head(c: sa.Connection, owner: str) -> int:
    known = c.execute(sa.select(person.c.log_seq).where(person.c.id == owner)).scalar_one_or_none()
    if known is None:
        raise HostError("no such person")
    return int(known)


def _cursor(seq: int, first_until: int) -> HostCursor:
    return HostCursor(f"{seq}/{first_until}" if seq < first_until else str(seq))


def _read_cursor(cursor: HostCursor) -> tuple[int, int]:
    """Where to go on, and up to which number the first reading goes. Raises HostError for a token that is not ours."""
    seq, _, first_until = cursor.token.partition("/")
    try:
        return int(seq), int(first_until or 0)
    except ValueError:
        raise HostError("a cursor of another host") from None
