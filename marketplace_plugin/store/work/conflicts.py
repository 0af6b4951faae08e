"""Clashes: what was overruled field by field, and what waits for the user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, exists, func, or_, select, update

from marketplace_plugin.store import codec
from marketplace_plugin.store.database import in_chunks, upsert, vault_of
from marketplace_plugin.store.tables import conflict, link
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.sync.reason import Reason


class ConflictState(StrEnum):
    SETTLED = "settled"  # decided by rule or policy; shown, and can be turned
    OPEN = "open"  # waits for the user
    CLOSED = "closed"  # the user has decided or dismissed it; without a winner he left both sides as they are


@dataclass(frozen=True, slots=True)
class Conflict:
    """One clash of one field. ``winner`` is ``host``, ``remote`` or empty while open. ``base``, ``host`` and ``remote``
    are values of the model (a field, or a whole item), sealed. ``run`` told it first. ``created_at``: aware UTC."""

    id: str
    connection: str
    user: str
    link: str
    run: str
    field: str
    winner: str
    reason: Reason
    created_at: datetime
    state: ConflictState = ConflictState.SETTLED
    base: Any = None
    host: Any = None
    remote: Any = None


def put(c: Connection, entries: Iterable[Conflict]) -> None:
    vault = vault_of(c)
    upsert(c, conflict, (_row(vault, one) for one in entries), keep=frozenset({"created_at"}))


def get(c: Connection, conflict_id: str) -> Conflict | None:
    row = c.execute(select(conflict).where(conflict.c.id == conflict_id)).one_or_none()
    return None if row is None else _conflict(vault_of(c), row)


def of_user(c: Connection, user: str, *states: ConflictState) -> list[Conflict]:
    """All of them, newest first; those in these states where any are named."""
    query = select(conflict).where(conflict.c.user == user)
    if states:
        query = query.where(conflict.c.state.in_(states))
    rows = c.execute(query.order_by(conflict.c.created_at.desc(), conflict.c.id))
    return [_conflict(vault_of(c), row) for row in rows]


def count_waiting(c: Connection, user: str) -> int:
    """How many questions wait for a user; nothing is opened for it."""
    asked = select(conflict.c.link, conflict.c.field).where(
        conflict.c.user == user, conflict.c.state == ConflictState.OPEN
    )
    return c.execute(select(func.count()).select_from(asked.distinct().subquery())).scalar_one()


def of_links(c: Connection, link_ids: Iterable[str], state: ConflictState | None = None) -> list[Conflict]:
    """Those of one link oldest first."""
    found = []
    for chunk in in_chunks(link_ids):
        query = select(conflict).where(conflict.c.link.in_(chunk))
        if state is not None:
            query = query.where(conflict.c.state == state)
        rows = c.execute(query.order_by(conflict.c.created_at, conflict.c.id))
        found += [_conflict(vault_of(c), row) for row in rows]
    return found


_WAITING = select(conflict.c.link).where(
    conflict.c.connection == bindparam("connection"),
    conflict.c.state == ConflictState.OPEN,
    conflict.c.reason != Reason.ADOPTED,
)


def waiting(c: Connection, connection: str) -> set[str]:
    """Links of a connection with a clash that waits for the user while both sides differ from what was agreed."""
    return set(c.execute(_WAITING, {"connection": connection}).scalars())


def close(c: Connection, ids: Iterable[str], winner: str, now: datetime) -> None:
    for chunk in in_chunks(ids):
        c.execute(
            update(conflict)
            .where(conflict.c.id.in_(chunk))
            .values(state=ConflictState.CLOSED, winner=winner, settled_at=now)
        )


def answer(c: Connection, link: str, winner: str, reason: Reason, now: datetime) -> None:
    """The event stands on one side alone, or nowhere any more: that settles each clash of it that waited."""
    waits = (conflict.c.link == link, conflict.c.state == ConflictState.OPEN)
    settled = {"state": ConflictState.SETTLED, "winner": winner, "reason": reason, "created_at": now}
    c.execute(update(conflict).where(*waits).values(**settled))


def follow(c: Connection, old: str, new: str, reason: Reason, now: datetime) -> None:
    """The copy was made anew, under link ``new``, with what the host shows."""
    answer(c, old, "host", reason, now)
    c.execute(update(conflict).where(conflict.c.link == old).values(link=new))


_OLD = (
    conflict.c.connection == bindparam("connection"),
    conflict.c.state != ConflictState.OPEN,
    func.coalesce(conflict.c.settled_at, conflict.c.created_at) < bindparam("before"),
)
_LEFT = and_(conflict.c.state == ConflictState.CLOSED, conflict.c.winner == "")
_FORGET = delete(conflict).where(*_OLD, or_(~_LEFT, ~exists().where(link.c.id == conflict.c.link)))
_FULL = select(conflict.c.id).where(*_OLD, _LEFT, conflict.c.run != "")


def forget(c: Connection, connection: str, before: datetime) -> int:
    """Delete what was settled, decided or dismissed before an instant; what waits for its user goes on waiting. What he
    left as it is goes on telling so, without its run and its content, for as long as its link lives. Returns how many
    were deleted."""
    when = {"connection": connection, "before": before}
    gone = c.execute(_FORGET, when).rowcount
    for one in c.execute(_FULL, when).scalars().all():
        sides = vault_of(c).seal("conflict", "sides", one, codec.encode((None, None, None)))
        c.execute(update(conflict).where(conflict.c.id == one).values(run="", sides=sides))
    return gone


def remove(c: Connection, ids: Iterable[str]) -> None:
    for chunk in in_chunks(ids):
        c.execute(delete(conflict).where(conflict.c.id.in_(chunk)))


def remove_of(c: Connection, connection: str) -> None:
    """Delete all rows of a connection, those of links that are gone too."""
    c.execute(delete(conflict).where(conflict.c.connection == connection))


def remove_for(c: Connection, link_ids: Iterable[str]) -> None:
    for chunk in in_chunks(link_ids):
        c.execute(delete(conflict).where(conflict.c.link.in_(chunk)))


def _row(vault: Vault, one: Conflict) -> dict[str, Any]:
    sides = codec.encode((one.base, one.host, one.remote))
    return {
        "id": one.id,
        "connection": one.connection,
        "user": one.user,
        "link": one.link,
        "run": one.run,
        "field": one.field,
        "winner": one.winner,
        "reason": one.reason,
        "state": one.state,
        "sides": vault.seal("conflict", "sides", one.id, sides),
        "created_at": one.created_at,
    }


def _conflict(vault: Vault, row: Row[Any]) -> Conflict:
    base, host, remote = codec.decode(vault.open("conflict", "sides", row.id, row.sides))
    return Conflict(
        id=row.id,
        connection=row.connection,
        user=row.user,
        link=row.link,
        run=row.run,
        field=row.field,
        winner=row.winner,
        reason=Reason(row.reason),
        created_at=row.created_at,
        state=ConflictState(row.state),
        base=base,
        host=host,
        remote=remote,
    )
