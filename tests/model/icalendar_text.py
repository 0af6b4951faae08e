"""Series as iCalendar text, for the oracles: what they are told is the standard's form, not ours."""

from __future__ import annotations

from datetime import date

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import Original, Zoned


def calendar(series: Series) -> str:
    """A VCALENDAR with the master and its changed occurrences; cancelled ones are EXDATEs."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    lines += _event(series.master, series)
    for override in series.overrides:
        if override.event is not None:
            lines += _event(override.event, None, override.original)
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _event(event: Event, series: Series | None, original: Original | None = None) -> list[str]:
    lines = ["BEGIN:VEVENT", "UID:series@tests.example", "DTSTAMP:20260101T000000Z", f"SUMMARY:{event.title}"]
    lines += [_time("DTSTART", event.when.start), _time("DTEND", event.when.end)]
    if original is not None:
        lines.append(_time("RECURRENCE-ID", original))
    if series is not None:
        if series.rule is not None:
            lines.append(f"RRULE:{series.rule}")
        lines += [_time("EXDATE", o.original) for o in series.overrides if o.event is None]
        lines += [_time("RDATE", original) for original in series.rdates]
    return [*lines, "END:VEVENT"]


def _time(name: str, at: date | Zoned) -> str:
    if isinstance(at, Zoned):
        zone = "Etc/UTC" if at.zone == "UTC" else at.zone  # ical does not match a RECURRENCE-ID that ends in Z
        return f"{name};TZID={zone}:{at.wall:%Y%m%dT%H%M%S}"
    return f"{name};VALUE=DATE:{at:%Y%m%d}"
