"""A to-do task's properties: what may be written, and what To Do makes of it.

Source: https://learn.microsoft.com/graph/api/resources/todotask: of a due date the day alone is
kept, as midnight in UTC; there is no precondition on a write.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.items.folders import Item, Json
from marketplace_plugin.sandbox.graph.outlook.time import times

TYPE = "microsoft.graph.todoTask"
STATES = ("notStarted", "inProgress", "completed", "waitingOnOthers", "deferred")
IMPORTANCE = ("low", "normal", "high")
TITLE_LIMIT = 255
_TIMES = ("dueDateTime", "reminderDateTime", "startDateTime", "completedDateTime")
_DAYS = ("dueDateTime", "startDateTime", "completedDateTime")
_READ_ONLY = ("id", "createdDateTime", "lastModifiedDateTime", "bodyLastModifiedDateTime", "hasAttachments")
_LINK = ("applicationName", "displayName", "externalId", "webUrl")
WRITABLE = ("body", "categories", "importance", "isReminderOn", "recurrence", "status", "title", *_TIMES)
SHOWN = frozenset([*_READ_ONLY, *WRITABLE, "linkedResources", "checklistItems", "extensions"])
EMPTY: Json = {
    "body": {"content": "", "contentType": "text"},
    "categories": list[Any](),
    "importance": "normal",
    "isReminderOn": False,
    "status": "notStarted",
    "title": "",
    "hasAttachments": False,
}


def apply(item: Item | None, given: Any, now: datetime) -> tuple[Json, list[Json]]:
    """The properties and linked resources after a POST (``item`` None) or a PATCH.

    Raises:
        GraphError: 400.
    """
    if not isinstance(given, dict):
        raise errors.unreadable_body("A JSON object is expected.")
    found = {**EMPTY, **(item.fields if item else {})}
    links = list(item.links) if item else []
    for name, value in given.items():
        if name.startswith("@odata.") or name in _READ_ONLY:
            continue
        if name == "linkedResources" and item is None:
            links = [_link(entry, at) for at, entry in enumerate(value)]
        elif name not in WRITABLE:
            raise errors.unknown_property(name, TYPE)
        elif value is None and name in (*_TIMES, "recurrence"):
            found.pop(name, None)
        else:
            found[name] = _value(name, value)
    if "status" in given:
        _state(found, given, now)
    return found, links


def _state(found: Json, given: Json, now: datetime) -> None:
    if found["status"] != "completed":
        found.pop("completedDateTime", None)
    elif "completedDateTime" not in given:
        found["completedDateTime"] = _day(f"{now:%Y-%m-%d}")


def _value(name: str, value: Any) -> Any:
    if name in _TIMES:
        wall, zone = times.parse(value, name)
        day = name in _DAYS  # the day where it was meant, at midnight in UTC
        return _day(f"{wall:%Y-%m-%d}") if day else {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone}
    if name == "title":
        if not isinstance(value, str) or len(value) > TITLE_LIMIT:
            raise errors.invalid_property("title")
    elif name == "body":
        if not isinstance(value, dict) or value.get("contentType") not in ("text", "html"):
            raise errors.invalid_property("body")
        return {"content": value.get("content") or "", "contentType": value["contentType"]}
    elif (name == "status" and value not in STATES) or (name == "importance" and value not in IMPORTANCE):
        raise errors.unreadable_body("Requested value was not found.")
    elif name == "isReminderOn" and not isinstance(value, bool):
        raise errors.unreadable_body("Cannot convert a value to the expected type 'Edm.Boolean'.")
    return value


def _day(day: str) -> Json:
    return {"dateTime": f"{day}T00:00:00.0000000", "timeZone": "UTC"}


def _link(entry: Any, at: int) -> Json:
    if not isinstance(entry, dict) or set(entry) - {*_LINK, "@odata.type"}:
        raise errors.unknown_property(str(next(iter(set(entry) - set(_LINK)), "")), "microsoft.graph.linkedResource")
    return {"id": f"link-{at}", **{name: entry.get(name) for name in _LINK}}
