"""What cannot be read is listed for its owner; what can be read again, or is gone, is listed no more."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.acts.chosen import migrate
from marketplace_plugin.engine.acts.waiting.held import parked
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.providers.memory import Moment, Request
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, person


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


def choose(world: World, connection: str, target: str | None, *sources: str) -> None:
    with world.store.begin() as unit:
        migrate.choose(world.engine, unit, connection, target, sources, keep=False)


def test_it_goes_from_the_list_when_its_calendar_is_imported_no_more(world: World) -> None:
    """Nobody reads that calendar any more, so nobody would ever have taken it off."""
    ada, _ = garbled(world)
    choose(world, ada, TARGET, OTHER)
    world.settle(ada)
    assert listed(world) == 0
    choose(world, ada, TARGET, SOURCE)
    world.settle(ada)
    assert listed(world) == 1


def test_it_stays_on_the_list_while_its_calendar_is_read_for_another_reason(world: World) -> None:
    """As the target, and then for the copy that has to leave it; and no longer."""
    ada, _ = garbled(world)
    world.host.create("ada", event("here"))
    choose(world, ada, SOURCE)
    world.settle(ada)
    assert listed(world) == 1
    choose(world, ada, OTHER)
    world.settle(ada)
    assert listed(world) == 0


def refused_for_a_while(world: World, calendar: str) -> tuple[str, str]:
    """One item of a calendar, edited there just while the service cannot tell of it."""
    account = world.account()
    if calendar == TARGET:
        world.host.create("ada", event("one"))
    else:
        account.user.create(SOURCE, event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    item = only(account, calendar).id
    account.user.edit(calendar, item, title="edited")
    account.user.garble(calendar, item, UnreadableReason.REFUSED)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert listed(world) == 1
    return ada, item


@pytest.mark.parametrize("calendar", [TARGET, SOURCE])
def test_what_was_refused_once_is_asked_for_again(hosted: World, calendar: str) -> None:
    """The position had moved on, so nobody told of it again: it stayed as it was for as long as nobody touched it."""
    ada, item = refused_for_a_while(hosted, calendar)
    hosted.clock.forward(minutes=31)
    assert hosted.sync(ada).outcome is RunOutcome.DONE  # it is listed already
    assert listed(hosted) == 1
    hosted.plugins.accounts[ada].record(calendar, item).unreadable = None
    hosted.clock.forward(minutes=31)
    hosted.sync(ada)
    assert listed(hosted) == 0
    assert (here(hosted) if calendar == TARGET else blocked(hosted, ada)) == ["edited"]


def test_asking_again_in_vain_stops_nobody(hosted: World) -> None:
    ada, item = refused_for_a_while(hosted, SOURCE)
    account = hosted.plugins.accounts[ada]
    account.user.create(SOURCE, event("another", day=11))
    account.faults.add(Moment.BEFORE, Request.FETCH, Unavailable("for that one"))
    hosted.clock.forward(minutes=31)
    hosted.sync(ada)
    assert blocked(hosted, ada) == ["another", "one"]
    assert listed(hosted) == 1
    account.record(SOURCE, item).unreadable = None
    hosted.settle(ada)
    assert blocked(hosted, ada) == ["another", "edited"]
