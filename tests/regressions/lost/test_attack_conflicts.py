"""A clash over a time is turned when the event repeats by now: its occurrences were left without their names."""

from __future__ import annotations

from datetime import datetime

import pytest

from marketplace_plugin.engine.acts.waiting.conflicts import leave, listed, take
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import When, Zoned
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.merge.three_way import Winner
from tests.laws.world import TARGET, World, all_day, event, replace, timed
from tests.regressions.seeing import master, only, person, shown

TUESDAY, WEDNESDAY = event(day=10).when, event(day=11).when
SECOND = Zoned(datetime(2026, 3, 17, 9), "Europe/Berlin")  # noqa: DTZ001  # a wall time
LATER = timed(datetime(2026, 3, 18, 15))  # noqa: DTZ001  # a wall time


@pytest.mark.parametrize("there", [WEDNESDAY, all_day(day=11).when], ids=["another day", "whole days"])
def test_a_time_is_not_taken_over_for_a_series_that_was_none_then(world: World, there: When) -> None:
    """The changed occurrence was lost, or the page failed."""
    account = world.account()
    ref = world.host.create("ada", event("one", day=9))
    ada = world.connect("ada", account, policy=Policy.HOST)
    world.settle(ada)
    world.host.edit("ada", ref, when=TUESDAY)
    account.user.edit(TARGET, only(account).id, when=there)
    world.settle(ada)
    repeats = Series(master(shown(world, ref)), RecurrenceRule.parse("FREQ=WEEKLY;COUNT=4"))
    world.host.put("ada", ref, repeats, frozenset({"rule"}))
    world.host.change_occurrence("ada", ref, SECOND, replace(repeats.master, when=LATER, title="moved"))
    world.settle(ada)
    before = shown(world, ref)
    (clash,) = listed(world.engine, person(world))
    with pytest.raises(Conflict):
        take(world.engine, person(world), clash.id, Winner.REMOTE)
    leave(world.engine, person(world), clash.id)
    world.settle(ada)
    assert shown(world, ref) == before == only(account).item
