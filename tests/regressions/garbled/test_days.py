"""Whole days are dates, and nine stays nine: over zones, exceptions, kinds and the change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import AllDay, Timed, Window
from tests.laws.world import SOURCE, TARGET, World, all_day, event, series
from tests.regressions.seeing import master, only, shown

SPRING = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
ZONES = ["Pacific/Kiritimati", "Europe/Berlin", "America/New_York", "Pacific/Pago_Pago"]


def days(item: Event | Series, zone: str = "Europe/Berlin") -> list[date]:
    """The first day of each occurrence."""
    found = [one.event.when for one in occurrences(item, SPRING, zone).occurrences]
    return [when.start for when in found if isinstance(when, AllDay)]


def daily() -> Series:
    return Series(all_day("leave", day=10), RecurrenceRule.parse("FREQ=DAILY;COUNT=4"))


MARCH = [date(2026, 3, day) for day in range(10, 14)]


def test_an_all_day_series_has_each_day_once(world: World) -> None:
    """The first day of an all-day series stood there twice: once as an event of its own."""
    account = world.account()
    ref = world.host.create("ada", daily())
    account.user.create(SOURCE, daily())
    ada = world.connect("ada", account)
    world.settle(ada)
    there = only(account).item
    assert isinstance(there, Event | Series)
    (block,) = world.blocks(ada)
    assert days(shown(world, ref)) == days(there) == days(block.item) == MARCH
    assert [v.when for v in StoredBlocks(world.engine).blocks("ada", "ada", SPRING)] == [
        AllDay(day, day + timedelta(days=1)) for day in MARCH
    ]


def test_exceptions_of_an_all_day_series_are_dates(world: World) -> None:
    """Exceptions of all-day series were named by an instant, matched nothing, and were dropped."""
    account = world.account()
    ref = world.host.create("ada", daily())
    ada = world.connect("ada", account)
    world.settle(ada)
    longer = Event(when=AllDay(MARCH[1], MARCH[1] + timedelta(days=1)), title="another title")
    account.user.change_occurrence(TARGET, only(account).id, MARCH[1], longer)
    world.host.change_occurrence("ada", ref, MARCH[3], None)
    world.settle(ada)
    for item in (shown(world, ref), only(account).item):
        assert isinstance(item, Series)
        assert [(o.original, o.event and o.event.title) for o in item.overrides] == [
            (MARCH[1], "another title"),
            (MARCH[3], None),
        ]
        assert all(isinstance(o, Override) for o in item.overrides)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_the_same_day_for_everybody(world: World, zone: str) -> None:
    """All-day events slipped to the day before or after, or grew to two days, by the zone of who looked."""
    account = world.account()
    account.user.add_calendar("far", zone=zone)
    ref = world.host.create("ada", all_day("one day"))
    account.user.create("far", all_day("two days", day=20, days=2))
    ada = world.connect("ada", account, target=TARGET, sources=("far",))
    world.settle(ada)
    one, two = AllDay(date(2026, 3, 10), date(2026, 3, 11)), AllDay(date(2026, 3, 20), date(2026, 3, 22))
    assert master(only(account).item).when == shown(world, ref).when == one  # type: ignore[union-attr]  # an event
    (block,) = world.blocks(ada)
    assert block.item.when == two  # type: ignore[union-attr]  # an event
    for viewer in ("ada", "cem"):
        assert [v.when for v in StoredBlocks(world.engine).blocks(viewer, "ada", SPRING)] == [two]


def test_timed_becomes_all_day_and_back_on_both_sides(world: World) -> None:
    """A change from timed to all-day was refused, because the old fields were still there."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    day, hour = all_day().when, event().when
    world.host.edit("ada", ref, when=day)
    world.settle(ada)
    assert master(only(account).item).when == day
    account.user.edit(TARGET, only(account).id, when=hour)
    world.settle(ada)
    assert shown(world, ref).when == master(only(account).item).when == hour  # type: ignore[union-attr]  # an event


def test_nine_stays_nine_over_the_change_of_the_clocks(world: World) -> None:
    """A weekly meeting was an hour off from the last Sunday in March on."""
    account = world.account()
    ref = world.host.create("ada", series("weekly", day=16, count=5))
    account.user.create(SOURCE, series("private", day=16, count=5))
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    there = only(account).item
    assert isinstance(there, Series)
    for item in (shown(world, ref), there, block.item):
        found = [one.event.when for one in occurrences(item, SPRING, "Europe/Berlin").occurrences]
        assert [when.start.wall.hour for when in found if isinstance(when, Timed)] == [9] * 5
        assert {when.start.zone for when in found if isinstance(when, Timed)} == {"Europe/Berlin"}
