"""The model -> Exchange's XML: what is to change and nothing else.

Source: CalendarItemType in types.xsd, whose order the elements of a new item keep. Never among it: the organiser, and
times of a zone that Windows gives other rules. Guests are those whom a write names one by one; a new item has none.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import UTC, datetime, time

from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import UNKNOWN, Event, Response, Sensitivity, Series, ShowAs, Status, Unknown
from marketplace_plugin.model.names.zones import same_rules, to_iana, to_windows
from marketplace_plugin.model.time import AllDay, Timed, When, Zoned
from marketplace_plugin.providers.ews.shape.decode import PROPERTY_NAME, PROPERTY_SET
from marketplace_plugin.providers.ews.shape.recurrence import Unencodable, element_of
from marketplace_plugin.providers.ews.soap.xml import Element, find_all, local, make, text

FIELDS = frozenset(
    {"when", "title", "description", "location", "show_as", "sensitivity", "status", "reminder", "response"}
)
"""``Event`` fields that survive the way to Exchange and back."""

COPIED = FIELDS - {"response"}
"""What an event of our own making has; an answer belongs to an invitation."""

PERSONAL = frozenset({"show_as", "reminder", "response"})
"""What a guest writes into his own copy."""

ANSWERS = {
    Response.ACCEPTED: "t:AcceptItem",
    Response.TENTATIVE: "t:TentativelyAcceptItem",
    Response.DECLINED: "t:DeclineItem",
}
"""The items that are created to answer an invitation."""

_SENSITIVITY = {
    Sensitivity.NORMAL: "Normal",
    Sensitivity.PRIVATE: "Private",
    Sensitivity.CONFIDENTIAL: "Confidential",
}
_SHOW_AS = {
    ShowAs.FREE: "Free",
    ShowAs.TENTATIVE: "Tentative",
    ShowAs.BUSY: "Busy",
    ShowAs.OUT_OF_OFFICE: "OOF",
    ShowAs.ELSEWHERE: "WorkingElsewhere",
}
PATHS = {
    "Subject": "item:Subject",
    "Sensitivity": "item:Sensitivity",
    "Body": "item:Body",
    "ReminderIsSet": "item:ReminderIsSet",
    "ReminderMinutesBeforeStart": "item:ReminderMinutesBeforeStart",
    "ExtendedProperty": "",
    "UID": "calendar:UID",
    "Start": "calendar:Start",
    "End": "calendar:End",
    "IsAllDayEvent": "calendar:IsAllDayEvent",
    "LegacyFreeBusyStatus": "calendar:LegacyFreeBusyStatus",
    "Location": "calendar:Location",
    "RequiredAttendees": "calendar:RequiredAttendees",
    "OptionalAttendees": "calendar:OptionalAttendees",
    "Recurrence": "calendar:Recurrence",
    "StartTimeZone": "calendar:StartTimeZone",
    "EndTimeZone": "calendar:EndTimeZone",
}
"""Each element that we write, in the order of the schema, and how an update names it."""

_ORDER = list(PATHS)
_ZONES = frozenset({"StartTimeZone", "EndTimeZone"})
_NAMESPACE = uuid.UUID("5d1a52f0-9d0f-54c8-9b5e-3c54f7b0a6d1")
_BEFORE_2013 = frozenset({"Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2"})


def uid(op: str, stamp: Stamp) -> str:
    """The iCalendar UID of a creation, the same when it is repeated."""
    return str(uuid.uuid5(_NAMESPACE, f"{stamp.instance}\n{op}"))


def insertion(item: Event | Series, op: str, stamp: Stamp, *, home: str, schema: str) -> Element:
    """A new calendar item; what became of single occurrences is written afterwards. Raises Unencodable.

    ``home`` is the IANA zone whose midnights whole days are.
    """
    master = item.master if isinstance(item, Series) else item
    parts = fields(master, COPIED, home=home, schema=schema, repeats=isinstance(item, Series))
    parts += [stamped(stamp), make("t:UID", uid(op, stamp))]
    if isinstance(item, Series):
        parts.append(element_of(item))
    return make("t:CalendarItem", *sorted(parts, key=lambda part: _ORDER.index(local(part))))


def changes(parts: Collection[Element], *, without: Collection[str] = ()) -> list[Element]:
    """The updates that set ``parts``, and delete the elements ``without``.

    They are made in their order, and a zone that comes behind a time takes its wall time over, whatever its offset
    (how-to-update-the-time-zone-for-an-appointment): so zones come first.
    """
    made = [make("t:DeleteItemField", _path(name)) for name in without]
    for part in sorted(parts, key=lambda part: (local(part) not in _ZONES, _ORDER.index(local(part)))):
        path = stamp_path() if local(part) == "ExtendedProperty" else _path(local(part))
        made.append(make("t:SetItemField", path, make("t:CalendarItem", part)))
    return made


def stamped(stamp: Stamp) -> Element:
    """The extended property that carries ``stamp``."""
    return make("t:ExtendedProperty", stamp_path(), make("t:Value", str(stamp)))


def stamp_path() -> Element:
    return make("t:ExtendedFieldURI", PropertySetId=PROPERTY_SET, PropertyName=PROPERTY_NAME, PropertyType="String")


def fields(event: Event, names: Collection[str], *, home: str, schema: str, repeats: bool = False) -> list[Element]:
    """The named fields of ``event``; UNKNOWN ones are left out.

    ``repeats``: the times anchor a series, so their zone must keep its rules. Raises Unencodable.
    """
    made: list[Element] = []
    if "title" in names and event.title is not UNKNOWN:
        made.append(make("t:Subject", event.title))
    if "sensitivity" in names and event.sensitivity is not UNKNOWN:
        made.append(make("t:Sensitivity", _SENSITIVITY[event.sensitivity]))
    if "description" in names and event.description is not UNKNOWN:
        made.append(make("t:Body", event.description, BodyType="Text"))
    if "reminder" in names and event.reminder is not UNKNOWN:
        made += _reminder(event.reminder)
    if "when" in names:
        made += times(event.when, home=home, repeats=repeats)
    if "show_as" in names and event.show_as is not UNKNOWN:
        if event.show_as is ShowAs.ELSEWHERE and schema in _BEFORE_2013:
            raise Unencodable("Exchange 2010 does not know working elsewhere")
        made.append(make("t:LegacyFreeBusyStatus", _SHOW_AS[event.show_as]))
    if "location" in names and event.location is not UNKNOWN:
        made.append(make("t:Location", event.location))
    if "status" in names and event.status is Status.CANCELLED:  # only the organiser's cancellation makes it so
        raise Unencodable("Exchange cannot be given a cancelled event")
    return made


def guests(current: Element, before: Event, after: Event) -> tuple[list[Element], list[str]]:
    """The lists of an item with those of ``after`` added whom ``before`` lacks, and those of ``before`` taken out whom
    ``after`` lacks: what to set, and what to delete. Everybody else stays as he is, with his answer.

    Raises Unencodable where the guests are not known.
    """
    if isinstance(before.attendees, Unknown) or isinstance(after.attendees, Unknown):
        raise Unencodable("the guests are not known")
    known, wanted = {a.address for a in before.attendees}, {a.address for a in after.attendees}
    there = {text(one, "t:Mailbox/t:EmailAddress").lower() for one in find_all(current, "*/t:Attendee")}
    parts, without = [], []
    for name, optional in (("RequiredAttendees", False), ("OptionalAttendees", True)):
        shown = find_all(current, f"t:{name}/t:Attendee")
        lines = [
            _guest(text(one, "t:Mailbox/t:EmailAddress"), text(one, "t:Mailbox/t:Name"), text(one, "t:ResponseType"))
            for one in shown
            if text(one, "t:Mailbox/t:EmailAddress").lower() not in known - wanted
        ]
        new = [a for a in after.attendees if a.optional is optional and a.address not in known | there]
        lines += [_guest(a.address, a.name, "") for a in new]
        if lines and (new or len(lines) != len(shown)):
            parts.append(make(f"t:{name}", *lines))
        elif shown and not lines:
            without.append(name)
    return parts, without


def _guest(address: str, name: str, response: str) -> Element:
    mailbox = make("t:Mailbox", make("t:Name", name) if name else None, make("t:EmailAddress", address))
    return make("t:Attendee", mailbox, make("t:ResponseType", response) if response else None)


def times(when: When, *, home: str, repeats: bool = False) -> list[Element]:
    """Start, end, whether whole days, and their zones. Raises Unencodable for a series in a zone unknown to Windows."""
    if isinstance(when, Timed):
        start, end = _windows(when.start, repeats=repeats), _windows(when.end, repeats=repeats)
        return _times(_text(when.start), _text(when.end), "false", start, end)
    name = to_windows(home) or "UTC"
    return _times(_midnight(when, "start"), _midnight(when, "end"), "true", name, name)


def _times(start: str, end: str, all_day: str, start_zone: str, end_zone: str) -> list[Element]:
    return [
        make("t:Start", start),
        make("t:End", end),
        make("t:IsAllDayEvent", all_day),
        make("t:StartTimeZone", Id=start_zone),
        make("t:EndTimeZone", Id=end_zone),
    ]


def _reminder(minutes: int | None) -> list[Element]:
    if minutes is None:
        return [make("t:ReminderIsSet", "false")]
    return [make("t:ReminderIsSet", "true"), make("t:ReminderMinutesBeforeStart", str(max(minutes, 0)))]


def _text(at: Zoned) -> str:
    """An instant: a wall time would be read with the server's rules of its zone, and may come twice."""
    return at.instant().astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _midnight(days: AllDay, edge: str) -> str:
    """A wall time: as an instant it could miss the server's midnight, which then makes a day more of it."""
    day = days.start if edge == "start" else days.end
    return datetime.combine(day, time()).isoformat()


def _windows(at: Zoned, *, repeats: bool) -> str:
    """The Windows name of a zone; UTC for a single event in a zone that Windows does not know, or knows otherwise."""
    if same_rules(at.zone, "UTC"):
        return "UTC"
    name = to_windows(at.zone)
    if name is not None and same_rules(at.zone, to_iana(name) or ""):
        return name
    if repeats:
        raise Unencodable("a series needs a zone that Windows knows")
    return "UTC"


def _path(name: str) -> Element:
    return make("t:FieldURI", FieldURI=PATHS[name])
