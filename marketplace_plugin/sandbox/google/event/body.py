"""From what a client sends to what is kept: the rules of the Event resource.

Source: discovery document, schema ``Event``; extended properties:
https://developers.google.com/workspace/calendar/api/guides/extended-properties
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import recurrence, times
from marketplace_plugin.sandbox.google.state import Calendar

READ_ONLY = frozenset(
    {
        "kind", "etag", "htmlLink", "created", "updated", "creator", "hangoutLink", "locked", "privateCopy",
        "recurringEventId", "originalStartTime", "attendeesOmitted", "gadget",
    }
)  # fmt: skip
"""Accepted in a request and ignored, so that what was read can be sent back."""

EVENT_TYPES = ("birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation")
SENSITIVITY = {"default": 0, "public": 0, "private": 1, "confidential": 1}
RESPONSES = ("needsAction", "declined", "tentative", "accepted")
COLOURS = frozenset(str(number) for number in range(1, 12))

_TEXTS = ("summary", "description", "location")
_FLAGS = {
    "anyoneCanAddSelf": False,
    "endTimeUnspecified": False,
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
}
_TYPE_PROPERTIES = {
    "birthday": "birthdayProperties",
    "focusTime": "focusTimeProperties",
    "outOfOffice": "outOfOfficeProperties",
    "workingLocation": "workingLocationProperties",
}
_ID = re.compile(r"[a-v0-9]{5,1024}")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_PROPERTY_LIMIT = 300
_PROPERTY_BYTES = 32 * 1024


@dataclass(frozen=True)
class Options:
    """What the query says about a write."""

    send_updates: str = "none"
    conference: bool = False
    """conferenceDataVersion=1: the body's conference data counts."""
    attachments: bool = False
    """supportsAttachments=true"""
    labels: bool = False
    """eventLabelVersion=1: eventLabelId counts, colorId does not."""


