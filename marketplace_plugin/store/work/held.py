"""What is held back: deletions over the brake, suspects, refused and unreadable changes (rules R4, R10, D6, W6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, select, update

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.store import codec
from marketplace_plugin.store.database import ANY, in_chunks, upsert, vault_of
from marketplace_plugin.store.tables import held
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.sync.reason import Reason


class What(StrEnum):
    REMOTE_CHANGE = "remote-change"  # a change that was read and could not be carried out on our side
    HOST_CHANGE = "host-change"  # a change of the host that the service refused
    REMOTE_DELETION = "remote-deletion"  # to be carried out at the service once approved
    HOST_DELETION = "host-deletion"  # to be carried out in the host once approved
    SUSPECT = "suspect"  # absent from a snapshot; a fetch by id has to answer first
    UNREADABLE = "unreadable"
    UNCLEAR = "unclear"  # of a link at rest: gone, moved or a copy; asked for by id until it can be told
    MATCH = "match"  # a contact or task that may be the one ``host_ref``: the user says


@dataclass(frozen=True, slots=True)
class Held:
    """``body`` is any value of the model (a change, a write), sealed. ``detail`` is a code without content.
    ``created_at``, ``again_at`` (asked for last, or not to be tried before): aware UTC."""

    id: str
    connection: str
    collection: str
    what: What
    reason: Reason
    created_at: datetime
    link: str | None = None
    remote_id: str | None = None
    host_ref: str | None = None
    detail: str = ""
    attempts: int = 0
    body: Any = None
    again_at: datetime | None = None


def put(c: Connection, entries: Iterable[Held]) -> None:
    vault = vault_of(c)
    upsert(c, held, (_row(vault, one) for one in entries), keep=frozenset({"created_at"}))


_OF_CONNECTION = select(held).where(held.c.connection == bindparam("connection")).order_by(held.c.created_at, held.c.id)
_OF_KINDS = _OF_CONNECTION.where(held.c.what.in_(bindparam("wanted", expanding=True)))


def of_connection(c: Connection, connection: str, what: Iterable[What] = ()) -> list[Held]:
    """Oldest first; empty ``what`` means all."""
    if wanted := list(what):
        rows = c.execute(_OF_KINDS, {"connection": connection, "wanted": wanted})
    else:
        rows = c.execute(_OF_CONNECTION, {"connection": connection})
    return [_held(vault_of(c), row) for row in rows]


def by_link(c: Connection, link_ids: Iterable[str]) -> list[Held]:
    found = []
    for chunk in in_chunks(link_ids):
        rows = c.execute(select(held).where(held.c.link.in_(chunk)).order_by(held.c.created_at, held.c.id))
        found += [_held(vault_of(c), row) for row in rows]
    return found


def by_remote(c: Connection, connection: str, remote_ids: Iterable[str]) -> list[Held]:
    found = []
    for chunk in in_chunks(remote_ids):
        query = select(held).where(held.c.connection == connection, held.c.remote_id.in_(chunk))
        found += [_held(vault_of(c), row) for row in c.execute(query.order_by(held.c.created_at, held.c.id))]
    return found


def count(c: Connection, connection: str) -> dict[tuple[What, Reason], int]:
    rows = c.execute(
        select(held.c.what, held.c.reason, func.count())
        .where(held.c.connection == connection)
        .group_by(held.c.what, held.c.reason)
    )
    return {(What(what), Reason(reason)): number for what, reason, number in rows}


def remove(c: Connection, ids: Iterable[str]) -> None:
    for chunk in in_chunks(ids):
        c.execute(delete(held).where(held.c.id.in_(chunk)))


_REMOVE_FOR = delete(held).where(held.c.link.in_(ANY))


def remove_for(c: Connection, link_ids: Iterable[str]) -> None:
    for chunk in in_chunks(link_ids):
        c.execute(_REMOVE_FOR, {"any": chunk})


_UNREADABLE = and_(
    held.c.connection == bindparam("connection"),
    held.c.collection == bindparam("collection"),
    held.c.what == What.UNREADABLE,
)
_UNDERSTOOD = delete(held).where(_UNREADABLE, held.c.remote_id.in_(ANY))
_ALL_UNREADABLE = select(held.c.id, held.c.remote_id).where(_UNREADABLE)


_REFUSED = (
    select(held.c.collection, held.c.remote_id)
    .where(
        held.c.connection == bindparam("connection"),
        held.c.what == What.UNREADABLE,
        held.c.detail == UnreadableReason.REFUSED,
        held.c.again_at < bindparam("now"),
    )
    .order_by(held.c.again_at, held.c.id)
    .limit(bindparam("limit"))
)


def refused(c: Connection, connection: str, now: datetime, limit: int) -> dict[str, list[str]]:
    """Items by their collections that a service could not tell of before ``now`` (aware UTC), the longest ago first."""
    found: dict[str, list[str]] = {}
    for row in c.execute(_REFUSED, {"connection": connection, "now": now, "limit": limit}):
        found.setdefault(row.collection, []).append(row.remote_id)
    return found


_ASKED = (
    update(held)
    .where(
        held.c.connection == bindparam("of_connection"),
        held.c.collection == bindparam("of_collection"),
        held.c.what == What.UNREADABLE,
        held.c.remote_id.in_(ANY),
    )
    .values(again_at=bindparam("at"))
)


def asked(c: Connection, connection: str, collection: str, remote_ids: Iterable[str], now: datetime) -> None:
    """These items were asked for at ``now`` (aware UTC), so others have their turn before them."""
    for chunk in in_chunks(remote_ids):
        c.execute(_ASKED, {"of_connection": connection, "of_collection": collection, "any": chunk, "at": now})


def understood(c: Connection, connection: str, collection: str, remote_ids: Iterable[str]) -> None:
    """These items of a collection can be read again, or are gone: they are listed as unreadable no more."""
    for chunk in in_chunks(remote_ids):
        c.execute(_UNDERSTOOD, {"connection": connection, "collection": collection, "any": chunk})


_ANSWERED = delete(held).where(
    held.c.connection == bindparam("connection"),
    held.c.collection == bindparam("collection"),
    held.c.what == What.SUSPECT,
    held.c.detail == "",
    held.c.remote_id.in_(ANY),
)


def answered(c: Connection, connection: str, collection: str, remote_ids: Iterable[str]) -> None:
    """The service has told what became of these items of a collection, so they are suspects no more. What their owner
    has decided stays until it is carried out."""
    for chunk in in_chunks(remote_ids):
        c.execute(_ANSWERED, {"connection": connection, "collection": collection, "any": chunk})


def all_unreadable(c: Connection, connection: str, collection: str, remote_ids: Iterable[str]) -> None:
    """A complete snapshot found these items of a collection unreadable, and no others."""
    rows = c.execute(_ALL_UNREADABLE, {"connection": connection, "collection": collection})
    still = set(remote_ids)
    remove(c, [row.id for row in rows if row.remote_id not in still])


def remove_of(c: Connection, connection: str, collection: str | None = None) -> None:
    statement = delete(held).where(held.c.connection == connection)
    if collection is not None:
        statement = statement.where(held.c.collection == collection)
    c.execute(statement)


def _row(vault: Vault, one: Held) -> dict[str, Any]:
    return {
        "id": one.id,
        "connection": one.connection,
        "collection": one.collection,
        "link": one.link,
        "remote_id": one.remote_id,
        "host_ref": one.host_ref,
        "what": one.what,
        "reason": one.reason,
        "detail": one.detail,
        "attempts": one.attempts,
        "body": None if one.body is None else vault.seal("held", "body", one.id, codec.encode(one.body)),
        "created_at": one.created_at,
        "again_at": one.again_at,
    }


def _held(vault: Vault, row: Row[Any]) -> Held:
    return Held(
        id=row.id,
        connection=row.connection,
        collection=row.collection,
        what=What(row.what),
        reason=Reason(row.reason),
        created_at=row.created_at,
        link=row.link,
        remote_id=row.remote_id,
        host_ref=row.host_ref,
        detail=row.detail,
        attempts=row.attempts,
        body=None if row.body is None else codec.decode(vault.open("held", "body", row.id, row.body)),
        again_at=row.again_at,
    )
