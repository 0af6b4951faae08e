"""Which rules Exchange and Graph can say, and which overrides they refuse."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.shape import Shape, crosses, expressible, shape_of
from marketplace_plugin.model.time import AllDay, Timed, Zoned

EXCHANGE = Capabilities(
    fields=frozenset(),
    rules=frozenset({"daily", "weekly", "absolute-monthly", "relative-monthly", "absolute-yearly", "relative-yearly"}),
)
ANY = Capabilities(fields=frozenset())


@pytest.mark.parametrize(
    "rule, day, shape",
    [
        ("FREQ=DAILY;INTERVAL=3;COUNT=4", 10, Shape.DAILY),
        ("FREQ=DAILY;BYDAY=MO,TU", 10, Shape.OTHER),
        ("FREQ=WEEKLY;WKST=SU;BYDAY=MO,WE", 10, Shape.WEEKLY),
        ("FREQ=WEEKLY;BYMONTH=3", 10, Shape.OTHER),
        ("FREQ=MONTHLY", 28, Shape.ABSOLUTE_MONTHLY),
        ("FREQ=MONTHLY", 29, Shape.LATE_MONTHLY),
        ("FREQ=MONTHLY;BYMONTHDAY=15", 31, Shape.ABSOLUTE_MONTHLY),
        ("FREQ=MONTHLY;BYMONTHDAY=31", 31, Shape.LATE_MONTHLY),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", 31, Shape.OTHER),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", 1, Shape.OTHER),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", 31, Shape.OTHER),
        ("FREQ=MONTHLY;BYDAY=2TU", 10, Shape.RELATIVE_MONTHLY),
        ("FREQ=MONTHLY;BYDAY=-1FR", 10, Shape.RELATIVE_MONTHLY),
        ("FREQ=MONTHLY;BYDAY=5MO", 10, Shape.OTHER),
        ("FREQ=MONTHLY;BYDAY=-2FR", 10, Shape.OTHER),
        ("FREQ=MONTHLY;BYDAY=1MO,3MO", 10, Shape.OTHER),
        ("FREQ=MONTHLY;BYDAY=MO", 10, Shape.OTHER),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", 10, Shape.RELATIVE_MONTHLY),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 10, Shape.RELATIVE_MONTHLY),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1", 10, Shape.RELATIVE_MONTHLY),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", 10, Shape.OTHER),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,2", 10, Shape.OTHER),
        ("FREQ=YEARLY", 10, Shape.ABSOLUTE_YEARLY),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 10, Shape.OTHER),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28", 10, Shape.ABSOLUTE_YEARLY),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=30", 10, Shape.ABSOLUTE_YEARLY),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", 10, Shape.OTHER),
        ("FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=1", 10, Shape.OTHER),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", 10, Shape.RELATIVE_YEARLY),
        ("FREQ=YEARLY;BYDAY=20MO", 10, Shape.OTHER),
        ("FREQ=YEARLY;BYWEEKNO=20", 10, Shape.OTHER),
        ("FREQ=YEARLY;BYYEARDAY=100", 10, Shape.OTHER),
        ("FREQ=HOURLY", 10, Shape.OTHER),
        ("FREQ=DAILY;BYHOUR=9,17", 10, Shape.OTHER),
    ],
)
def test_shapes(rule: str, day: int, shape: Shape) -> None:
    assert shape_of(RecurrenceRule.parse(rule), date(2026, 3, day)) is shape


def test_the_month_of_a_late_day_matters() -> None:
    yearly = RecurrenceRule.parse("FREQ=YEARLY")
    assert shape_of(yearly, date(2024, 2, 29)) is Shape.OTHER
    assert shape_of(yearly, date(2026, 1, 31)) is Shape.ABSOLUTE_YEARLY


def nine(day: int) -> Timed:
    start = Zoned(datetime(2026, 11, day, 9), "Europe/Berlin")  # noqa: DTZ001 - a wall time
    return Timed(start, Zoned.at(start.instant() + timedelta(hours=1), start.zone))


def test_expressible() -> None:
    plain = Series(Event(when=nine(23)), RecurrenceRule.parse("FREQ=WEEKLY"))
    late = Series(Event(when=nine(30)), RecurrenceRule.parse("FREQ=MONTHLY"))
    dates = Series(Event(when=nine(23)), None, (), (nine(24).start,))
    assert [expressible(series, EXCHANGE) for series in (plain, late, dates)] == [True, False, False]
    assert all(expressible(series, ANY) for series in (plain, late, dates))


@pytest.mark.parametrize("to, crossing", [(24, False), (25, True), (26, True), (23, True), (22, True)])
def test_an_override_stays_between_its_neighbours(to: int, crossing: bool) -> None:
    original = nine(24).start
    series = Series(
        Event(when=nine(23)), RecurrenceRule.parse("FREQ=DAILY"), (Override(original, Event(when=nine(to))),)
    )
    assert crosses(series) == (original if crossing else None)


def test_the_first_and_the_last_have_one_neighbour_only() -> None:
    rule = RecurrenceRule.parse("FREQ=WEEKLY;COUNT=2")
    first = Series(Event(when=nine(16)), rule, (Override(nine(16).start, Event(when=nine(2))),))
    last = Series(Event(when=nine(16)), rule, (Override(nine(23).start, Event(when=nine(30))),))
    cancelled = Series(Event(when=nine(16)), rule, (Override(nine(23).start, None),))
    assert [crosses(series) for series in (first, last, cancelled)] == [None, None, None]


def test_whole_days_cross_too() -> None:
    def day(n: int) -> AllDay:
        first = date(2026, 11, n)
        return AllDay(first, first + timedelta(days=1))

    rule = RecurrenceRule.parse("FREQ=WEEKLY")
    moved = Series(Event(when=day(16)), rule, (Override(date(2026, 11, 23), Event(when=day(29))),))
    past = Series(Event(when=day(16)), rule, (Override(date(2026, 11, 23), Event(when=day(30))),))
    far = Series(
        Event(when=day(16)),
        rule,
        (Override(date(2026, 11, 23), Event(when=AllDay(date(2031, 1, 1), date(2031, 1, 2)))),),
    )
    assert crosses(moved) is None
    assert crosses(past) == date(2026, 11, 23)
    assert crosses(far) == date(2026, 11, 23)


def days_apart(*overrides: tuple[int, date], rule: str) -> Series:
    """A series of whole days from 16 November 2026, its occurrences moved: (number of days after it, new day)."""

    def day(first: date) -> AllDay:
        return AllDay(first, first + timedelta(days=1))

    start = date(2026, 11, 16)
    moved = [Override(start + timedelta(days=after), Event(when=day(now))) for after, now in overrides]
    return Series(Event(when=day(start)), RecurrenceRule.parse(rule), tuple(moved))


def test_however_far_it_was_moved_its_neighbours_are_those_of_its_original() -> None:
    """Neighbours were looked for around the new day, so a short series had none there."""
    far = date(2029, 6, 1)
    assert crosses(days_apart((7, far), rule="FREQ=WEEKLY;COUNT=4")) == date(2026, 11, 23)
    assert crosses(days_apart((21, far), rule="FREQ=WEEKLY;COUNT=4")) is None
    before = date(2020, 6, 1)
    assert crosses(days_apart((7, before), rule="FREQ=WEEKLY;COUNT=4")) == date(2026, 11, 23)
    assert crosses(days_apart((0, before), rule="FREQ=WEEKLY;COUNT=4")) is None


def test_neighbours_may_be_years_apart() -> None:
    every_third_year = "FREQ=YEARLY;INTERVAL=3"
    third = (date(2029, 11, 16) - date(2026, 11, 16)).days
    assert crosses(days_apart((third, date(2032, 11, 15)), rule=every_third_year)) is None
    assert crosses(days_apart((third, date(2032, 11, 16)), rule=every_third_year)) == date(2029, 11, 16)


def test_two_moved_occurrences_must_not_pass_each_other() -> None:
    """Each lay between the days that the rule names, and they had changed places."""
    weekly = "FREQ=WEEKLY;COUNT=4"
    passing = days_apart((0, date(2026, 11, 22)), (7, date(2026, 11, 20)), rule=weekly)
    assert crosses(passing) == date(2026, 11, 16)
    one_day = days_apart((0, date(2026, 11, 20)), (7, date(2026, 11, 20)), rule=weekly)
    assert crosses(one_day) == date(2026, 11, 16)
    both_later = days_apart((7, date(2026, 11, 29)), (14, date(2026, 12, 1)), rule=weekly)
    assert crosses(both_later) is None


def test_without_a_neighbour_it_goes_as_far_as_it_likes() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.18 names no distance; 400 days were taken for one."""
    years_on = date(2031, 1, 1)
    assert crosses(days_apart((0, years_on), rule="FREQ=DAILY;COUNT=1")) is None
    assert crosses(days_apart((35, years_on), rule="FREQ=DAILY;INTERVAL=7;COUNT=6")) is None
    assert crosses(days_apart((0, date(1999, 1, 1)), rule="FREQ=WEEKLY")) is None


