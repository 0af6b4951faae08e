"""The times of a calendar item, as changes leave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.sandbox.ews.outlook import times
from marketplace_plugin.sandbox.ews.soap.errors import EwsError
from marketplace_plugin.sandbox.ews.wire.reading import Change

RESHAPING = frozenset(
    ["Start", "End", "IsAllDayEvent", "StartTimeZone", "EndTimeZone", "MeetingTimeZone", "Recurrence"]
)
"""What a series cannot change without forgetting its exceptions."""
_LONGEST = timedelta(days=5 * 366)


@dataclass(frozen=True)
class Span:
    """Two instants, the end exclusive, and the zones whose wall times they are."""

    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    all_day: bool


def span_of(old: Span, changes: Sequence[Change], context: str, *, whole: bool = False) -> Span:
    """The times after changes; ``whole``: nothing was there before.

    A time without an offset is of the zone that comes with it, else of ``context``, the request's
    zone: an End is not of the StartTimeZone. Updates are made in their order; a new zone keeps the
    wall times. Whole days reach from midnight to midnight of the zones. Sources:
    https://learn.microsoft.com/exchange/client-developer/exchange-web-services/time-zones-and-ews-in-exchange,
    how-to-update-the-time-zone-for-an-appointment-by-using-ews-in-exchange and
    how-to-create-all-day-events-by-using-ews-in-exchange

    Raises:
        EwsError: if it ends before it starts, or is longer than five years.
    """
    for change in changes:
        if change.operation == "delete" and change.path.name in RESHAPING - {"Recurrence"}:
            raise EwsError("ErrorInvalidPropertyDelete")
    given = [(change.path.name, change.value) for change in changes if change.operation == "set"]
    names = dict(given)
    all_day = names["IsAllDayEvent"] == "true" if "IsAllDayEvent" in names else old.all_day
    if whole:
        return _checked(replace(_created(old, names, context), all_day=all_day))
    start, start_zone = _moved(old.start, old.start_zone, given, ("Start", "StartTimeZone"), context)
    end, end_zone = _moved(old.end, old.end_zone, given, ("End", "EndTimeZone"), context)
    return _checked(Span(start, end, start_zone, end_zone, all_day))


def _created(old: Span, given: dict[str, str], context: str) -> Span:
    """The times of a new item, in whose element the zones stand behind the times."""
    start_given = given.get("StartTimeZone") or given.get("MeetingTimeZone")
    end_given = given.get("EndTimeZone") or given.get("MeetingTimeZone")
    start = times.parse(given["Start"], start_given or context) if "Start" in given else old.start
    end = times.parse(given["End"], end_given or context) if "End" in given else start + (old.end - old.start)
    start_zone = start_given or context
    return Span(start, end, start_zone, end_given or start_zone, old.all_day)


def _moved(
    moment: datetime, zone: str, given: list[tuple[str, Any]], names: tuple[str, str], context: str
) -> tuple[datetime, str]:
    """One edge after the updates in their order, and its zone.

    A zone that follows a time takes over the wall time as it was written, whatever its offset.
    """
    written: datetime | None = None
    new: str | None = None
    for name, value in given:
        if name == names[0]:
            moment, written = times.parse(value, new or context), times.as_written(value)
        elif name in (names[1], "MeetingTimeZone"):
            new = str(value)
            moment = _same_wall(moment, zone, new) if written is None else _at(written, new)
            zone = new
    return moment, zone


def _at(wall: datetime, zone: str) -> datetime:
    return times.instant(wall.date(), wall.time(), zone)


def _same_wall(moment: datetime, old: str, new: str) -> datetime:
    if old == new:
        return moment
    return _at(times.wall(moment, old), new)


def _checked(span: Span) -> Span:
    start, end = span.start, span.end
    if end < start:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if span.all_day:
        start, end = times.midnight_before(start, span.start_zone), times.midnight_after(end, span.end_zone)
        if end <= start:
            end = times.midnight_after(start + timedelta(hours=12), span.end_zone)
    if end - start > _LONGEST:
        raise EwsError("ErrorCalendarDurationIsTooLong")
    return replace(span, start=start, end=end)
