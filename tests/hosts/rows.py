"""What the two hosts of the tests share: their tables, and each step on an open SQLAlchemy connection.

A person sees an item with his own response, reminder and show-as. What he says of a series he says of all its
occurrences; a sync says it of the series alone, and of the changed occurrences where it names them.

His change log numbers are its versions: a version grows when something changed *for him*, so a guest's private reminder
makes no other person's write stale.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    select,
)

from marketplace_plugin.contract.module import Person
from marketplace_plugin.model.change import HostCursor, HostGone, HostItem, HostPage
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Override,
    Response,
    Series,
    ShowAs,
    Unknown,
    original_key,
)
from marketplace_plugin.model.form.canonical import dumps, loads
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.series.edit import master_of, patch
from marketplace_plugin.model.time import Original

PEOPLE = (
    Person("ada", "acme", "Ada Admin", "ada@acme.example", "Europe/Berlin", "de", admin=True),
    Person("bob", "acme", "Bob Berg", "bob@acme.example", "Europe/Berlin", "de"),
    Person("cem", "acme", "Cem Can", "cem@acme.example", "America/New_York", "en"),
    Person("dee", "other", "Dee Dorn", "dee@other.example", "Europe/Berlin", "de"),
)
BY_ID = {person.id: person for person in PEOPLE}
BY_EMAIL = {person.email: person for person in PEOPLE}
OWN = frozenset({"response", "reminder", "show_as"})

metadata = MetaData()
items = Table(
    "test_host_item",
    metadata,
    Column("ref", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("item", LargeBinary, nullable=False),
    Column("uids", String, nullable=False),
    Column("changed", String, nullable=False),
    Column("deleted", Boolean, nullable=False),
)
parts = Table(
    "test_host_part",
    metadata,
    Column("ref", String, primary_key=True),
    Column("person", String, primary_key=True),
    Column("response", String),
    Column("reminder", Integer),
    Column("show_as", String),
    Column("days", String, nullable=False, default="{}"),  # JSON: the fields of changed occurrences, by original_key
)
log = Table(
    "test_host_log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("person", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("op", String, nullable=False),
)
done = Table(
    "test_host_done",
    metadata,
    Column("op", String, primary_key=True),
    Column("ref", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("stored", LargeBinary),
)


@dataclass(frozen=True, slots=True)
class Row:
    ref: str
    kind: Kind
    owner: str
    item: Item
    uids: tuple[str, ...]
    changed: datetime


# Built once: most of what a pass costs in a test would be their building.
_ITEM = select(items).where(items.c.ref == bindparam("ref"), ~items.c.deleted)
_PARTS = select(parts).where(parts.c.ref == bindparam("ref")).order_by(parts.c.person)
_LAST = (
    select(log)
    .where(log.c.person == bindparam("person"), log.c.ref == bindparam("ref"))
    .order_by(log.c.seq.desc())
    .limit(1)
)
_PAGE = (
    select(log.c.ref, func.max(log.c.seq).label("last"))
    .where(log.c.person == bindparam("person"), log.c.kind == bindparam("kind"))
    .group_by(log.c.ref)
    .having(func.max(log.c.seq) > bindparam("after"))
    .order_by(func.max(log.c.seq))
    .limit(bindparam("limit"))
)


def load(c: Connection, ref: str) -> Row | None:
    """None where it never was, or is deleted."""
    row = c.execute(_ITEM, {"ref": ref}).one_or_none()
    if row is None:
        return None
    changed = datetime.fromisoformat(row.changed)
    return Row(row.ref, Kind(row.kind), row.owner, loads(row.item), tuple(json.loads(row.uids)), changed)


def save(c: Connection, row: Row) -> None:
    values = {
        "kind": row.kind.value,
        "owner": row.owner,
        "item": dumps(row.item),
        "uids": json.dumps(row.uids),
        "changed": row.changed.isoformat(),
        "deleted": False,
    }
    if c.execute(items.update().where(items.c.ref == row.ref).values(values)).rowcount == 0:
        c.execute(items.insert().values(ref=row.ref, **values))


def people_of(c: Connection, ref: str) -> list[str]:
    return [part.person for part in c.execute(_PARTS, {"ref": ref})]


def tell(
    c: Connection, row: Row, people: Sequence[str], op: str = "", by: str = "", *, withdrawn: bool = False
) -> None:
    """A line in the log of each of ``people``; ``op`` is told to the one who wrote."""
    for person in people:
        c.execute(
            log.insert().values(
                person=person,
                kind=row.kind.value,
                ref=row.ref,
                withdrawn=withdrawn,
                op=op if person == by else "",
            )
        )


def seen(c: Connection, person: str, ref: str) -> HostItem | HostGone:
    """The item as ``person`` sees it now."""
    last = c.execute(_LAST, {"person": person, "ref": ref}).one_or_none()
    row = load(c, ref)
    part = next((one for one in c.execute(_PARTS, {"ref": ref}).all() if one.person == person), None)
    if last is None:
        return HostGone(ref)
    if row is None or part is None:
        return HostGone(ref, last.seq, withdrawn=last.withdrawn, op=last.op)
    return HostItem(
        ref=ref,
        version=last.seq,
        item=_view(c, row, part),
        organised=organised(row.owner, person, row.item),
        op=last.op,
        changed=row.changed,
        uids=row.uids,
    )


def organised(owner: str, person: str, item: Item) -> bool:
    """Whether ``person`` organises it: it is his, and no invitation from elsewhere."""
    return owner == person and (not isinstance(item, Event | Series) or master_of(item).organizer is None)


def page(c: Connection, kind: Kind, person: str, since: HostCursor | None, limit: int) -> HostPage:
    after = 0 if since is None else int(since.token)
    rows = c.execute(_PAGE, {"person": person, "kind": kind.value, "after": after, "limit": limit + 1}).all()
    told = [seen(c, person, row.ref) for row in rows[:limit]]
    if since is None:
        told = [change for change in told if isinstance(change, HostItem)]
    position = rows[:limit][-1].last if rows else after
    return HostPage(tuple(told), HostCursor(str(position)), more=len(rows) > limit)


# ---- steps that change something ----------------------------------------------------------------------------------


def create(
    c: Connection,
    kind: Kind,
    person: str,
    ref: str,
    item: Item,
    now: datetime,
    op: str = "",
    uids: tuple[str, ...] = (),
) -> None:
    row = Row(ref, kind, person, item, uids, now)
    save(c, row)
    for member in [person, *_persons(item, person)]:
        _join(c, row, member)
    tell(c, row, people_of(c, ref), op, person)


def change(
    c: Connection, row: Row, person: str, item: Item, changed: frozenset[str], now: datetime, op: str = ""
) -> None:
    """Raises PermissionError where a guest changes what is the organiser's."""
    before = people_of(c, row.ref)
    if person == row.owner:
        row = replace(row, item=patch(row.item, item, changed), changed=now)
        save(c, row)
        if "attendees" in changed:
            _invite(c, row)
    elif changed <= OWN | {"overrides"} and isinstance(item, Event | Series):
        own: dict[str, Any] = {name: getattr(master_of(item), name) for name in changed & OWN}
        days = _days(item, seen(c, person, row.ref), changed) if op else {}
        values = own | {"days": json.dumps(days)}
        c.execute(parts.update().where(parts.c.ref == row.ref, parts.c.person == person).values(**values))
    else:
        raise PermissionError(min(changed - OWN))
    after = people_of(c, row.ref)
    private = changed <= OWN and (person == row.owner or "response" not in changed)
    tell(c, row, [person] if private else after, op, person)
    tell(c, row, [p for p in before if p not in after], op, person, withdrawn=True)


