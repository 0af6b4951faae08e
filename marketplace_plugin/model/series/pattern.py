"""Outlook's recurrence patterns, which Exchange and Microsoft Graph spell in XML and JSON, to and from RFC 5545.

Sources: recurrence-patterns-and-ews, and the resources recurrencePattern and recurrenceRange of Microsoft Graph v1.0.
Days that a month does not have are clamped to its last one, where RFC 5545 skips the month. So a clamped pattern is
read as the RRULE that means the same (BYMONTHDAY=28,29,30;BYSETPOS=-1), and no rule is ever made a pattern that means
something else. What a start implies (its weekday, its day) is left out, as RFC 5545 allows.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule
from marketplace_plugin.model.series.shape import Shape, expressible, shape_of
from marketplace_plugin.model.time import Original, Zoned, day_of


class PatternKind(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    ABSOLUTE_MONTHLY = "absolute-monthly"
    RELATIVE_MONTHLY = "relative-monthly"
    ABSOLUTE_YEARLY = "absolute-yearly"
    RELATIVE_YEARLY = "relative-yearly"


RULES = frozenset(kind.value for kind in PatternKind)
"""The shapes that a pattern can say, by the names of ``Capabilities.rules``."""


class NoPattern(ValueError):
    """No pattern means this rule."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``days`` are names of ``WEEKDAYS``; ``index`` is 1 to 4, or -1 for the last. 0 and empty: plays no part."""

    kind: PatternKind
    interval: int = 1
    days: tuple[str, ...] = ()
    week_start: str = "SU"
    index: int = 0
    day_of_month: int = 0
    month: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """From ``first`` on: ``count`` times, or to the local day ``last``, or without end."""

    first: date
    count: int | None = None
    last: date | None = None


_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIRST_CLAMPED = 29
_RELATIVE = frozenset({PatternKind.RELATIVE_MONTHLY, PatternKind.RELATIVE_YEARLY})
_YEARLY = frozenset({PatternKind.ABSOLUTE_YEARLY, PatternKind.RELATIVE_YEARLY})
_FREQUENCIES = {
    PatternKind.DAILY: Frequency.DAILY,
    PatternKind.WEEKLY: Frequency.WEEKLY,
    PatternKind.ABSOLUTE_MONTHLY: Frequency.MONTHLY,
    PatternKind.RELATIVE_MONTHLY: Frequency.MONTHLY,
    PatternKind.ABSOLUTE_YEARLY: Frequency.YEARLY,
    PatternKind.RELATIVE_YEARLY: Frequency.YEARLY,
}


def rule_of(pattern: Pattern, extent: Extent, start: Original) -> RecurrenceRule:
    """The rule of a series that starts at ``start``. Raises ValueError for a pattern that is none."""
    by_day, by = _parts(pattern, day_of(start))
    weekly = pattern.kind is PatternKind.WEEKLY and pattern.interval > 1  # else the first day of the week says nothing
    return RecurrenceRule(
        freq=_FREQUENCIES[pattern.kind],
        interval=pattern.interval,
        count=extent.count,
        until=None if extent.last is None else _until(extent.last, start),
        by_day=by_day,
        by=by,
        week_start=pattern.week_start if weekly else "MO",
    )


def pattern_of(series: Series) -> tuple[Pattern, Extent]:
    """The pattern that means just the rule of ``series``. Raises NoPattern."""
    rule, start = series.rule, series.master.when.start
    if rule is None or not expressible(series, Capabilities(frozenset(), rules=RULES)):
        raise NoPattern("no pattern means this rule")
    pattern = _pattern(rule, start)
    if not _names(pattern, day_of(start)):
        raise NoPattern("the first occurrence does not follow the rule")
    if isinstance(start, Zoned) and start.fold:
        raise NoPattern("a series begins in an hour that comes twice")
    return pattern, _extent(rule, start)


# ---- reading ------------------------------------------------------------------------------------------------------


