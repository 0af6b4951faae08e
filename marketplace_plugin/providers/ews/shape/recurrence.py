"""``Recurrence`` of a calendar item, as EWS spells it. What patterns mean stands in ``model.series.pattern``.

Source: RecurrenceType in types.xsd. A yearly pattern has no interval, and groups of days have names of their own.
"""

from __future__ import annotations

from datetime import date

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.recurrence import WEEKDAYS, RecurrenceRule
from marketplace_plugin.model.series.pattern import Extent, NoPattern, Pattern, PatternKind, pattern_of
from marketplace_plugin.model.series.pattern import rule_of as meaning
from marketplace_plugin.model.time import Original
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element, make

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
    "DailyRecurrence": PatternKind.DAILY,
    "WeeklyRecurrence": PatternKind.WEEKLY,
    "AbsoluteMonthlyRecurrence": PatternKind.ABSOLUTE_MONTHLY,
    "RelativeMonthlyRecurrence": PatternKind.RELATIVE_MONTHLY,
    "AbsoluteYearlyRecurrence": PatternKind.ABSOLUTE_YEARLY,
    "RelativeYearlyRecurrence": PatternKind.RELATIVE_YEARLY,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_YEARLY = (PatternKind.ABSOLUTE_YEARLY, PatternKind.RELATIVE_YEARLY)
_RELATIVE = (PatternKind.RELATIVE_MONTHLY, PatternKind.RELATIVE_YEARLY)
_DAY_NAMES = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
_DAYS = {name: (day,) for day, name in _DAY_NAMES.items()} | {
    "Day": WEEKDAYS,
    "Weekday": WEEKDAYS[:5],
    "WeekendDay": WEEKDAYS[5:],
}
_GROUP_NAMES = {days: name for name, days in _DAYS.items()}
_INDEXES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_INDEX_NAMES = {number: name for name, number in _INDEXES.items()}


class Undecodable(Exception):
    """The item cannot be understood; becomes ``Unreadable`` with this reason."""

    def __init__(self, reason: UnreadableReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Unencodable(Exception):
    """Exchange cannot hold this."""


def rule_of(recurrence: Element, start: Original) -> RecurrenceRule:
    """The rule of a series that starts at ``start``. Raises Undecodable."""
    try:
        pattern, extent = recurrence[0], recurrence[1]
        return meaning(_pattern(pattern), _extent(extent), start)
    except (LookupError, ValueError) as error:
        raise Undecodable(UnreadableReason.UNSUPPORTED_RULE) from error


def element_of(series: Series) -> Element:
    """``t:Recurrence`` of a request. Raises Unencodable for what Exchange cannot say exactly."""
    try:
        pattern, extent = pattern_of(series)
    except NoPattern as error:
        raise Unencodable(str(error)) from error
    if pattern.kind in _YEARLY and pattern.interval != 1:
        raise Unencodable("a yearly pattern of Exchange has no interval")
    return make("t:Recurrence", _pattern_element(pattern), _extent_element(extent))


# ---- reading ------------------------------------------------------------------------------------------------------


def _pattern(element: Element) -> Pattern:
    month = _value(element, "Month")
    return Pattern(
        kind=_KINDS[xml.local(element)],
        interval=int(_value(element, "Interval") or 1),
        days=tuple(day for name in _value(element, "DaysOfWeek").split() for day in _DAYS[name]),
        week_start=_DAYS[_value(element, "FirstDayOfWeek") or "Sunday"][0],
        index=_INDEXES[_value(element, "DayOfWeekIndex")] if _value(element, "DayOfWeekIndex") else 0,
        day_of_month=int(_value(element, "DayOfMonth") or 0),
        month=_MONTHS.index(month) + 1 if month else 0,
    )


def _extent(element: Element) -> Extent:
    first = _date(element, "StartDate")
    match xml.local(element):
        case "NumberedRecurrence":
            return Extent(first, count=int(_value(element, "NumberOfOccurrences")))
        case "EndDateRecurrence":
            return Extent(first, last=_date(element, "EndDate"))
        case "NoEndRecurrence":
            return Extent(first)
        case other:
            raise ValueError(f"no range: {other}")


def _date(element: Element, name: str) -> date:
    """xs:date may carry an offset, 2026-12-18+01:00: it is a date of the series' zone all the same."""
    return date.fromisoformat(_value(element, name)[:10])


def _value(element: Element, name: str) -> str:
    return xml.text(element, f"t:{name}").strip()


# ---- writing ------------------------------------------------------------------------------------------------------


def _pattern_element(pattern: Pattern) -> Element:
    made = make(f"t:{_NAMES[pattern.kind]}")
    if pattern.kind not in _YEARLY:
        made.append(make("t:Interval", str(pattern.interval)))
    if pattern.days:
        made.append(make("t:DaysOfWeek", _days(pattern)))
    if pattern.kind is PatternKind.WEEKLY:
        made.append(make("t:FirstDayOfWeek", _DAY_NAMES[pattern.week_start]))
    if pattern.index:
        made.append(make("t:DayOfWeekIndex", _INDEX_NAMES[pattern.index]))
    if pattern.day_of_month:
        made.append(make("t:DayOfMonth", str(pattern.day_of_month)))
    if pattern.month:
        made.append(make("t:Month", _MONTHS[pattern.month - 1]))
    return made


def _days(pattern: Pattern) -> str:
    """A relative pattern takes one name only: of a day, or of a group."""
    if pattern.kind not in _RELATIVE:
        return " ".join(_DAY_NAMES[day] for day in pattern.days)
    try:
        return _GROUP_NAMES[pattern.days]
    except KeyError:
        raise Unencodable("a relative pattern names one day of the week, or one group of them") from None


def _extent_element(extent: Extent) -> Element:
    start = make("t:StartDate", extent.first.isoformat())
    if extent.count is not None:
        return make("t:NumberedRecurrence", start, make("t:NumberOfOccurrences", str(extent.count)))
    if extent.last is not None:
        return make("t:EndDateRecurrence", start, make("t:EndDate", extent.last.isoformat()))
    return make("t:NoEndRecurrence", start)
