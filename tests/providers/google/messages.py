"""An event as events.list shows it, with what a test changes of it; and what it is understood as."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import (
    Event,
    Series,
)
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.providers.google.shape import decode
from marketplace_plugin.providers.google.shape.decode import Calendar

Json = dict[str, Any]
OWN = Calendar("anna@example.org", Role.OWNER, "Europe/Berlin")
BERLIN = "Europe/Berlin"


def raw(**more: Any) -> Json:
    """A timed event of an hour in Berlin, as events.list shows it to its owner."""
    body: Json = {
        "id": "abc",
        "etag": '"1"',
        "status": "confirmed",
        "updated": "2026-11-18T09:30:00.123Z",
        "iCalUID": "abc@google.com",
        "eventType": "default",
        "summary": "Title",
        "organizer": {"email": "anna@example.org", "self": True},
        "start": {"dateTime": "2026-11-21T10:00:00+01:00", "timeZone": BERLIN},
        "end": {"dateTime": "2026-11-21T11:00:00+01:00", "timeZone": BERLIN},
        "reminders": {"useDefault": True},
    }
    return {name: value for name, value in (body | more).items() if value is not None}


def event(calendar: Calendar = OWN, **more: Any) -> Event:
    item = decode.single(raw(**more), calendar).item
    assert isinstance(item, Event)
    return item


def series(exceptions: list[Json] | None = None, calendar: Calendar = OWN, **more: Any) -> Series:
    item = decode.series(raw(**more), exceptions or [], calendar).item
    assert isinstance(item, Series)
    return item


def exception(original: Json, **more: Any) -> Json:
    return raw(id="abc_x", etag='"7"', recurringEventId="abc", originalStartTime=original, **more)


def wall(text: str, zone: str = BERLIN) -> Zoned:
    return Zoned(datetime.fromisoformat(text), zone)


def span(start: str, end: str) -> Timed:
    return Timed(wall(start), wall(end))
