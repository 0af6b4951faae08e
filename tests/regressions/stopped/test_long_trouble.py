"""Trouble that lasts for days, and what a year of passes leaves."""

from __future__ import annotations

from datetime import timedelta

from marketplace_plugin.engine.context import RunOutcome
from tests.laws.world import World, event
from tests.regressions.seeing import here, titles


def test_a_groupware_that_is_away_for_days_is_asked_each_period(world: World) -> None:
    """After some forty failures in a row the pause could not be computed any more, and the pass ended in an error
    that nobody named."""
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.broken = True
    pauses = []
    for _ in range(60):
        world.clock.forward(minutes=31)
        result = world.sync(ada)
        assert (result.outcome, result.error) == (RunOutcome.FAILED, "host")
        assert result.again_at is not None
        pauses.append(result.again_at - world.clock())
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=1, seconds=52.5), timedelta(minutes=30))
    world.host.broken = False
    world.host.edit("ada", world.host.create("ada", event("two", day=11)), title="renamed")
    world.settle(ada)
    assert titles(account) == here(world) == ["one", "renamed"]
