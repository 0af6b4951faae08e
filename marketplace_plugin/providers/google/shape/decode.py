"""Google's JSON -> the model. Pure; whatever cannot be understood raises ``Undecodable``.

Source: the schema ``Event`` of the discovery document (calendar v3), and
https://developers.google.com/workspace/calendar/api/concepts/events-calendars. Three things are easily misread:

* ``dateTime`` carries the offset of the reader's zone, the event's own zone stands beside it in ``timeZone``.
* ``self`` marks the calendar that the copy lies in, which need not be the account's own.
* What a role may not see is absent like what is empty; only the role tells the two apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marketplace_plugin.model.change import Access, Found, Revision, Stamp, UnreadableReason
from marketplace_plugin.model.collection import Role
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
from marketplace_plugin.model.names.zones import resolve
from marketplace_plugin.model.series.edit import says_something
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned, zone
from marketplace_plugin.providers.google.shape import recurrence
from marketplace_plugin.providers.google.shape.recurrence import Undecodable
from marketplace_plugin.providers.google.shape.text import plain

Raw = Mapping[str, Any]

COLUMNS = (
    "id,etag,status,htmlLink,updated,iCalUID,eventType,summary,description,location,start,end,recurrence,"
    "recurringEventId,originalStartTime,transparency,visibility,locked,guestsCanModify,guestsCanSeeOtherGuests,"
    "organizer(email,displayName,self),attendees(email,displayName,responseStatus,optional,self,resource,comment,"
    "additionalGuests),attendeesOmitted,"
    "reminders,hangoutLink,conferenceData/entryPoints(entryPointType,uri),extendedProperties/private"
)
"""What ``fields=`` asks of an event: exactly what is read below, and all of a guest that goes back with the list."""

_SHOWN = (
    "status",
    "summary",
    "description",
    "location",
    "start",
    "end",
    "recurrence",
    "transparency",
    "visibility",
    "attendees",
    "reminders",
    "extendedProperties",
    "updated",
)
EVENT_TYPES = ["default", "focusTime", "fromGmail", "outOfOffice"]
"""What is read at all. Birthdays and working places are no appointments; all but ``default`` are read only."""

STAMP = "marketplaceStamp"
SHOW_AS = "marketplaceShowAs"
"""Names of private extended properties (at most 44 characters, longer ones are dropped silently)."""

NOT_READ = frozenset({"birthday", "workingLocation"})
"""``EVENT_TYPES`` once more, from the other side: for a service that does not look at what was asked for."""

BY_CONTENT = "content:"
"""How a tag begins that is none of the service's: an event need not have an ETag."""

ROLES = {
    "freeBusyReader": Role.FREE_BUSY,
    "reader": Role.READER,
    "writerWithoutPrivateAccess": Role.MASKED_WRITER,
    "writer": Role.WRITER,
    "owner": Role.OWNER,
}
_RESPONSES = {
    "needsAction": Response.NEEDS_ACTION,
    "accepted": Response.ACCEPTED,
    "tentative": Response.TENTATIVE,
    "declined": Response.DECLINED,
}
_SENSITIVITY = {
    "default": Sensitivity.NORMAL,
    "public": Sensitivity.NORMAL,
    "private": Sensitivity.PRIVATE,
    "confidential": Sensitivity.CONFIDENTIAL,
}
_HIDDEN = {name: known for name, known in _SENSITIVITY.items() if known is not Sensitivity.NORMAL}
_OPEN = {None, "", "default", "public"}
"""Visibilities that hide nothing; one that is not known may."""
_FINER_SHOW_AS = {s.value: s for s in (ShowAs.TENTATIVE, ShowAs.OUT_OF_OFFICE, ShowAs.ELSEWHERE)}


@dataclass(frozen=True, slots=True)
class Calendar:
    """What an event needs to know of its calendar: the account's role there, and the zone of events without one."""

    id: str
    role: Role
    zone: str


