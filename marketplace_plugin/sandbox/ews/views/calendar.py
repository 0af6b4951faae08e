"""The elements that calendar items alone have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from marketplace_plugin.sandbox.ews.changes import meetings
from marketplace_plugin.sandbox.ews.items import Attendee, Event
from marketplace_plugin.sandbox.ews.outlook import ids, series, times
from marketplace_plugin.sandbox.ews.outlook.series import Occurrence
from marketplace_plugin.sandbox.ews.soap.names import Element, add, boolean
from marketplace_plugin.sandbox.ews.wire import schema, zones
from marketplace_plugin.sandbox.ews.wire.patterns import write_recurrence
from marketplace_plugin.sandbox.ews.wire.schema import words

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.ews.views.item import Shown, View

_MEETING, _RECEIVED, _CANCELLED = 1, 2, 4


def _event(what: Shown) -> Event:
    return what.found.item.calendar


def _edges(what: Shown) -> tuple[datetime, datetime]:
    item = what.found.occurrence
    return (_event(what).start, _event(what).end) if item is None else (item.start, item.end)


def _zone(what: Shown, name: str) -> str:
    override = None if what.found.occurrence is None else what.found.occurrence.override
    source = _event(what) if override is None else override
    return source.start_zone if name.startswith("Start") else source.end_zone


def _is_master(what: Shown) -> bool:
    return what.found.occurrence is None and _event(what).recurrence is not None


def _is_recurring(what: Shown) -> bool:
    """As documented, wrong for the organizer's masters: https://learn.microsoft.com/exchange/client-developer/web-service-reference/isrecurring"""
    return what.found.occurrence is not None or (_is_master(what) and not meetings.is_organizer(what.found.item))


def _type(what: Shown) -> str:
    occurrence = what.found.occurrence
    if occurrence is not None:
        return "Occurrence" if occurrence.override is None else "Exception"
    return "Single" if _event(what).recurrence is None else "RecurringMaster"


def _attendees(what: Shown) -> list[Attendee]:
    override = None if what.found.occurrence is None else what.found.occurrence.override
    own = None if override is None else override.attendees
    return _event(what).attendees if own is None else own


def _texts(view: View, what: Shown) -> dict[str, Callable[[], str | None]]:
    """The elements that are one text each; None leaves the element out."""
    event, occurrence, item = _event(what), what.found.occurrence, what.found.item
    meeting = bool(_attendees(what))
    state = _MEETING * meeting | _RECEIVED * (not meetings.is_organizer(item)) | _CANCELLED * event.cancelled
    original = None if occurrence is None else occurrence.original
    start, end = _edges(what)
    override = None if occurrence is None else occurrence.override
    all_day = event.all_day if override is None else override.all_day
    return {
        "UID": lambda: event.uid,
        "RecurrenceId": lambda: None if original is None else view.moment(original),
        "OriginalStart": lambda: None if original is None else view.moment(original),
        "DateTimeStamp": lambda: view.moment(item.modified.replace(microsecond=0)),
        "Start": lambda: view.moment(start),
        "End": lambda: view.moment(end),
        "IsAllDayEvent": lambda: boolean(all_day),
        "IsMeeting": lambda: boolean(meeting),
        "IsCancelled": lambda: boolean(event.cancelled),
        "IsRecurring": lambda: boolean(_is_recurring(what)),
        "MeetingRequestWasSent": lambda: boolean(event.request_sent),
        "IsResponseRequested": lambda: str(what.fields.get("IsResponseRequested", "true")),
        "CalendarItemType": lambda: _type(what),
        "MyResponseType": lambda: event.response if meeting else "Unknown",
        "Duration": lambda: _duration(start, end),
        "TimeZone": lambda: _zone(what, "Start"),
        "AppointmentReplyTime": lambda: None if event.replied is None else view.moment(event.replied),
        "AppointmentSequenceNumber": lambda: str(event.sequence),
        "AppointmentState": lambda: str(state),
        "ConflictingMeetingCount": lambda: "0",
        "AdjacentMeetingCount": lambda: "0",
        "AllowNewTimeProposal": lambda: str(what.fields.get("AllowNewTimeProposal", "true")),
        "IsOnlineMeeting": lambda: str(what.fields.get("IsOnlineMeeting", "false")),
        "ConferenceType": lambda: str(what.fields.get("ConferenceType", "0")),
        "StartWallClock": lambda: times.render(start, _zone(what, "Start")),
        "EndWallClock": lambda: times.render(end, _zone(what, "End")),
        "StartTimeZoneId": lambda: times.CUSTOM if event.custom_zone else _zone(what, "Start"),
        "EndTimeZoneId": lambda: times.CUSTOM if event.custom_zone else _zone(what, "End"),
        "IsOrganizer": lambda: boolean(meetings.is_organizer(item)),
    }


