"""Exchange's XML -> the model. Pure; whatever cannot be understood raises ``Undecodable``.

Source: CalendarItemType in types.xsd, and time-zones-and-ews.

* Times come as instants with Z or an offset; the zone that anchors them stands in ``StartTimeZone`` and
  ``EndTimeZone``, by its Windows name. The zone of the machine plays no part.
* Whole days are midnights of that zone, the end exclusive.
* A series is its master; what became of single occurrences is listed beside it, and read item by item.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from marketplace_plugin.model.change import Access, Found, Revision, Stamp, UnreadableReason
from marketplace_plugin.model.collection import Capabilities, Role
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Masked,
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
from marketplace_plugin.model.series.pattern import RULES
from marketplace_plugin.model.series.shape import expressible
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned, zone
from marketplace_plugin.providers.ews.shape import recurrence
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable
from marketplace_plugin.providers.ews.shape.zones import zone_of
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element

PROPERTY_SET = "6c0b5e0d-4a2f-4f0c-9d5e-8f9f1d6a2b73"
PROPERTY_NAME = "MarketplaceStamp"
"""Our extended property, a String: the same that Microsoft Graph shows of a mailbox."""

CANCELLED = "cancelled"
"""Stands for the change key of a cancelled occurrence, which has none, in a ``Revision``."""

RECEIVED = 2
"""Bit of ``AppointmentState`` (MS-OXOCAL 2.2.1.10): the meeting came from somebody else."""

SHOW_AS = {
    "Free": ShowAs.FREE,
    "Tentative": ShowAs.TENTATIVE,
    "Busy": ShowAs.BUSY,
    "OOF": ShowAs.OUT_OF_OFFICE,
    "WorkingElsewhere": ShowAs.ELSEWHERE,
}
_SENSITIVITY = {
    "Normal": Sensitivity.NORMAL,
    "Personal": Sensitivity.PRIVATE,
    "Private": Sensitivity.PRIVATE,
    "Confidential": Sensitivity.CONFIDENTIAL,
}
_RESPONSES = {
    "Accept": Response.ACCEPTED,
    "Organizer": Response.ACCEPTED,
    "Tentative": Response.TENTATIVE,
    "Decline": Response.DECLINED,
}
_MALFORMED = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
_HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What an item needs to know of its calendar. ``private``: the account sees private items of the owner."""

    id: str
    role: Role
    shared: bool
    private: bool = True


@dataclass(frozen=True, slots=True)
class Whole:
    """An item, or a master with its exceptions as items of their own."""

    master: Element
    exceptions: tuple[Element, ...] = ()

    @property
    def repeats(self) -> bool:
        return xml.find(self.master, "t:Recurrence") is not None


def id_of(item: Element) -> str:
    """Raises Undecodable for an item without."""
    identity = xml.find(item, "t:ItemId")
    if identity is None or not identity.get("Id"):
        raise Undecodable(UnreadableReason.MALFORMED)
    return str(identity.get("Id"))


def change_key_of(item: Element) -> str:
    """Empty where the item has none."""
    identity = xml.find(item, "t:ItemId")
    return str(identity.get("ChangeKey") or "") if identity is not None else ""


def tag_of(item: Element) -> str:
    """The change key; where an item is told without (the schema lets it be left out) a tag by its content."""
    return change_key_of(item) or f"content:{hashlib.sha256(xml.written(item)).hexdigest()}"


def exception_ids(master: Element) -> list[str]:
    """The items behind ``ModifiedOccurrences``."""
    ids = xml.find_all(master, "t:ModifiedOccurrences/t:Occurrence/t:ItemId")
    return [str(found.get("Id")) for found in ids]


def found(given: Whole, calendar: Calendar) -> Found:
    """A single event, or a series with its overrides. Raises Undecodable.

    What changes nothing is left out: an exception that equals its occurrence, a cancellation of none.
    """
    try:
        return _series(given, calendar) if given.repeats else _single(given.master, calendar)
    except _MALFORMED as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def event_of(item: Element, calendar: Calendar) -> Event:
    """The content of an event, a master, an occurrence or an exception. Raises Undecodable."""
    try:
        return _event(item, calendar)
    except _MALFORMED as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def original_of(instant: str, start: Original, anchor: str) -> Original:
    """Which occurrence of the series that starts at ``start`` an OriginalStart names. ``anchor``: the series' zone.

    Raises Undecodable.
    """
    try:
        return Zoned.at(_instant(instant), start.zone) if isinstance(start, Zoned) else _day(instant, anchor)
    except _MALFORMED as error:
        raise Undecodable(UnreadableReason.MALFORMED) from error


