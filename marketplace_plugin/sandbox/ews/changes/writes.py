"""Creating, changing, deleting and moving items, by the rules of the store.

Source: the pages of CreateItem, UpdateItem, DeleteItem and MoveItem below
https://learn.microsoft.com/exchange/client-developer/web-service-reference/
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from marketplace_plugin.sandbox.ews.changes import meetings, tasks
from marketplace_plugin.sandbox.ews.changes.span import RESHAPING, Span, span_of
from marketplace_plugin.sandbox.ews.changes.values import apply
from marketplace_plugin.sandbox.ews.items import Event, Item, Kind, Override
from marketplace_plugin.sandbox.ews.outlook import recurrence, series, times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap.errors import EwsError
from marketplace_plugin.sandbox.ews.state import Folder, State
from marketplace_plugin.sandbox.ews.wire import schema
from marketplace_plugin.sandbox.ews.wire.reading import Change

_IN_FOLDER = {
    "CalendarItem": "ErrorCannotCreateCalendarItemInNonCalendarFolder",
    "Contact": "ErrorCannotCreateContactInNonContactFolder",
    "Task": "ErrorCannotCreateTaskInNonTaskFolder",
}
_WITH_CONTACTS = ("Contact", "DistributionList")
_OF_SERIES = ("Recurrence", "UID", "ReminderDueBy")
DISPOSALS = ("HardDelete", "SoftDelete", "MoveToDeletedItems")


def create(
    state: State, email: str, folder: Folder, kind: Kind, changes: Sequence[Change], zone: str, mode: str
) -> Item:
    """A new item in a folder; ``zone`` is that of times without an offset.

    Raises:
        EwsError: for a folder of another kind, or values that do not go together.
    """
    if folder.kind != kind:
        raise EwsError(_IN_FOLDER[kind], f"A {kind} cannot be created in this folder.")
    now = state.now()
    item = Item(state.next_number(), folder.mailbox, folder.key, kind, {}, now, now, email)
    item.fields = {"ItemClass": schema.CLASSES[kind], "Subject": "", "Sensitivity": "Normal", "Importance": "Normal"}
    if kind == "CalendarItem":
        item.event = _new_event(state, folder, changes, zone)
        item.fields |= {"LegacyFreeBusyStatus": "Busy", "ReminderIsSet": "true", "ReminderMinutesBeforeStart": "15"}
        if state.knobs.duplicate_uid and _has_uid(folder, item.event.uid):
            raise EwsError("ErrorDuplicateUid", "An item with this UID exists already.")
    apply(state, item, None, changes)
    if item.event is not None and item.event.recurrence is not None:
        _align(item.event)
    state.store(item)
    if kind == "CalendarItem":
        meetings.created(state, item, mode)
    return item


def _has_uid(folder: Folder, uid: str) -> bool:
    return any(found.event is not None and found.event.uid == uid for found in folder.items.values())


def _new_event(state: State, folder: Folder, changes: Sequence[Change], zone: str) -> Event:
    half = timedelta(minutes=30)
    now = state.now()
    start = now - timedelta(minutes=now.minute % 30, seconds=now.second, microseconds=now.microsecond) + half
    span = span_of(Span(start, start + half, zone, zone, False), changes, zone, whole=True)
    uid = next((change.value for change in changes if change.path.name == "UID"), "") or _new_uid()
    return Event(uid, span.start, span.end, span.start_zone, span.end_zone, folder.mailbox, all_day=span.all_day)


def _new_uid() -> str:
    """As Exchange makes them: a GlobalObjectId in hexadecimal digits."""
    return "040000008200E00074C5B7101A82E008" + "00" * 20 + "10000000" + uuid.uuid4().hex.upper()


def _align(event: Event) -> None:
    """Put a series' start on its rule's first day."""
    rule = event.recurrence
    if rule is None:
        return
    first = next(recurrence.days(rule))
    start, end = times.wall(event.start, event.start_zone), times.wall(event.end, event.end_zone)
    days = first - start.date()
    event.recurrence = replace(rule, first=first)
    event.start = times.instant(first, start.time(), event.start_zone)
    event.end = times.instant(end.date() + days, end.time(), event.end_zone)


def update(state: State, found: Found, changes: Sequence[Change], zone: str, mode: str) -> Found:
    """Change an item or an occurrence; the changes are made together or not at all.

    ``zone`` is that of times without an offset and without a zone of their own.

    Raises:
        EwsError: for values that do not go together.
    """
    item = copy.deepcopy(found.item)
    if found.occurrence is not None:
        _update_occurrence(state, item, found.occurrence.day, changes, zone)
    else:
        if item.event is not None:
            _update_times(item.event, changes, zone)
        apply(state, item, None, changes)
        if item.event is not None and _names(changes) & {"Recurrence", "Start"}:
            _align(item.event)
    before = set() if found.item.event is None else meetings.addresses(found.item.event)
    found.folder.items[item.key] = item
    state.touch(item, found.reader)
    event, occurrence = item.event, found.occurrence
    if event is None:
        single = tasks.split_off(state, found.item, item) if item.kind == "Task" else None
        return Found(found.reader, found.folder, single or item)
    if occurrence is not None:
        event.overrides[occurrence.day].change = item.change
    meetings.updated(state, item, before, mode)
    return Found(found.reader, found.folder, item, None if occurrence is None else series.find(event, occurrence.day))


def _names(changes: Sequence[Change]) -> set[str]:
    return {change.path.name for change in changes}


def _update_times(event: Event, changes: Sequence[Change], zone: str) -> None:
    """New times, and what they mean for a series: all exceptions and deletions are forgotten."""
    names = _names(changes)
    if not names & RESHAPING:
        return
    old = Span(event.start, event.end, event.start_zone, event.end_zone, event.all_day)
    span = span_of(old, changes, zone)
    event.start, event.end, event.all_day = span.start, span.end, span.all_day
    event.start_zone, event.end_zone = span.start_zone, span.end_zone
    event.sequence += 1
    if names & {"StartTimeZone", "EndTimeZone", "MeetingTimeZone"}:
        event.custom_zone = False
    event.overrides.clear()
    event.deleted.clear()
    rule, day = event.recurrence, times.wall(event.start, event.start_zone).date()
    if rule is not None and "Recurrence" not in names and day != rule.first:
        if rule.until is not None and rule.until < day:
            raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
        event.recurrence = replace(rule, first=day)


def _update_occurrence(state: State, item: Item, day: date, changes: Sequence[Change], zone: str) -> None:
    event = item.calendar
    occurrence = series.find(event, day)
    if occurrence is None:
        raise EwsError("ErrorItemNotFound")
    if _names(changes) & set(_OF_SERIES):
        raise EwsError("ErrorInvalidPropertySet")
    override = occurrence.override
    old = Span(occurrence.start, occurrence.end, event.start_zone, event.end_zone, event.all_day)
    if override is not None:
        old = replace(old, start_zone=override.start_zone, end_zone=override.end_zone, all_day=override.all_day)
    span = span_of(old, changes, zone)
    _between_neighbours(event, day, span)
    now = state.now()
    if override is None:
        override = Override(span.start, span.end, span.start_zone, span.end_zone, span.all_day, now, now, 0)
    override.start, override.end, override.all_day = span.start, span.end, span.all_day
    override.start_zone, override.end_zone, override.modified = span.start_zone, span.end_zone, now
    event.overrides[day] = override
    apply(state, item, override, changes)


def _between_neighbours(event: Event, day: date, span: Span) -> None:
    before, after = series.neighbours(event, day)
    here = times.wall(span.start, event.start_zone).date()
    if (before is not None and here <= before) or (after is not None and here >= after):
        raise EwsError("ErrorOccurrenceCrossingBoundary")


def delete_task_occurrence(state: State, found: Found) -> None:
    """Delete the current occurrence of a recurring task. Raises EwsError for other tasks and the last one."""
    if found.item.fields.get("Recurrence") is None or not tasks.advance(state, found.item):
        raise EwsError("ErrorCannotDeleteTaskOccurrence", "The occurrence cannot be deleted.")
    state.touch(found.item, found.reader)


def delete(state: State, found: Found, disposal: str, mode: str) -> None:
    """Delete an item or an occurrence; an occurrence is gone whatever the disposal."""
    item = found.item
    if found.occurrence is not None:
        invited = meetings.of_occurrence(item.calendar, found.occurrence.day)
        item.calendar.deleted.add(found.occurrence.day)
        item.calendar.overrides.pop(found.occurrence.day, None)
        state.touch(item, found.reader)
        meetings.occurrence_deleted(state, item, invited, mode)
        return
    if item.event is not None:
        meetings.deleted(state, item, mode)
    bins = {"MoveToDeletedItems": "deleteditems", "SoftDelete": "recoverableitemsdeletions"}
    if disposal not in bins or found.folder.distinguished in bins.values():
        state.remove(item)
        return
    state.move(item, state.distinguished(item.mailbox, bins[disposal]))


def move(state: State, found: Found, folder: Folder) -> Found:
    """Put an item into another folder. Raises EwsError for an occurrence, or a folder of another kind."""
    if found.occurrence is not None:
        raise EwsError("ErrorCalendarCannotMoveOrCopyOccurrence", "Occurrences cannot be moved or copied.")
    mixed = folder.kind == "Contact" and found.item.kind in _WITH_CONTACTS
    if folder.kind not in (found.item.kind, None) and not mixed:
        raise EwsError("ErrorMoveCopyFailed", "The item cannot be in that folder.")
    state.move(found.item, folder)
    return Found(found.reader, folder, found.item)


def duplicate(state: State, found: Found, folder: Folder) -> Found:
    """Copy an item with its UID and its extended properties, as Exchange does."""
    if found.occurrence is not None:
        raise EwsError("ErrorCalendarCannotMoveOrCopyOccurrence", "Occurrences cannot be moved or copied.")
    twin = copy.deepcopy(found.item)
    twin.key, twin.folder = state.next_number(), folder.key
    twin.mailbox, twin.created, twin.modified_by = folder.mailbox, state.now(), found.reader
    state.store(twin)
    return Found(found.reader, folder, twin)
