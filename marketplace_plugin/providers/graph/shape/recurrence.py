"""``patternedRecurrence``, as Microsoft Graph spells it. What patterns mean stands in ``model.series.pattern``.

Source: the resources recurrencePattern and recurrenceRange of Microsoft Graph v1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import WEEKDAYS, RecurrenceRule
from marketplace_plugin.model.series.pattern import RULES, Extent, NoPattern, Pattern, PatternKind, rule_of
from marketplace_plugin.model.series.pattern import pattern_of as said
from marketplace_plugin.model.time import Original

__all__ = ["RULES", "Undecodable", "Unencodable", "midnight", "parse", "pattern_of"]

Raw = Mapping[str, Any]

_KINDS = {
    "daily": PatternKind.DAILY,
    "weekly": PatternKind.WEEKLY,
    "absoluteMonthly": PatternKind.ABSOLUTE_MONTHLY,
    "relativeMonthly": PatternKind.RELATIVE_MONTHLY,
    "absoluteYearly": PatternKind.ABSOLUTE_YEARLY,
    "relativeYearly": PatternKind.RELATIVE_YEARLY,
}
_KIND_NAMES = {kind: name for name, kind in _KINDS.items()}
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = dict(zip(WEEKDAYS, _NAMES, strict=True))
_WEEKDAYS = dict(zip(_NAMES, WEEKDAYS, strict=True))
_INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_INDEX_NAMES = {number: name for name, number in _INDEXES.items()}
_RELATIVE = (PatternKind.RELATIVE_MONTHLY, PatternKind.RELATIVE_YEARLY)


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
        return rule_of(_pattern(recurrence["pattern"]), _extent(recurrence["range"]), start)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE) from error


def pattern_of(series: Series) -> dict[str, Any]:
    """``recurrence`` of a request. Raises Unencodable for what Graph cannot say exactly.

    Without a zone: it is the event's, and naming an older one beside a new start is refused.
    """
    try:
        pattern, extent = said(series)
    except NoPattern as error:
        raise Unencodable(str(error)) from error
    return {"pattern": _spelled(pattern), "range": _range(extent)}


def midnight(day: date) -> datetime:
    """Naive."""
    return datetime.combine(day, time())


# ---- reading ------------------------------------------------------------------------------------------------------


def _pattern(raw: Raw) -> Pattern:
    """Fields that play no part in a type come with any value."""
    kind = _KINDS[raw["type"]]
    relative, yearly = kind in _RELATIVE, raw["type"].endswith("Yearly")
    return Pattern(
        kind=kind,
        interval=int(raw["interval"]),
        days=tuple(_WEEKDAYS[name] for name in raw["daysOfWeek"]) if relative or kind is PatternKind.WEEKLY else (),
        week_start=_WEEKDAYS[raw.get("firstDayOfWeek") or "sunday"],
        index=_INDEXES[raw.get("index") or "first"] if relative else 0,  # "Default is first"
        day_of_month=int(raw["dayOfMonth"]) if raw["type"].startswith("absolute") else 0,
        month=int(raw["month"]) if yearly else 0,
    )


def _extent(raw: Raw) -> Extent:
    first = date.fromisoformat(raw["startDate"])
    if raw["type"] == "numbered":
        return Extent(first, count=int(raw["numberOfOccurrences"]))
    return Extent(first, last=date.fromisoformat(raw["endDate"]) if raw["type"] == "endDate" else None)


# ---- writing ------------------------------------------------------------------------------------------------------


def _spelled(pattern: Pattern) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _KIND_NAMES[pattern.kind], "interval": pattern.interval}
    if pattern.days:
        found["daysOfWeek"] = [_DAYS[day] for day in pattern.days]
    if pattern.kind is PatternKind.WEEKLY:
        found["firstDayOfWeek"] = _DAYS[pattern.week_start]
    if pattern.index:
        found["index"] = _INDEX_NAMES[pattern.index]
    if pattern.day_of_month:
        found["dayOfMonth"] = pattern.day_of_month
    if pattern.month:
        found["month"] = pattern.month
    return found


def _range(extent: Extent) -> dict[str, Any]:
    found: dict[str, Any] = {"startDate": extent.first.isoformat()}
    if extent.count is not None:
        return {"type": "numbered", **found, "numberOfOccurrences": extent.count}
    if extent.last is not None:
        return {"type": "endDate", **found, "endDate": extent.last.isoformat()}
    return {"type": "noEnd", **found}