def delete(c: Connection, row: Row, person: str, now: datetime, op: str = "") -> None:
    """The organiser's deletion is everybody's; a guest only leaves."""
    people = people_of(c, row.ref)
    if person == row.owner:
        c.execute(items.update().where(items.c.ref == row.ref).values(deleted=True, changed=now.isoformat()))
        c.execute(parts.delete().where(parts.c.ref == row.ref))
        tell(c, row, people, op, person)
        return
    c.execute(parts.delete().where(parts.c.ref == row.ref, parts.c.person == person))
    save(c, replace(row, item=_without(row.item, BY_ID[person].email), changed=now))
    tell(c, row, [person], op, person, withdrawn=True)
    tell(c, row, [p for p in people if p != person])


def remember(c: Connection, op: str, ref: str, version: int, stored: HostItem | None) -> None:
    c.execute(
        done.insert().values(op=op, ref=ref, version=version, stored=None if stored is None else dumps(stored.item))
    )


def masked(item: Item) -> bool:
    """Whether a field is unknown: a host is never given that."""
    if not isinstance(item, Event | Series):
        return False
    events = [master_of(item)]
    if isinstance(item, Series):
        events += [o.event for o in item.overrides if o.event is not None]
    names = ("title", "description", "location", "show_as", "sensitivity", "reminder", "attendees")
    return any(getattr(event, name) is UNKNOWN for event in events for name in names)


