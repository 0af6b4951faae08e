"""Time zone definitions: GetServerTimeZones, and the StartTimeZone of items.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezonedefinition
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from marketplace_plugin.sandbox.ews.outlook import recurrence, times
from marketplace_plugin.sandbox.ews.soap.names import Element, add, make

YEAR = 2026
"""The year whose rules stand for all: the newest that a server knows of."""
_WEEK = 7


@dataclass(frozen=True)
class _Switch:
    """One change of the offset within the year, as a rule."""

    at: datetime
    """The wall time before the change, naive."""
    summer: bool

    @property
    def occurrence(self) -> int:
        """Which of the month's days of that name: 1 to 4, or -1 for the last."""
        last = (self.at + timedelta(days=_WEEK)).month != self.at.month
        return -1 if last else (self.at.day - 1) // _WEEK + 1


def _duration(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return ("-" if minutes < 0 else "") + f"PT{hours}H" + (f"{rest}M" if rest else "")


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@cache
def _rules(name: str) -> tuple[timedelta, timedelta, tuple[_Switch, ...]]:
    """Standard offset, greatest offset, and the switches of the year."""
    zone = times.zone_of(name)
    found, offsets = list[_Switch](), [_offset(datetime(YEAR, 1, 1, tzinfo=UTC), zone)]
    for day in (datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(365)):
        if _offset(day + timedelta(days=1), zone) == offsets[-1]:
            continue
        hours = (day + timedelta(hours=number) for number in range(1, 25))
        at = next(hour for hour in hours if _offset(hour, zone) != offsets[-1])
        offset = _offset(at, zone)
        found.append(_Switch((at + offsets[-1]).replace(tzinfo=None), offset > offsets[-1]))
        offsets.append(offset)
    return min(offsets), max(offsets), tuple(found)


def definition(tag: str, name: str, zone_id: str | None = None) -> Element:
    """A whole definition in an element ``tag``; ``zone_id`` hides the name of the zone."""
    return copy.deepcopy(_definition(tag, times.windows_name(name), zone_id))


@cache
def _definition(tag: str, name: str, zone_id: str | None) -> Element:
    low, high, switches = _rules(name)
    sign = "+" if low >= timedelta() else "-"
    shown = f"(UTC{sign}{abs(low).seconds // 3600:02}:{abs(low).seconds // 60 % 60:02}) {times.zone_of(name).key}"
    outer = make(tag, Id=zone_id or name, Name=zone_id or shown)
    periods = add(outer, "t:Periods")
    standard = f"trule:Microsoft/Registry/{name}/{YEAR}-Standard"
    daylight = f"trule:Microsoft/Registry/{name}/{YEAR}-Daylight"
    add(periods, "t:Period", Bias=_duration(-low), Name="Standard", Id=standard)
    groups = add(outer, "t:TransitionsGroups")
    group = add(groups, "t:TransitionsGroup", Id="0")
    if len(switches) == 2:
        add(periods, "t:Period", Bias=_duration(-high), Name="Daylight", Id=daylight)
        for switch in switches:
            rule = add(group, "t:RecurringDayTransition")
            add(rule, "t:To", daylight if switch.summer else standard, Kind="Period")
            since = timedelta(hours=switch.at.hour, minutes=switch.at.minute)
            add(rule, "t:TimeOffset", _duration(since))
            add(rule, "t:Month", str(switch.at.month))
            add(rule, "t:DayOfWeek", recurrence.WEEK[switch.at.weekday()])
            add(rule, "t:Occurrence", str(switch.occurrence))
    else:
        add(add(group, "t:Transition"), "t:To", standard, Kind="Period")
    add(add(add(outer, "t:Transitions"), "t:Transition"), "t:To", "0", Kind="Group")
    return outer


def short(name: str) -> Element:
    """A definition without its rules."""
    full = _definition("t:TimeZoneDefinition", times.windows_name(name), None)
    return make("t:TimeZoneDefinition", Id=str(full.get("Id")), Name=str(full.get("Name")))
