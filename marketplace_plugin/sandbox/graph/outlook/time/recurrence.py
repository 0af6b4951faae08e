"""patternedRecurrence: checking it, and the days that it means.

Sources: https://learn.microsoft.com/graph/api/resources/recurrencepattern and recurrencerange;
days 29 to 31 are clamped to the last day of a short month (Exchange's DayOfMonth element).
"""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.outlook.time import times

Json = dict[str, Any]

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEXES = ("first", "second", "third", "fourth", "last")
TYPES = ("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly")
RANGES = ("endDate", "noEnd", "numbered")
_INTERVAL_LIMIT = {"daily": 999, "weekly": 99, "absoluteMonthly": 99, "relativeMonthly": 99}
OCCURRENCE_LIMIT = 999
_LAST_YEAR = 4500
_PATTERN = {"type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index"}
_RANGE = {"type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences"}
_ZERO_DATE = "0001-01-01"


def check(value: Any, first: date, zone: str) -> Json:
    """A recurrence of a request, completed as the service completes it.

    ``first`` and ``zone`` are the local date and the Windows zone of the event's start.

    Raises:
        GraphError: 400 for a wrong shape, values that the pattern does not allow, a startDate or
            a recurrenceTimeZone that is not the event's, or a range without an occurrence.
    """
    if not isinstance(value, dict) or not isinstance(value.get("pattern"), dict):
        raise errors.invalid_property()
    if not isinstance(value.get("range"), dict):
        raise errors.invalid_property()
    _only(value, {"pattern", "range"}, "patternedRecurrence")
    rule = {"pattern": _pattern(value["pattern"]), "range": _range(value["range"], zone)}
    if rule["range"]["startDate"] != first.isoformat():
        raise errors.invalid_property()
    if next(days(rule), None) != first:
        raise errors.invalid_property()
    return rule


def _only(value: Json, known: set[str], kind: str) -> None:
    unknown = sorted(name for name in set(value) - known if not name.startswith("@odata."))
    if unknown:
        raise errors.unknown_property(unknown[0], f"microsoft.graph.{kind}")


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    for name in allowed:
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    raise errors.unreadable_body(f"Requested value '{value}' was not found.")


def _number(value: Json, name: str, low: int, high: int) -> int:
    number = value.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise errors.invalid_property()
    if not low <= number <= high:
        raise errors.invalid_property()
    return number


def _pattern(value: Json) -> Json:
    _only(value, _PATTERN, "recurrencePattern")
    kind = _one_of(value.get("type"), TYPES)
    found: Json = {
        "type": kind,
        "interval": _number(value, "interval", 1, _INTERVAL_LIMIT.get(kind, 99)),
        "month": 0,
        "dayOfMonth": 0,
        "firstDayOfWeek": _one_of(value.get("firstDayOfWeek") or "sunday", WEEK),
        "index": "first",
    }
    if kind in ("weekly", "relativeMonthly", "relativeYearly"):
        names = value.get("daysOfWeek")
        if not isinstance(names, list) or not names:
            raise errors.invalid_property()
        found["daysOfWeek"] = sorted({_one_of(name, WEEK) for name in names}, key=WEEK.index)
    if kind.startswith("relative"):
        found["index"] = _one_of(value.get("index") or "first", INDEXES)
    if kind.startswith("absolute"):
        found["dayOfMonth"] = _number(value, "dayOfMonth", 1, 31)
    if kind.endswith("Yearly"):
        found["month"] = _number(value, "month", 1, 12)
    return found


def _range(value: Json, zone: str) -> Json:
    _only(value, _RANGE, "recurrenceRange")
    kind = _one_of(value.get("type"), RANGES)
    named = value.get("recurrenceTimeZone")
    if named and times.windows_name(str(named)) != zone:
        raise errors.invalid_property()
    found: Json = {
        "type": kind,
        "startDate": _date(value.get("startDate")).isoformat(),
        "endDate": _ZERO_DATE,
        "recurrenceTimeZone": zone,
        "numberOfOccurrences": 0,
    }
    if kind == "endDate":
        found["endDate"] = _date(value.get("endDate")).isoformat()
        if found["endDate"] < found["startDate"]:
            raise errors.invalid_property()
    if kind == "numbered":
        found["numberOfOccurrences"] = _number(value, "numberOfOccurrences", 1, OCCURRENCE_LIMIT)
    return found


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise errors.unreadable_body(
            f"Error converting value \"{value}\" to type 'Microsoft.OData.Edm.Date'."
        ) from error


def days(rule: Json) -> Iterator[date]:
    """The days of a checked rule in order, without regard to cancelled ones; may not end."""
    first = date.fromisoformat(rule["range"]["startDate"])
    found = (day for day in _pattern_days(rule["pattern"], first) if day >= first)
    kind = rule["range"]["type"]
    if kind == "numbered":
        return itertools.islice(found, rule["range"]["numberOfOccurrences"])
    if kind == "endDate":
        last = date.fromisoformat(rule["range"]["endDate"])
        return itertools.takewhile(lambda day: day <= last, found)
    return found


def _pattern_days(pattern: Json, first: date) -> Iterator[date]:
    kind, interval = pattern["type"], pattern["interval"]
    if kind == "daily":
        yield from _stepped(first, interval)
    elif kind == "weekly":
        yield from _weekly(pattern, first)
    else:
        step = interval * (12 if kind.endswith("Yearly") else 1)
        month = pattern["month"] or first.month
        number = first.year * 12 + month - 1
        while number // 12 < _LAST_YEAR:
            yield _in_month(pattern, number // 12, number % 12 + 1)
            number += step


def _stepped(first: date, interval: int) -> Iterator[date]:
    day = first
    while day.year < _LAST_YEAR:
        yield day
        day += timedelta(days=interval)


def _weekly(pattern: Json, first: date) -> Iterator[date]:
    back = (first.weekday() - WEEK.index(pattern["firstDayOfWeek"])) % 7
    wanted = {WEEK.index(name) for name in pattern["daysOfWeek"]}
    for week in _stepped(first - timedelta(days=back), 7 * pattern["interval"]):
        for number in range(7):
            day = week + timedelta(days=number)
            if day.weekday() in wanted:
                yield day


def _in_month(pattern: Json, year: int, month: int) -> date:
    length = calendar.monthrange(year, month)[1]
    if pattern["type"].startswith("absolute"):
        return date(year, month, min(pattern["dayOfMonth"], length))
    wanted = {WEEK.index(name) for name in pattern["daysOfWeek"]}
    found = [day for day in (date(year, month, n + 1) for n in range(length)) if day.weekday() in wanted]
    place = INDEXES.index(pattern["index"])
    return found[-1] if pattern["index"] == "last" else found[place]
