"""An administrator uninstalls while people and passes go on: it comes to its end for everybody, and stays so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.account import market
from marketplace_plugin.engine.account.disconnect import Disconnected, disconnect
from marketplace_plugin.engine.context import Engine, RunOutcome
from marketplace_plugin.errors import AuthorizationExpired
from marketplace_plugin.providers.memory import MemoryProvider
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import ConnectionState
from tests.laws.world import World, event
from tests.regressions.seeing import blocked, person


class Killed(BaseException):
    """The process ends here."""


def states(world: World, *names: str) -> list[ConnectionState]:
    with world.store.read() as c:
        rows = [connections.get(c, name) for name in names]
    return [row.state for row in rows if row is not None]


def killed(*_: Any) -> Disconnected:
    raise Killed


def dies_uninstalling(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The integration is uninstalled, and no connection has ended yet."""
    with monkeypatch.context() as patch:
        patch.setattr(market, "disconnect", killed)
        with pytest.raises(Killed):
            market.uninstall(world.engine, person(world), "memory")


def refuses(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """The next reading finds the grant gone, and ``act`` has happened before it does."""
    real = MemoryProvider.pull

    def pull(self: MemoryProvider, *_: Any, **__: Any) -> Iterator[Any]:
        monkeypatch.setattr(MemoryProvider, "pull", real)
        act()
        raise AuthorizationExpired("revoked")

    monkeypatch.setattr(MemoryProvider, "pull", pull)


def test_who_disconnects_by_himself_meanwhile_stops_it_for_nobody(
    hosted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third one kept his tokens and all that was imported, and the administrator read that there is no such
    connection."""
    people = ("ada", "bob", "cem")
    accounts = [hosted.account() for _ in people]
    for account in accounts:
        account.user.create("source", event("There"))
    names = [hosted.connect(user, account, target=None) for user, account in zip(people, accounts, strict=True)]
    for name in names:
        hosted.settle(name)

    def ends(engine: Engine, owner: Person, connection: str) -> Disconnected:
        done = disconnect(engine, owner, connection)
        if connection == names[0]:
            disconnect(engine, person(hosted, "bob"), names[1])  # in his own browser
        return done

    monkeypatch.setattr(market, "disconnect", ends)
    market.uninstall(hosted.engine, person(hosted), "memory")
    assert states(hosted, *names) == [ConnectionState.REMOVED] * 3
    assert [blocked(hosted, name) for name in names] == [[], [], []]


def test_a_pass_that_runs_meanwhile_marks_nothing_as_expired(hosted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expired connection asks its owner to sign in again, for what nobody has any more."""
    ada = hosted.connect("ada", hosted.account())
    hosted.settle(ada)
    hosted.clock.forward(minutes=31)
    refuses(monkeypatch, lambda: dies_uninstalling(hosted, monkeypatch))
    assert hosted.sync(ada).outcome is RunOutcome.LEASE_LOST, "it writes nothing more"
    assert states(hosted, ada) == [ConnectionState.PAUSED]
    market.uninstall(hosted.engine, person(hosted), "memory")
    assert states(hosted, ada) == [ConnectionState.REMOVED]
