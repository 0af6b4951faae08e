"""The model -> Graph's JSON: bodies that name what is to change and nothing else.

Never among it: attendees, the organiser, online meetings. Source: the resource ``event`` of Microsoft Graph v1.0.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date
from typing import Any

from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import UNKNOWN, Event, Response, Sensitivity, Series, ShowAs, Status
from marketplace_plugin.model.names.zones import same_rules, to_iana, to_windows
from marketplace_plugin.model.time import Timed, When, Zoned
from marketplace_plugin.providers.graph.shape.decode import STAMP, ZONES
from marketplace_plugin.providers.graph.shape.recurrence import Unencodable, midnight, pattern_of

FIELDS = frozenset(
    {"when", "title", "description", "location", "show_as", "sensitivity", "status", "reminder", "response"}
)
"""``Event`` fields that survive the way to Graph and back."""

COPIED = FIELDS - {"response"}
"""What an event of our own making has; an answer belongs to an invitation."""

PERSONAL = frozenset({"show_as", "reminder", "response"})
"""What a guest writes into his own copy."""

ANSWERS = {
    Response.ACCEPTED: "accept",
    Response.TENTATIVE: "tentativelyAccept",
    Response.DECLINED: "decline",
}
"""The actions by which a guest answers."""

_SENSITIVITY = {
    Sensitivity.NORMAL: "normal",
    Sensitivity.PRIVATE: "private",
    Sensitivity.CONFIDENTIAL: "confidential",
}
_SHOW_AS = {
    ShowAs.FREE: "free",
    ShowAs.TENTATIVE: "tentative",
    ShowAs.BUSY: "busy",
    ShowAs.OUT_OF_OFFICE: "oof",
    ShowAs.ELSEWHERE: "workingElsewhere",
}
_NAMESPACE = uuid.UUID("0d0e5f3c-7b1a-5f38-8b55-2c9f27a1c6e4")


def transaction_id(op: str, stamp: Stamp) -> str:
    """The key under which a creation is repeated without a second event."""
    return str(uuid.uuid5(_NAMESPACE, f"{stamp.instance}\n{op}"))


def insertion(item: Event | Series, op: str, stamp: Stamp) -> dict[str, Any]:
    """The body of a new event; what became of single occurrences is written afterwards. Raises Unencodable."""
    master = item.master if isinstance(item, Series) else item
    body = fields(master, COPIED, repeats=isinstance(item, Series))
    body |= {"transactionId": transaction_id(op, stamp), **marks(stamp, master.when)}
    if isinstance(item, Series):
        body["recurrence"] = pattern_of(item)
    return body


def stamped(stamp: Stamp) -> dict[str, Any]:
    """The extended property that carries ``stamp``."""
    return {"singleValueExtendedProperties": [{"id": STAMP, "value": str(stamp)}]}


def marks(stamp: Stamp | None, when: When | None) -> dict[str, Any]:
    """The extended properties beside what is written: ``stamp``, and the zones where times (``when``) are."""
    made = stamped(stamp)["singleValueExtendedProperties"] if stamp is not None else []
    if isinstance(when, Timed):
        made = [*made, {"id": ZONES, "value": f"{when.start.zone} {when.end.zone}"}]
    return {"singleValueExtendedProperties": made} if made else {}


def fields(event: Event, names: Collection[str], *, repeats: bool = False) -> dict[str, Any]:
    """The named fields of ``event``; UNKNOWN ones are left out, what Graph does not hold too.

    ``repeats``: the times anchor a series, so their zone must keep its rules. Raises Unencodable.
    """
    body: dict[str, Any] = {}
    if "title" in names and event.title is not UNKNOWN:
        body["subject"] = event.title
    if "location" in names and event.location is not UNKNOWN:
        body["location"] = {"displayName": event.location}
    if "description" in names and event.description is not UNKNOWN:
        body["body"] = {"contentType": "text", "content": event.description}
    if "when" in names:
        body |= times(event.when, repeats=repeats)
    if "sensitivity" in names and event.sensitivity is not UNKNOWN:
        body["sensitivity"] = _SENSITIVITY[event.sensitivity]
    if "show_as" in names and event.show_as is not UNKNOWN:
        body["showAs"] = _SHOW_AS[event.show_as]
    if "status" in names and event.status is Status.CANCELLED:  # only the organiser's deletion makes it so
        raise Unencodable("Graph cannot be given a cancelled event")
    if "reminder" in names and event.reminder is not UNKNOWN:
        body["isReminderOn"] = event.reminder is not None
        if event.reminder is not None:
            body["reminderMinutesBeforeStart"] = max(event.reminder, 0)
    return body


def times(when: When, *, repeats: bool = False) -> dict[str, Any]:
    """``start``, ``end`` and ``isAllDay``. Raises Unencodable for a series in a zone that Windows does not know."""
    if isinstance(when, Timed):
        start, end = _edge(when.start, repeats=repeats), _edge(when.end, repeats=repeats)
        return {"start": start, "end": end, "isAllDay": False}
    return {"start": _whole_day(when.start), "end": _whole_day(when.end), "isAllDay": True}


def _whole_day(day: date) -> dict[str, str]:
    """Whole days have no zone at the service: they are shown at midnight, whichever one is named or asked for."""
    return {"dateTime": midnight(day).isoformat(), "timeZone": "UTC"}


def _edge(at: Zoned, *, repeats: bool) -> dict[str, str]:
    """A time that exists, in the zone's Windows name. In UTC where only that says which instant is meant."""
    shown = Zoned.at(at.instant(), at.zone)
    name = "UTC" if shown.zone == "UTC" else to_windows(shown.zone)
    known = name is not None and (name == "UTC" or same_rules(shown.zone, to_iana(name) or ""))
    if name is not None and known and not shown.fold:
        return {"dateTime": shown.wall.isoformat(), "timeZone": name}
    if repeats:
        raise Unencodable("a series needs a zone that Windows knows")
    return {"dateTime": Zoned.at(at.instant(), "UTC").wall.isoformat(), "timeZone": "UTC"}
