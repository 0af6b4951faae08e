"""The service's side: one account, its calendars, what it answers, and what the person does in the service's own pages.

State outlives providers. With a ``path`` each change is saved in one atomic step, so that another process (or the same
test after a kill) finds exactly what the service had acknowledged.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import RLock

from marketplace_plugin.errors import CollectionGone, CursorExpired, PermissionDenied
from marketplace_plugin.model.change import Access, Found, Gone, Revision, Stamp, Unreadable
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.event import Event, Override, Sensitivity, Series, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.memory import saved
from marketplace_plugin.providers.memory.content import (
    as_held,
    guests,
    hidden,
    is_in,
    lower_case_addresses,
    over_events,
    overrides_of,
    with_override,
)
from marketplace_plugin.providers.memory.faults import WRITES, Faults, Moment, Request
from marketplace_plugin.providers.memory.personality import Personality, Rewrite, reordered, rewritten
from marketplace_plugin.providers.memory.record import Record
from marketplace_plugin.providers.memory.user import User


@dataclass(slots=True)
class Delivery:
    """How rounds are told: entries a page; an empty page before each; entries told twice; changes told again in the
    next round; a series' exceptions (as orphans) before the series itself."""

    page_size: int = 50
    empty_pages: bool = False
    duplicates: bool = False
    replays: bool = False
    exceptions_first: bool = False


class StaleWrite(Exception):
    """The precondition failed."""


class NotThere(Exception):
    """No item with this id."""