def _parts(pattern: Pattern, day: date) -> tuple[tuple[tuple[int, str], ...], tuple[tuple[str, tuple[int, ...]], ...]]:
    """BYDAY and the integer lists of a pattern."""
    by: list[tuple[str, tuple[int, ...]]] = []
    by_day: tuple[tuple[int, str], ...] = ()
    if pattern.kind in _YEARLY and (pattern.kind in _RELATIVE or pattern.month != day.month):
        by.append(("BYMONTH", (pattern.month,)))
    if pattern.kind is PatternKind.WEEKLY:
        by_day = _sorted_days(pattern.days)
        by_day = () if by_day == ((0, WEEKDAYS[day.weekday()]),) else by_day
    elif pattern.kind in _RELATIVE:
        by_day = _sorted_days(pattern.days)
        if pattern.index not in (1, 2, 3, 4, -1):
            raise ValueError(f"no index: {pattern.index}")
        if len(by_day) == 1:
            by_day = ((pattern.index, by_day[0][1]),)
        else:
            by.append(("BYSETPOS", (pattern.index,)))
    elif pattern.kind is not PatternKind.DAILY:
        by += _days_of_month(pattern.day_of_month, pattern.month if pattern.kind in _YEARLY else 0, day)
    return by_day, tuple(sorted(by))


def _sorted_days(names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    if not names or not set(names) <= set(WEEKDAYS):
        raise ValueError("no days of the week")
    return tuple((0, name) for name in WEEKDAYS if name in names)


def _days_of_month(number: int, month: int, start: date) -> list[tuple[str, tuple[int, ...]]]:
    """``month`` is 0 for every month."""
    if not 1 <= number <= 31 or not 0 <= month <= 12:
        raise ValueError(f"no day of a month: {number}")
    shortest = 28 if month in (0, 2) else _LENGTHS[month - 1]
    longest = 31 if month == 0 else _LENGTHS[month - 1]
    if number <= shortest:
        implied = number == start.day and month in (0, start.month)
        return [] if implied else [("BYMONTHDAY", (number,))]
    days = tuple(range(_FIRST_CLAMPED - 1, min(number, longest) + 1))
    return [("BYMONTHDAY", days), ("BYSETPOS", (-1,))]


def _until(last: date, start: Original) -> date | datetime:
    """The last day as RFC 5545 has it: for a timed series the instant of an occurrence on that day."""
    if isinstance(start, Zoned):
        return Zoned(datetime.combine(last, start.wall.time()), start.zone).instant()
    return last


# ---- writing ------------------------------------------------------------------------------------------------------


def _pattern(rule: RecurrenceRule, start: Original) -> Pattern:
    day, shape = day_of(start), shape_of(rule, start)
    kind, interval = PatternKind(shape.value), rule.interval
    days = tuple(name for _, name in rule.by_day) or (WEEKDAYS[day.weekday()],)
    if shape is Shape.DAILY:
        return Pattern(kind, interval)
    if shape is Shape.WEEKLY:
        return Pattern(kind, interval, days, week_start=rule.week_start if interval > 1 else "MO")
    month = (rule.part("BYMONTH") or (day.month,))[0] if kind in _YEARLY else 0
    if kind not in _RELATIVE:
        return Pattern(kind, interval, day_of_month=(rule.part("BYMONTHDAY") or (day.day,))[0], month=month)
    index = (rule.part("BYSETPOS") or (rule.by_day[0][0],))[0]
    return Pattern(kind, interval, days, index=index, month=month)


def _names(pattern: Pattern, day: date) -> bool:
    """Whether a pattern of ours means this day too; RFC 5545 counts the start in any case, Outlook does not."""
    if pattern.month not in (0, day.month) or pattern.day_of_month not in (0, day.day):
        return False
    names = pattern.days or WEEKDAYS
    if not pattern.index:
        return WEEKDAYS[day.weekday()] in names
    length = calendar.monthrange(day.year, day.month)[1]
    days = [day.replace(day=number + 1) for number in range(length)]
    named = [other for other in days if WEEKDAYS[other.weekday()] in names]
    return named[pattern.index - 1 if pattern.index > 0 else pattern.index] == day


def _extent(rule: RecurrenceRule, start: Original) -> Extent:
    first = day_of(start)
    if rule.until is None:
        return Extent(first, count=rule.count)
    last = _last_day(rule.until, start)
    if last < first:
        raise NoPattern("the series ends before it begins")
    return Extent(first, last=last)


def _last_day(until: date | datetime, start: Original) -> date:
    """The last local day on which an occurrence may begin; UNTIL is an instant, and inclusive."""
    if not isinstance(start, Zoned):
        return until.date() if isinstance(until, datetime) else until
    if not isinstance(until, datetime):
        return until
    wall = Zoned.at(until, start.zone).wall
    return wall.date() if wall.time() >= start.wall.time() else wall.date() - timedelta(days=1)
