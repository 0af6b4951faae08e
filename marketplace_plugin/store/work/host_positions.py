"""How far each host module was read for a connection. Written in the transaction that commits the links, never
alone."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select

from marketplace_plugin.model.change import HostCursor
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store.database import upsert
from marketplace_plugin.store.tables import host_position

_TOKEN = select(host_position.c.token).where(
    host_position.c.connection == bindparam("connection"), host_position.c.kind == bindparam("kind")
)


def get(c: Connection, connection: str, kind: Kind) -> HostCursor | None:
    token = c.execute(_TOKEN, {"connection": connection, "kind": kind}).scalar_one_or_none()
    return None if token is None else HostCursor(token)


def put(c: Connection, connection: str, kind: Kind, cursor: HostCursor) -> None:
    upsert(c, host_position, [{"connection": connection, "kind": kind, "token": cursor.token}])


def drop(c: Connection, connection: str, kind: Kind | None = None) -> None:
    """Forget the position: the next pass reads the module from its beginning."""
    statement = delete(host_position).where(host_position.c.connection == connection)
    if kind is not None:
        statement = statement.where(host_position.c.kind == kind)
    c.execute(statement)
