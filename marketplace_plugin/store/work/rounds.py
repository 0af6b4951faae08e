"""What waits for a collection's complete round: tombstones, and exceptions that came before their master (rule R3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from marketplace_plugin.model.change import Change
from marketplace_plugin.store import codec
from marketplace_plugin.store.database import upsert, vault_of
from marketplace_plugin.store.tables import round_change


def put(c: Connection, connection: str, collection: str, round_id: str, changes: Iterable[Change]) -> None:
    """Keep changes of a round; a later change of the same item takes the place of the earlier one."""
    vault = vault_of(c)

    def row(change: Change) -> dict[str, Any]:
        key = vault.keyed(f"round\0{connection}\0{collection}\0{round_id}\0{change.id}".encode())
        return {
            "id": key,
            "connection": connection,
            "collection": collection,
            "round": round_id,
            "remote_id": change.id,
            "change": vault.seal("round_change", "change", key, codec.encode(change)),
        }

    upsert(c, round_change, map(row, changes))


_WAITING = (
    select(round_change)
    .where(
        round_change.c.connection == bindparam("connection"),
        round_change.c.collection == bindparam("collection"),
        round_change.c.round == bindparam("round"),
    )
    .order_by(round_change.c.remote_id)
)


def waiting(c: Connection, connection: str, collection: str, round_id: str) -> list[Change]:
    """In the order of their ids."""
    vault = vault_of(c)
    rows = c.execute(_WAITING, {"connection": connection, "collection": collection, "round": round_id})
    return [codec.decode(vault.open("round_change", "change", row.id, row.change)) for row in rows]


_DROP_ALL = delete(round_change).where(round_change.c.connection == bindparam("connection"))
_DROP = _DROP_ALL.where(round_change.c.collection.in_(bindparam("collections", expanding=True)))


def drop(c: Connection, connection: str, *collections: str) -> None:
    """Forget what waits in any round of these collections; of the whole connection where none is named."""
    if collections:
        c.execute(_DROP, {"connection": connection, "collections": collections})
    else:
        c.execute(_DROP_ALL, {"connection": connection})