def test_neighbours_years_apart_do_not_change_places() -> None:
    """Each was moved by a year, towards the other; neighbours were looked for within 400 days."""
    second, third = ((date(year, 11, 16) - date(2026, 11, 16)).days for year in (2028, 2030))
    swapped = days_apart((second, date(2029, 12, 1)), (third, date(2029, 11, 1)), rule="FREQ=YEARLY;INTERVAL=2")
    assert crosses(swapped) == date(2028, 11, 16)
    nearer = days_apart((second, date(2029, 11, 1)), (third, date(2029, 12, 1)), rule="FREQ=YEARLY;INTERVAL=2")
    assert crosses(nearer) is None


@pytest.mark.parametrize("hour, crossing", [(6, False), (9, True)])
def test_days_are_those_of_the_series_zone(hour: int, crossing: bool) -> None:
    """At six in Tokyo it is still the day before in Berlin; the dates of an exception are the series' own."""
    tokyo = Zoned(datetime(2026, 11, 25, hour), "Asia/Tokyo")  # noqa: DTZ001 - a wall time
    moved = Override(nine(24).start, Event(when=Timed(tokyo, tokyo)))
    series = Series(Event(when=nine(23)), RecurrenceRule.parse("FREQ=DAILY"), (moved,))
    assert (crosses(series) is not None) is crossing


def test_a_cancelled_neighbour_is_still_in_the_way() -> None:
    moved, cancelled = Override(nine(24).start, Event(when=nine(25))), Override(nine(25).start, None)
    series = Series(Event(when=nine(23)), RecurrenceRule.parse("FREQ=DAILY"), (moved, cancelled))
    assert crosses(series) == nine(24).start


def test_where_neighbours_cannot_be_counted_the_move_is_not_dared() -> None:
    day = 52_000
    original = date(2026, 11, 16) + timedelta(days=day)
    every_day = "FREQ=WEEKLY;COUNT=60000;BYDAY=MO,TU,WE,TH,FR,SA,SU"
    assert crosses(days_apart((day, original), rule=every_day)) == original
