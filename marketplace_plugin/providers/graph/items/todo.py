"""A task of Microsoft To Do and a Task, and the way between them. Pure.

Source: the resource todoTask. Of a due date the day alone is kept. It comes back as midnight in UTC, or as an hour of
the neighbouring day that is midnight where the mailbox is, so it is read as the nearest day. Our mark is a linked
resource, which To Do shows as where the task comes from.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

from marketplace_plugin.model.change import Access, Found, Revision, Stamp
from marketplace_plugin.model.names.zones import resolve
from marketplace_plugin.model.task import Priority, Task, TaskStatus, due_day
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.providers.graph.shape.decode import entries, tag_of
from marketplace_plugin.providers.graph.transport import Json

LINKS = "linkedResources"
APPLICATION = "Marketplace"
QUERY = {"$expand": LINKS}
FIELDS = frozenset({"title", "notes", "due", "status", "priority", "reminder"})
TITLE_LIMIT = 255
_NEAREST = timedelta(hours=12) - timedelta(seconds=1)
_STATES = {
    "notStarted": TaskStatus.NOT_STARTED,
    "inProgress": TaskStatus.IN_PROGRESS,
    "waitingOnOthers": TaskStatus.WAITING,
    "deferred": TaskStatus.DEFERRED,
    "completed": TaskStatus.COMPLETED,
}
_SAID = {ours: theirs for theirs, ours in _STATES.items()}
_BREAKS = re.compile(r"(?i)<\s*(?:br|/p|/div|/li)\b[^>]*>")
_TAGS = re.compile(r"(?s)<!--.*?-->|<(?:script|style|head)\b.*?</(?:script|style|head)\s*>|<[^>]*>", re.IGNORECASE)

Raw = Json


class Undecodable(Exception):
    """The task cannot be understood."""


def found(raw: Raw) -> Found:
    """Raises Undecodable."""
    try:
        return Found(
            id=str(raw["id"]),
            revision=Revision(tag_of(raw, raw.keys())),
            item=Task(
                title=str(raw.get("title") or ""),
                notes=_notes(raw.get("body") or {}),
                due=_day(raw.get("dueDateTime")),
                status=_STATES[str(raw.get("status") or "notStarted")],
                priority=Priority(str(raw.get("importance") or "normal")),
                reminder=_reminder(raw),
            ),
            stamp=stamp_of(raw),
            access=Access.FULL,
            changed=_instant(raw.get("lastModifiedDateTime")),
        )
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Undecodable from error


def stamp_of(raw: Raw) -> Stamp | None:
    for entry in entries(raw, LINKS):
        if entry.get("applicationName") == APPLICATION:
            return Stamp.parse(str(entry.get("externalId") or ""))
    return None


def _notes(body: Raw) -> str:
    text = str(body.get("content") or "")
    if body.get("contentType") != "html":
        return text
    return unescape(_TAGS.sub("", _BREAKS.sub("\n", text))).strip()


def _day(value: Any) -> date | None:
    """The day that is nearest to the instant, in the zone that it is told in: see the module's docstring."""
    if not value:
        return None
    return (_told(value).wall + _NEAREST).date()


def _reminder(raw: Raw) -> Zoned | None:
    if not raw.get("isReminderOn") or not raw.get("reminderDateTime"):
        return None
    return Zoned.at(_told(raw["reminderDateTime"]).instant(), "UTC")


def _instant(text: Any) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(str(text).upper())
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _told(value: Raw) -> Zoned:
    """In UTC, which each request prefers under one of its names, or in another zone. Raises ValueError for none."""
    name = resolve(str(value["timeZone"]))
    if name is None:
        raise ValueError("a time in a zone without a name")
    return Zoned(datetime.fromisoformat(str(value["dateTime"])[:19]), name)


def fields(item: Task, changed: frozenset[str]) -> Raw:
    """The properties to write for the fields ``changed``; null takes away."""
    body: Raw = {}
    if "title" in changed:
        body["title"] = item.title
    if "notes" in changed:
        body["body"] = {"content": item.notes, "contentType": "text"}
    if "due" in changed:
        day = due_day(item)
        body["dueDateTime"] = None if day is None else {"dateTime": f"{day}T00:00:00", "timeZone": "UTC"}
    if "status" in changed:
        body["status"] = _SAID[item.status]
    if "priority" in changed:
        body["importance"] = item.priority.value
    if "reminder" in changed:
        body["isReminderOn"] = item.reminder is not None
        if item.reminder is not None:
            at = item.reminder.instant().astimezone(UTC)
            body["reminderDateTime"] = {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
    return body


def linked(item: Task, stamp: Stamp) -> list[Raw]:
    """Our mark. It can be given with the creation alone."""
    return [{"applicationName": APPLICATION, "displayName": item.title, "externalId": str(stamp)}]
