"""Query parameters of each method: known names, types, ranges.

Source: discovery document; a test compares the tables with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.event import times

Kind = str | tuple[str, ...]
"""``string``, ``boolean``, ``integer`` (1 or more), ``version`` (0 or 1), ``instant``, ``zone``,
``strings`` (repeatable), or the values of an enumeration."""

ROLE_NAMES = ("freeBusyReader", "owner", "reader", "writer", "writerWithoutPrivateAccess")
SEND = ("all", "externalOnly", "none")
EVENT_TYPE_NAMES = ("birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation")

COMMON: Mapping[str, Kind] = {
    "alt": ("json",),
    "fields": "string",
    "key": "string",
    "oauth_token": "string",
    "prettyPrint": "boolean",
    "quotaUser": "string",
    "userIp": "string",
}
_READ: Mapping[str, Kind] = {"alwaysIncludeEmail": "boolean", "maxAttendees": "integer"}
_PAGE: Mapping[str, Kind] = {"maxResults": "integer", "pageToken": "string"}
_NOTIFY: Mapping[str, Kind] = {"sendNotifications": "boolean", "sendUpdates": SEND}
_VERSIONS: Mapping[str, Kind] = {
    "conferenceDataVersion": "version",
    "eventLabelVersion": "version",
    "supportsAttachments": "boolean",
}
_WINDOW: Mapping[str, Kind] = {"timeMin": "instant", "timeMax": "instant", "timeZone": "zone"}

PARAMS: Mapping[str, Mapping[str, Kind]] = {
    "calendar.calendarList.list": {
        **_PAGE,
        "minAccessRole": ROLE_NAMES,
        "showDeleted": "boolean",
        "showHidden": "boolean",
        "showOwnOrganizationOnly": "boolean",
        "syncToken": "string",
    },
    "calendar.calendarList.get": {},
    "calendar.calendars.get": {},
    "calendar.events.list": {
        **_READ,
        **_PAGE,
        **_WINDOW,
        "eventTypes": ("*", *EVENT_TYPE_NAMES),
        "iCalUID": "string",
        "orderBy": ("startTime", "updated"),
        "privateExtendedProperty": "strings",
        "q": "string",
        "sharedExtendedProperty": "strings",
        "showDeleted": "boolean",
        "showHiddenInvitations": "boolean",
        "singleEvents": "boolean",
        "syncToken": "string",
        "updatedMin": "instant",
    },
    "calendar.events.get": {**_READ, "timeZone": "zone"},
    "calendar.events.instances": {
        **_READ,
        **_PAGE,
        **_WINDOW,
        "originalStart": "string",
        "showDeleted": "boolean",
    },
    "calendar.events.insert": {**_NOTIFY, **_VERSIONS, "maxAttendees": "integer"},
    "calendar.events.import": _VERSIONS,
    "calendar.events.patch": {**_READ, **_NOTIFY, **_VERSIONS},
    "calendar.events.update": {**_READ, **_NOTIFY, **_VERSIONS},
    "calendar.events.delete": _NOTIFY,
    "calendar.events.move": {**_NOTIFY, "destination": "string"},
    "calendar.settings.get": {},
    "calendar.settings.list": {**_PAGE, "syncToken": "string"},
    "calendar.freebusy.query": {},
}
"""Method -> its own parameters. An enumeration that begins with ``*`` may be repeated."""


def parse(method: str, args: MultiDict[str, str], tables: Mapping[str, Mapping[str, Kind]] = PARAMS) -> dict[str, Any]:
    """The typed parameters of a request; absent ones are absent. ``tables`` are those of the method's API.

    Raises:
        ApiError: 400 for an unknown name, a wrong value, or a repeated single parameter.
    """
    own = tables[method]
    found: dict[str, Any] = {}
    for name, values in args.lists():
        kind = own.get(name) or COMMON.get(name)
        if kind is None:
            raise errors.unknown_name(name)
        repeatable = kind == "strings" or kind[0] == "*"
        if repeatable:
            found[name] = [_value(name, value, kind) for value in values]
        elif len(values) > 1:
            raise errors.invalid_parameter(name, f"Parameter {name} is given more than once.")
        else:
            found[name] = _value(name, values[0], kind)
    return found


def _value(name: str, text: str, kind: Kind) -> Any:
    if isinstance(kind, tuple):
        if text not in kind or text == "*":
            allowed = ", ".join(value for value in kind if value != "*")
            raise errors.invalid_parameter(name, f"Invalid value '{text}'. Allowed values: [{allowed}]")
        return text
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise errors.invalid_parameter(name, f"Invalid boolean value: '{text}'.")
        return text.lower() == "true"
    if kind in ("integer", "version"):
        return _integer(name, text, kind)
    if kind == "instant":
        return times.parse_bound(text, name)
    if kind == "zone" and not times.is_zone(text):
        raise errors.invalid_parameter(name, f"Invalid time zone: '{text}'.")
    return text


def _integer(name: str, text: str, kind: str) -> int:
    low, high = (1, 2**31 - 1) if kind == "integer" else (0, 1)
    if not text.lstrip("-").isdigit() or not low <= int(text) <= high:
        message = f"Invalid value '{text}'. Values must be within the range: [{low}, {high}]"
        raise errors.invalid_parameter(name, message)
    return int(text)
