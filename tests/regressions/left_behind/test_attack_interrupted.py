"""A user changes his settings, or disconnects, while copies are being made: none of them is left behind as a double."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.chosen.purge import purge_connection
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.providers.memory import Moment, Request
from marketplace_plugin.store import connections
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, person, titles

NAMES = ["one", "three", "two"]


def _interrupted(world: World, act: Callable[[str], None]) -> str:
    """A connection whose first pass was interrupted by ``act`` while its second copy was being made."""
    for day, title in enumerate(("one", "two", "three"), 10):
        world.host.create("ada", event(title, day))
    account = world.account()
    ada = world.connect("ada", account)
    account.faults.add(Moment.BEFORE, Request.INSERT, lambda: act(ada), skip=1)
    world.sync(ada)
    return ada


@pytest.mark.parametrize("keep", [True, False])
def test_another_target_while_copies_are_made_leaves_no_double(world: World, keep: bool) -> None:
    """The copies that were on their way into the former target stayed there, and all were made again in the new."""

    def save(connection: str) -> None:
        with world.store.begin() as unit:
            choose(world.engine, unit, connection, OTHER, [SOURCE, TARGET], keep=keep)
            connections.approve(unit.connection, connection, 0)

    ada = _interrupted(world, save)
    account = world.plugins.accounts[ada]
    world.settle(ada)
    assert here(world) == NAMES
    assert titles(account, OTHER) == NAMES
    assert blocked(world, ada) == []
    made = ["one", "two"]  # who was overtaken makes no more where a repeated creation would make a second item
    if account.personality.capabilities.idempotent_create:
        made = NAMES
    assert titles(account, TARGET) == (made if keep else [])


def test_disconnecting_while_copies_are_made_leaves_no_double_for_who_comes_back(world: World) -> None:
    """The copies that were on their way when he disconnected were not known when he came back, and made again."""

    def disconnect(connection: str) -> None:
        with world.store.begin() as unit:
            purge_connection(world.engine, unit, connection)
            choose(world.engine, unit, connection, None, ())
            connections.forget_account(unit.connection, connection)

    ada = _interrupted(world, disconnect)
    account = world.plugins.accounts[ada]
    left = set(account.items(TARGET))
    assert left
    again = world.connect("ada", account)
    world.settle(again)
    assert here(world) == titles(account) == NAMES
    assert left <= set(account.items(TARGET))


def test_coming_back_while_the_service_does_not_answer_makes_no_double(world: World) -> None:
    """The same account was connected again, the former copies could not be looked up just then: they were made
    again."""
    world.host.create("ada", event("one"))
    account = world.account()
    old = world.connect("ada", account)
    world.settle(old)
    with world.store.begin() as unit:
        purge_connection(world.engine, unit, old)
        choose(world.engine, unit, old, None, ())
        connections.forget_account(unit.connection, old)
    new = world.connect("ada", account)
    account.faults.add(Moment.BEFORE, Request.FETCH, Unavailable("not now"), times=3)
    for _ in range(3):
        world.clock.forward(minutes=31)
        world.sync(new)
    account.faults.clear()
    world.settle(new)
    assert titles(account) == ["one"]


def test_disconnecting_with_the_copies_knows_those_that_are_still_being_made(world: World) -> None:
    """They were looked for, not there yet, and forgotten; the worker had not heard of it and made them all the same."""
    ada = _interrupted(world, lambda connection: _ended(world, connection))
    account = world.plugins.accounts[ada]
    again = world.connect("ada", account, target=OTHER)
    world.settle(again)
    assert here(world) == NAMES
    assert sorted([*titles(account), *titles(account, OTHER)]) == NAMES


def _ended(world: World, connection: str) -> None:
    disconnect(world.engine, person(world), connection, delete_remote=True)


@pytest.mark.parametrize("keep", [True, False])
def test_a_copy_made_against_not_now_leaves_its_target_too(world: World, keep: bool) -> None:
    """Nobody looked for it again when another target was chosen, so it stayed there beside the new one."""
    world.host.create("ada", event("one"))
    account = world.account()
    ada = world.connect("ada", account)
    account.faults.add(Moment.AFTER, Request.INSERT, Throttled("slow down"))
    world.sync(ada)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, [SOURCE], keep=keep)
        connections.approve(unit.connection, ada, 0)
    world.settle(ada)
    assert titles(account, OTHER) == here(world) == ["one"]
    assert titles(account, TARGET) == (["one"] if keep else [])
