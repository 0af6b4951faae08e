"""The hosts' common half: people, modules, and what a person does on the host's own pages.

``same_database.py`` and ``separate.py`` say where the rows lie and whose transaction a write belongs to.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from marketplace_plugin.contract.module import HostModule, Person, UnitOfWork
from marketplace_plugin.errors import HostError
from marketplace_plugin.model.change import BULK, HostCursor, HostGone, HostItem, HostPage
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.model.form.canonical import loads
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.series.edit import cancel_this, change_this
from marketplace_plugin.model.time import Original
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
from tests.hosts import rows

KINDS = (Kind.EVENT, Kind.TASK, Kind.CALL, Kind.CONTACT)


class TestHost(ABC):
    """Implements ``contract.module.Host``. ``now`` gives aware UTC. ``mails`` must stay empty: ``apply`` never mails.

    ``broken``: while True, every answer is a HostError. ``before_apply`` is called at each ``apply`` with its writes,
    before anything happens: the place for a racing edit or a crash; ``after_apply`` before the outcomes are given back.
    """

    __test__ = False
    name = "test host"
    layout = ""
    shares_transaction: bool

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.broken = False
        self.mails: list[str] = []
        self.applied: list[HostWrite] = []
        self.before_apply: Callable[[Sequence[HostWrite]], object] | None = None
        self.after_apply: Callable[[Sequence[HostOutcome]], object] | None = None
        self.signed_in: Person | None = None
        self.modules: Mapping[Kind, HostModule] = {kind: TestModule(self, kind) for kind in KINDS}

    # ---- where the rows lie -----------------------------------------------------------------------------------

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]: ...

    @abstractmethod
    def writing(self, unit: UnitOfWork | None = None) -> AbstractContextManager[Connection]:
        """A transaction: the caller's where the host shares it and one is given, else its own."""

    # ---- contract.module.Host ---------------------------------------------------------------------------------

    def viewer(self) -> Person | None:
        return self.signed_in

    def person(self, person_id: str) -> Person | None:
        return rows.BY_ID.get(person_id)

    def people(self, tenant: str) -> Sequence[Person]:
        return [person for person in rows.PEOPLE if person.tenant == tenant]

    def may_see(self, viewer: Person, owner: str) -> bool:
        return rows.BY_ID[owner].tenant == viewer.tenant

    # ---- what a person does -----------------------------------------------------------------------------------

    def create(self, person: str, item: Item, guests: Sequence[str] = (), *, kind: Kind = Kind.EVENT) -> str:
        """A new item; ``guests`` are person ids. Returns its ref."""
        if guests:
            item = self._with_guests(item, guests)
        with self.writing() as c:
            number = len(c.execute(select(rows.items.c.ref)).all()) + 1
            ref = f"{kind}-{number}"
            rows.create(c, kind, person, ref, item, self.now())
        return ref

    def edit(self, person: str, ref: str, **changes: Any) -> None:
        """Change fields; of a series those of its master and ``rule``, ``rdates``, ``overrides``.

        Raises PermissionError where a guest changes what is the organiser's, KeyError where it is gone.
        """
        with self.writing() as c:
            row, item = self._row(c, ref), self._item(c, person, ref)
            if isinstance(item, Series):
                own = {name: value for name, value in changes.items() if name in ("rule", "rdates", "overrides")}
                master = {name: value for name, value in changes.items() if name not in own}
                changed_item: Item = replace(item, master=replace(item.master, **master), **own)
            else:
                changed_item = replace(item, **changes)
            rows.change(c, row, person, changed_item, frozenset(changes), self.now())

    def put(self, person: str, ref: str, item: Item, changed: frozenset[str]) -> None:
        with self.writing() as c:
            rows.change(c, self._row(c, ref), person, item, changed, self.now())

    def change_occurrence(self, person: str, ref: str, original: Original, event: Event | None) -> None:
        """Change one occurrence, or (None) cancel it."""
        with self.writing() as c:
            series = self._item(c, person, ref)
            if not isinstance(series, Series):
                raise TypeError(f"{ref} is no series")
            item = cancel_this(series, original) if event is None else change_this(series, original, event)
            rows.change(c, self._row(c, ref), person, item, frozenset({"overrides"}), self.now())

    def invite(self, person: str, ref: str, guests: Sequence[str]) -> None:
        """The guests (person ids) from now on; who is not among them is taken out."""
        with self.writing() as c:
            item = self._with_guests(self._item(c, person, ref), guests)
            rows.change(c, self._row(c, ref), person, item, frozenset({"attendees"}), self.now())

    def respond(self, person: str, ref: str, response: Response) -> None:
        self.edit(person, ref, response=response)

    def delete(self, person: str, ref: str) -> None:
        """For everybody by its organiser; a guest only leaves."""
        with self.writing() as c:
            rows.delete(c, self._row(c, ref), person, self.now())

    def delete_many(self, person: str, refs: Sequence[str]) -> None:
        """In one act that he has confirmed with their number."""
        with self.writing() as c:
            for ref in refs:
                rows.delete(c, self._row(c, ref), person, self.now(), f"{BULK}{refs[0]}")

    def see(self, person: str, ref: str) -> HostItem | HostGone:
        """As the person sees it; for assertions."""
        with self.reading() as c:
            return rows.seen(c, person, ref)

    def all_of(self, person: str, kind: Kind = Kind.EVENT) -> dict[str, HostItem]:
        """Everything that the person sees, by ref; for assertions."""
        with self.reading() as c:
            told = rows.page(c, kind, person, None, 1_000_000).changes
        return {item.ref: item for item in told if isinstance(item, HostItem)}

    # ---- parts ------------------------------------------------------------------------------------------------

    def check(self) -> None:
        if self.broken:
            raise HostError("the host does not answer")

    def _row(self, c: Connection, ref: str) -> rows.Row:
        row = rows.load(c, ref)
        if row is None:
            raise KeyError(ref)
        return row

    def _item(self, c: Connection, person: str, ref: str) -> Item:
        seen = rows.seen(c, person, ref)
        if isinstance(seen, HostGone):
            raise KeyError(ref)
        return seen.item

    def _with_guests(self, item: Item, guests: Sequence[str]) -> Item:
        if not isinstance(item, Event | Series):
            raise TypeError("only events have guests")
        people = [rows.BY_ID[guest] for guest in guests]
        attendees = tuple(Attendee(person.email, person.name) for person in people)
        if isinstance(item, Series):
            return replace(item, master=replace(item.master, attendees=attendees))
        return replace(item, attendees=attendees)


