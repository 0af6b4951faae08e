"""Graph's JSON -> the model. Pure; whatever cannot be understood raises ``Undecodable``.

Source: the resource ``event`` of Microsoft Graph v1.0. Read with ``Prefer: outlook.timezone="UTC"``, so:

* ``start`` and ``end`` are instants; the zone that anchors them stands in ``originalStartTimeZone``. Whole days are
  shown at midnight whatever zone is preferred, and are dates.
* ``originalStart`` is an instant too, for whole days the midnight of the mailbox (microsoft-graph-docs#2804, #7163),
  whose zone stands in the range of the rule, if anywhere: what the event names is the zone that was asked for.
* A mask is not marked: what a calendar without private details shows of a private event is text of the service's own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.model.change import Access, Found, Revision, Stamp, UnreadableReason
from marketplace_plugin.model.collection import Capabilities, Role
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
    original_key,
)
from marketplace_plugin.model.names.zones import is_iana, resolve, same_rules, to_windows
from marketplace_plugin.model.series.edit import says_something
from marketplace_plugin.model.series.shape import expressible
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned, zone
from marketplace_plugin.providers.graph.shape import recurrence
from marketplace_plugin.providers.graph.shape.recurrence import RULES, Undecodable

Raw = Mapping[str, Any]

STAMP = "String {6c0b5e0d-4a2f-4f0c-9d5e-8f9f1d6a2b73} Name MarketplaceStamp"
"""Our extended property: the GUID is ours alone, the name is case-sensitive. It comes with ``$expand`` only."""

ZONES = "String {6c0b5e0d-4a2f-4f0c-9d5e-8f9f1d6a2b73} Name MarketplaceZones"
"""The IANA zones of start and end as we wrote them: many of them share one Windows name, which is all that is shown."""

CUSTOM_ZONES = re.compile(r"tzone://microsoft/(.*)", re.IGNORECASE)
BY_CONTENT = "content:"
"""How a tag begins that is none of the service's: not every reply tells one."""

CANCELLED = "cancelled"
"""Stands for the change key of a cancelled occurrence, which has none, in a ``Revision``."""

_SHOW_AS = {
    "free": ShowAs.FREE,
    "tentative": ShowAs.TENTATIVE,
    "busy": ShowAs.BUSY,
    "oof": ShowAs.OUT_OF_OFFICE,
    "workingElsewhere": ShowAs.ELSEWHERE,
}
_SENSITIVITY = {
    "normal": Sensitivity.NORMAL,
    "personal": Sensitivity.PRIVATE,
    "private": Sensitivity.PRIVATE,
    "confidential": Sensitivity.CONFIDENTIAL,
}
_RESPONSES = {
    "tentativelyAccepted": Response.TENTATIVE,
    "accepted": Response.ACCEPTED,
    "organizer": Response.ACCEPTED,
    "declined": Response.DECLINED,
}
_MALFORMED = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
_SHOWN = (
    "subject",
    "body",
    "location",
    "start",
    "end",
    "isAllDay",
    "recurrence",
    "showAs",
    "sensitivity",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "isCancelled",
    "attendees",
    "responseStatus",
    "lastModifiedDateTime",
)
_HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What an event needs to know of its calendar. ``private``: the account sees the details of private events."""

    id: str
    role: Role
    shared: bool
    private: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """An event, or a master with all that became of its occurrences. ``cancelled``: original local dates."""

    master: Raw
    exceptions: tuple[Raw, ...] = ()
    cancelled: tuple[date, ...] = ()

    @property
    def repeats(self) -> bool:
        return bool(self.master.get("recurrence"))


def whole(raw: Raw) -> Whole:
    """A reply to the request for an event with its exceptions. Raises Undecodable."""
    try:
        cancelled = tuple(date.fromisoformat(name[-10:]) for name in entries(raw, "cancelledOccurrences"))
        return Whole(raw, tuple(entries(raw, "exceptionOccurrences")), cancelled)
    except _MALFORMED as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def found(given: Whole, calendar: Calendar) -> Found:
    """A single event, or a series with its overrides. Raises Undecodable.

    What changes nothing is left out: an exception that equals its occurrence, a cancellation of none.
    """
    try:
        return _series(given, calendar) if given.repeats else _single(given.master, calendar)
    except _MALFORMED as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def event_of(raw: Raw, calendar: Calendar) -> Event:
    """The content of an event, a master, an occurrence or an exception. Raises Undecodable."""
    try:
        return _event(raw, calendar)
    except _MALFORMED as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def tag_of(raw: Raw, names: Collection[str] = _SHOWN) -> str:
    """The ETag. Where a reply has none one by its content (the fields ``names``), which is no precondition."""
    if tag := raw.get("@odata.etag"):
        return str(tag)
    shown = {name: raw[name] for name in names if raw.get(name) is not None}
    return BY_CONTENT + hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def precondition(tag: str) -> str:
    """What If-Match says; empty for a tag that the service knows nothing of."""
    return "" if tag.startswith(BY_CONTENT) else tag


def entries(raw: Raw, name: str) -> list[Any]:
    """A list of the metadata's kind, which may hold nulls, without them."""
    return [entry for entry in raw.get(name) or () if entry is not None]


