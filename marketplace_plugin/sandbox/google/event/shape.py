"""The JSON shapes of the Calendar API, written from its reference, and a strict check of requests.

A test holds these shapes against the discovery document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from marketplace_plugin.sandbox.google import errors


@dataclass(frozen=True)
class Each:
    """An array of one shape."""

    item: Shape


@dataclass(frozen=True)
class Values:
    """An object with free keys."""

    value: Shape


Shape = str | Each | Values | Mapping[str, Any]
"""``string``, ``boolean``, ``integer``, ``any``; an array; free keys; or an object's fields."""

S: Final = "string"
B: Final = "boolean"
I: Final = "integer"  # noqa: E741  # one letter keeps the tables below readable

DATE_TIME: Final = {"date": S, "dateTime": S, "timeZone": S}
PERSON: Final = {"displayName": S, "email": S, "id": S, "self": B}
REMINDER: Final = {"method": S, "minutes": I}
ATTENDEE: Final = {
    "additionalGuests": I,
    "asyncOperation": S,
    "comment": S,
    "displayName": S,
    "email": S,
    "id": S,
    "optional": B,
    "organizer": B,
    "resource": B,
    "responseStatus": S,
    "self": B,
}
ATTACHMENT: Final = {"fileId": S, "fileUrl": S, "iconLink": S, "mimeType": S, "title": S}
ENTRY_POINT: Final = {
    "accessCode": S,
    "entryPointFeatures": Each(S),
    "entryPointType": S,
    "label": S,
    "meetingCode": S,
    "passcode": S,
    "password": S,
    "pin": S,
    "regionCode": S,
    "uri": S,
}
SOLUTION_KEY: Final = {"type": S}
CONFERENCE: Final = {
    "conferenceId": S,
    "conferenceSolution": {"iconUri": S, "key": SOLUTION_KEY, "name": S},
    "createRequest": {
        "conferenceSolutionKey": SOLUTION_KEY,
        "requestId": S,
        "status": {"statusCode": S},
    },
    "entryPoints": Each(ENTRY_POINT),
    "notes": S,
    "parameters": {"addOnParameters": {"parameters": Values(S)}},
    "signature": S,
}
EVENT: Final[Mapping[str, Any]] = {
    "anyoneCanAddSelf": B,
    "attachments": Each(ATTACHMENT),
    "attendees": Each(ATTENDEE),
    "attendeesOmitted": B,
    "birthdayProperties": {"contact": S, "customTypeName": S, "type": S},
    "colorId": S,
    "conferenceData": CONFERENCE,
    "created": S,
    "creator": PERSON,
    "description": S,
    "end": DATE_TIME,
    "endTimeUnspecified": B,
    "etag": S,
    "eventLabelId": S,
    "eventType": S,
    "extendedProperties": {"private": Values(S), "shared": Values(S)},
    "focusTimeProperties": {"autoDeclineMode": S, "chatStatus": S, "declineMessage": S},
    "gadget": {
        "display": S,
        "height": I,
        "iconLink": S,
        "link": S,
        "preferences": Values(S),
        "title": S,
        "type": S,
        "width": I,
    },
    "guestsCanInviteOthers": B,
    "guestsCanModify": B,
    "guestsCanSeeOtherGuests": B,
    "hangoutLink": S,
    "htmlLink": S,
    "iCalUID": S,
    "id": S,
    "kind": S,
    "location": S,
    "locked": B,
    "organizer": PERSON,
    "originalStartTime": DATE_TIME,
    "outOfOfficeProperties": {"autoDeclineMode": S, "declineMessage": S},
    "privateCopy": B,
    "recurrence": Each(S),
    "recurringEventId": S,
    "reminders": {"overrides": Each(REMINDER), "useDefault": B},
    "sequence": I,
    "source": {"title": S, "url": S},
    "start": DATE_TIME,
    "status": S,
    "summary": S,
    "transparency": S,
    "updated": S,
    "visibility": S,
    "workingLocationProperties": {
        "customLocation": {"label": S},
        "homeOffice": "any",
        "officeLocation": {
            "buildingId": S,
            "deskId": S,
            "floorId": S,
            "floorSectionId": S,
            "label": S,
        },
        "type": S,
    },
}
_PAGE: Final = {"etag": S, "kind": S, "nextPageToken": S, "nextSyncToken": S}
EVENTS: Final[Mapping[str, Any]] = {
    **_PAGE,
    "accessRole": S,
    "defaultReminders": Each(REMINDER),
    "description": S,
    "items": Each(EVENT),
    "summary": S,
    "timeZone": S,
    "updated": S,
}
CALENDAR_LIST_ENTRY: Final[Mapping[str, Any]] = {
    "accessRole": S,
    "autoAcceptInvitations": B,
    "backgroundColor": S,
    "colorId": S,
    "conferenceProperties": {"allowedConferenceSolutionTypes": Each(S)},
    "dataOwner": S,
    "defaultReminders": Each(REMINDER),
    "deleted": B,
    "description": S,
    "etag": S,
    "foregroundColor": S,
    "hidden": B,
    "id": S,
    "kind": S,
    "location": S,
    "notificationSettings": {"notifications": Each({"method": S, "type": S})},
    "primary": B,
    "selected": B,
    "summary": S,
    "summaryOverride": S,
    "timeZone": S,
}
CALENDAR_LIST: Final[Mapping[str, Any]] = {**_PAGE, "items": Each(CALENDAR_LIST_ENTRY)}
CALENDAR: Final[Mapping[str, Any]] = {
    "autoAcceptInvitations": B,
    "conferenceProperties": {"allowedConferenceSolutionTypes": Each(S)},
    "dataOwner": S,
    "description": S,
    "etag": S,
    "id": S,
    "kind": S,
    "labelProperties": {"eventLabels": Each({"backgroundColor": S, "id": S, "name": S})},
    "location": S,
    "summary": S,
    "timeZone": S,
    "workingHours": {
        "availableTimes": Each({"dayOfWeek": S, "periodEnd": I, "periodStart": I}),
        "workingHoursEnabled": B,
    },
}
SETTING: Final[Mapping[str, Any]] = {"etag": S, "id": S, "kind": S, "value": S}
SETTINGS: Final[Mapping[str, Any]] = {**_PAGE, "items": Each(SETTING)}
FREE_BUSY_REQUEST: Final[Mapping[str, Any]] = {
    "calendarExpansionMax": I,
    "groupExpansionMax": I,
    "items": Each({"id": S}),
    "timeMax": S,
    "timeMin": S,
    "timeZone": S,
}
_PERIOD: Final = {"start": S, "end": S}
_FREE_BUSY_ERROR: Final = {"domain": S, "reason": S}
FREE_BUSY: Final[Mapping[str, Any]] = {
    "calendars": Values({"busy": Each(_PERIOD), "errors": Each(_FREE_BUSY_ERROR)}),
    "groups": Values({"calendars": Each(S), "errors": Each(_FREE_BUSY_ERROR)}),
    "kind": S,
    "timeMax": S,
    "timeMin": S,
}

_TYPES: Final[Mapping[str, type]] = {S: str, B: bool, I: int}


def check(value: Any, shape: Shape, path: str) -> None:
    """Accept ``value`` only if each field in it is known and of its type; null is "absent".

    Raises:
        ApiError: 400, naming the field.
    """
    if value is None or shape == "any":
        return
    if isinstance(shape, str):
        _check_scalar(value, shape, path)
    elif isinstance(shape, Each):
        if not isinstance(value, list) or None in value:
            raise errors.invalid(f"Invalid value at '{path}' (array).", path)
        for index, item in enumerate(value):
            check(item, shape.item, f"{path}[{index}]")
    elif not isinstance(value, dict):
        raise errors.invalid(f"Invalid value at '{path}' (object).", path)
    else:
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            if isinstance(shape, Values):
                check(item, shape.value, inner)
            elif key in shape:
                check(item, shape[key], inner)
            else:
                raise errors.unknown_name(inner)


def _check_scalar(value: Any, kind: str, path: str) -> None:
    wanted = _TYPES[kind]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise errors.invalid(f"Invalid value at '{path}' ({kind}).", path)
