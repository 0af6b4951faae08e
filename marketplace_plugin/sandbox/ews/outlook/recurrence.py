"""Recurrence: checking it, and the days that it means.

Days 29 to 31 are clamped to the last day of a short month:
https://learn.microsoft.com/exchange/client-developer/web-service-reference/dayofmonth
"""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from marketplace_plugin.sandbox.ews.items import Recurrence
from marketplace_plugin.sandbox.ews.soap.errors import EwsError

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
INDEXES = ("First", "Second", "Third", "Fourth", "Last")
GROUPS = {"Day": WEEK, "Weekday": WEEK[:5], "WeekendDay": WEEK[5:]}
"""The days that stand for several: the first (or last) of them in the month counts."""
OCCURRENCE_LIMIT = 999
_LAST_YEAR = 4500


def check(value: Recurrence) -> Recurrence:
    """A recurrence as it is kept: with the first day that the pattern has at or after ``first``.

    Raises:
        EwsError: for values that the pattern does not allow, or a rule without any occurrence.
    """
    interval = int(value.values.get("Interval", "1"))
    limit = 999 if value.pattern == "DailyRecurrence" else 99
    day = int(value.values.get("DayOfMonth", "1"))
    if not (1 <= interval <= limit and 1 <= day <= 31):
        raise EwsError("ErrorCalendarInvalidRecurrence")
    if value.count is not None and not 1 <= value.count <= OCCURRENCE_LIMIT:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    if value.until is not None and value.until < value.first:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if next(days(value), None) is None:
        raise EwsError("ErrorRecurrenceHasNoOccurrence")
    return value


def days(value: Recurrence) -> Iterator[date]:
    """The local days of all occurrences, deleted ones too, in order."""
    for day in itertools.islice(_endless(value), value.count):
        if value.until is not None and day > value.until:
            return
        yield day


def index_of(value: Recurrence, wanted: date) -> int | None:
    """The place (from 1) of a day among the occurrences; None if it has none there."""
    for number, day in enumerate(days(value), start=1):
        if day == wanted:
            return number
        if day > wanted:
            return None
    return None


def last(value: Recurrence) -> date | None:
    """The day of the last occurrence; None for a rule without end."""
    if value.until is None and value.count is None:
        return None
    found = None
    for found in days(value):  # noqa: B007  # the last one is wanted
        pass
    return found


def _endless(value: Recurrence) -> Iterator[date]:
    make: Callable[[Recurrence], Iterator[date]] = {
        "DailyRecurrence": _daily,
        "WeeklyRecurrence": _weekly,
        "AbsoluteMonthlyRecurrence": _monthly,
        "RelativeMonthlyRecurrence": _monthly,
        "AbsoluteYearlyRecurrence": _yearly,
        "RelativeYearlyRecurrence": _yearly,
    }.get(value.pattern, _daily)
    for day in make(value):
        if day.year > _LAST_YEAR:
            return
        if day >= value.first:
            yield day


def _daily(value: Recurrence) -> Iterator[date]:
    step = timedelta(days=int(value.values.get("Interval", "1")))
    day = value.first
    while True:
        yield day
        day += step


def _weekly(value: Recurrence) -> Iterator[date]:
    wanted = {WEEK.index(name) for part in value.values["DaysOfWeek"].split() for name in GROUPS.get(part, (part,))}
    begin = WEEK.index(value.values.get("FirstDayOfWeek", "Sunday"))
    week = value.first - timedelta(days=(value.first.weekday() - begin) % 7)
    while True:
        for offset in range(7):
            day = week + timedelta(days=offset)
            if day.weekday() in wanted:
                yield day
        week += timedelta(weeks=int(value.values.get("Interval", "1")))


def _monthly(value: Recurrence) -> Iterator[date]:
    start = value.first.year * 12 + value.first.month - 1
    for month in itertools.count(start, int(value.values.get("Interval", "1"))):
        yield _in_month(value, month // 12, month % 12 + 1)


def _yearly(value: Recurrence) -> Iterator[date]:
    month = MONTHS.index(value.values["Month"]) + 1
    for year in itertools.count(value.first.year):
        yield _in_month(value, year, month)


def _in_month(value: Recurrence, year: int, month: int) -> date:
    length = calendar.monthrange(year, month)[1]
    if "DayOfMonth" in value.values:
        return date(year, month, min(int(value.values["DayOfMonth"]), length))
    names = value.values["DaysOfWeek"].split()
    wanted = {WEEK.index(name) for part in names for name in GROUPS.get(part, (part,))}
    found = [date(year, month, day) for day in range(1, length + 1) if date(year, month, day).weekday() in wanted]
    place = INDEXES.index(value.values["DayOfWeekIndex"])
    return found[-1] if place == len(INDEXES) - 1 else found[place]