def single(raw: Raw, calendar: Calendar) -> Found:
    """An event that does not repeat. Raises Undecodable."""
    try:
        return _found(raw, calendar, _event(raw, calendar), Revision(tag_of(raw)))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def series(master: Raw, exceptions: Iterable[Raw], calendar: Calendar) -> Found:
    """A master with all its exceptions, cancelled ones too. Raises Undecodable.

    What changes nothing is left out: an exception that equals its occurrence, a cancellation of none.
    """
    try:
        event = _event(master, calendar)
        parsed = recurrence.parse(master["recurrence"], event.when.start)
        bare = Series(event, parsed.rule, rdates=parsed.rdates)
        overrides = {original_key(o): Override(o, None) for o in parsed.exdates}
        etags: dict[str, str] = {}
        changed = _instant(master.get("updated"))
        for raw in exceptions:
            original = original_of(raw, event.when.start)
            key = original_key(original)
            etags[key] = tag_of(raw)
            overrides[key] = Override(original, None if is_cancelled(raw) else _event(raw, calendar))
            changed = max(filter(None, (changed, _instant(raw.get("updated")))), default=None)
        kept = tuple(o for _, o in sorted(overrides.items()) if says_something(bare, o))
        item = Series(event, parsed.rule, kept, parsed.rdates)
        revision = Revision(tag_of(master), tuple(sorted(etags.items())))
        return _found(master, calendar, item, revision, changed)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def is_cancelled(raw: Raw) -> bool:
    return bool(raw.get("status") == "cancelled")


def tag_of(raw: Raw, names: Collection[str] = _SHOWN) -> str:
    """The ETag. Where there is none (only three fields of a cancelled exception are guaranteed) one by its content, by
    the fields ``names``.

    Raises TypeError.
    """
    if "etag" in raw:
        if not isinstance(raw["etag"], str):
            raise TypeError("an ETag is a text")
        return str(raw["etag"])
    shown = {name: raw[name] for name in names if raw.get(name) is not None}
    return BY_CONTENT + hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def precondition(tag: str) -> str:
    """What If-Match says; empty for a tag that the service knows nothing of."""
    return "" if tag.startswith(BY_CONTENT) else tag


def organises(raw: Raw, calendar_id: str) -> bool:
    """Whether the calendar's owner organises it: ``self`` is false where it is absent, so his address tells as well."""
    organizer = raw.get("organizer") or {}
    return bool(organizer.get("self")) or str(organizer.get("email") or "").lower() == calendar_id.lower()


def original_of(exception: Raw, start: Original) -> Original:
    """Which occurrence an exception replaces, as a series that starts at ``start`` names it."""
    given = exception["originalStartTime"]
    if given.get("date"):
        return recurrence.moved_to(date.fromisoformat(given["date"]), start)
    moment = _moment(given["dateTime"])
    if not isinstance(start, Zoned):  # its date where it was made
        name = resolve(given.get("timeZone") or "")
        return (moment.astimezone(zone(name)) if moment.tzinfo and name else moment).date()
    if moment.tzinfo is None:
        return recurrence.moved_to(_zoned(given, start.zone).instant(), start)
    return recurrence.moved_to(moment, start)


def stamp_of(raw: Raw) -> Stamp | None:
    """Our mark, None where the event has none."""
    return Stamp.parse(str(_private(raw).get(STAMP) or ""))


def is_masked(raw: Raw, calendar: Calendar) -> bool:
    """Whether details are withheld. A private event of a lesser role that shows none counts too."""
    if calendar.role <= Role.FREE_BUSY:
        return True
    if calendar.role >= Role.WRITER or raw.get("visibility") in _OPEN:
        return False
    return not any(raw.get(name) for name in ("summary", "description", "location", "attendees"))


def access_of(raw: Raw, calendar: Calendar) -> Access:
    """What may be written: everything as organiser (or with his leave), the own copy's fields as guest, or nothing."""
    if calendar.role < Role.MASKED_WRITER or is_masked(raw, calendar):
        return Access.NONE
    if raw.get("locked") or raw.get("eventType", "default") != "default":
        return Access.NONE
    if organises(raw, calendar.id) or raw.get("guestsCanModify") or not raw.get("organizer"):
        return Access.FULL
    return Access.ATTENDEE


def _found(
    raw: Raw, calendar: Calendar, item: Event | Series, revision: Revision, changed: datetime | None = None
) -> Found:
    return Found(
        id=raw["id"],
        revision=revision,
        item=item,
        uid=str(raw.get("iCalUID") or ""),
        stamp=stamp_of(raw),
        access=access_of(raw, calendar),
        changed=changed or _instant(raw.get("updated")),
        href=str(raw.get("htmlLink") or ""),
    )