def stamp_of(item: Element) -> Stamp | None:
    """Our mark, None where the item has none."""
    for given in xml.find_all(item, "t:ExtendedProperty"):
        uri = xml.find(given, "t:ExtendedFieldURI")
        same_set = uri is not None and str(uri.get("PropertySetId", "")).lower() == PROPERTY_SET
        if same_set and uri.get("PropertyName") == PROPERTY_NAME:
            return Stamp.parse(xml.text(given, "t:Value"))
    return None


def is_own(item: Element) -> bool:
    """Whether the mailbox organises it: a plain appointment, or a meeting that did not come from somebody else."""
    state = xml.text(item, "t:AppointmentState").strip()
    if state.isdigit():
        return not int(state) & RECEIVED
    return not xml.flag(item, "t:IsMeeting") or xml.text(item, "t:MyResponseType").strip() in (
        "",
        "Organizer",
        "Unknown",
    )


def is_masked(item: Element, calendar: Calendar) -> bool:
    """Whether details are withheld: of private items in somebody else's calendar."""
    private = _SENSITIVITY.get(xml.text(item, "t:Sensitivity")) is not Sensitivity.NORMAL
    return calendar.shared and private and not calendar.private


def anchor_of(item: Element) -> str | None:
    """The IANA zone of an item's start, None for one that we do not know. In the schema of 2007 it has another name."""
    start, meeting = xml.find(item, "t:StartTimeZone"), xml.find(item, "t:MeetingTimeZone")
    named = str(meeting.get("TimeZoneName") or "") if start is None and meeting is not None else ""
    return resolve(named) if named else zone_of(start)


# ---- parts --------------------------------------------------------------------------------------------------------


def _single(item: Element, calendar: Calendar) -> Found:
    return _found(item, calendar, _event(item, calendar), Revision(tag_of(item)))


def _series(given: Whole, calendar: Calendar) -> Found:
    master, anchor = given.master, anchor_of(given.master)
    if anchor is None:
        raise Undecodable(UnreadableReason.UNKNOWN_ZONE)  # an instant says nothing of the next change of the clocks
    event = _event(master, calendar)
    start = event.when.start
    bare = Series(event, recurrence.rule_of(xml.find(master, "t:Recurrence"), start))
    overrides: dict[str, Override] = {}
    tags: dict[str, str] = {}
    changed = _changed(master)
    for deleted in xml.find_all(master, "t:DeletedOccurrences/t:DeletedOccurrence"):
        original = original_of(xml.text(deleted, "t:Start"), start, anchor)
        overrides[original_key(original)] = Override(original, None)
        tags[original_key(original)] = CANCELLED
    listed = {
        str(xml.find(one, "t:ItemId").get("Id")): xml.text(one, "t:OriginalStart")
        for one in xml.find_all(master, "t:ModifiedOccurrences/t:Occurrence")
    }
    for item in given.exceptions:
        instant = xml.text(item, "t:OriginalStart") or listed[id_of(item)]
        original = original_of(instant, start, anchor)
        overrides[original_key(original)] = Override(original, _event(item, calendar))
        tags[original_key(original)] = tag_of(item)
        changed = max(filter(None, (changed, _changed(item))), default=None)
    if len(listed) != len(given.exceptions):  # one of them was not read: the series is not known as a whole
        raise Undecodable(UnreadableReason.MALFORMED)
    kept = tuple(o for _, o in sorted(overrides.items()) if says_something(bare, o))
    item = replace(bare, overrides=kept)
    revision = Revision(tag_of(master), tuple(sorted(tags.items())))
    result = _found(master, calendar, item, revision, changed)
    can_be_said = expressible(bare, Capabilities(frozenset(), rules=RULES))
    return result if can_be_said else replace(result, access=Access.NONE)


def _found(
    item: Element, calendar: Calendar, content: Event | Series, revision: Revision, changed: datetime | None = None
) -> Found:
    href = xml.text(item, "t:WebClientReadFormQueryString")
    return Found(
        id=id_of(item),
        revision=revision,
        item=content,
        uid=xml.text(item, "t:UID"),
        stamp=stamp_of(item),
        access=_access(item, calendar),
        changed=changed or _changed(item),
        href=href if href.startswith("https://") else "",
    )


def _access(item: Element, calendar: Calendar) -> Access:
    if calendar.role < Role.MASKED_WRITER or is_masked(item, calendar):
        return Access.NONE
    return Access.FULL if is_own(item) else Access.ATTENDEE


