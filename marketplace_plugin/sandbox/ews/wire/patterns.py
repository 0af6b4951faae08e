"""Recurrence elements, read and written.

Source: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/recurrence-patterns-and-ews
"""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.items import Kind, Recurrence
from marketplace_plugin.sandbox.ews.outlook import recurrence, times
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, children, full, local

_PATTERNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "RelativeYearlyRecurrence": (("DaysOfWeek", "DayOfWeekIndex", "Month"), ()),
    "AbsoluteYearlyRecurrence": (("DayOfMonth", "Month"), ()),
    "RelativeMonthlyRecurrence": (("Interval", "DaysOfWeek", "DayOfWeekIndex"), ()),
    "AbsoluteMonthlyRecurrence": (("Interval", "DayOfMonth"), ()),
    "WeeklyRecurrence": (("Interval", "DaysOfWeek"), ("FirstDayOfWeek",)),
    "DailyRecurrence": (("Interval",), ()),
}
"""Pattern -> children that must be there, in this order, and those that may follow."""
_REGENERATIONS = ("DailyRegeneration", "WeeklyRegeneration", "MonthlyRegeneration", "YearlyRegeneration")
_RANGES = {
    "NoEndRecurrence": ("StartDate",),
    "EndDateRecurrence": ("StartDate", "EndDate"),
    "NumberedRecurrence": ("StartDate", "NumberOfOccurrences"),
}


def read_recurrence(element: Element, kind: Kind) -> Recurrence:
    """The Recurrence of a calendar item or a task; the calendar's is checked.

    Raises:
        SoapFault: for what the schema does not allow.
        EwsError: for values that Exchange does not allow.
    """
    parts = children(element)
    if len(parts) != 2:
        raise errors.invalid_schema("The element 'Recurrence' has incomplete content.")
    pattern, values = _pattern(parts[0], kind)
    name = local(parts[1])
    given = [local(child) for child in children(parts[1])]
    if name not in _RANGES or tuple(given) != _RANGES[name]:
        raise errors.invalid_schema(f"The element 'Recurrence' has invalid child element '{name}'.")
    texts = {local(child): child.text or "" for child in children(parts[1])}
    count = texts.get("NumberOfOccurrences")
    if count is not None and not count.isdecimal():
        raise errors.invalid_schema(f"The value '{count}' is invalid for NumberOfOccurrences.")
    found = Recurrence(
        pattern,
        values,
        times.parse_date(texts["StartDate"]),
        times.parse_date(texts["EndDate"]) if "EndDate" in texts else None,
        None if count is None else int(count),
    )
    return found if kind == "Task" else recurrence.check(found)


def _pattern(element: Element, kind: Kind) -> tuple[str, dict[str, str]]:
    name = local(element)
    needed: tuple[str, ...]
    more: tuple[str, ...]
    if kind == "Task" and name in _REGENERATIONS:
        needed, more = ("Interval",), ("FirstDayOfWeek",)
    elif name in _PATTERNS and element.tag == full(f"t:{name}"):
        needed, more = _PATTERNS[name]
    else:
        raise errors.invalid_schema(f"The element 'Recurrence' has invalid child element '{name}'.")
    given = tuple(local(child) for child in children(element))
    if given[: len(needed)] != needed or given[len(needed) :] not in ((), more):
        raise errors.invalid_schema(f"The element '{name}' has invalid content.")
    values = {local(child): child.text or "" for child in children(element)}
    for key, value in values.items():
        if not _allowed(name, key, value):
            raise errors.invalid_schema(f"The '{key}' element is invalid - The value '{value}' is invalid.")
    if name == "WeeklyRecurrence":
        values.setdefault("FirstDayOfWeek", "Sunday")
    return name, values


def _allowed(pattern: str, key: str, value: str) -> bool:
    if key in ("Interval", "DayOfMonth"):
        return value.isdecimal()
    if key == "DayOfWeekIndex":
        return value in recurrence.INDEXES
    if key == "Month":
        return value in recurrence.MONTHS
    days = value.split()
    known = recurrence.WEEK + tuple(recurrence.GROUPS)
    several = pattern == "WeeklyRecurrence" and key == "DaysOfWeek"
    return bool(days) and all(day in known for day in days) and (several or len(days) == 1)


def write_recurrence(parent: Element, value: Recurrence, zone: str) -> None:
    """Add the Recurrence element; the range's dates come with the zone's offset."""
    outer = add(parent, "t:Recurrence")
    pattern = add(outer, f"t:{value.pattern}")
    for name, content in value.values.items():
        add(pattern, f"t:{name}", content)
    if value.until is not None:
        kind = "EndDateRecurrence"
    else:
        kind = "NoEndRecurrence" if value.count is None else "NumberedRecurrence"
    extent = add(outer, f"t:{kind}")
    add(extent, "t:StartDate", times.render_date(value.first, zone))
    if value.until is not None:
        add(extent, "t:EndDate", times.render_date(value.until, zone))
    if value.count is not None:
        add(extent, "t:NumberOfOccurrences", str(value.count))