def is_own(raw: Raw) -> bool:
    """Whether the account organises it; where a null says nothing, what nobody else takes part in is its own."""
    told = raw.get("isOrganizer")
    return bool(told) if told is not None else not raw.get("attendees")


def original_of(raw: Raw, master: Raw, start: Original) -> Original:
    """Which occurrence of the series that starts at ``start`` an exception or instance replaces."""
    instant = _utc(str(raw["originalStart"]))
    if isinstance(start, Zoned):
        return Zoned.at(instant, start.zone)
    for name in filter(None, (_rule_zone(master), _zone_name(master.get("originalStartTimeZone")))):
        local = instant.astimezone(zone(name))
        if local.time() == time():
            return local.date()
    return (instant + _HALF_A_DAY).date()


def stamp_of(raw: Raw) -> Stamp | None:
    """Our mark, None where the event has none (or it was not asked for)."""
    return Stamp.parse(_property(raw, STAMP))


def has_guests(raw: Raw) -> bool:
    """Whether somebody else is invited: whatever the organiser changes or deletes then is mailed."""
    organizer = _address(raw.get("organizer")).lower()
    return any(_address(guest).lower() != organizer for guest in entries(raw, "attendees"))


def would_mail(given: Whole) -> bool:
    """Whether a write to it is told to somebody: guests of one occurrence stand on that exception alone
    (microsoft-graph-docs#1795)."""
    return is_own(given.master) and any(has_guests(raw) for raw in (given.master, *given.exceptions))


def is_online(raw: Raw) -> bool:
    return bool(raw.get("isOnlineMeeting") or raw.get("onlineMeeting"))


def is_masked(raw: Raw, calendar: Calendar) -> bool:
    """Whether details are withheld: everything in a free/busy calendar, private events in one without them."""
    if not calendar.shared:
        return False
    private = _SENSITIVITY.get(str(raw.get("sensitivity"))) is not Sensitivity.NORMAL and not calendar.private
    return calendar.role <= Role.FREE_BUSY or private or not raw.get("organizer")


# ---- parts --------------------------------------------------------------------------------------------------------


def _single(raw: Raw, calendar: Calendar) -> Found:
    return _found(raw, calendar, _event(raw, calendar), Revision(tag_of(raw)))


def _series(given: Whole, calendar: Calendar) -> Found:
    master = given.master
    event = _event(master, calendar)
    if isinstance(event.when, Timed) and not (_zone_name(_anchor(master, "Start")) or _property(master, ZONES)):
        raise Undecodable(UnreadableReason.UNKNOWN_ZONE)  # an instant says nothing of the next change of the clocks
    start = event.when.start
    bare = Series(event, recurrence.parse(master["recurrence"], start))
    overrides: dict[str, Override] = {}
    tags: dict[str, str] = {}
    changed = _instant(master.get("lastModifiedDateTime"))
    for day in given.cancelled:
        original = _on(day, start)
        overrides[original_key(original)] = Override(original, None)
        tags[original_key(original)] = CANCELLED
    for raw in given.exceptions:
        original = original_of(raw, master, start)
        overrides[original_key(original)] = Override(original, _event(_of_series(raw, master), calendar))
        tags[original_key(original)] = tag_of(raw)
        changed = max(filter(None, (changed, _instant(raw.get("lastModifiedDateTime")))), default=None)
    kept = tuple(o for _, o in sorted(overrides.items()) if says_something(bare, o))
    item = replace(bare, overrides=kept)
    revision = Revision(tag_of(master), tuple(sorted(tags.items())))
    result = _found(master, calendar, item, revision, changed)
    can_be_said = expressible(replace(bare, overrides=()), Capabilities(frozenset(), rules=RULES))
    return result if can_be_said else replace(result, access=Access.NONE)


