"""Contacts as rows: each belongs to one person, and is his alone until he shares it with his colleagues.

What is shared is read by the whole tenant and changed by its owner only; only its owner syncs it. ``sort`` and
``words`` are what a list is ordered and searched by, made of the contact whenever it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records import log
from marketplace_plugin.host.records.events import gone
from marketplace_plugin.host.records.tables import applied, contact
from marketplace_plugin.model.change import HostGone, HostItem
from marketplace_plugin.model.contact import Contact, called
from marketplace_plugin.model.form import codec
from marketplace_plugin.model.item import Kind

SORT, WORDS = 200, 4000
"""Characters of the two search columns."""


class Whose(StrEnum):
    ALL = "all"
    MINE = "mine"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Record:
    ref: str
    owner: str
    shared: bool
    version: int
    item: Contact
    changed: datetime

    def host_item(self, op: str = "") -> HostItem:
        return HostItem(self.ref, self.version, self.item, op=op, changed=self.changed)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list, and how many there are in all."""

    records: Sequence[Record]
    total: int


def load(c: sa.Connection, refs: Sequence[str]) -> dict[str, Record]:
    """By ref, whosever they are; a ref without a row is left out."""
    found: dict[str, Record] = {}
    for some in log.chunks(refs):
        found.update((row.ref, _record(row)) for row in c.execute(sa.select(contact).where(contact.c.ref.in_(some))))
    return found


def mine(c: sa.Connection, owner: str, ref: str) -> Record | None:
    """None where there is none, or it belongs to somebody else."""
    record = load(c, [ref]).get(ref)
    return record if record is not None and record.owner == owner else None


def seen(c: sa.Connection, viewer: Person, ref: str) -> Record | None:
    """As ``viewer`` may read it: his own, or what a colleague shares; None for all others, there or not."""
    row = c.execute(sa.select(contact).where(contact.c.ref == ref, _readable(viewer))).one_or_none()
    return None if row is None else _record(row)


def search(
    c: sa.Connection, viewer: Person, text: str = "", whose: Whose = Whose.ALL, *, start: int = 0, limit: int = 50
) -> Found:
    """What ``viewer`` may read, by name; each word of ``text`` occurs in it. ``start`` counts from 0."""
    wanted = _readable(viewer)
    if whose is Whose.MINE:
        wanted = sa.and_(wanted, contact.c.owner == viewer.id)
    elif whose is Whose.SHARED:
        wanted = sa.and_(wanted, contact.c.shared)
    for word in _plain(text).split()[:10]:
        wanted = sa.and_(wanted, contact.c.words.contains(word, autoescape=True))
    total = c.execute(sa.select(sa.func.count()).select_from(contact).where(wanted)).scalar_one()
    rows = c.execute(
        sa.select(contact).where(wanted).order_by(contact.c.sort, contact.c.ref).offset(start).limit(limit)
    )
    return Found([_record(row) for row in rows], total)


def visible(c: sa.Connection, who: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]:
    """What the entries of ``who``'s log stand for now, in their order."""
    records = load(c, [e.ref for e in entries if not e.gone])
    return [
        record.host_item(entry.op)
        if (record := records.get(entry.ref)) is not None and record.owner == who
        else gone(entry)
        for entry in entries
    ]


def insert(
    c: sa.Connection,
    owner: Person,
    ref: str,
    item: Contact,
    now: datetime,
    op: str = "",
    *,
    shared: bool = False,
) -> Record:
    values = {"ref": ref, "tenant": owner.tenant, "owner": owner.id, "shared": shared, "version": 1, "changed": now}
    c.execute(sa.insert(contact).values(**values, **_texts(item)))
    log.record(c, owner.id, Kind.CONTACT, ref, 1, op=op)
    return Record(ref, owner.id, shared, 1, item, now)


def save(
    c: sa.Connection, record: Record, item: Contact, now: datetime, op: str = "", *, shared: bool | None = None
) -> Record:
    """``shared`` None leaves that as it is."""
    shared = record.shared if shared is None else shared
    version = record.version + 1
    values = {"version": version, "shared": shared, "changed": now, **_texts(item)}
    c.execute(sa.update(contact).where(contact.c.ref == record.ref).values(**values))
    log.record(c, record.owner, Kind.CONTACT, record.ref, version, op=op)
    return Record(record.ref, record.owner, shared, version, item, now)


def remove(c: sa.Connection, record: Record, op: str = "") -> int:
    """Returns the version of its end."""
    c.execute(sa.delete(contact).where(contact.c.ref == record.ref))
    c.execute(sa.update(applied).where(applied.c.ref == record.ref).values(stored=None))
    log.record(c, record.owner, Kind.CONTACT, record.ref, record.version + 1, op=op, gone=log.DELETED)
    return record.version + 1


def complete(c: sa.Connection) -> int:
    """Fill the search columns of rows that were written before there were any. Returns how many."""
    rows = c.execute(sa.select(contact.c.ref, contact.c.item).where(contact.c.words == "")).all()
    for ref, text in rows:
        c.execute(sa.update(contact).where(contact.c.ref == ref).values(**_texts(_item(text))))
    return len(rows)


def _readable(viewer: Person) -> sa.ColumnElement[bool]:
    shared = sa.and_(contact.c.tenant == viewer.tenant, contact.c.shared)
    return sa.or_(contact.c.owner == viewer.id, shared)


def _texts(item: Contact) -> dict[str, str]:
    name = f"{item.family_name} {item.given_name}".strip() or called(item)
    parts = [called(item), item.given_name, item.family_name, item.company, item.job_title, item.department]
    parts += [entry.value for entry in (*item.emails, *item.phones)]
    parts += ["".join(ch for ch in entry.value if ch.isdigit()) for entry in item.phones]
    parts += [address.city for address in item.addresses]
    return {
        "item": codec.dumps(item).decode(),
        "sort": _plain(name)[:SORT],
        "words": _plain(" ".join(parts))[:WORDS] or "-",
    }


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _item(text: str) -> Contact:
    item = codec.loads(text.encode())
    if not isinstance(item, Contact):
        raise TypeError("a contact row holds a contact")
    return item


def _record(row: sa.Row[tuple[object, ...]]) -> Record:
    return Record(row.ref, row.owner, row.shared, row.version, _item(row.item), row.changed)
