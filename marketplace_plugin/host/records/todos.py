"""Tasks and calls as rows: each belongs to one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from marketplace_plugin.host.records import log
from marketplace_plugin.host.records.events import gone
from marketplace_plugin.host.records.tables import applied, todo
from marketplace_plugin.model.change import HostGone, HostItem
from marketplace_plugin.model.form import codec
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task


@dataclass(frozen=True, slots=True)
class Record:
    ref: str
    owner: str
    version: int
    item: Task | Call
    changed: datetime

    def host_item(self, op: str = "") -> HostItem:
        return HostItem(self.ref, self.version, self.item, op=op, changed=self.changed)


def load(c: sa.Connection, kind: Kind, refs: Sequence[str]) -> dict[str, Record]:
    """By ref; a ref without a row of this kind is left out."""
    found: dict[str, Record] = {}
    for some in log.chunks(refs):
        rows = c.execute(sa.select(todo).where(todo.c.kind == kind.value, todo.c.ref.in_(some)))
        found.update((row.ref, _record(row)) for row in rows)
    return found


def mine(c: sa.Connection, kind: Kind, owner: str, ref: str) -> Record | None:
    """None where there is none, or it belongs to somebody else."""
    record = load(c, kind, [ref]).get(ref)
    return record if record is not None and record.owner == owner else None


def of(c: sa.Connection, owner: str, kind: Kind) -> list[Record]:
    """All of ``owner``, done or not, sorted by ref."""
    query = sa.select(todo).where(todo.c.owner == owner, todo.c.kind == kind.value).order_by(todo.c.ref)
    return [_record(row) for row in c.execute(query)]


def visible(c: sa.Connection, kind: Kind, who: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]:
    """What the entries of ``who``'s log stand for now, in their order."""
    records = load(c, kind, [e.ref for e in entries if not e.gone])
    return [
        record.host_item(entry.op)
        if (record := records.get(entry.ref)) is not None and record.owner == who
        else gone(entry)
        for entry in entries
    ]


def insert(
    c: sa.Connection, kind: Kind, owner: str, ref: str, item: Task | Call, now: datetime, op: str = ""
) -> Record:
    values = {"ref": ref, "kind": kind.value, "owner": owner, "version": 1, "item": _text(item), "changed": now}
    c.execute(sa.insert(todo).values(**values))
    log.record(c, owner, kind, ref, 1, op=op)
    return Record(ref, owner, 1, item, now)


def save(c: sa.Connection, kind: Kind, record: Record, item: Task | Call, now: datetime, op: str = "") -> Record:
    version = record.version + 1
    c.execute(sa.update(todo).where(todo.c.ref == record.ref).values(version=version, item=_text(item), changed=now))
    log.record(c, record.owner, kind, record.ref, version, op=op)
    return Record(record.ref, record.owner, version, item, now)


def remove(c: sa.Connection, kind: Kind, record: Record, op: str = "") -> int:
    """Returns the version of its end."""
    c.execute(sa.delete(todo).where(todo.c.ref == record.ref))
    c.execute(sa.update(applied).where(applied.c.ref == record.ref).values(stored=None))
    log.record(c, record.owner, kind, record.ref, record.version + 1, op=op, gone=log.DELETED)
    return record.version + 1


def _record(row: sa.Row[tuple[object, ...]]) -> Record:
    item = codec.loads(row.item.encode())
    if not isinstance(item, Task | Call):
        raise TypeError("a to-do row holds a task or a call")
    return Record(row.ref, row.owner, row.version, item, row.changed)


def _text(item: Task | Call) -> str:
    return codec.dumps(item).decode()