def _of_series(raw: Raw, master: Raw) -> Raw:
    """An exception with what only its master tells: the names of the zones."""
    ours = master.get("singleValueExtendedProperties")
    return {"singleValueExtendedProperties": ours, **raw, "recurrence": master.get("recurrence")}


def _on(day: date, start: Original) -> Original:
    return Zoned(datetime.combine(day, start.wall.time()), start.zone) if isinstance(start, Zoned) else day


def _found(
    raw: Raw, calendar: Calendar, item: Event | Series, revision: Revision, changed: datetime | None = None
) -> Found:
    return Found(
        id=raw["id"],
        revision=revision,
        item=item,
        uid=str(raw.get("iCalUId") or ""),
        stamp=stamp_of(raw),
        access=_access(raw, calendar),
        changed=changed or _instant(raw.get("lastModifiedDateTime")),
        href=str(raw.get("webLink") or ""),
    )


def _access(raw: Raw, calendar: Calendar) -> Access:
    if calendar.role < Role.MASKED_WRITER or is_masked(raw, calendar):
        return Access.NONE
    return Access.FULL if is_own(raw) else Access.ATTENDEE


def _event(raw: Raw, calendar: Calendar) -> Event:
    when, status = _when(raw), Status.CANCELLED if raw.get("isCancelled") else Status.CONFIRMED
    show_as = _SHOW_AS.get(str(raw.get("showAs")), UNKNOWN)
    if is_masked(raw, calendar):
        known = calendar.role > Role.FREE_BUSY
        return Event(
            when=when,
            title=UNKNOWN,
            description=UNKNOWN,
            location=UNKNOWN,
            show_as=show_as,
            sensitivity=_SENSITIVITY.get(str(raw.get("sensitivity")), UNKNOWN) if known else UNKNOWN,
            status=status,
            reminder=UNKNOWN,
            attendees=UNKNOWN,
        )
    # Somebody else's calendar may be shared with titles and places only, which nothing tells: what is empty there may
    # also be withheld. The reminder is its owner's.
    withheld = calendar.shared and calendar.role <= Role.READER
    description, attendees = _text(raw.get("body") or {}), tuple(_attendee(a) for a in entries(raw, "attendees"))
    return Event(
        when=when,
        title=str(raw.get("subject") or ""),
        description=UNKNOWN if withheld and not description else description,
        location=str((raw.get("location") or {}).get("displayName") or ""),
        show_as=show_as,
        sensitivity=_SENSITIVITY.get(str(raw.get("sensitivity")), UNKNOWN),
        status=status,
        reminder=UNKNOWN if withheld else _reminder(raw),
        organizer=None if is_own(raw) else _organizer(raw),
        attendees=UNKNOWN if withheld and not attendees else attendees,
        response=_response(raw),
        conference=str((raw.get("onlineMeeting") or {}).get("joinUrl") or raw.get("onlineMeetingUrl") or ""),
    )


def _when(raw: Raw) -> When:
    start, end = raw["start"], raw["end"]
    if raw.get("isAllDay"):
        first, last = (date.fromisoformat(edge["dateTime"][:10]) for edge in (start, end))
        return AllDay(first, last)
    ours = (_property(raw, ZONES).split() or [""]) * 2
    series = bool(raw.get("recurrence") or raw.get("seriesMasterId"))
    return Timed(
        _edge(start, _kept(_anchor(raw, "Start"), ours[0], series=series)),
        _edge(end, _kept(_anchor(raw, "End"), ours[1], series=series)),
    )


