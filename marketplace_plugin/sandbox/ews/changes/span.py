"""The times of a calendar item, as changes leave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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


def span_of(old: Span, changes: Sequence[Change], *, whole: bool = False) -> Span:
    """The times after changes; ``whole``: nothing was there before.

    Times without an offset are in their own zone. Whole days reach from midnight to midnight of
    the zones: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-create-all-day-events-by-using-ews-in-exchange

    Raises:
        EwsError: if it ends before it starts, or is longer than five years.
    """
    given = {change.path.name: change.value for change in changes if change.operation == "set"}
    for change in changes:
        if change.operation == "delete" and change.path.name in RESHAPING - {"Recurrence"}:
            raise EwsError("ErrorInvalidPropertyDelete")
    start_zone = given.get("StartTimeZone") or given.get("MeetingTimeZone") or old.start_zone
    follows = "StartTimeZone" in given or "MeetingTimeZone" in given
    end_zone = given.get("EndTimeZone") or (start_zone if follows else old.end_zone)
    start = times.parse(given["Start"], start_zone) if "Start" in given else old.start
    end = old.end
    if "End" in given:
        end = times.parse(given["End"], end_zone)
    elif whole and "Start" in given:
        end = start + (old.end - old.start)
    all_day = given["IsAllDayEvent"] == "true" if "IsAllDayEvent" in given else old.all_day
    if end < start:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if all_day:
        start, end = times.midnight_before(start, start_zone), times.midnight_after(end, end_zone)
        if end <= start:
            end = times.midnight_after(start + timedelta(hours=12), end_zone)
    if end - start > _LONGEST:
        raise EwsError("ErrorCalendarDurationIsTooLong")
    return Span(start, end, start_zone, end_zone, all_day)
