"""Collections: the calendars that a connection reaches, their roles, and how far each was read."""

from __future__ import annotations

import uuid
from collections.abc import Collection as Group
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from marketplace_plugin.model.change import Checkpoint, Cursor
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import codec
from marketplace_plugin.store.database import upsert, vault_of
from marketplace_plugin.store.tables import collection
from marketplace_plugin.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Collection:
    """One row. ``info.id`` is the service's id. ``listed``: the service named it when we last asked. ``round`` is
    under way where it is not None, and goes on at ``checkpoint``."""

    id: str
    connection: str
    user: str
    info: CollectionInfo
    listed: bool = True
    is_source: bool = False
    is_target: bool = False
    cursor: Cursor | None = None
    checkpoint: Checkpoint | None = None
    round: str | None = None
    read_at: datetime | None = None

    @property
    def remote_id(self) -> str:
        return self.info.id

    @property
    def is_readable(self) -> bool:
        """Whether the service would answer what is in it. A calendar that must not be read answers that nothing is."""
        return self.listed and self.info.role >= Role.READER

    @property
    def is_read(self) -> bool:
        """Whether a pass pulls it."""
        return self.is_source or self.is_target


_OF_CONNECTION = (
    select(collection)
    .where(collection.c.connection == bindparam("connection"))
    .order_by(collection.c.listed.desc(), collection.c.position, collection.c.id)
)


def of_connection(c: Connection, connection: str) -> list[Collection]:
    """In the service's order; those that it no longer lists come last."""
    return [_collection(vault_of(c), row) for row in c.execute(_OF_CONNECTION, {"connection": connection})]


def get(c: Connection, connection: str, remote_id: str) -> Collection | None:
    row = c.execute(
        select(collection).where(collection.c.connection == connection, collection.c.remote_id == remote_id)
    ).one_or_none()
    return None if row is None else _collection(vault_of(c), row)


_TARGET = select(collection).where(
    collection.c.user == bindparam("user"), collection.c.kind == bindparam("kind"), collection.c.is_target
)


def target(c: Connection, user: str, kind: Kind) -> Collection | None:
    """The one target of a user for a kind, over all his connections."""
    row = c.execute(_TARGET, {"user": user, "kind": kind}).one_or_none()
    return None if row is None else _collection(vault_of(c), row)


def refresh(c: Connection, connection: str, user: str, infos: Sequence[CollectionInfo]) -> list[Collection]:
    """Take over the service's list: new ones come unticked, known ones keep their ticks and cursors, those that it no
    longer names stay, unlisted. Returns all, as ``of_connection``."""
    known = {one.remote_id: one for one in of_connection(c, connection)}
    vault, rows = vault_of(c), []
    for position, info in enumerate(infos):
        old = known.pop(info.id, None)
        one = replace(old, info=info, listed=True) if old else Collection(_fresh(), connection, user, info)
        rows.append(_row(vault, one, position))
    rows += [_row(vault, replace(old, listed=False), len(infos) + number) for number, old in enumerate(known.values())]
    upsert(c, collection, rows)
    return of_connection(c, connection)


def choose(
    c: Connection, connection: str, target_id: str | None, sources: Group[str], *, others: Group[str] = ()
) -> None:
    """Set target and sources by the service's ids; ``others`` are the targets that are no calendars. The old targets of
    this connection are unset first. Raises IntegrityError where another connection of the user has a target of this
    kind."""
    mine = collection.c.connection == connection
    c.execute(update(collection).where(mine, collection.c.is_target).values(is_target=False))
    c.execute(update(collection).where(mine).values(is_source=collection.c.remote_id.in_(list(sources))))
    for chosen in (*([] if target_id is None else [target_id]), *others):
        c.execute(update(collection).where(mine, collection.c.remote_id == chosen).values(is_target=True))


_SET_PROGRESS = update(collection).where(collection.c.id == bindparam("row"))


def set_progress(c: Connection, rows: Iterable[Collection]) -> None:
    """Where reading stands: ``round``, ``checkpoint``, ``cursor`` and ``read_at`` (aware UTC) are written as these rows
    have them. Clear the first two with the commit of a complete round's cursor."""
    vault = vault_of(c)
    written = [
        {
            "row": row.id,
            "round": row.round,
            "checkpoint": _seal(vault, "checkpoint", row.id, row.checkpoint),
            "cursor": _seal(vault, "cursor", row.id, row.cursor),
            "read_at": row.read_at,
        }
        for row in rows
    ]
    if written:
        c.execute(_SET_PROGRESS, written)


def set_role(c: Connection, connection: str, info: CollectionInfo) -> None:
    """The role (or title) as the service shows it now, for one collection."""
    vault = vault_of(c)
    row_id = c.execute(
        select(collection.c.id).where(collection.c.connection == connection, collection.c.remote_id == info.id)
    ).scalar_one()
    c.execute(
        update(collection)
        .where(collection.c.id == row_id)
        .values(role=int(info.role), info=_seal(vault, "info", row_id, info))
    )


def remove(c: Connection, connection: str, remote_id: str | None = None) -> None:
    """Delete one collection's row, or all of a connection."""
    statement = delete(collection).where(collection.c.connection == connection)
    if remote_id is not None:
        statement = statement.where(collection.c.remote_id == remote_id)
    c.execute(statement)


def _fresh() -> str:
    return uuid.uuid4().hex


def _seal(vault: Vault, column: str, row_id: str, value: Any) -> bytes | None:
    return None if value is None else vault.seal("collection", column, row_id, codec.encode(value))


def _row(vault: Vault, one: Collection, position: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "connection": one.connection,
        "user": one.user,
        "remote_id": one.info.id,
        "kind": one.info.kind,
        "role": int(one.info.role),
        "info": _seal(vault, "info", one.id, one.info),
        "listed": one.listed,
        "is_source": one.is_source,
        "is_target": one.is_target,
        "cursor": _seal(vault, "cursor", one.id, one.cursor),
        "checkpoint": _seal(vault, "checkpoint", one.id, one.checkpoint),
        "round": one.round,
        "position": position,
        "read_at": one.read_at,
    }


def _collection(vault: Vault, row: Row[Any]) -> Collection:
    def opened(column: str, sealed: bytes | None) -> Any:
        return None if sealed is None else codec.decode(vault.open("collection", column, row.id, sealed))

    return Collection(
        id=row.id,
        connection=row.connection,
        user=row.user,
        info=replace(opened("info", row.info), role=Role(row.role)),
        listed=row.listed,
        is_source=row.is_source,
        is_target=row.is_target,
        cursor=opened("cursor", row.cursor),
        checkpoint=opened("checkpoint", row.checkpoint),
        round=row.round,
        read_at=row.read_at,
    )
