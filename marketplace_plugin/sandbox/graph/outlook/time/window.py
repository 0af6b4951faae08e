"""A calendar view: what of a calendar is in a window of time."""

from __future__ import annotations

from datetime import datetime

from marketplace_plugin.sandbox.graph.outlook.access import Found, Seen
from marketplace_plugin.sandbox.graph.outlook.time import series, times
from marketplace_plugin.sandbox.graph.state import Event


def items(seen: Seen, begin: datetime, until: datetime) -> list[Found]:
    """Single events, occurrences and exceptions in the window [begin, until), by start; no masters."""
    found = [item for event in seen.calendar.events.values() for item in expanded(seen, event, begin, until)]
    return sorted(found, key=starts)


def expanded(seen: Seen, event: Event, begin: datetime, until: datetime) -> list[Found]:
    """A single event if it is in the window, or those occurrences of a series that are."""
    if event.recurrence is None:
        return [Found(seen, event)] if series.overlaps(event, begin, until) else []
    return [Found(seen, event, item) for item in series.between(event, begin, until)]


def starts(found: Found) -> datetime:
    """When it begins, as an instant."""
    item = found.event if found.occurrence is None else found.occurrence
    return times.instant(item.start, item.zone)


def ends(found: Found) -> datetime:
    """When it ends, as an instant."""
    item = found.event if found.occurrence is None else found.occurrence
    return times.instant(item.end, item.end_zone)