class TestModule:
    """Implements ``contract.module.HostModule`` for one kind."""

    __test__ = False

    def __init__(self, host: TestHost, kind: Kind) -> None:
        self._host = host
        self.kind = kind

    def changes(self, owner: str, since: HostCursor | None, limit: int) -> HostPage:
        self._host.check()
        with self._host.reading() as c:
            return rows.page(c, self.kind, owner, since, limit)

    def get(self, owner: str, refs: Sequence[str]) -> Sequence[HostItem | HostGone]:
        self._host.check()
        with self._host.reading() as c:
            return [rows.seen(c, owner, ref) for ref in refs]

    def apply(self, owner: str, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
        host = self._host
        host.check()
        if host.before_apply is not None:
            host.before_apply(writes)
        outcomes: list[HostOutcome] = []
        if host.shares_transaction:
            with host.writing(unit) as c:
                outcomes = [self._apply(c, owner, write) for write in writes]
        else:
            for write in writes:  # each is a transaction of its own: a crash leaves the first ones done
                with host.writing() as c:
                    outcomes.append(self._apply(c, owner, write))
        host.applied.extend(writes)
        if host.after_apply is not None:
            host.after_apply(outcomes)
        return outcomes

    def _apply(self, c: Connection, owner: str, write: HostWrite) -> HostOutcome:
        known = c.execute(select(rows.done).where(rows.done.c.op == write.op)).one_or_none()
        if known is not None:
            return self._done_before(c, owner, write.op, known)
        match write:
            case HostCreate():
                return self._create(c, owner, write)
            case HostUpdate() | HostDelete():
                return self._change(c, owner, write)

    def _create(self, c: Connection, owner: str, write: HostCreate) -> HostOutcome:
        if rows.masked(write.item):
            return HostRefused(write.op, RefusedCode.INVALID)
        ref = f"{self.kind}-{write.op}"
        rows.create(c, self.kind, owner, ref, write.item, self._host.now(), write.op, write.uids)
        return self._applied(c, owner, write.op, ref)

    def _change(self, c: Connection, owner: str, write: HostUpdate | HostDelete) -> HostOutcome:
        current = rows.seen(c, owner, write.ref)
        row = rows.load(c, write.ref)
        if isinstance(current, HostGone) or row is None:
            return HostMissing(write.op)
        if current.version != write.expected:
            return HostStale(write.op, current)
        if isinstance(write, HostDelete):
            rows.delete(c, row, owner, self._host.now(), write.op)
            return self._applied(c, owner, write.op, write.ref)
        if rows.masked(write.item):
            return HostRefused(write.op, RefusedCode.INVALID)
        if write.uids and set(write.uids) - set(row.uids):
            row = replace(row, uids=tuple(dict.fromkeys([*row.uids, *write.uids])))
            rows.save(c, row)
        try:
            rows.change(c, row, owner, write.item, write.changed, self._host.now(), write.op)
        except PermissionError:
            return HostRefused(write.op, RefusedCode.NOT_ORGANIZER)
        return self._applied(c, owner, write.op, write.ref)

    def _applied(self, c: Connection, owner: str, op: str, ref: str) -> HostApplied:
        now = rows.seen(c, owner, ref)
        stored = now if isinstance(now, HostItem) else None
        rows.remember(c, op, ref, now.version, stored)
        return HostApplied(op, ref, now.version, stored)

    def _done_before(self, c: Connection, owner: str, op: str, known: Any) -> HostApplied:
        """What was answered then, even where somebody has changed it since."""
        if known.stored is None:
            return HostApplied(op, known.ref, known.version, None)
        row = c.execute(select(rows.items).where(rows.items.c.ref == known.ref)).one()
        stored = HostItem(
            ref=known.ref,
            version=known.version,
            item=loads(known.stored),
            organised=rows.organised(row.owner, owner, loads(known.stored)),
            op=op,
            uids=tuple(json.loads(row.uids)),
        )
        return HostApplied(op, known.ref, known.version, stored)