def _anchor(raw: Raw, edge: str) -> str:
    """The zone of an edge by its name, empty where none is told. Both names may be null: the end then is in the start's
    zone, and the start in the one that it is shown in, unless that is no more than what was asked for. A name that says
    nothing ("Customized Time Zone") gives way to the one that the rule of a series has."""
    told = raw.get(f"original{edge}TimeZone") or raw.get("originalStartTimeZone")
    shown = str((raw.get("start") or {}).get("timeZone") or "")
    known = resolve(shown) if shown else None
    named = str(told or ("" if known is None or same_rules(known, "UTC") else shown))
    return named if not named or _zone_name(named) else _rule_zone(raw) or named


def _rule_zone(master: Raw) -> str | None:
    """The zone that the rule of a series names, None where it names none."""
    return _zone_name(((master.get("recurrence") or {}).get("range") or {}).get("recurrenceTimeZone"))


def _kept(shown: Any, ours: str, *, series: bool) -> Any:
    """The zone that we wrote, as long as it is what is shown of it: its Windows name, or UTC for a single event in a
    zone without one."""
    name = str(shown or "")
    if not name:  # nothing tells another
        return ours if is_iana(ours) else name
    written = to_windows(ours) or ("" if series else "UTC")
    return ours if ours and is_iana(ours) and written == name else name


def _edge(given: Raw, anchor: Any) -> Zoned:
    """An instant in its anchor zone; in UTC, which is no less exact, where the anchor has no name."""
    shown_in = resolve(str(given.get("timeZone") or "UTC"))
    if shown_in is None:
        raise Undecodable(UnreadableReason.UNKNOWN_ZONE)
    wall = datetime.fromisoformat(_six_digits(given["dateTime"]))
    instant = wall if wall.tzinfo is not None else Zoned(wall, shown_in).instant()
    return Zoned.at(instant, _zone_name(anchor) or "UTC")


def _property(raw: Raw, name: str) -> str:
    """One of our extended properties; empty where there is none, or it was not asked for."""
    for given in entries(raw, "singleValueExtendedProperties"):
        if str(given.get("id", "")).casefold() == name.casefold():
            return str(given.get("value") or "")
    return ""


def _zone_name(name: Any) -> str | None:
    """The IANA zone of a name of the service, None for a zone without a name."""
    text = str(name or "")
    custom = CUSTOM_ZONES.fullmatch(text)
    return resolve(custom[1].upper() if custom else text) if text else None


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(_six_digits(text))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _six_digits(text: str) -> str:
    """The service writes seven digits of a second."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _instant(text: Any) -> datetime | None:
    return _utc(str(text)) if text else None


def _text(body: Raw) -> Any:
    """Plain text, as asked for with Prefer. A body that came as HTML all the same is not known."""
    content = str(body.get("content") or "")
    if content and str(body.get("contentType")).lower() != "text":
        return UNKNOWN
    return content.replace("\r\n", "\n").rstrip("\n")


def _reminder(raw: Raw) -> int | None:
    return int(raw.get("reminderMinutesBeforeStart") or 0) if raw.get("isReminderOn") else None


def _address(person: Any) -> str:
    return str(((person or {}).get("emailAddress") or {}).get("address") or "")


def _attendee(raw: Raw) -> Attendee:
    return Attendee(
        address=_address(raw).lower(),
        name=str((raw.get("emailAddress") or {}).get("name") or ""),
        response=_RESPONSES.get(str((raw.get("status") or {}).get("response")), Response.NEEDS_ACTION),
        optional=raw.get("type") == "optional",
    )


def _organizer(raw: Raw) -> Attendee | None:
    address = _address(raw.get("organizer"))
    if not address:
        return None
    return Attendee(address.lower(), str(raw["organizer"]["emailAddress"].get("name") or ""), Response.ACCEPTED)


def _response(raw: Raw) -> Response | None:
    if is_own(raw):
        return None
    return _RESPONSES.get(str((raw.get("responseStatus") or {}).get("response")), Response.NEEDS_ACTION)