def merge(stored: Any, patch: Any) -> Any:
    """Patch semantics: objects merge, null deletes, arrays and scalars replace."""
    if not isinstance(patch, dict) or not isinstance(stored, dict):
        return without_nulls(patch)
    merged = dict(stored)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def without_nulls(value: Any) -> Any:
    """A request's body with null meaning "absent"."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def check_id(event_id: str) -> None:
    """An id that a client may choose (base32hex, 5 to 1024 characters).

    Raises:
        ApiError: 400.
    """
    if not _ID.fullmatch(event_id):
        raise errors.invalid("Invalid resource id value.")


def canonical(raw: Json, calendar: Calendar) -> Json:
    """Check the whole event as it would stand after the write and bring it into the kept form.

    ``raw`` is the merged body without reminders and without nulls. What a reader would get as
    the default is not kept.

    Raises:
        ApiError: 400 for what the service refuses.
    """
    lines = raw.get("recurrence") or []
    start = times.accept(raw.get("start"), "start", calendar.time_zone, recurring=bool(lines))
    end = times.accept(raw.get("end"), "end", calendar.time_zone, recurring=bool(lines))
    times.check_span(start, end)
    kept: Json = {
        "status": _choice(raw, "status", ("confirmed", "tentative", "cancelled")),
        "eventType": _choice(raw, "eventType", ("default", *EVENT_TYPES)),
        "start": start,
        "end": end,
        "sequence": raw.get("sequence", 0),
    }
    for name in _TEXTS:
        if raw.get(name):
            kept[name] = raw[name]
    for name, default in _FLAGS.items():
        if raw.get(name, default) != default:
            kept[name] = raw[name]
    if lines:
        kept["recurrence"] = recurrence.accept(lines, start)
    for name, values in (
        ("visibility", ("default", "public", "private", "confidential")),
        ("transparency", ("opaque", "transparent")),
    ):
        if (value := _choice(raw, name, values)) != values[0]:
            kept[name] = value
    if raw.get("attendees"):
        kept["attendees"] = [_attendee(item) for item in raw["attendees"]]
        _refuse_twins(kept["attendees"])
    properties = _extended_properties(raw.get("extendedProperties", {}))
    if properties:
        kept["extendedProperties"] = properties
    _colour_and_label(raw, kept, calendar)
    _attachments_and_source(raw, kept)
    for name in ("conferenceData", "hangoutLink"):
        if raw.get(name):
            kept[name] = deepcopy(raw[name])
    _type_rules(raw, kept)
    return kept


def _choice(raw: Json, name: str, values: tuple[str, ...]) -> str:
    """One of ``values``, the first by default."""
    value = raw.get(name) or values[0]
    if value not in values:
        raise errors.invalid(f"Invalid value for: {name}", name)
    return str(value)


def _attendee(raw: Json) -> Json:
    email = raw.get("email", "")
    if not email:
        raise errors.required("Missing attendee email.")
    if not _EMAIL.fullmatch(email):
        raise errors.invalid("Invalid attendee email.")
    kept: Json = {"email": email.lower()}
    kept["responseStatus"] = _choice(raw, "responseStatus", RESPONSES)
    for name in ("displayName", "comment", "additionalGuests", "optional", "resource"):
        if raw.get(name):
            kept[name] = raw[name]
    return kept


def _refuse_twins(attendees: list[Json]) -> None:
    emails = [attendee["email"] for attendee in attendees]
    if len(set(emails)) != len(emails):
        raise errors.invalid("Duplicate attendee email.")


def _extended_properties(raw: Json) -> Json:
    """Long keys are dropped and long values cut without a word; too many are refused."""
    kept: Json = {}
    count = size = 0
    for side in ("private", "shared"):
        pairs = {key: value[:1024] for key, value in raw.get(side, {}).items() if len(key) <= 44}
        count += len(pairs)
        size += sum(len((key + value).encode()) for key, value in pairs.items())
        if pairs:
            kept[side] = pairs
    if count > _PROPERTY_LIMIT or size > _PROPERTY_BYTES:
        raise errors.invalid("The extended properties are too many or too large.", "extendedProperties")
    return kept


def _colour_and_label(raw: Json, kept: Json, calendar: Calendar) -> None:
    if raw.get("colorId"):
        if raw["colorId"] not in COLOURS:
            raise errors.invalid("Invalid color id.", "colorId")
        kept["colorId"] = raw["colorId"]
    if raw.get("eventLabelId"):
        if raw["eventLabelId"] not in dict(calendar.labels):
            raise errors.invalid("Invalid event label id.", "eventLabelId")
        kept["eventLabelId"] = raw["eventLabelId"]


def _attachments_and_source(raw: Json, kept: Json) -> None:
    attachments = raw.get("attachments") or []
    if len(attachments) > 25:
        raise errors.invalid("Too many attachments.", "attachments")
    if not all(item.get("fileUrl") for item in attachments):
        raise errors.required("Missing attachment file URL.")
    if attachments:
        kept["attachments"] = deepcopy(attachments)
    if raw.get("source"):
        if not str(raw["source"].get("url", "")).startswith(("http://", "https://")):
            raise errors.invalid("Invalid source URL.", "source.url")
        kept["source"] = dict(raw["source"])


def _type_rules(raw: Json, kept: Json) -> None:
    kind = kept["eventType"]
    for owner, name in _TYPE_PROPERTIES.items():
        if raw.get(name) is None:
            continue
        if owner != kind:
            raise errors.event_type(f"{name} are only for events of type {owner}.")
        kept[name] = deepcopy(raw[name])
    all_day = "date" in kept["start"]
    if kind in ("focusTime", "outOfOffice") and all_day:
        raise errors.event_type(f"An event of type {kind} cannot be an all-day event.")
    if kind == "workingLocation" and not raw.get("workingLocationProperties", {}).get("type"):
        raise errors.required("Missing working location type.")
    if kind == "birthday":
        yearly = any("FREQ=YEARLY" in line for line in kept.get("recurrence", ()))
        if not all_day or not (yearly or raw.get("recurringEventId")):
            raise errors.event_type("A birthday is an all-day event that recurs every year.")
        kept.setdefault("birthdayProperties", {"type": "birthday"})


def reminders(raw: Mapping[str, Any] | None) -> Json:
    """The reminders of one user for one event.

    Raises:
        ApiError: 400.
    """
    if not raw:
        return {"useDefault": True}
    use_default = bool(raw.get("useDefault", False))
    overrides = list(raw.get("overrides") or [])
    if use_default and overrides:
        raise errors.ApiError(
            400,
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
            domain="calendar",
        )
    if len(overrides) > 5:
        raise errors.invalid("Too many override reminders.", "reminders.overrides")
    for item in overrides:
        if item.get("method") not in ("email", "popup"):
            raise errors.invalid("Invalid reminder method.", "reminders.overrides")
        if not 0 <= item.get("minutes", -1) <= 40320:
            raise errors.invalid("Invalid reminder minutes.", "reminders.overrides")
    return {"useDefault": use_default, **({"overrides": overrides} if overrides else {})}


def keep_unsupported(raw: Json, given: Json, previous: Json, options: Options) -> None:
    """Put back what the client's version parameters do not let it touch.

    ``raw`` is the merged body, ``given`` what the request said, ``previous`` what is stored.
    """
    held = []
    if not options.conference:
        held += ["conferenceData", "hangoutLink"]
    if not options.attachments:
        held.append("attachments")
    if options.labels:
        held.append("colorId")
        raw.pop("eventLabelId", None)
        if given.get("eventLabelId"):
            raw["eventLabelId"] = given["eventLabelId"]
    else:
        held.append("eventLabelId")
    for name in held:
        raw.pop(name, None)
        if name in previous:
            raw[name] = previous[name]


def settle_conference(raw: Json) -> None:
    """Answer a createRequest with a conference, and keep the link in step with it."""
    data = raw.get("conferenceData")
    if not data:
        raw.pop("hangoutLink", None)
        return
    wish = data.get("createRequest")
    if wish and "conferenceId" not in data:
        if wish.get("conferenceSolutionKey", {}).get("type") != "hangoutsMeet" or not wish.get("requestId"):
            raise errors.invalid("Invalid conference type value.")
        code = "-".join(secrets.token_hex(2)[:size] for size in (3, 4, 3))
        uri = f"https://meet.google.com/{code}"
        raw["conferenceData"] = {
            "createRequest": {**wish, "status": {"statusCode": "success"}},
            "entryPoints": [{"entryPointType": "video", "uri": uri, "label": uri[8:]}],
            "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
            "conferenceId": code,
        }
        raw["hangoutLink"] = uri
