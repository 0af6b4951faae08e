"""Intents: remote and host writes that were decided, committed before they are sent, and settled by their outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, or_, select, update

from marketplace_plugin.model.write import Create, HostCreate, HostDelete, HostWrite, Write
from marketplace_plugin.store import codec
from marketplace_plugin.store.database import in_chunks, upsert, vault_of
from marketplace_plugin.store.tables import intent, link
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.sync.reason import Reason


class IntentState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"  # found not done, and not to be repeated as it was


@dataclass(frozen=True, slots=True)
class Intent:
    """``op`` is the write's operation key. ``write`` holds its preconditions. ``created_at``: aware UTC."""

    op: str
    connection: str
    collection: str
    link: str
    run: str
    reason: Reason
    write: Write | HostWrite
    created_at: datetime
    state: IntentState = IntentState.OPEN
    attempts: int = 0


def put(c: Connection, intents: Iterable[Intent]) -> None:
    """Insert the intents, or write over those with the same operation key."""
    vault = vault_of(c)
    upsert(c, intent, (_row(vault, one) for one in intents), keep=frozenset({"created_at"}))


_OPEN = (
    select(intent)
    .where(intent.c.connection == bindparam("connection"), intent.c.state == IntentState.OPEN)
    .order_by(intent.c.created_at, intent.c.op)
)
_OPEN_OF_LINKS = _OPEN.where(intent.c.link.in_(bindparam("links", expanding=True)))


def open_ones(c: Connection, connection: str, link_ids: Iterable[str] | None = None) -> list[Intent]:
    """What a crashed pass may have left, oldest first."""
    if link_ids is None:
        rows = c.execute(_OPEN, {"connection": connection})
    else:
        rows = c.execute(_OPEN_OF_LINKS, {"connection": connection, "links": list(link_ids)})
    return [_intent(vault_of(c), row) for row in rows]


def last_creates(c: Connection, link_ids: Iterable[str]) -> dict[str, Intent]:
    """What was sent last to make each of these links' items, also where it was settled since; by link."""
    sent: dict[str, Intent] = {}
    for chunk in in_chunks(link_ids):
        query = select(intent).where(intent.c.link.in_(chunk), intent.c.action == Create.__name__)
        for row in c.execute(query.order_by(intent.c.created_at, intent.c.op)):
            sent[row.link] = _intent(vault_of(c), row)
    return sent


def creates_here(c: Connection, connection: str) -> list[HostCreate]:
    """What is being made in a host with a database of its own."""
    return [one.write for one in open_ones(c, connection) if isinstance(one.write, HostCreate)]


def deletions_here(c: Connection, connection: str, ops: Iterable[str]) -> dict[str, str]:
    """Of these operations those by which this connection deleted in the host, or meant to: the link of each, by
    operation key, however it was settled."""
    found: dict[str, str] = {}
    for chunk in in_chunks(ops):
        query = select(intent.c.op, intent.c.link).where(
            intent.c.connection == connection, intent.c.op.in_(chunk), intent.c.action == HostDelete.__name__
        )
        found |= {row.op: row.link for row in c.execute(query)}
    return found


def settle(c: Connection, ops: Iterable[str], state: IntentState, now: datetime) -> None:
    for chunk in in_chunks(ops):
        c.execute(update(intent).where(intent.c.op.in_(chunk)).values(state=state, settled_at=now))


_FORGET = delete(intent).where(
    intent.c.connection == bindparam("connection"),
    intent.c.state != IntentState.OPEN,
    intent.c.settled_at < bindparam("before"),
    or_(intent.c.action != HostDelete.__name__, intent.c.link.not_in(select(link.c.id))),
)


def forget(c: Connection, connection: str, before: datetime) -> int:
    """Delete settled intents from before an instant, and no deletion in the host while its link lives: however late it
    shows there, it is ours. Returns how many."""
    return c.execute(_FORGET, {"connection": connection, "before": before}).rowcount


def remove_of(c: Connection, connection: str) -> None:
    """Delete all rows of a connection, those of links that are gone too."""
    c.execute(delete(intent).where(intent.c.connection == connection))


def remove_for(c: Connection, link_ids: Iterable[str]) -> None:
    """Delete all intents of these links."""
    for chunk in in_chunks(link_ids):
        c.execute(delete(intent).where(intent.c.link.in_(chunk)))


def _row(vault: Vault, one: Intent) -> dict[str, Any]:
    return {
        "op": one.op,
        "connection": one.connection,
        "collection": one.collection,
        "link": one.link,
        "run": one.run,
        "action": type(one.write).__name__,
        "reason": one.reason,
        "write": vault.seal("intent", "write", one.op, codec.encode(one.write)),
        "state": one.state,
        "attempts": one.attempts,
        "created_at": one.created_at,
    }


def _intent(vault: Vault, row: Row[Any]) -> Intent:
    return Intent(
        op=row.op,
        connection=row.connection,
        collection=row.collection,
        link=row.link,
        run=row.run,
        reason=Reason(row.reason),
        write=codec.decode(vault.open("intent", "write", row.op, row.write)),
        created_at=row.created_at,
        state=IntentState(row.state),
        attempts=row.attempts,
    )