def _duration(start: datetime, end: datetime) -> str:
    minutes = round((end - start).total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    return f"P{days}DT{hours}H{minutes}M" if days else f"PT{hours}H{minutes}M"


def _people(view: View, outer: Element, what: Shown, name: str) -> None:
    found = [item for item in _attendees(what) if item.role == name]
    if not found:
        return
    several = add(outer, f"t:{name}")
    for item in found:
        attendee = add(several, "t:Attendee")
        _mailbox(attendee, item.name, item.address)
        add(attendee, "t:ResponseType", item.response)
        if item.replied is not None:
            add(attendee, "t:LastResponseTime", view.moment(item.replied))


def _mailbox(outer: Element, name: str, address: str) -> None:
    mailbox = add(outer, "t:Mailbox")
    add(mailbox, "t:Name", name)
    add(mailbox, "t:EmailAddress", address)
    add(mailbox, "t:RoutingType", "SMTP")


def _organizer(view: View, outer: Element, what: Shown, name: str) -> None:
    address = _event(what).organizer
    account = view.state.mailbox(address)
    _mailbox(add(outer, f"t:{name}"), address if account is None else account.name, address)


def _recurrence(_: View, outer: Element, what: Shown, __: str) -> None:
    event = _event(what)
    if _is_master(what) and event.recurrence is not None:
        write_recurrence(outer, event.recurrence, event.start_zone)


def _info(view: View, outer: Element, what: Shown, name: str, item: Occurrence | None) -> None:
    """One OccurrenceInfoType."""
    if item is None:
        return
    found = what.found.item
    entry = add(outer, f"t:{name}")
    add(
        entry,
        "t:ItemId",
        Id=ids.item_id(found.mailbox, found.key, item.day),
        ChangeKey=ids.change_key(found.mailbox, item.change(found)),
    )
    add(entry, "t:Start", view.moment(item.start))
    add(entry, "t:End", view.moment(item.end))
    add(entry, "t:OriginalStart", view.moment(item.original))


def _edge(view: View, outer: Element, what: Shown, name: str) -> None:
    if _is_master(what):
        _info(view, outer, what, name, (series.first if name == "FirstOccurrence" else series.last)(_event(what)))


def _modified(view: View, outer: Element, what: Shown, name: str) -> None:
    event = _event(what)
    if not _is_master(what) or not event.overrides:
        return
    several = add(outer, f"t:{name}")
    for day in sorted(event.overrides):
        _info(view, several, what, "Occurrence", Occurrence(event, day, event.overrides[day]))


def _deleted(view: View, outer: Element, what: Shown, name: str) -> None:
    event = _event(what)
    if not _is_master(what) or not event.deleted:
        return
    several = add(outer, f"t:{name}")
    for day in sorted(event.deleted):
        entry = add(several, "t:DeletedOccurrence")
        add(entry, "t:Start", view.moment(Occurrence(event, day).original))


def _definition(_: View, outer: Element, what: Shown, name: str) -> None:
    hidden = times.CUSTOM if _event(what).custom_zone else None
    outer.append(zones.definition(f"t:{name}", _zone(what, name), hidden))


def _nothing(_: View, __: Element, ___: Shown, ____: str) -> None:
    """Elements that the sandbox has nothing for, or that newer schemas replaced."""


_MAKERS: dict[str, Callable[[View, Element, Shown, str], None]] = {
    **dict.fromkeys(schema.ATTENDEES, _people),
    "Organizer": _organizer,
    "Recurrence": _recurrence,
    "FirstOccurrence": _edge,
    "LastOccurrence": _edge,
    "ModifiedOccurrences": _modified,
    "DeletedOccurrences": _deleted,
    "StartTimeZone": _definition,
    "EndTimeZone": _definition,
    "MeetingTimeZone": _nothing,
    "EnhancedLocation": _nothing,
    "OnlineMeetingSettings": _nothing,
    "ConflictingMeetings": _nothing,
    "AdjacentMeetings": _nothing,
}
_TEXT_NAMES = words(
    """
    UID RecurrenceId OriginalStart DateTimeStamp Start End IsAllDayEvent IsMeeting IsCancelled
    IsRecurring MeetingRequestWasSent IsResponseRequested CalendarItemType MyResponseType Duration
    TimeZone AppointmentReplyTime AppointmentSequenceNumber AppointmentState ConflictingMeetingCount
    AdjacentMeetingCount AllowNewTimeProposal IsOnlineMeeting ConferenceType StartWallClock
    EndWallClock StartTimeZoneId EndTimeZoneId IsOrganizer
    """
)
NAMES = frozenset(_MAKERS) | frozenset(_TEXT_NAMES)


def element(view: View, outer: Element, what: Shown, name: str) -> None:
    """Add one element of a calendar item, if the item has a value for it."""
    maker = _MAKERS.get(name)
    if maker is not None:
        maker(view, outer, what, name)
        return
    value = _texts(view, what)[name]()
    if value is not None:
        add(outer, f"t:{name}", value)