# ---- parts --------------------------------------------------------------------------------------------------------


def _view(c: Connection, row: Row, part: Any) -> Item:
    """The item with everybody's answers, and with a guest's own fields in place of the organiser's."""
    item = row.item
    if not isinstance(item, Event | Series):
        return item
    answers = {p.person: Response(p.response) for p in c.execute(_PARTS, {"ref": row.ref}) if p.response}
    own: dict[str, Any] = {}
    if part.person != row.owner:
        owner = BY_ID[row.owner]
        own = {
            "organizer": master_of(item).organizer or Attendee(owner.email, owner.name),
            "response": answers.get(part.person, Response.NEEDS_ACTION),
            "reminder": part.reminder,
            "show_as": ShowAs(part.show_as),
        }

    days: dict[str, Any] = json.loads(part.days)

    def for_person(event: Event, original: Original | None = None) -> Event:
        attendees = event.attendees
        if not isinstance(attendees, Unknown):
            attendees = tuple(_answered(a, answers) for a in attendees)
        said = {} if original is None or not own else _read(days.get(original_key(original), {}))
        return replace(event, attendees=attendees, **(own | said))

    if isinstance(item, Event):
        return for_person(item)
    overrides = tuple(
        o if o.event is None else Override(o.original, for_person(o.event, o.original)) for o in item.overrides
    )
    return replace(item, master=for_person(item.master), overrides=overrides)


def _days(written: Item, before: HostItem | HostGone, changed: frozenset[str]) -> dict[str, Any]:
    """What the changed occurrences show after a sync's write: what it says of them, else what they showed."""
    shown = before.item if isinstance(before, HostItem) else None
    source = written if "overrides" in changed else shown
    found = source.overrides if isinstance(source, Series) else ()
    return {original_key(o.original): {n: getattr(o.event, n) for n in sorted(OWN)} for o in found if o.event}


def _read(said: dict[str, Any]) -> dict[str, Any]:
    return said | ({"response": Response(said["response"]), "show_as": ShowAs(said["show_as"])} if said else {})


def _answered(attendee: Attendee, answers: dict[str, Response]) -> Attendee:
    person = BY_EMAIL.get(attendee.address)
    return attendee if person is None else replace(attendee, response=answers.get(person.id, attendee.response))


def _persons(item: Item, owner: str) -> list[str]:
    if not isinstance(item, Event | Series):
        return []
    attendees = master_of(item).attendees
    known = () if isinstance(attendees, Unknown) else [BY_EMAIL.get(a.address) for a in attendees]
    return [person.id for person in known if person is not None and person.id != owner]


def _without(item: Item, address: str) -> Item:
    if not isinstance(item, Event | Series):
        return item
    attendees = master_of(item).attendees
    kept = () if isinstance(attendees, Unknown) else tuple(a for a in attendees if a.address != address)
    if isinstance(item, Series):
        return replace(item, master=replace(item.master, attendees=kept))
    return replace(item, attendees=kept)


def _join(c: Connection, row: Row, person: str) -> None:
    shown = master_of(row.item).show_as if isinstance(row.item, Event | Series) else ShowAs.BUSY
    c.execute(parts.insert().values(ref=row.ref, person=person, response=None, reminder=None, show_as=shown))


def _invite(c: Connection, row: Row) -> None:
    wanted, there = set(_persons(row.item, row.owner)), set(people_of(c, row.ref)) - {row.owner}
    for person in sorted(wanted - there):
        _join(c, row, person)
    c.execute(parts.delete().where(parts.c.ref == row.ref, parts.c.person.in_(there - wanted)))
