"""``patternedRecurrence`` to and from RFC 5545.

Sources: the resources recurrencePattern and recurrenceRange of Microsoft Graph v1.0, and Exchange's DayOfMonth: days
that a month does not have are clamped to its last one, where RFC 5545 skips the month. So a clamped pattern is read as
the RRULE that means the same (BYMONTHDAY=28,29,30;BYSETPOS=-1), and no rule is ever written as a pattern that means
something else. What a start implies (its weekday, its day) is left out, as RFC 5545 allows.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import WEEKDAYS, Frequency, RecurrenceRule
from marketplace_plugin.model.series.shape import Shape, expressible, shape_of
from marketplace_plugin.model.time import Original, Zoned

Raw = Mapping[str, Any]

RULES = frozenset(
    shape.value
    for shape in (
        Shape.DAILY,
        Shape.WEEKLY,
        Shape.ABSOLUTE_MONTHLY,
        Shape.RELATIVE_MONTHLY,
        Shape.ABSOLUTE_YEARLY,
        Shape.RELATIVE_YEARLY,
    )
)
"""The shapes that Graph can say, by the names of ``Capabilities.rules``."""

_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = dict(zip(WEEKDAYS, _NAMES, strict=True))
_WEEKDAYS = dict(zip(_NAMES, WEEKDAYS, strict=True))
_INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_INDEX_NAMES = {number: name for name, number in _INDEXES.items()}
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIRST_CLAMPED = 29
_FREQUENCIES = {
    "daily": Frequency.DAILY,
    "weekly": Frequency.WEEKLY,
    "absoluteMonthly": Frequency.MONTHLY,
    "relativeMonthly": Frequency.MONTHLY,
    "absoluteYearly": Frequency.YEARLY,
    "relativeYearly": Frequency.YEARLY,
}


class Undecodable(Exception):
    """The item cannot be understood; becomes ``Unreadable`` with this reason."""

    def __init__(self, reason: UnreadableReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Unencodable(Exception):
    """Graph cannot hold this."""


def parse(recurrence: Raw, start: Original) -> RecurrenceRule:
    """The rule of a series that starts at ``start``. Raises Undecodable."""
    try:
        pattern, extent = recurrence["pattern"], recurrence["range"]
        by_day, by = _parts(pattern, start)
        interval = int(pattern["interval"])
        weekly = pattern["type"] == "weekly" and interval > 1  # else the first day of the week decides nothing
        return RecurrenceRule(
            freq=_FREQUENCIES[pattern["type"]],
            interval=interval,
            count=int(extent["numberOfOccurrences"]) if extent["type"] == "numbered" else None,
            until=_until(date.fromisoformat(extent["endDate"]), start) if extent["type"] == "endDate" else None,
            by_day=by_day,
            by=by,
            week_start=_WEEKDAYS[pattern.get("firstDayOfWeek") or "sunday"] if weekly else "MO",
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE) from error


def pattern_of(series: Series) -> dict[str, Any]:
    """``recurrence`` of a request. Raises Unencodable for what Graph cannot say exactly."""
    rule, start = series.rule, series.master.when.start
    if rule is None or not expressible(series, Capabilities(frozenset(), rules=RULES)):
        raise Unencodable("no pattern means this rule")
    pattern = _pattern(rule, start)
    if not _names(pattern, _day(start)):
        raise Unencodable("the first occurrence does not follow the rule")
    if isinstance(start, Zoned) and start.fold:
        raise Unencodable("a series begins in an hour that comes twice")
    return {"pattern": pattern, "range": _range(rule, start)}


# ---- reading ------------------------------------------------------------------------------------------------------


def _parts(
    pattern: Raw, start: Original
) -> tuple[tuple[tuple[int, str], ...], tuple[tuple[str, tuple[int, ...]], ...]]:
    """BYDAY and the integer lists of a pattern."""
    kind, day = pattern["type"], _day(start)
    by: list[tuple[str, tuple[int, ...]]] = []
    by_day: tuple[tuple[int, str], ...] = ()
    if kind.endswith("Yearly") and (kind.startswith("relative") or int(pattern["month"]) != day.month):
        by.append(("BYMONTH", (int(pattern["month"]),)))
    if kind == "weekly":
        by_day = _sorted_days(pattern["daysOfWeek"])
        by_day = () if by_day == ((0, WEEKDAYS[day.weekday()]),) else by_day
    elif kind.startswith("relative"):
        position, by_day = _INDEXES[pattern["index"]], _sorted_days(pattern["daysOfWeek"])
        if len(by_day) == 1:
            by_day = ((position, by_day[0][1]),)
        else:
            by.append(("BYSETPOS", (position,)))
    elif kind.startswith("absolute"):
        month = int(pattern["month"]) if kind.endswith("Yearly") else 0
        by += _days_of_month(int(pattern["dayOfMonth"]), month, day)
    return by_day, tuple(sorted(by))


def _sorted_days(names: Any) -> tuple[tuple[int, str], ...]:
    days = {_WEEKDAYS[name] for name in names}
    if not days:
        raise ValueError("no days of the week")
    return tuple((0, name) for name in WEEKDAYS if name in days)


def _days_of_month(number: int, month: int, start: date) -> list[tuple[str, tuple[int, ...]]]:
    """``month`` is 0 for every month."""
    if not 1 <= number <= 31:
        raise ValueError(f"no day of a month: {number}")
    shortest = 28 if month in (0, 2) else _LENGTHS[month - 1]
    longest = 31 if month == 0 else _LENGTHS[month - 1]
    if number <= shortest:
        implied = number == start.day and (month in (0, start.month))
        return [] if implied else [("BYMONTHDAY", (number,))]
    days = tuple(range(_FIRST_CLAMPED - 1, min(number, longest) + 1))
    return [("BYMONTHDAY", days), ("BYSETPOS", (-1,))]


def _until(last: date, start: Original) -> date | datetime:
    """The last day as RFC 5545 has it: for a timed series the instant of an occurrence on that day."""
    if isinstance(start, Zoned):
        return Zoned(datetime.combine(last, start.wall.time()), start.zone).instant()
    return last


def _day(start: Original) -> date:
    return start.wall.date() if isinstance(start, Zoned) else start


# ---- writing ------------------------------------------------------------------------------------------------------


def _pattern(rule: RecurrenceRule, start: Original) -> dict[str, Any]:
    day, shape = _day(start), shape_of(rule, start)
    found: dict[str, Any] = {"interval": rule.interval}
    days = [_DAYS[name] for _, name in rule.by_day] or [_NAMES[day.weekday()]]
    if shape is Shape.DAILY:
        return {"type": "daily", **found}
    if shape is Shape.WEEKLY:
        return {"type": "weekly", **found, "daysOfWeek": days, "firstDayOfWeek": _DAYS[rule.week_start]}
    yearly = shape in (Shape.ABSOLUTE_YEARLY, Shape.RELATIVE_YEARLY)
    if yearly:
        found["month"] = (rule.part("BYMONTH") or (day.month,))[0]
    kind = "Yearly" if yearly else "Monthly"
    if shape in (Shape.ABSOLUTE_MONTHLY, Shape.ABSOLUTE_YEARLY):
        return {"type": f"absolute{kind}", **found, "dayOfMonth": (rule.part("BYMONTHDAY") or (day.day,))[0]}
    position = (rule.part("BYSETPOS") or (rule.by_day[0][0],))[0]
    return {"type": f"relative{kind}", **found, "daysOfWeek": days, "index": _INDEX_NAMES[position]}


def _names(pattern: Raw, day: date) -> bool:
    """Whether a pattern of ours means this day too; RFC 5545 counts the start in any case, Graph does not."""
    if pattern.get("month", day.month) != day.month or pattern.get("dayOfMonth", day.day) != day.day:
        return False
    names = pattern.get("daysOfWeek", _NAMES)
    if "index" not in pattern:
        return _NAMES[day.weekday()] in names
    length = calendar.monthrange(day.year, day.month)[1]
    days = [day.replace(day=number + 1) for number in range(length)]
    named = [other for other in days if _NAMES[other.weekday()] in names]
    number = _INDEXES[pattern["index"]]
    return named[number - 1 if number > 0 else number] == day


def _range(rule: RecurrenceRule, start: Original) -> dict[str, Any]:
    """Without a zone: it is the event's, and naming an older one beside a new start is refused."""
    first = _day(start)
    found: dict[str, Any] = {"startDate": first.isoformat()}
    if rule.count is not None:
        return {"type": "numbered", **found, "numberOfOccurrences": rule.count}
    if rule.until is None:
        return {"type": "noEnd", **found}
    last = _last_day(rule.until, start)
    if last < first:
        raise Unencodable("the series ends before it begins")
    return {"type": "endDate", **found, "endDate": last.isoformat()}


def _last_day(until: date | datetime, start: Original) -> date:
    """The last local day on which an occurrence may begin; UNTIL is an instant, and inclusive."""
    if not isinstance(start, Zoned):
        return until.date() if isinstance(until, datetime) else until
    if not isinstance(until, datetime):
        return until
    wall = Zoned.at(until.astimezone(UTC), start.zone).wall
    return wall.date() if wall.time() >= start.wall.time() else wall.date() - timedelta(days=1)


def midnight(day: date) -> datetime:
    """Naive."""
    return datetime.combine(day, time())
