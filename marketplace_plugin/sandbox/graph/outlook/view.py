"""Events and calendars as Graph shows them to a reader."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from marketplace_plugin.sandbox.exchange_html import as_text
from marketplace_plugin.sandbox.graph.outlook import bodies, fields
from marketplace_plugin.sandbox.graph.outlook.access import Found, Seen
from marketplace_plugin.sandbox.graph.outlook.time import series, times
from marketplace_plugin.sandbox.graph.state import Event, State

Json = dict[str, Any]

EVENT_TYPE = "#microsoft.graph.event"
_MASKED = {"private": "Private Appointment", "busy": "Busy"}


@dataclass(frozen=True)
class Shape:
    """What the request's Prefer header asks for; ``zone`` is written as it was given."""

    zone: str = "UTC"
    text: bool = False
    immutable: bool = False


def change_key(change: int) -> str:
    """The version of an item."""
    return base64.b64encode(b"\x13\x9f\x6b\xdd\xcc\xf1\x63\x49\xb6\x8f\x3f\x1c" + change.to_bytes(7, "big")).decode()


def etag(change: int) -> str:
    """The version as @odata.etag and If-Match have it."""
    return f'W/"{change_key(change)}"'


def event(state: State, found: Found, shape: Shape) -> Json:
    """The default properties of an event, an occurrence or an exception."""
    item, occurrence, seen = found.event, found.occurrence, found.seen
    override = None if occurrence is None else occurrence.override
    values = item.fields if override is None else {**item.fields, **override.fields}
    item_id = seen.event_id(item, None if occurrence is None else occurrence.day, immutable=shape.immutable)
    shown: Json = {
        "@odata.etag": etag(found.change),
        "id": item_id,
        "createdDateTime": times.stamp(item.created if override is None else override.created),
        "lastModifiedDateTime": times.stamp(item.modified if override is None else override.modified),
        "changeKey": change_key(found.change),
        "transactionId": item.transaction_id if occurrence is None else None,
        "originalStartTimeZone": _anchor(item, occurrence, shape, end=False),
        "originalEndTimeZone": _anchor(item, occurrence, shape, end=True),
        "iCalUId": item.ical_uid,
        "hasAttachments": False,
        "bodyPreview": bodies.preview(values["body"]),
        "isAllDay": item.all_day if occurrence is None else occurrence.all_day,
        "isCancelled": item.meeting_cancelled,
        "isOrganizer": item.is_organizer,
        "isDraft": item.draft,
        "seriesMasterId": None if occurrence is None else seen.event_id(item, None, immutable=shape.immutable),
        "type": _type(item, occurrence),
        "webLink": f"https://outlook.office365.com/owa/?itemid={quote(item_id)}&exvsurl=1&path=/calendar/item",
        "onlineMeetingUrl": None,
        "responseStatus": _response(item),
        "recurrence": _recurrence(item) if occurrence is None else None,
        "attendees": item.attendees if override is None or override.attendees is None else override.attendees,
        "organizer": {"emailAddress": person(state, item.organizer)},
        **span(found, shape),
        **{name: value for name, value in values.items() if name != "body"},
        "body": _body(values["body"], text=shape.text),
    }
    if occurrence is not None:
        original = occurrence.original
        if item.all_day:
            day = datetime.combine(occurrence.day, datetime.min.time())
            original = times.instant(day, state.accounts[item.mailbox].time_zone)
        shown["originalStart"] = times.stamp(original).replace(".0000000Z", "Z")
    return masked(shown, seen)


def span(found: Found, shape: Shape) -> Json:
    """start and end in the preferred zone."""
    item = found.event if found.occurrence is None else found.occurrence
    return {
        "start": times.render(item.start, item.zone, shape.zone, floating=item.all_day),
        "end": times.render(item.end, item.end_zone, shape.zone, floating=item.all_day),
    }


