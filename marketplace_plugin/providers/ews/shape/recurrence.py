"""``Recurrence`` of a calendar item to and from RFC 5545.

Source: recurrence-patterns-and-ews. Microsoft Graph's ``patternedRecurrence`` is the same thing in JSON, with clamped
days of the month and last days as local dates; so what a pattern means is said once, in ``providers.graph``, and here
stands how EWS spells it. What differs: a yearly pattern has no interval, and groups of days have names of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Original
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element, make
from marketplace_plugin.providers.graph.shape.recurrence import RULES, Undecodable, Unencodable, parse, pattern_of

__all__ = ["RULES", "Undecodable", "Unencodable", "element_of", "rule_of"]

_MONTHS = (
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
_KINDS = {
    "DailyRecurrence": "daily",
    "WeeklyRecurrence": "weekly",
    "AbsoluteMonthlyRecurrence": "absoluteMonthly",
    "RelativeMonthlyRecurrence": "relativeMonthly",
    "AbsoluteYearlyRecurrence": "absoluteYearly",
    "RelativeYearlyRecurrence": "relativeYearly",
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"Day": _WEEK, "Weekday": _WEEK[:5], "WeekendDay": _WEEK[5:]}
_GROUP_NAMES = {days: name for name, days in _GROUPS.items()}


def rule_of(recurrence: Element, start: Original) -> RecurrenceRule:
    """The rule of a series that starts at ``start``. Raises Undecodable."""
    try:
        pattern, extent = recurrence[0], recurrence[1]
        spelled = {"pattern": _pattern(pattern), "range": _range(extent)}
    except (LookupError, ValueError) as error:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE) from error
    return parse(spelled, start)


def element_of(series: Series) -> Element:
    """``t:Recurrence`` of a request. Raises Unencodable for what Exchange cannot say exactly."""
    spelled = pattern_of(series)
    pattern, extent = spelled["pattern"], spelled["range"]
    if pattern["type"].endswith("Yearly") and pattern["interval"] != 1:
        raise Unencodable("a yearly pattern of Exchange has no interval")
    return make("t:Recurrence", _pattern_element(pattern), _range_element(extent))


# ---- reading ------------------------------------------------------------------------------------------------------


def _pattern(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _KINDS[xml.local(element)], "interval": int(_value(element, "Interval") or 1)}
    if days := _value(element, "DaysOfWeek"):
        found["daysOfWeek"] = [day for name in days.split() for day in _GROUPS.get(name, (name.lower(),))]
    if first := _value(element, "FirstDayOfWeek"):
        found["firstDayOfWeek"] = first.lower()
    if index := _value(element, "DayOfWeekIndex"):
        found["index"] = index.lower()
    if day := _value(element, "DayOfMonth"):
        found["dayOfMonth"] = int(day)
    if month := _value(element, "Month"):
        found["month"] = _MONTHS.index(month) + 1
    return found


def _range(element: Element) -> dict[str, Any]:
    match xml.local(element):
        case "NumberedRecurrence":
            return {"type": "numbered", "numberOfOccurrences": _value(element, "NumberOfOccurrences")}
        case "EndDateRecurrence":
            # xs:date may carry an offset, 2026-12-18Z; it is a date of the series' zone all the same.
            return {"type": "endDate", "endDate": date.fromisoformat(_value(element, "EndDate")[:10]).isoformat()}
        case "NoEndRecurrence":
            return {"type": "noEnd"}
        case other:
            raise ValueError(f"no range: {other}")


def _value(element: Element, name: str) -> str:
    return xml.text(element, f"t:{name}").strip()


# ---- writing ------------------------------------------------------------------------------------------------------


def _pattern_element(pattern: Mapping[str, Any]) -> Element:
    kind = pattern["type"]
    made = make(f"t:{_NAMES[kind]}")
    if not kind.endswith("Yearly"):
        made.append(make("t:Interval", str(pattern["interval"])))
    if "daysOfWeek" in pattern:
        made.append(make("t:DaysOfWeek", _days(pattern["daysOfWeek"], one_name=kind.startswith("relative"))))
    if "firstDayOfWeek" in pattern:
        made.append(make("t:FirstDayOfWeek", pattern["firstDayOfWeek"].capitalize()))
    if "index" in pattern:
        made.append(make("t:DayOfWeekIndex", pattern["index"].capitalize()))
    if "dayOfMonth" in pattern:
        made.append(make("t:DayOfMonth", str(pattern["dayOfMonth"])))
    if "month" in pattern:
        made.append(make("t:Month", _MONTHS[pattern["month"] - 1]))
    return made


def _days(names: list[str], *, one_name: bool) -> str:
    """A relative pattern takes one name only: of a day, or of a group."""
    group = _GROUP_NAMES.get(tuple(sorted(names, key=_WEEK.index)))
    if one_name and group is not None:
        return group
    if one_name and len(names) != 1:
        raise Unencodable("a relative pattern names one day of the week, or one group of them")
    return " ".join(name.capitalize() for name in names)


def _range_element(extent: Mapping[str, Any]) -> Element:
    start = make("t:StartDate", extent["startDate"])
    match extent["type"]:
        case "numbered":
            number = make("t:NumberOfOccurrences", str(extent["numberOfOccurrences"]))
            return make("t:NumberedRecurrence", start, number)
        case "endDate":
            return make("t:EndDateRecurrence", start, make("t:EndDate", extent["endDate"]))
        case _:
            return make("t:NoEndRecurrence", start)
