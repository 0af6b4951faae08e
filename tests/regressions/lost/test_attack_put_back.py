"""An undo puts a copy back that a run had deleted, and dies behind the request; or its answer does not come. She
disconnects, connects again, and it was deleted there: gone on both sides, and the journal with it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from marketplace_plugin.engine.account.disconnect import Disconnected, disconnect
from marketplace_plugin.engine.acts.undo import undo
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.providers.memory import Crash, Moment, Request
from tests.laws.world import World, event
from tests.regressions.seeing import here, person, titles


@pytest.mark.parametrize("delete_remote", [True, False])
@pytest.mark.parametrize("fault", [None, Crash(), Unavailable("no answer")], ids=["answered", "died", "unanswered"])
def test_it_stays_when_she_disconnects_and_comes_back(
    world: World, fault: BaseException | None, *, delete_remote: bool
) -> None:
    account = world.account()
    ref = world.host.create("ada", event("hers", day=6))
    ada = world.connect("ada", account)
    world.sync(ada)
    world.host.delete("ada", ref)
    world.clock.forward(minutes=31)
    deleted = world.sync(ada)
    assert titles(account) == []
    run = undo(world.engine, person(world), deleted.run)
    if fault is not None:
        account.faults.add(Moment.AFTER, Request.INSERT, fault)
    with suppress(Crash):
        world.sync(ada, Trigger.UNDO, run)
    assert titles(account) == ["hers"]
    assert disconnect(world.engine, person(world), ada, delete_remote) == Disconnected()
    world.clock.forward(minutes=31)
    again = world.connect("ada", account)
    world.settle(again)
    assert titles(account) == ["hers"]
    assert here(world) == []
