"""She disconnects in another tab while a page still waits for the service: what then comes is kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from marketplace_plugin.contract.hookspecs import Account
from marketplace_plugin.engine.account import calendars
from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.account.settings import settings
from marketplace_plugin.engine.sign_in.authorize import found
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.providers.memory import MemoryProvider
from marketplace_plugin.store import collections, connections
from marketplace_plugin.store.accounts.connections import ConnectionState
from tests.laws.world import World
from tests.regressions.seeing import person


@pytest.fixture
def ada(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Her connection. It ends while the service answers which calendars there are."""
    connection = world.connect("ada", world.account())
    world.settle(connection)
    real = MemoryProvider.collections

    def slow(self: MemoryProvider) -> Sequence[CollectionInfo]:
        monkeypatch.setattr(MemoryProvider, "collections", real)
        answer = self.collections()
        disconnect(world.engine, person(world), connection)
        return answer

    monkeypatch.setattr(MemoryProvider, "collections", slow)
    return connection


def kept(world: World, connection: str) -> list[str]:
    """The titles of the calendars of a connection that has ended."""
    with world.store.read() as c:
        row = connections.get(c, connection)
        assert row is not None
        assert row.state is ConnectionState.REMOVED
        return [one.info.title for one in collections.of_connection(c, connection)]


def test_while_the_settings_ask_for_the_calendars(world: World, ada: str) -> None:
    """The titles of her calendars came back, and no disconnect would ever remove them."""
    with pytest.raises(NotFound):
        settings(world.engine, person(world), ada)
    assert kept(world, ada) == []


def test_while_a_sign_in_asks_for_the_calendars(world: World, ada: str) -> None:
    with pytest.raises(NotFound):
        found(world.engine, person(world), ada, Account("ada", "ada@service.example"), frozenset())
    assert kept(world, ada) == []


def test_a_connection_that_is_gone_altogether(world: World, ada: str) -> None:
    """Upkeep erases what has ended long ago."""
    with world.store.read() as c:
        row = connections.get(c, ada)
    assert row is not None
    with pytest.raises(NotFound):
        calendars.reload(world.engine, row)
    with world.store.begin() as unit:
        connections.erase(unit.connection, ada)
    with pytest.raises(NotFound):
        calendars.reload(world.engine, row)