def _event(item: Element, calendar: Calendar) -> Event:
    when = _when(item)
    status = Status.CANCELLED if xml.flag(item, "t:IsCancelled") else Status.CONFIRMED
    show_as = SHOW_AS.get(xml.text(item, "t:LegacyFreeBusyStatus"), UNKNOWN)
    sensitivity = _SENSITIVITY.get(xml.text(item, "t:Sensitivity"), UNKNOWN)
    if is_masked(item, calendar):
        return Event(
            when=when,
            title=UNKNOWN,
            description=UNKNOWN,
            location=UNKNOWN,
            show_as=show_as,
            sensitivity=sensitivity,
            status=status,
            reminder=UNKNOWN,
            attendees=UNKNOWN,
        )
    own = is_own(item)
    return Event(
        when=when,
        title=xml.text(item, "t:Subject"),
        description=_body(item),
        location=xml.text(item, "t:Location"),
        show_as=show_as,
        sensitivity=sensitivity,
        status=status,
        reminder=UNKNOWN if calendar.shared and calendar.role <= Role.READER else _reminder(item),  # its owner's
        organizer=None if own else _organizer(item),
        attendees=_attendees(item),
        response=None if own else _RESPONSES.get(xml.text(item, "t:MyResponseType"), Response.NEEDS_ACTION),
    )


def _when(item: Element) -> When:
    start, end = xml.text(item, "t:Start"), xml.text(item, "t:End")
    if xml.flag(item, "t:IsAllDayEvent"):
        anchor, ending = anchor_of(item), zone_of(xml.find(item, "t:EndTimeZone")) or anchor_of(item)
        if anchor is None or ending is None:
            return _days_as_written(start, end)
        return AllDay(_day(start, anchor), _day(end, ending))
    # An instant in UTC is no less exact where its zone has no name.
    zones = anchor_of(item) or "UTC", zone_of(xml.find(item, "t:EndTimeZone")) or anchor_of(item) or "UTC"
    return Timed(Zoned.at(_instant(start), zones[0]), Zoned.at(_instant(end), zones[1]))


def _instant(text: str) -> datetime:
    """With Z or an offset, and as many digits of a second as the server likes. Raises ValueError."""
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()))
    if moment.tzinfo is None:
        raise ValueError("a time without its offset")
    return moment


def _day(text: str, anchor: str) -> date:
    """The day whose midnight in ``anchor`` an instant is; servers with older rules of the zone are an hour off."""
    local = _instant(text).astimezone(zone(anchor)).replace(tzinfo=None)
    nearest = datetime.combine((local + _HALF_A_DAY).date(), time())
    if abs(local - nearest) > timedelta(hours=2):
        raise ValueError("a whole day begins at midnight")
    return nearest.date()


def _days_as_written(start: str, end: str) -> AllDay:
    """Whole days of which no zone is known: the same instant is another day elsewhere. What is midnight by the offset
    that is written with it is midnight in the zone as well, whichever it is. Raises Undecodable."""
    first, last = _instant(start), _instant(end)
    if first.time() != time() or last.time() != time():
        raise Undecodable(UnreadableReason.UNKNOWN_ZONE)
    return AllDay(first.date(), last.date())


def _changed(item: Element) -> datetime | None:
    text = xml.text(item, "t:LastModifiedTime")
    return Zoned.at(_instant(text), "UTC").instant() if text else None


def _body(item: Element) -> str | Masked:
    """Plain text, as asked for. A body that came as HTML all the same, or cut off, is not known."""
    body = xml.find(item, "t:Body")
    if body is None:
        return ""
    content = str(body.text or "")
    if body.get("BodyType") != "Text" or body.get("IsTruncated") in ("true", "1"):
        return UNKNOWN if content else ""
    return content.replace("\r\n", "\n").rstrip("\n")


def _reminder(item: Element) -> int | None:
    if not xml.flag(item, "t:ReminderIsSet"):
        return None
    return int(xml.text(item, "t:ReminderMinutesBeforeStart") or 0)


def _address(mailbox: Element) -> str:
    return xml.text(mailbox, "t:EmailAddress").strip().lower()


def _attendees(item: Element) -> tuple[Attendee, ...]:
    kinds = (("t:RequiredAttendees", False), ("t:OptionalAttendees", True), ("t:Resources", False))
    return tuple(
        Attendee(
            address=_address(xml.find(guest, "t:Mailbox")),
            name=xml.text(guest, "t:Mailbox/t:Name"),
            response=_RESPONSES.get(xml.text(guest, "t:ResponseType"), Response.NEEDS_ACTION),
            optional=optional,
        )
        for path, optional in kinds
        for guest in xml.find_all(item, f"{path}/t:Attendee")
    )


def _organizer(item: Element) -> Attendee | None:
    mailbox = xml.find(item, "t:Organizer/t:Mailbox")
    if mailbox is None or not _address(mailbox):
        return None
    return Attendee(_address(mailbox), xml.text(mailbox, "t:Name"), Response.ACCEPTED)
