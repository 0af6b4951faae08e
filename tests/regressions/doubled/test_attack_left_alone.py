"""What an undo leaves alone is followed like everything else: it may have moved."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.acts.undo import undo
from marketplace_plugin.engine.context import Trigger
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, person, titles


@pytest.mark.parametrize("edited", [False, True])
def test_a_copy_that_was_moved_before_its_run_is_undone_stays_one_event(hosted: World, edited: bool) -> None:
    """The undo left it alone, because it was not as the run had left it, and forgot where it was: at its next change
    there it came in as a block beside its event."""
    world, account = hosted, hosted.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    made = world.sync(ada).run
    world.settle(ada)
    account.user.move(TARGET, only(account, TARGET).id, SOURCE)
    if edited:
        account.user.edit(SOURCE, only(account, SOURCE).id, location="there")
    world.clock.forward(minutes=5)
    world.sync(ada, Trigger.UNDO, undo(world.engine, person(world), made))
    stays = titles(account, SOURCE)
    account.user.edit(SOURCE, only(account, SOURCE).id, title="renamed")
    world.settle(ada)
    assert stays == ["one"]
    assert titles(account, SOURCE) == here(world) == ["renamed"]
    assert list(world.host.all_of("ada")) == [ref]
    assert blocked(world, ada) == []
