"""The model -> Google's JSON: bodies that name what is to change and nothing else.

Never among it: the organiser, conference data. Attendees are the own answer, or whom a write names one by one
(``guests``); a new event has none. Source: the schema ``Event`` of the discovery document (calendar v3).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import (
    UNKNOWN,
    Event,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
    Unknown,
    original_key,
)
from marketplace_plugin.model.names.zones import well_known
from marketplace_plugin.model.time import Original, Zoned, zone
from marketplace_plugin.providers.google.shape import recurrence
from marketplace_plugin.providers.google.shape.decode import SHOW_AS, STAMP, Raw
from marketplace_plugin.providers.google.shape.text import marked_up

FIELDS = frozenset(
    {"when", "title", "description", "location", "show_as", "sensitivity", "status", "reminder", "response"}
)
"""``Event`` fields that survive the way to Google and back."""

COPIED = FIELDS - {"response"}
"""What an event of our own making has; an answer belongs to an invitation."""

_VISIBILITY = {
    Sensitivity.NORMAL: "default",
    Sensitivity.PRIVATE: "private",
    Sensitivity.CONFIDENTIAL: "confidential",
}
_RESPONSES = {
    Response.NEEDS_ACTION: "needsAction",
    Response.ACCEPTED: "accepted",
    Response.TENTATIVE: "tentative",
    Response.DECLINED: "declined",
}
_PROPERTY_LIMIT = 1024  # characters; Google cuts longer values without a word
_LONGEST_REMINDER = 40_320  # minutes, four weeks
_NAMESPACE = uuid.UUID("6c1f3a0e-5d7b-5b0e-9a51-3f0f6f1b7c2d")


class Unencodable(Exception):
    """Google cannot hold this."""


class NotOurs(Unencodable):
    """It is another's to write."""


def client_id(op: str, stamp: Stamp) -> str:
    """The id under which a creation is repeated without a second event: hex digits are a part of base32hex."""
    return uuid.uuid5(_NAMESPACE, f"{stamp.instance}\n{op}").hex


def insertion(item: Event | Series, op: str, stamp: Stamp) -> dict[str, Any]:
    """The body of events.insert; cancelled occurrences go as EXDATE, changed ones are written afterwards."""
    master = item.master if isinstance(item, Series) else item
    body = fields(master, COPIED, patch=False)
    body["id"] = client_id(op, stamp)
    body.setdefault("extendedProperties", {}).setdefault("private", {}).update(stamped(stamp))
    if isinstance(item, Series):
        body["recurrence"] = rules(item)
    return body


def stamped(stamp: Stamp) -> dict[str, str]:
    """The private property that carries ``stamp``. Raises Unencodable where Google would cut it."""
    if len(str(stamp)) > _PROPERTY_LIMIT:
        raise Unencodable("the stamp is longer than an extended property")
    return {STAMP: str(stamp)}


def fields(event: Event, names: Collection[str], *, patch: bool) -> dict[str, Any]:
    """The named fields of ``event``; UNKNOWN ones are left out, what Google does not hold too.

    ``patch``: the fields that an event of the other kind would have are nulled, since a patch merges. Reminders and the
    own answer depend on what stands there now: see ``reminders`` and ``answer``. Raises Unencodable.
    """
    body: dict[str, Any] = {}
    for name, column in (("title", "summary"), ("location", "location")):
        if name in names and getattr(event, name) is not UNKNOWN:
            body[column] = getattr(event, name)
    if "description" in names and event.description is not UNKNOWN:
        body["description"] = marked_up(event.description)
    if "when" in names:
        body["start"] = _end_of_span(event.when.start, patch=patch)
        body["end"] = _end_of_span(event.when.end, patch=patch)
    if "sensitivity" in names and event.sensitivity is not UNKNOWN:
        body["visibility"] = _VISIBILITY[event.sensitivity]
    if "show_as" in names and event.show_as is not UNKNOWN:
        body |= _show_as(event.show_as, patch=patch)
    if "status" in names:
        if event.status is Status.CANCELLED:  # status=cancelled is how Google spells a deletion
            raise Unencodable("Google cannot hold a cancelled event")
        body["status"] = event.status.value
    if "reminder" in names and event.reminder is not UNKNOWN and not patch:
        body["reminders"] = reminders({}, None, event.reminder)
    return body


