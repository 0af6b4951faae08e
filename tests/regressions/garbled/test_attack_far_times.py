"""The first and the last day that a calendar has: somebody mistypes a year, and all else goes on."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from marketplace_plugin.model.time import AllDay, Timed, When, Zoned, span
from tests.laws.world import SOURCE, TARGET, World, event, replace
from tests.regressions.seeing import here, only, titles

FIRST = datetime(1, 1, 1, 0, 30)  # noqa: DTZ001  # a wall time
FAR = [
    AllDay(date(1, 1, 1), date(1, 1, 2)),
    AllDay(date(9999, 12, 30), date(9999, 12, 31)),
    Timed(Zoned(FIRST, "Europe/Berlin"), Zoned(FIRST.replace(hour=3), "Europe/Berlin")),
]


@pytest.mark.parametrize("when", FAR, ids=str)
@pytest.mark.parametrize("edited_here", [True, False])
def test_a_copy_at_the_end_of_time_stops_no_other(world: World, when: When, *, edited_here: bool) -> None:
    """The days of year 1 begin before it, in the zone of their owner: each snapshot failed over it."""
    account = world.account()
    ref = world.host.create("ada", event("far"))
    ada = world.connect("ada", account)
    world.settle(ada)
    if edited_here:
        world.host.edit("ada", ref, when=when)
    else:
        account.user.edit(TARGET, only(account).id, when=when)
    for _ in range(2):
        world.clock.forward(minutes=31)
        world.sync(ada)
    account.user.expire_cursors(TARGET)
    for days in (1, 8):
        world.clock.forward(days=days)
        world.sync(ada)
    world.host.create("ada", event("near", day=28))
    world.settle(ada)
    assert here(world) == ["far", "near"]
    assert titles(account) == ["far", "near"]


@pytest.mark.parametrize("when", FAR, ids=str)
def test_an_item_at_the_end_of_time_stops_no_block(world: World, when: When) -> None:
    account = world.account()
    account.user.create(SOURCE, replace(event("far"), when=when))
    account.user.create(SOURCE, event("good"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.expire_cursors(SOURCE)
    world.clock.forward(days=8)
    world.settle(ada)
    assert "good" in [str(getattr(block.item, "title", "")) for block in world.blocks(ada)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
@pytest.mark.parametrize("when", FAR, ids=str)
def test_every_time_has_a_span(when: When, zone: str) -> None:
    start, end = span(when, zone)
    assert start <= end