def slim(found: Found, shape: Shape) -> Json:
    """An untouched occurrence in a delta: five properties and the version, nothing else."""
    if found.occurrence is None:
        raise ValueError("only occurrences are shown so")
    return {
        "@odata.type": EVENT_TYPE,
        "@odata.etag": etag(found.change),
        "id": found.seen.event_id(found.event, found.occurrence.day, immutable=shape.immutable),
        "seriesMasterId": found.seen.event_id(found.event, None, immutable=shape.immutable),
        "type": "occurrence",
        **span(found, shape),
    }


def cancelled_occurrences(found: Found, shape: Shape) -> list[str]:
    """cancelledOccurrences of a series, which is only sent when it is selected."""
    master = found.seen.event_id(found.event, None, immutable=shape.immutable)
    return [f"OID.{master}.{day.isoformat()}" for day in sorted(found.event.cancelled)]


def masked(shown: Json, seen: Seen) -> Json:
    """What is left of an event for a reader who may not see all of it."""
    detail = seen.detail(shown["sensitivity"])
    if detail == "full":
        return shown
    blank: Json = {
        "body": {"contentType": shown["body"]["contentType"], "content": ""},
        "bodyPreview": "",
        "categories": [],
        "attendees": [],
        "onlineMeeting": None,
        "isReminderOn": False,
        "transactionId": None,
    }
    if detail != "limited":
        subject = _MASKED[detail] if detail == "private" else shown["showAs"].capitalize()
        blank |= {"subject": subject, "location": fields.NO_LOCATION, "locations": [], "organizer": None}
    return {**shown, **blank}


def person(state: State, email: str) -> Json:
    """An emailAddress."""
    account = state.accounts.get(email)
    return {"name": email if account is None else account.name, "address": email}


def calendar(state: State, seen: Seen) -> Json:
    """A calendar as its reader has it."""
    item, own = seen.calendar, seen.share is None
    name = person(state, item.mailbox)["name"] if item.default and not own else item.name
    if seen.share is not None and seen.share.name:
        name = seen.share.name
    return {
        "id": seen.id,
        "name": name,
        "color": item.color if own else "auto",
        "hexColor": item.hex_color if own else "",
        "isDefaultCalendar": own and item.default,
        "changeKey": change_key(item.change),
        "canShare": own,
        "canViewPrivateItems": seen.sees_private,
        "canEdit": seen.can_edit,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"] if own else [],
        "defaultOnlineMeetingProvider": "teamsForBusiness" if own else "unknown",
        "isTallyingResponses": own and item.default,
        "isRemovable": item.removable,
        "owner": person(state, item.mailbox),
    }


def _body(content: str, *, text: bool) -> Json:
    if text:
        return {"contentType": "text", "content": as_text(content)}
    return {"contentType": "html", "content": content}


def _anchor(item: Event, occurrence: series.Occurrence | None, shape: Shape, *, end: bool) -> str:
    if item.all_day and item.recurrence is not None:
        return shape.zone
    if item.custom_zone and (occurrence is None or occurrence.override is None):
        return times.CUSTOM
    source = item if occurrence is None else occurrence
    return source.end_zone if end else source.zone


def _recurrence(item: Event) -> Json | None:
    """The zone of its range is as little told as the event's; of whole days to its organizer alone."""
    if item.recurrence is None or not (item.custom_zone or (item.all_day and not item.is_organizer)):
        return item.recurrence
    zone = "" if item.all_day else times.CUSTOM
    return {**item.recurrence, "range": {**item.recurrence["range"], "recurrenceTimeZone": zone}}


def _type(item: Event, occurrence: series.Occurrence | None) -> str:
    if occurrence is not None:
        return "occurrence" if occurrence.override is None else "exception"
    return "singleInstance" if item.recurrence is None else "seriesMaster"


def _response(item: Event) -> Json:
    if item.is_organizer:
        return {"response": "organizer", "time": fields.NEVER}
    return {"response": item.response, "time": _moment(item.responded)}


def _moment(value: datetime | None) -> str:
    return fields.NEVER if value is None else times.stamp(value)
