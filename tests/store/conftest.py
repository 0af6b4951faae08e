"""A store in a file of its own, and the smallest rows that others refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import Store, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.sync.link import Link, LinkKind

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store.open(database, [KEY])
    yield opened
    opened.close()


@pytest.fixture
def connected(store: Store) -> str:
    """The id of a connection of user u1."""
    with store.begin() as unit:
        connections.add(
            unit.connection,
            Connection("c1", "t1", "u1", "google", ConnectionState.CONNECTED, NOW, account="me@example.org"),
        )
    return "c1"


@pytest.fixture
def new_link(connected: str) -> Callable[..., Link]:
    def make(link_id: str, **fields: object) -> Link:
        defaults: dict[str, object] = {
            "kind": LinkKind.BLOCK,
            "user": "u1",
            "connection": connected,
            "collection": "cal",
            "remote_id": f"remote-{link_id}",
            "host_kind": Kind.EVENT,
            "host_ref": None,
        }
        return Link(id=link_id, **{**defaults, **fields})  # type: ignore[arg-type]  # fields by name, in tests only

    return make
