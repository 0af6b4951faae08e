"""The properties of an event in a request: names, types, values.

Source: https://learn.microsoft.com/graph/api/resources/event. Properties that only the service
sets are read over, as the examples of https://learn.microsoft.com/graph/api/event-update show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from marketplace_plugin.sandbox.graph import errors

Json = dict[str, Any]

IMPORTANCE = ("low", "normal", "high")
SENSITIVITY = ("normal", "personal", "private", "confidential")
SHOW_AS = ("unknown", "free", "tentative", "busy", "oof", "workingElsewhere")
PROVIDERS = ("unknown", "skypeForBusiness", "skypeForConsumer", "teamsForBusiness")
ATTENDEE_TYPES = ("required", "optional", "resource")
LOCATION_TYPES = (
    "default", "conferenceRoom", "homeAddress", "businessAddress", "geoCoordinates", "streetAddress", "hotel",
    "restaurant", "localBusiness", "postalAddress",
)  # fmt: skip
ATTENDEE_LIMIT = 500
SUBJECT_LIMIT = 255
READ_ONLY = frozenset(
    [
        "id",
        "changeKey",
        "createdDateTime",
        "lastModifiedDateTime",
        "bodyPreview",
        "cancelledOccurrences",
        "hasAttachments",
        "iCalUId",
        "isCancelled",
        "isOrganizer",
        "onlineMeeting",
        "onlineMeetingUrl",
        "organizer",
        "originalEndTimeZone",
        "originalStart",
        "originalStartTimeZone",
        "responseStatus",
        "seriesMasterId",
        "type",
        "webLink",
    ]
)
_NAVIGATION = frozenset(["attachments", "calendar", "extensions", "instances", "multiValueExtendedProperties"])
_PROPERTY_ID = re.compile(
    r"(String|Integer|Boolean|SystemTime|CLSID) \{([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\} "
    r"((?:Name .+)|(?:Id 0x[0-9A-Fa-f]+))"
)
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
NEVER = "0001-01-01T00:00:00Z"


def parse(body: Any) -> Json:
    """The writable properties of a request, with checked values.

    start, end and recurrence are left as they were sent; they are judged together. Raises
    GraphError 400 for an unknown property, a wrong type or an unknown value.
    """
    if not isinstance(body, dict):
        raise errors.unreadable_body("A JSON object is expected as the body of the request.")
    found: Json = {}
    for name, value in body.items():
        if name in READ_ONLY or name.startswith("@odata."):
            continue
        if name in _NAVIGATION:
            raise errors.invalid_request(f"The navigation property '{name}' cannot be set here.")
        if name in ("start", "end", "recurrence"):
            found[name] = value
            continue
        check = _CHECKS.get(name)
        if check is None:
            raise errors.unknown_property(name, "microsoft.graph.event")
        found[name] = check(value, name)
    return found


def property_id(text: Any) -> str:
    """The id of an extended property in canonical form: GUID in lower case, name untouched.

    Raises:
        GraphError: 400 for another form.
    """
    found = _PROPERTY_ID.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise errors.invalid_query(
            f"PropertyId values may only be in one of the following formats: 'MapiPropertyType namespaceGUID Name "
            f"propertyName', 'MapiPropertyType namespaceGUID Id propertyId', 'MapiPropertyType propertyTag'. ({text})",
            "ErrorInvalidProperty",
        )
    kind, guid, name = found.groups()
    return f"{kind} {{{guid.lower()}}} {name}"


def _wrong(name: str, kind: str) -> errors.GraphError:
    return errors.unreadable_body(f"Cannot convert the value of '{name}' to the expected type '{kind}'.")


def _text(limit: int | None = None) -> Callable[[Any, str], Any]:
    def check(value: Any, name: str) -> str:
        if value is not None and not isinstance(value, str):
            raise _wrong(name, "Edm.String")
        return (value or "")[:limit]

    return check


def _boolean(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "Edm.Boolean")
    return value


def _minutes(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, "Edm.Int32")
    if not 0 <= value <= 2_629_800:
        raise errors.invalid_property()
    return value


def _choice(allowed: tuple[str, ...]) -> Callable[[Any, str], str]:
    def check(value: Any, _name: str) -> str:
        for known in allowed:
            if isinstance(value, str) and value.lower() == known.lower():
                return known
        raise errors.unreadable_body(f"Requested value '{value}' was not found.")

    return check


def _object(value: Any, name: str, known: set[str], kind: str) -> Json:
    if not isinstance(value, dict):
        raise _wrong(name, f"microsoft.graph.{kind}")
    unknown = sorted(key for key in set(value) - known if not key.startswith("@odata."))
    if unknown:
        raise errors.unknown_property(unknown[0], f"microsoft.graph.{kind}")
    return value


def _body(value: Any, name: str) -> Json:
    given = _object(value, name, {"contentType", "content"}, "itemBody")
    content = _text()(given.get("content"), "content")
    return {"contentType": _choice(("text", "html"))(given.get("contentType", "text"), name), "content": content}


_LOCATION = {
    "address", "coordinates", "displayName", "locationEmailAddress", "locationType", "locationUri", "uniqueId",
    "uniqueIdType",
}  # fmt: skip


def _location(value: Any, name: str) -> Json:
    given = _object(value, name, _LOCATION, "location") if value is not None else {}
    shown = _text(SUBJECT_LIMIT)(given.get("displayName"), "displayName")
    kind = _choice(LOCATION_TYPES)(given.get("locationType", "default"), name)
    found: Json = {"displayName": shown, "locationType": kind}
    if not shown:
        return {**found, "uniqueIdType": "unknown", "address": {}, "coordinates": {}}
    kept = {key: given[key] for key in ("address", "coordinates", "locationUri") if given.get(key)}
    return {**found, "uniqueId": shown, "uniqueIdType": "private", **kept}


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(name, "Collection")
    return value


def _locations(value: Any, name: str) -> list[Json]:
    found = [_location(item, name) for item in _list(value, name)]
    return [item for item in found if item["displayName"]]


def _categories(value: Any, name: str) -> list[str]:
    return [_text(SUBJECT_LIMIT)(item, name) for item in _list(value, name)]


def _attendees(value: Any, name: str) -> list[Json]:
    given = _list(value, name)
    if len(given) > ATTENDEE_LIMIT:
        raise errors.invalid_request(f"An event can have at most {ATTENDEE_LIMIT} attendees.")
    found: dict[str, Json] = {}
    for item in given:
        person = _object(item, name, {"emailAddress", "type", "status", "proposedNewTime"}, "attendee")
        address = _object(person.get("emailAddress"), "emailAddress", {"address", "name"}, "emailAddress")
        mail = address.get("address")
        if not isinstance(mail, str) or not _ADDRESS.fullmatch(mail):
            raise errors.bad_request("At least one recipient is not valid.", "ErrorInvalidRecipients")
        found[mail.lower()] = {
            "type": _choice(ATTENDEE_TYPES)(person.get("type", "required"), name),
            "status": {"response": "none", "time": NEVER},
            "emailAddress": {"name": str(address.get("name") or mail), "address": mail},
        }
    return list(found.values())


def _extended(value: Any, name: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for item in _list(value, name):
        given = _object(item, name, {"id", "value"}, "singleValueLegacyExtendedProperty")
        found[property_id(given.get("id"))] = None if given.get("value") is None else str(given["value"])
    return found


def extended(value: Any) -> dict[str, str | None]:
    """Extended properties of a request, by id; None takes one away. Raises GraphError 400."""
    return _extended(value, "singleValueExtendedProperties")


_CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "subject": _text(SUBJECT_LIMIT),
    "body": _body,
    "isAllDay": _boolean,
    "location": _location,
    "locations": _locations,
    "attendees": _attendees,
    "categories": _categories,
    "importance": _choice(IMPORTANCE),
    "sensitivity": _choice(SENSITIVITY),
    "showAs": _choice(SHOW_AS),
    "isReminderOn": _boolean,
    "reminderMinutesBeforeStart": _minutes,
    "responseRequested": _boolean,
    "allowNewTimeProposals": _boolean,
    "hideAttendees": _boolean,
    "isOnlineMeeting": _boolean,
    "onlineMeetingProvider": _choice(PROVIDERS),
    "isDraft": _boolean,
    "transactionId": _text(),
    "singleValueExtendedProperties": _extended,
}
NO_LOCATION = _location(None, "location")
DEFAULTS: Json = {
    "subject": "",
    "body": "",
    "location": NO_LOCATION,
    "locations": [],
    "categories": [],
    "importance": "normal",
    "sensitivity": "normal",
    "showAs": "busy",
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "onlineMeeting": None,
}
"""Of a new event; ``body`` is the HTML that is kept."""
