"""Events and rules as Graph tells them, and the calendars that they lie in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import Calendar, Whole

Json = dict[str, Any]

BERLIN, WINDOWS = "Europe/Berlin", "W. Europe Standard Time"
OWN = Calendar("own", Role.OWNER, shared=False, private=True)
READ = Calendar("read", Role.READER, shared=True, private=False)
BUSY = Calendar("busy", Role.FREE_BUSY, shared=True, private=False)
DELEGATE = Calendar("delegate", Role.MASKED_WRITER, shared=True, private=False)


def utc(text: str) -> Json:
    return {"dateTime": f"{text}.0000000", "timeZone": "UTC"}


def raw(**more: Any) -> Json:
    """Nine to ten in Berlin, in winter."""
    return {
        "@odata.etag": 'W/"one"',
        "id": "AAk=",
        "subject": "Runde",
        "body": {"contentType": "text", "content": "eins\r\nzwei\r\n"},
        "location": {"displayName": "Raum 4"},
        "start": utc("2026-11-23T08:00:00"),
        "end": utc("2026-11-23T09:00:00"),
        "originalStartTimeZone": WINDOWS,
        "originalEndTimeZone": WINDOWS,
        "isAllDay": False,
        "isOrganizer": True,
        "isCancelled": False,
        "showAs": "oof",
        "sensitivity": "normal",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "organizer": {"emailAddress": {"address": "Anna@example.org", "name": "Anna"}},
        "attendees": [],
        "responseStatus": {"response": "organizer"},
        "iCalUId": "0400",
        "lastModifiedDateTime": "2026-11-20T08:00:00.1234567Z",
        "webLink": "https://outlook.example/1",
        **more,
    }


def rule(kind: str, start: str = "2026-11-23", end: str | int | None = None, **pattern: Any) -> Json:
    extent: Json = {"type": "noEnd", "startDate": start, "endDate": "0001-01-01", "numberOfOccurrences": 0}
    if isinstance(end, int):
        extent |= {"type": "numbered", "numberOfOccurrences": end}
    elif end:
        extent |= {"type": "endDate", "endDate": end}
    filled = {"interval": 1, "month": 0, "dayOfMonth": 0, "firstDayOfWeek": "sunday", "index": "first"}
    return {"pattern": {"type": kind, **filled, **pattern}, "range": extent}


def single(given: Json, calendar: Calendar = OWN) -> Event:
    item = decode.found(Whole(given), calendar).item
    assert isinstance(item, Event)
    return item


def at(day: int, hour: int = 9, month: int = 11) -> Zoned:
    return Zoned(datetime.fromisoformat(f"2026-{month:02}-{day:02}T{hour:02}:00"), BERLIN)