def reminders(current: Raw, before: object, after: int | None) -> dict[str, Any]:
    """The reminders with the popup ``before`` (minutes, or anything else for none) replaced by ``after``.

    The others stay. Where the calendar's default applied, ``after`` is the only one.
    """
    kept = [] if current.get("useDefault", True) else list(current.get("overrides") or ())
    kept = [r for r in kept if not (r.get("method") == "popup" and r.get("minutes") in (before, after))]
    if after is not None:
        kept.insert(0, {"method": "popup", "minutes": min(max(after, 0), _LONGEST_REMINDER)})
    return {"useDefault": False, "overrides": kept[:5]}


def answer(current: Raw, response: Response) -> dict[str, Any]:
    """The own answer alone: ``attendeesOmitted`` says that the list is not the guests' list (discovery document)."""
    for attendee in current.get("attendees") or ():
        if attendee.get("self"):
            mine = {"email": attendee["email"], "responseStatus": _RESPONSES[response]}
            return {"attendees": [mine], "attendeesOmitted": True}
    raise Unencodable("this calendar is not invited")


def guests(current: Raw, before: Event, after: Event) -> dict[str, Any]:
    """The list with those of ``after`` added whom ``before`` lacks, and those of ``before`` taken out whom ``after``
    lacks; a patch writes it whole, so every other line goes back as it stands. Nobody's answer is given.

    Raises NotOurs where the list is not told whole, or somebody else organises the event.
    """
    if current.get("attendeesOmitted") or not (current.get("organizer") or {}).get("self"):
        raise NotOurs("the list of guests is not this account's to write")
    if isinstance(before.attendees, Unknown) or isinstance(after.attendees, Unknown):
        raise Unencodable("the guests are not known")
    wanted, known = {a.address for a in after.attendees}, {a.address for a in before.attendees}
    lines = [
        {name: value for name, value in line.items() if name != "self"}
        for line in current.get("attendees") or ()
        if str(line.get("email") or "").lower() not in known - wanted
    ]
    there = {str(line.get("email") or "").lower() for line in lines}
    new = [a for a in after.attendees if a.address not in known | there]
    lines += [
        {
            "email": a.address,
            **({"displayName": a.name} if a.name else {}),
            **({"optional": True} if a.optional else {}),
        }
        for a in new
    ]
    return {"attendees": lines}


def rules(series: Series, left_out: Iterable[str] = ()) -> list[str]:
    """``recurrence`` of a series. ``left_out``: keys of cancelled occurrences that are exceptions of their own."""
    known = set(left_out)
    exdates = [o.original for o in series.overrides if o.event is None and original_key(o.original) not in known]
    return recurrence.lines(series.rule, series.rdates, exdates)


def moment(original: Original) -> str:
    """An original start as the parameter ``originalStart``: a date, or RFC 3339 with its offset."""
    return _local(original) if isinstance(original, Zoned) else original.isoformat()


def _local(at: Zoned) -> str:
    return at.wall.replace(fold=at.fold, tzinfo=zone(at.zone)).isoformat(timespec="seconds")


def _end_of_span(at: Original, *, patch: bool) -> dict[str, Any]:
    if isinstance(at, Zoned):
        return {"dateTime": _local(at), "timeZone": well_known(at.zone), **({"date": None} if patch else {})}
    return {"date": at.isoformat(), **({"dateTime": None, "timeZone": None} if patch else {})}


def _show_as(show_as: ShowAs, *, patch: bool) -> dict[str, Any]:
    finer = show_as.value if show_as not in (ShowAs.FREE, ShowAs.BUSY) else None
    body: dict[str, Any] = {"transparency": "transparent" if show_as is ShowAs.FREE else "opaque"}
    if finer or patch:
        body["extendedProperties"] = {"private": {SHOW_AS: finer}}
    return body
