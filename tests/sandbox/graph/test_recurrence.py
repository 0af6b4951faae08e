"""The days of a rule, held against dateutil's expansion of the same rule as RFC 5545 writes it."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.sandbox.graph.outlook.time import recurrence
from tests.sandbox.graph.conftest import ZONE

Json = dict[str, Any]

COUNT = 12
starts = st.dates(date(2024, 1, 1), date(2027, 12, 31))
weekdays = st.sets(st.integers(0, 6), min_size=1)
_PLACE = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


def names(days: set[int]) -> list[str]:
    return [recurrence.WEEK[number] for number in sorted(days)]


def ours(first: date, **pattern: Any) -> list[date]:
    extent = {"type": "numbered", "startDate": first.isoformat(), "numberOfOccurrences": COUNT}
    return list(recurrence.days(recurrence.check({"pattern": pattern, "range": extent}, first, ZONE)))


def theirs(first: date, kind: Any, **options: Any) -> list[date]:
    begin = datetime.combine(first, datetime.min.time())
    return [item.date() for item in itertools.islice(rrule(kind, dtstart=begin, **options), COUNT)]


@given(starts, st.integers(1, 40))
def test_daily(first: date, interval: int) -> None:
    assert ours(first, type="daily", interval=interval) == theirs(first, DAILY, interval=interval)


@given(starts, st.integers(1, 6), weekdays, st.integers(0, 6))
def test_weekly(first: date, interval: int, days: set[int], week_start: int) -> None:
    days = days | {first.weekday()}
    found = ours(
        first,
        type="weekly",
        interval=interval,
        daysOfWeek=names(days),
        firstDayOfWeek=recurrence.WEEK[week_start],
    )
    assert found == theirs(first, WEEKLY, interval=interval, byweekday=sorted(days), wkst=week_start)


@given(starts, st.integers(1, 14))
def test_day_of_month_is_clamped(first: date, interval: int) -> None:
    last = (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    wanted = 31 if first == last else first.day
    clamped = theirs(first, MONTHLY, interval=interval, bymonthday=list(range(1, wanted + 1)), bysetpos=-1)
    assert ours(first, type="absoluteMonthly", interval=interval, dayOfMonth=wanted) == clamped


@given(starts, st.integers(1, 6), weekdays, st.sampled_from(sorted(_PLACE)))
def test_place_in_the_month(month: date, interval: int, days: set[int], place: str) -> None:
    rule = {
        "byweekday": [weekday(number) for number in sorted(days)],
        "bysetpos": _PLACE[place],
    }
    first = theirs(month.replace(day=1), MONTHLY, **rule)[0]
    found = ours(first, type="relativeMonthly", interval=interval, daysOfWeek=names(days), index=place)
    assert found == theirs(first, MONTHLY, interval=interval, **rule)


@given(starts, weekdays, st.sampled_from(sorted(_PLACE)))
def test_place_in_the_year(year: date, days: set[int], place: str) -> None:
    rule = {
        "bymonth": year.month,
        "byweekday": [weekday(number) for number in sorted(days)],
        "bysetpos": _PLACE[place],
    }
    first = theirs(date(year.year, 1, 1), YEARLY, **rule)[0]
    found = ours(first, type="relativeYearly", interval=1, daysOfWeek=names(days), index=place, month=year.month)
    assert found == theirs(first, YEARLY, **rule)


def test_the_29th_of_february_every_year() -> None:
    found = ours(date(2024, 2, 29), type="absoluteYearly", interval=1, dayOfMonth=29, month=2)
    assert found[:5] == [date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]
