"""What waits for a collection's complete round: tombstones, and exceptions that came before their master (rule R3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, select

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


def waiting(c: Connection, connection: str, collection: str, round_id: str) -> list[Change]:
    """In the order of their ids."""
    vault = vault_of(c)
    rows = c.execute(
        select(round_change)
        .where(
            round_change.c.connection == connection,
            round_change.c.collection == collection,
            round_change.c.round == round_id,
        )
        .order_by(round_change.c.remote_id)
    )
    return [codec.decode(vault.open("round_change", "change", row.id, row.change)) for row in rows]


def drop(c: Connection, connection: str, collection: str | None = None) -> None:
    """Forget what waits in any round of a collection, or of the whole connection."""
    statement = delete(round_change).where(round_change.c.connection == connection)
    if collection is not None:
        statement = statement.where(round_change.c.collection == collection)
    c.execute(statement)
