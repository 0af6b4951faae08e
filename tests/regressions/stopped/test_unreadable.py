"""What cannot be read is listed for its owner; what can be read again, or is gone, is listed no more."""

from __future__ import annotations

from marketplace_plugin.engine.acts.waiting.held import parked
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, person


def listed(world: World) -> int:
    return len(parked(world.engine, person(world)))


def garbled(world: World) -> tuple[str, str]:
    """A connection whose source has an item that nobody can read."""
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    account.user.garble(SOURCE, item)
    account.user.create(SOURCE, event("another", day=11))
    ada = world.connect("ada", account)
    world.sync(ada)
    assert listed(world) == 1
    return ada, item


def test_it_goes_from_the_list_when_it_can_be_read(world: World) -> None:
    ada, item = garbled(world)
    world.plugins.accounts[ada].user.mend(SOURCE, item)
    world.settle(ada)
    assert blocked(world, ada) == ["another", "private"]
    assert listed(world) == 0


def test_it_goes_from_the_list_when_it_is_gone(world: World) -> None:
    ada, item = garbled(world)
    world.plugins.accounts[ada].user.delete(SOURCE, item)
    world.settle(ada)
    assert listed(world) == 0


def test_it_goes_from_the_list_when_it_went_while_the_cursor_was_lost(world: World) -> None:
    ada, item = garbled(world)
    account = world.plugins.accounts[ada]
    account.user.delete(SOURCE, item)
    account.user.expire_cursors(SOURCE)
    world.settle(ada)
    assert listed(world) == 0


def test_it_stays_on_the_list_while_others_come_and_go(world: World) -> None:
    ada, _ = garbled(world)
    account = world.plugins.accounts[ada]
    account.user.create(SOURCE, event("third", day=12))
    world.host.create("ada", event("here"))
    account.user.expire_cursors(TARGET)
    world.settle(ada)
    assert listed(world) == 1
    account.user.expire_cursors(SOURCE)
    world.settle(ada)
    assert listed(world) == 1