def _event(raw: Raw, calendar: Calendar) -> Event:
    when = _when(raw, calendar)
    status = Status.TENTATIVE if raw.get("status") == "tentative" else Status.CONFIRMED
    if is_masked(raw, calendar):
        return Event(
            when=when,
            title=UNKNOWN,
            description=UNKNOWN,
            location=UNKNOWN,
            show_as=_show_as(raw),
            sensitivity=_HIDDEN.get(str(raw.get("visibility")), UNKNOWN),
            status=status,
            reminder=UNKNOWN,
            attendees=UNKNOWN,
        )
    attendees = [(bool(a.get("self")), _attendee(a)) for a in raw.get("attendees") or ()]
    return Event(
        when=when,
        title=str(raw.get("summary") or ""),
        description=plain(str(raw.get("description") or "")),
        location=str(raw.get("location") or ""),
        show_as=_show_as(raw),
        sensitivity=_SENSITIVITY.get(str(raw.get("visibility") or "default"), UNKNOWN),
        status=status,
        reminder=_reminder(raw.get("reminders") or {}),
        organizer=_organizer(raw, calendar),
        attendees=UNKNOWN if _hides_guests(raw, calendar) else tuple(a for _, a in attendees),
        response=next((a.response for mine, a in attendees if mine), None),
        conference=_conference(raw),
    )


def _when(raw: Raw, calendar: Calendar) -> When:
    start, end = raw["start"], raw["end"]
    if start.get("date"):
        first, last = date.fromisoformat(start["date"]), date.fromisoformat(end["date"])
        return AllDay(first, max(last, first + timedelta(days=1)))  # imported files say end = start for one day
    return Timed(_zoned(start, calendar.zone), _zoned(end, start.get("timeZone") or calendar.zone))


def _zoned(given: Raw, default_zone: str) -> Zoned:
    name = resolve(given.get("timeZone") or default_zone)
    if name is None:
        raise Undecodable(UnreadableReason.UNKNOWN_ZONE)
    moment = _moment(given["dateTime"])
    return Zoned(moment, name) if moment.tzinfo is None else Zoned.at(moment, zone(name).key)


def _instant(text: Any) -> datetime | None:
    if not text:
        return None
    moment = _moment(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(text: str) -> datetime:
    """RFC 3339 lets T and Z be written small."""
    return datetime.fromisoformat(text.upper())


def _show_as(raw: Raw) -> ShowAs:
    """Google knows free and busy; which kind of busy we wrote stands in a property of ours."""
    if raw.get("transparency") == "transparent":
        return ShowAs.FREE
    if raw.get("eventType") == "outOfOffice":
        return ShowAs.OUT_OF_OFFICE
    return _FINER_SHOW_AS.get(str(_private(raw).get(SHOW_AS)), ShowAs.BUSY)


def _reminder(reminders: Raw) -> Any:
    """The first popup. The calendar's own default is UNKNOWN: nothing that the event says, so nothing to write back."""
    if reminders.get("useDefault", True):
        return UNKNOWN
    popups = [int(r.get("minutes") or 0) for r in reminders.get("overrides") or () if r.get("method") == "popup"]
    return min(popups, default=None)


def _attendee(raw: Raw) -> Attendee:
    return Attendee(
        address=str(raw.get("email") or "").lower(),
        name=str(raw.get("displayName") or ""),
        response=_RESPONSES.get(raw.get("responseStatus", ""), Response.NEEDS_ACTION),
        optional=bool(raw.get("optional")),
    )


def _organizer(raw: Raw, calendar: Calendar) -> Attendee | None:
    organizer = raw.get("organizer") or {}
    if organises(raw, calendar.id) or not organizer.get("email"):
        return None
    return Attendee(str(organizer["email"]).lower(), str(organizer.get("displayName") or ""), Response.ACCEPTED)


def _hides_guests(raw: Raw, calendar: Calendar) -> bool:
    own = organises(raw, calendar.id)
    return bool(raw.get("attendeesOmitted")) or (raw.get("guestsCanSeeOtherGuests") is False and not own)


def _conference(raw: Raw) -> str:
    for entry in (raw.get("conferenceData") or {}).get("entryPoints") or ():
        if entry.get("entryPointType") == "video":
            return str(entry.get("uri") or "")
    return str(raw.get("hangoutLink") or "")


def _private(raw: Raw) -> Raw:
    return (raw.get("extendedProperties") or {}).get("private") or {}
