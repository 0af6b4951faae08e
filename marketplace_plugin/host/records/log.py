"""The change log: for each person which items changed, in the order of commit, each once with its newest state.

The number is taken from the person's row, which stays locked until commit: numbers become visible in their order, so a
reader that remembers the last one misses nothing, on any database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace_plugin.host.records.tables import change, person
from marketplace_plugin.model.item import Kind

DELETED = "deleted"
WITHDRAWN = "withdrawn"
CHUNK = 500
"""Bound parameters of one IN list, well below the limit of every database."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``gone`` is empty, ``deleted`` or ``withdrawn``; ``version`` is the one that this person sees."""

    ref: str
    seq: int
    version: int
    gone: str = ""
    op: str = ""


def record(c: sa.Connection, owner: str, kind: Kind, ref: str, version: int, *, op: str = "", gone: str = "") -> None:
    """Note that ``ref`` changed for ``owner``; what was noted of it before is replaced."""
    seq = c.execute(
        sa.update(person).where(person.c.id == owner).values(log_seq=person.c.log_seq + 1).returning(person.c.log_seq)
    ).scalar_one()
    key = {"owner": owner, "kind": kind.value, "ref": ref}
    state = {"seq": seq, "version": version, "gone": gone, "op": op}
    known = c.execute(sa.update(change).filter_by(**key).values(**state)).rowcount
    if not known:
        c.execute(sa.insert(change).values(**key, **state))


def since(c: sa.Connection, owner: str, kind: Kind, seq: int, limit: int) -> list[Entry]:
    """The first ``limit`` entries after ``seq``, oldest first."""
    rows = c.execute(
        _select().where(change.c.owner == owner, change.c.kind == kind.value, change.c.seq > seq).limit(limit)
    )
    return [_entry(row) for row in rows]


def of(c: sa.Connection, owner: str, kind: Kind, refs: Sequence[str]) -> dict[str, Entry]:
    """The entries of these refs, by ref."""
    found: dict[str, Entry] = {}
    for some in chunks(refs):
        rows = c.execute(_select().where(change.c.owner == owner, change.c.kind == kind.value, change.c.ref.in_(some)))
        found.update((row.ref, _entry(row)) for row in rows)
    return found


def head(c: sa.Connection, owner: str) -> int:
    """The number of the newest change of ``owner`` in any module, 0 where there was none."""
    return c.execute(sa.select(person.c.log_seq).where(person.c.id == owner)).scalar() or 0


def chunks(refs: Sequence[str]) -> Iterator[Sequence[str]]:
    return (refs[at : at + CHUNK] for at in range(0, len(refs), CHUNK))


def _select() -> sa.Select[Any]:
    return sa.select(change).order_by(change.c.seq)


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(row.ref, row.seq, row.version, row.gone, row.op)
