"""What people do on Steg's pages: each act is one transaction, and then everyone whom it concerns is announced.

A change is made only while the item has the version that the person saw; otherwise nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records import contacts, events, participation, todos
from marketplace_plugin.host.records.tables import Database, Notify
from marketplace_plugin.model.change import BULK
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task


@dataclass(frozen=True, slots=True)
class Saved:
    ref: str
    version: int


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody, or the sync, changed it meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Missing:
    """It is gone, or the person has no part in it; nothing was written."""


Done = Saved | Stale | Missing


class Acts:
    def __init__(
        self, database: Database, now: Callable[[], datetime], new_ref: Callable[[], str], notify: Notify
    ) -> None:
        self._database, self._now, self._new_ref, self._notify = database, now, new_ref, notify

    # ---- events

    def create_event(self, actor: Person, item: Event | Series, invited: Sequence[str], calendar: str) -> Saved:
        with self._database.begin() as unit:
            record = events.insert(
                unit.connection, actor.id, self._new_ref(), item, self._now(), invited=invited, calendar=calendar
            )
        self._announce(Kind.EVENT, {actor.id, *invited}, record.ref)
        return Saved(record.ref, record.version)

    def change_event(
        self,
        actor: Person,
        ref: str,
        expected: int,
        item: Event | Series,
        *,
        invited: Sequence[str] | None = None,
        calendar: str | None = None,
        rest: Event | Series | None = None,
    ) -> Done:
        """The organiser's content. ``rest`` is what a split ("this and following") makes a new event of; who took part
        so far is asked anew, unless ``invited`` names others."""
        with self._database.begin() as unit:
            record = events.one(unit.connection, ref)
            if record is None or record.owner != actor.id:
                return Missing()
            if record.version_for(actor.id) != expected:
                return Stale()
            concerned = {record.owner, *record.participants}
            now = self._now()
            shown = item if rest is None else rest
            taking_part = list(record.participants) if invited is None else list(invited)
            saved = events.save(
                unit.connection,
                record,
                actor.id,
                item,
                now,
                invited=invited if rest is None else None,
                calendar=calendar if rest is None else None,
            )
            if rest is not None:
                saved = events.insert(
                    unit.connection,
                    actor.id,
                    self._new_ref(),
                    shown,
                    now,
                    invited=taking_part,
                    calendar=calendar or record.calendar,
                )
        refs = [ref] if saved.ref == ref else [ref, saved.ref]
        self._announce(Kind.EVENT, concerned | set(taking_part), *refs)
        return Saved(saved.ref, saved.version_for(actor.id))

    def answer_event(
        self, actor: Person, ref: str, expected: int, view: Event | Series, fields: frozenset[str]
    ) -> Done:
        """A participant's own fields, taken out of his view of the event as he wants it."""
        with self._database.begin() as unit:
            record = events.one(unit.connection, ref)
            if record is None or actor.id not in record.participants:
                return Missing()
            if record.version_for(actor.id) != expected:
                return Stale()
            own = participation.answered(view, fields, record.item, record.participants[actor.id].own)
            saved = events.answer(unit.connection, record, actor.id, own, self._now())
            everyone = saved.version != record.version
        concerned = {record.owner, *record.participants} if everyone else {actor.id}
        self._announce(Kind.EVENT, concerned, ref)
        return Saved(ref, saved.version_for(actor.id))

    def delete_event(self, actor: Person, ref: str, expected: int) -> Done:
        """For the organiser the event ends for all; a participant leaves it."""
        with self._database.begin() as unit:
            record = events.one(unit.connection, ref)
            if record is None or not record.concerns(actor.id):
                return Missing()
            if record.version_for(actor.id) != expected:
                return Stale()
            if record.owner == actor.id:
                version = events.remove(unit.connection, record, actor.id)
            else:
                version = events.withdraw(unit.connection, record, actor.id, self._now())
        self._announce(Kind.EVENT, {record.owner, *record.participants}, ref)
        return Saved(ref, version)

    def delete_events(self, actor: Person, chosen: Mapping[str, int]) -> int:
        """Many in one act: ``chosen`` are versions by ref. Returns how many were deleted; what somebody changed
        meanwhile, and what is gone, is left alone."""
        op = BULK + self._new_ref()
        gone: list[events.Record] = []
        with self._database.begin() as unit:
            c = unit.connection
            for ref, record in events.load(c, list(chosen)).items():
                if not record.concerns(actor.id) or record.version_for(actor.id) != chosen[ref]:
                    continue
                if record.owner == actor.id:
                    events.remove(c, record, actor.id, op=op)
                else:
                    events.withdraw(c, record, actor.id, self._now(), op=op)
                gone.append(record)
        concerned: dict[str, list[str]] = {}
        for record in gone:
            for who in (record.owner, *record.participants):
                concerned.setdefault(who, []).append(record.ref)
        for who, refs in sorted(concerned.items()):
            self._announce(Kind.EVENT, {who}, *refs)
        return len(gone)

    # ---- tasks and calls

    def create_todo(self, actor: Person, kind: Kind, item: Task | Call) -> Saved:
        with self._database.begin() as unit:
            record = todos.insert(unit.connection, kind, actor.id, self._new_ref(), item, self._now())
        self._announce(kind, {actor.id}, record.ref)
        return Saved(record.ref, record.version)

    def change_todo(self, actor: Person, kind: Kind, ref: str, expected: int, item: Task | Call) -> Done:
        with self._database.begin() as unit:
            record = todos.mine(unit.connection, kind, actor.id, ref)
            if record is None:
                return Missing()
            if record.version != expected:
                return Stale()
            saved = todos.save(unit.connection, kind, record, item, self._now())
        self._announce(kind, {actor.id}, ref)
        return Saved(ref, saved.version)

    def delete_todo(self, actor: Person, kind: Kind, ref: str, expected: int) -> Done:
        with self._database.begin() as unit:
            record = todos.mine(unit.connection, kind, actor.id, ref)
            if record is None:
                return Missing()
            if record.version != expected:
                return Stale()
            version = todos.remove(unit.connection, kind, record)
        self._announce(kind, {actor.id}, ref)
        return Saved(ref, version)

    # ---- contacts

    def create_contact(self, actor: Person, item: Contact, *, shared: bool = False) -> Saved:
        with self._database.begin() as unit:
            record = contacts.insert(unit.connection, actor, self._new_ref(), item, self._now(), shared=shared)
        self._announce(Kind.CONTACT, {actor.id}, record.ref)
        return Saved(record.ref, record.version)

    def change_contact(
        self, actor: Person, ref: str, expected: int, item: Contact | None = None, *, shared: bool | None = None
    ) -> Done:
        """His own; ``shared``: his colleagues read it from now on, or no longer. None leaves either as it is."""
        with self._database.begin() as unit:
            record = contacts.mine(unit.connection, actor.id, ref)
            if record is None:
                return Missing()
            if record.version != expected:
                return Stale()
            saved = contacts.save(unit.connection, record, item or record.item, self._now(), shared=shared)
        self._announce(Kind.CONTACT, {actor.id}, ref)
        return Saved(ref, saved.version)

    def delete_contact(self, actor: Person, ref: str, expected: int) -> Done:
        with self._database.begin() as unit:
            record = contacts.mine(unit.connection, actor.id, ref)
            if record is None:
                return Missing()
            if record.version != expected:
                return Stale()
            version = contacts.remove(unit.connection, record)
        self._announce(Kind.CONTACT, {actor.id}, ref)
        return Saved(ref, version)

    def _announce(self, kind: Kind, people: Iterable[str], *refs: str) -> None:
        for who in sorted(people):
            self._notify(who, kind, refs)