class NotOrganizer(Exception):
    """A guest may write ``OWN_FIELDS`` only."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """``edited``: it was there already, and somebody changed it since."""

    found: Found
    edited: bool


OWN_FIELDS = frozenset({"response", "reminder", "show_as"})


class MemoryAccount:
    """One account at one service. ``now`` gives aware UTC. See ``Delivery``, ``Rewrite`` and ``Faults`` for its moods.

    ``outbox`` holds a line for each mail that the service would have sent; ``requests`` and ``writes`` say what it was
    asked. ``late_bumps``: each write of ours gets another tag at the next reading, its content unchanged.
    """

    def __init__(
        self,
        personality: Personality,
        now: Callable[[], datetime],
        *,
        path: Path | None = None,
        delivery: Delivery | None = None,
        rewrites: frozenset[Rewrite] = frozenset(),
        late_bumps: bool = False,
    ) -> None:
        self.personality = personality
        self.now = now
        self.path = path
        self.delivery = delivery or Delivery()
        self.rewrites = rewrites
        self.late_bumps = late_bumps
        self.faults = Faults()
        self.user = User(self)
        self.lock = RLock()
        self.calendars: dict[str, CollectionInfo] = {}
        self.records: dict[tuple[str, str], Record] = {}
        self.expired: dict[str, int] = {}
        self.seq = 0
        self.made = 0
        self.outbox: list[str] = []
        self.requests: Counter[Request] = Counter()
        self.writes: list[tuple[Request, str, str]] = []
        self.reload()

    # ---- state ------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Take over what the file holds, where there is one."""
        if self.path is not None and self.path.exists():
            saved.load(self, self.path)

    def save(self) -> None:
        if self.path is not None:
            saved.save(self, self.path)

    @contextmanager
    def request(self, kind: Request) -> Iterator[None]:
        """One request: counted, with a boundary on both sides. What happens inside is one atomic step."""
        self.requests[kind] += 1
        self.faults.meet(Moment.BEFORE, kind)
        with self.lock:
            yield
            if kind in WRITES:
                self.save()
        self.faults.meet(Moment.AFTER, kind)

    def calendar(self, collection: str, needs: Role = Role.FREE_BUSY) -> CollectionInfo:
        info = self.calendars.get(collection)
        if info is None:
            raise CollectionGone(f"no calendar {collection}")
        if info.role < needs:
            raise PermissionDenied(f"role {info.role.name} in {collection}")
        return info

    def capabilities(self, collection: str) -> Capabilities:
        """A calendar's for a collection that is not there."""
        info = self.calendars.get(collection)
        return self.personality.capabilities if info is None else info.capabilities

    def windowed(self, collection: str) -> bool:
        """Whether its delta is of a fixed window; address books and lists have none."""
        return self.calendars[collection].capabilities.windowed

    def record(self, collection: str, record_id: str) -> Record:
        """Raises NotThere."""
        found = self.records.get((collection, record_id))
        if found is None or found.deleted:
            raise NotThere
        return found

    def touch(self, record: Record, *, overrides: tuple[str, ...] = (), master: bool = True) -> None:
        """A change happened: new tags, a new place in the log."""
        self.seq += 1
        record.seq = self.seq
        record.changed = self.now()
        own_tags = self.personality.override_etags
        if master or not own_tags:
            record.etag = self.seq
        if own_tags:
            present = {original_key(o.original) for o in overrides_of(record.item)}
            record.override_etags.update(dict.fromkeys(overrides, self.seq))
            record.override_etags = {
                key: record.override_etags.get(key, self.seq) for key in present | (set(overrides) & present)
            }
        record.history.append((self.seq, None if record.deleted else record.item))

    def add(self, record: Record) -> Record:
        self.records[record.collection, record.id] = record
        self.touch(record)
        return record

    def new_id(self, op: str = "") -> str:
        """Derived from ``op`` where the service lets the client choose; else the next of its own."""
        self.made += 1
        if not self.personality.case_ids:
            return hashlib.sha256((op or f"own-{self.made}").encode()).hexdigest()[:26]
        return f"AAMkAD{self.made // 2:04d}{'q' if self.made % 2 else 'Q'}Z"

    def is_expired(self, collection: str, since: int) -> bool:
        return since < self.expired.get(collection, 0)

    # ---- what it shows ----------------------------------------------------------------------------------------

    def show(self, record: Record) -> Found:
        """The item as this account's role lets it be seen."""
        info = self.calendars[record.collection]
        item, masked = record.item, False
        if isinstance(item, Event | Series):
            private = master_of(item).sensitivity in (Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL)
            masked = info.role is Role.FREE_BUSY or (info.role is Role.MASKED_WRITER and private)
            if masked:
                item = over_events(item, hidden)
            elif Rewrite.ATTENDEE_ORDER in self.rewrites:
                item = reordered(item, sum(self.requests.values()))
            if isinstance(item, Event | Series):
                item = over_events(item, lower_case_addresses)
        read_only = masked or info.role < Role.MASKED_WRITER
        return Found(
            id=record.id,
            revision=self.revision(record),
            item=item,
            uid="" if masked else record.uid,
            stamp=None if masked else record.stamp,
            access=Access.NONE if read_only else record.access,
            changed=record.changed,
            href="" if masked else f"https://{self.personality.name}.example/{record.collection}/{record.id}",
        )

    def revision(self, record: Record) -> Revision:
        overrides = tuple(sorted((key, f'"{tag}"') for key, tag in record.override_etags.items()))
        return Revision(f'"{record.etag}"', overrides)

    def items(self, collection: str) -> dict[str, Found]:
        """All that is there, as it is shown; for assertions. No request."""
        return {r.id: self.show(r) for r in self.records.values() if r.collection == collection and not r.deleted}

    # ---- requests that read -----------------------------------------------------------------------------------

    def list_calendars(self) -> list[CollectionInfo]:
        with self.request(Request.CALENDARS):
            return [info for info in self.calendars.values() if info.role > Role.NONE]

    def fetch(self, collection: str, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        with self.request(Request.FETCH):
            self.calendar(collection)
            return [self._answer(collection, item_id) for item_id in dict.fromkeys(ids)]

    def _answer(self, collection: str, item_id: str) -> Found | Gone | Unreadable:
        record = self.records.get((collection, item_id))
        if record is None or record.deleted:
            return Gone(item_id)
        return self.show(record) if record.unreadable is None else Unreadable(item_id, record.unreadable)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        with self.request(Request.FIND):
            self.calendar(collection)
            found: dict[Stamp, list[Found]] = {}
            for item in self.items(collection).values():
                if item.stamp is not None and item.stamp in stamps:
                    found.setdefault(item.stamp, []).append(item)
            return found

    def begin_round(self, collection: str) -> int:
        """The log position that a round ends at; belongs to the round's first page."""
        self.calendar(collection)
        if self.late_bumps:
            for record in self.records.values():
                if record.collection == collection and record.bumps and not record.deleted:
                    record.bumps -= 1
                    self.touch(record, overrides=tuple(record.override_etags))
            self.save()
        return self.seq

    def check_cursor(self, collection: str, since: int | None) -> None:
        if since is not None and self.is_expired(collection, since):
            raise CursorExpired(f"cursor {since} of {collection}")

    def listed(self, collection: str, since: int | None, window: Window) -> list[Record]:
        """The records that a round tells of, in the order of their ids."""
        zone = self.calendars[collection].zone
        back = 2 if self.delivery.replays else 0
        found = []
        for record in sorted(self.records.values(), key=lambda r: r.id):
            if record.collection != collection:
                continue
            if since is None:
                wanted = not record.deleted and (self.personality.lists_all or is_in(record.item, window, zone))
            elif record.seq <= max(0, since - back):
                wanted = False
            elif self.windowed(collection):
                wanted = self.visible(record, window) or self._was_visible(record, since - back, window, zone)
            else:
                wanted = True
            if wanted:
                found.append(record)
        return found

    def visible(self, record: Record, window: Window) -> bool:
        """Whether a windowed service shows the item now."""
        return not record.deleted and is_in(record.item, window, self.calendars[record.collection].zone)

    def _was_visible(self, record: Record, since: int, window: Window, zone: str) -> bool:
        states = [item for seq, item in record.history if seq <= since]
        return bool(states) and states[-1] is not None and is_in(states[-1], window, zone)

    # ---- requests that write: each under its precondition, each one atomic step -------------------------------

    def insert(self, collection: str, op: str, stamp: Stamp, item: Item, *, notify: bool) -> Inserted:
        """Make an item (a series without its exceptions), or find the one that ``op`` made before.

        Raises NotThere where that was deleted since, and the service remembers it.
        """
        with self.request(Request.INSERT):
            self.calendar(collection, Role.MASKED_WRITER)
            held = self.capabilities(collection)
            known = self._made_by(collection, op) if held.idempotent_create else None
            if known is not None and not known.deleted:
                return Inserted(self.show(known), known.edited)
            if known is not None and self.personality.remembers_deleted:
                raise NotThere
            new_id = self.new_id(op)
            record = Record(
                id=new_id,
                collection=collection,
                item=as_held(rewritten(item, self.rewrites), self.personality.name),
                uid=f"{new_id}@{self.personality.name}.example" if isinstance(item, Event | Series) else "",
                changed=self.now(),
                stamp=stamp if held.stamps else None,
                op=op,
            )
            return Inserted(self._written(Request.INSERT, self.add(record), notify), edited=False)

    def patch(
        self,
        collection: str,
        record_id: str,
        expected: Revision,
        change: Callable[[Item], Item],
        names: frozenset[str],
        stamp: Stamp | None,
        *,
        notify: bool,
    ) -> Found:
        """Change the master's fields or shape; ``names`` says which. Raises NotThere, StaleWrite, NotOrganizer."""
        with self.request(Request.PATCH):
            record = self._expect(collection, record_id, expected, names)
            record.item = as_held(rewritten(change(record.item), self.rewrites), self.personality.name)
            record.stamp = stamp or record.stamp
            self.touch(record)
            return self._written(Request.PATCH, record, notify)

    def put_override(
        self,
        collection: str,
        record_id: str,
        expected: Revision,
        key: str,
        override: Override | None,
        *,
        notify: bool,
    ) -> Found:
        """Change, cancel or (None) restore one occurrence. Raises NotThere, StaleWrite, NotOrganizer."""
        with self.request(Request.OVERRIDE):
            record = self._expect(collection, record_id, expected, frozenset({"overrides"}))
            if isinstance(record.item, Series):
                record.item = rewritten(with_override(record.item, key, override), self.rewrites)
                self.touch(record, overrides=(key,), master=False)
            return self._written(Request.OVERRIDE, record, notify)

    def delete(self, collection: str, record_id: str, expected: Revision, *, notify: bool) -> None:
        """Raises NotThere, StaleWrite."""
        with self.request(Request.DELETE):
            record = self._expect(collection, record_id, expected, frozenset())
            record.deleted = True
            self.touch(record)
            self._written(Request.DELETE, record, notify)

    def move(self, collection: str, record_id: str, expected: Revision, to: str) -> Found:
        """To a sibling, under the same id. Raises NotThere, StaleWrite."""
        with self.request(Request.MOVE):
            self.calendar(to, Role.MASKED_WRITER)
            record = self._expect(collection, record_id, expected, frozenset())
            return self._written(Request.MOVE, self.relocate(record, to, record.id), notify=False)

    def relocate(self, record: Record, to: str, new_id: str) -> Record:
        moved = replace(
            record, id=new_id, collection=to, override_etags=dict(record.override_etags), history=[], bumps=0
        )
        record.deleted = True
        self.touch(record)
        return self.add(moved)

    def _made_by(self, collection: str, op: str) -> Record | None:
        made = [r for r in self.records.values() if r.op == op and r.collection == collection]
        return next((r for r in made if not r.deleted), made[0] if made else None)

    def _expect(self, collection: str, record_id: str, expected: Revision, names: frozenset[str]) -> Record:
        self.calendar(collection, Role.MASKED_WRITER)
        record = self.record(collection, record_id)
        if self.revision(record) != expected:
            raise StaleWrite
        access = self.show(record).access
        if access is Access.NONE:
            raise PermissionDenied(f"{record_id} is read only")
        if access is Access.ATTENDEE and names - OWN_FIELDS:
            raise NotOrganizer
        return record

    def _written(self, kind: Request, record: Record, notify: bool) -> Found:
        record.bumps = 1
        self.writes.append((kind, record.collection, record.id))
        if notify or not self.capabilities(record.collection).silent:
            self.outbox.extend(f"{kind}: {record.id} -> {guest}" for guest in guests(record.item, record.access))
        return self.show(record)
