"""An event as one reader sees it: computed fields, times in his zone, masking by his role.

Roles: discovery document, ``CalendarListEntry.accessRole``.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import recurrence, times
from marketplace_plugin.sandbox.google.event.body import SENSITIVITY
from marketplace_plugin.sandbox.google.event.times import Original
from marketplace_plugin.sandbox.google.state import Calendar, StoredEvent, rank

_ALWAYS = ("status", "summary", "description", "location", "colorId", "eventLabelId")
_TIMES = ("start", "end", "originalStartTime")
_FREE_BUSY = ("status", "recurrence", "recurringEventId", "transparency")
_MASKED = (*_FREE_BUSY, "eventType", "iCalUID", "sequence", "visibility")


@dataclass(frozen=True)
class Reader:
    """Who reads, with which role, in which zone."""

    email: str
    role: str
    zone: str
    max_attendees: int | None = None


@dataclass(frozen=True)
class Instance:
    """An occurrence without a resource of its own; it shows its series' etag."""

    master: StoredEvent
    original: Original

    @property
    def id(self) -> str:
        return f"{self.master.id}_{times.suffix(self.original)}"

    def body(self) -> Json:
        """The fields of the occurrence in kept form."""
        fields = deepcopy({k: v for k, v in self.master.body.items() if k != "recurrence"})
        zone = fields["start"].get("timeZone")
        duration = times.length(fields["start"], fields["end"])
        fields["start"] = times.keep(self.original, zone)
        fields["end"] = times.keep(self.original + duration, fields["end"].get("timeZone"))
        fields["recurringEventId"] = self.master.id
        fields["originalStartTime"] = times.keep(self.original, zone)
        return fields


def find_instance(master: StoredEvent, original: Original) -> Instance | None:
    """The occurrence of that original start, if the series has it."""
    lines = master.body.get("recurrence")
    if not lines or isinstance(original, datetime) == ("date" in master.body["start"]):
        return None
    limit = times.compare_key(original) + timedelta(days=1)
    for value in recurrence.originals(lines, master.body["start"], limit):
        if value == original:
            return Instance(master, original)
    return None


def masked(body: Json, calendar: Calendar, reader: Reader) -> bool:
    """Whether the reader sees that there is something, and no details of it."""
    if reader.role == "freeBusyReader":
        return True
    if rank(reader.role) >= rank("writer") or not SENSITIVITY[body.get("visibility", "default")]:
        return False
    return reader.email not in {calendar.owner, *(item["email"] for item in body.get("attendees", ()))}


def tombstone(event: StoredEvent, reader: Reader) -> Json:
    """A cancelled event with only what is guaranteed.

    That is the id of a deleted event, and also the original start of a cancelled occurrence.
    """
    shown: Json = {"kind": "calendar#event", "etag": event.etag, "id": event.id, "status": "cancelled"}
    if event.master_id is not None and not event.bare:
        shown["recurringEventId"] = event.master_id
        shown["originalStartTime"] = times.render(event.body["originalStartTime"], reader.zone)
    return shown


def render(event: StoredEvent, calendar: Calendar, reader: Reader, *, details_of_deleted: bool = True) -> Json:
    """A stored event for one reader.

    ``details_of_deleted=False`` leaves a deleted event bare, as an incremental sync without
    showDeleted does. A cancelled exception of a living series is always bare.
    """
    if event.cancelled and (event.bare or not details_of_deleted or _exception_of_living(event, calendar)):
        return tombstone(event, reader)
    head = {"kind": "calendar#event", "etag": event.etag, "id": event.id}
    return {**head, **_fields(event, event.body, calendar, reader, event.id)}


def render_instance(instance: Instance, calendar: Calendar, reader: Reader) -> Json:
    """An occurrence for one reader."""
    head = {"kind": "calendar#event", "etag": instance.master.etag, "id": instance.id}
    return {**head, **_fields(instance.master, instance.body(), calendar, reader, instance.id)}


def _exception_of_living(event: StoredEvent, calendar: Calendar) -> bool:
    master = calendar.events.get(event.master_id or "")
    return master is not None and not master.cancelled


def _fields(event: StoredEvent, body: Json, calendar: Calendar, reader: Reader, event_id: str) -> Json:
    when = {name: times.render(body[name], reader.zone) for name in _TIMES if name in body}
    if masked(body, calendar, reader):
        names = _FREE_BUSY if reader.role == "freeBusyReader" else _MASKED
        return {**{name: deepcopy(body[name]) for name in names if name in body}, **when}
    token = urlsafe_b64encode(f"{event_id} {calendar.id}".encode()).decode().rstrip("=")
    shown: Json = {
        "htmlLink": f"https://www.google.com/calendar/event?eid={token}",
        "created": times.stamp(event.created).replace("Z", ".000Z"),
        "updated": times.millis(event.updated),
    }
    shown |= {name: deepcopy(value) for name, value in body.items() if name not in _TIMES}
    shown |= when
    for name in ("creator", "organizer"):
        shown[name] = _person(shown[name], calendar)
    if "attendees" in shown:
        _attendees(shown, calendar, reader)
    if reader.email != shown["creator"]["email"]:
        shown.pop("source", None)
    shown["reminders"] = deepcopy(event.reminders.get(reader.email, {"useDefault": True}))
    return shown


def _person(person: Json, calendar: Calendar) -> Json:
    return {**person, "self": True} if person["email"] == calendar.id else dict(person)


def _attendees(shown: Json, calendar: Calendar, reader: Reader) -> None:
    organizer = shown["organizer"]["email"]
    people: list[dict[str, Any]] = []
    for attendee in shown["attendees"]:
        marks = {"organizer": attendee["email"] == organizer, "self": attendee["email"] == calendar.id}
        people.append({**attendee, **{name: True for name, is_set in marks.items() if is_set}})
    hidden = not shown.get("guestsCanSeeOtherGuests", True) and organizer != calendar.id
    if hidden or (reader.max_attendees is not None and len(people) > reader.max_attendees):
        people = [person for person in people if person.get("self")]
        shown["attendeesOmitted"] = True
    shown["attendees"] = people
