"""Meetings: copies in the attendees' mailboxes, and every mail that goes out.

A request says whether mail goes out: SendToNone, or one of the modes that send. Source:
https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem (attribute
SendMeetingInvitations), updateitem and deleteitem.
"""

from __future__ import annotations

import copy
from datetime import date

from marketplace_plugin.sandbox.ews.items import Attendee, Event, Item
from marketplace_plugin.sandbox.ews.state import Mail, State

SILENT = "SendToNone"
ON_CREATE = (SILENT, "SendOnlyToAll", "SendToAllAndSaveCopy")
ON_UPDATE = (SILENT, "SendOnlyToAll", "SendOnlyToChanged", "SendToAllAndSaveCopy", "SendToChangedAndSaveCopy")
_TO_CHANGED = ("SendOnlyToChanged", "SendToChangedAndSaveCopy")
_OWN_FIELDS = ("Categories", "ReminderIsSet", "ReminderMinutesBeforeStart", "Sensitivity", "LegacyFreeBusyStatus")
_CANCELLED = "Canceled: "


def is_meeting(event: Event) -> bool:
    """Whether somebody is invited, to all of it or to one occurrence alone."""
    return bool(event.attendees) or any(one.attendees for one in event.overrides.values())


def is_organizer(item: Item) -> bool:
    return item.calendar.organizer.casefold() == item.mailbox.casefold()


def addresses(event: Event) -> set[str]:
    """Whom a mail about the event reaches: its attendees but for the organizer."""
    found = {item.address.casefold() for item in event.attendees}
    for override in event.overrides.values():
        found |= {item.address.casefold() for item in override.attendees or ()}
    return found - {event.organizer.casefold()}


def created(state: State, item: Item, mode: str) -> None:
    """A new item: invite its attendees, unless the request is silent."""
    if mode != SILENT and is_organizer(item) and addresses(item.calendar):
        item.calendar.request_sent = True
        _mail(state, item, "invitation", addresses(item.calendar))
        _spread(state, item)


def updated(state: State, item: Item, before: set[str], mode: str) -> None:
    """A changed item: tell its attendees; ``before`` were the addresses."""
    if mode == SILENT or not is_organizer(item):
        return
    now = addresses(item.calendar)
    if now:
        item.calendar.request_sent = True
    _mail(state, item, "cancellation", before - now)
    _mail(state, item, "invitation", now - before)
    if mode not in _TO_CHANGED:
        _mail(state, item, "update", now & before)
    for gone in before - now:
        _withdraw(state, item, gone)
    _spread(state, item)


def deleted(state: State, item: Item, mode: str) -> None:
    """An item is about to go: the organizer cancels, an attendee declines."""
    event = item.calendar
    if mode == SILENT or not is_meeting(event):
        return
    if is_organizer(item):
        _mail(state, item, "cancellation", addresses(event))
        for address in addresses(event):
            _withdraw(state, item, address)
    elif not event.cancelled:
        respond(state, item, "Decline")


def of_occurrence(event: Event, day: date) -> set[str]:
    """Whom a mail about one occurrence reaches: an exception has attendees of its own."""
    override = event.overrides.get(day)
    own = None if override is None else override.attendees
    found = event.attendees if own is None else own
    return {item.address.casefold() for item in found} - {event.organizer.casefold()}


def occurrence_deleted(state: State, item: Item, invited: set[str], mode: str) -> None:
    """An occurrence of a series is gone, to which these were invited."""
    if mode != SILENT and invited and is_organizer(item):
        _mail(state, item, "cancellation", invited)
        _spread(state, item)


def respond(state: State, item: Item, response: str) -> None:
    """An attendee answers with Accept, Tentative or Decline; the organizer is mailed.

    Raises:
        ValueError: for an organizer's own item.
    """
    event = item.calendar
    if is_organizer(item):
        raise ValueError("the organizer cannot respond")
    event.response, event.replied = response, state.now()
    item.fields["LegacyFreeBusyStatus"] = {"Accept": "Busy", "Tentative": "Tentative"}.get(response, "Free")
    state.touch(item, item.mailbox)
    _mail(state, item, "response", {event.organizer}, sender=item.mailbox)
    original = _copy_of(state, item, event.organizer)
    if original is None:
        return
    for attendee in original.calendar.attendees:
        if attendee.address.casefold() == item.mailbox.casefold():
            attendee.response, attendee.replied = response, state.now()
    state.touch(original)


def _mail(state: State, item: Item, kind: str, to: set[str], sender: str | None = None) -> None:
    if to:
        event = item.calendar
        subject = str(item.fields.get("Subject", ""))
        mail = Mail(kind, sender or event.organizer, tuple(sorted(to)), subject, event.uid, state.now())
        state.outbox.append(mail)


def _copy_of(state: State, item: Item, address: str) -> Item | None:
    account = state.mailbox(address)
    if account is None:
        return None
    calendar = state.distinguished(account.email, "calendar")
    return next((found for found in calendar.items.values() if found.calendar.uid == item.calendar.uid), None)


def _spread(state: State, item: Item) -> None:
    """Bring the copies of attendees who have a mailbox here up to date."""
    for account in list(state.accounts.values()):
        if account.email.casefold() not in addresses(item.calendar):
            continue
        mine = _copy_of(state, item, account.email)
        if mine is None:
            state.store(_new_copy(state, item, account.email))
            continue
        old, new = mine.calendar, item.calendar
        moved = (old.start, old.end, old.recurrence) != (new.start, new.end, new.recurrence)
        _take_over(mine, item)
        if moved:
            mine.calendar.response, mine.calendar.replied = "NoResponseReceived", None
        state.touch(mine)


def _new_copy(state: State, item: Item, email: str) -> Item:
    calendar = state.distinguished(email, "calendar")
    mine = copy.deepcopy(item)
    mine.key, mine.mailbox, mine.folder = state.next_number(), email, calendar.key
    mine.extended, mine.created, mine.modified_by = {}, state.now(), item.calendar.organizer
    mine.calendar.response, mine.calendar.replied = "NoResponseReceived", None
    mine.fields |= {"LegacyFreeBusyStatus": "Tentative", "ReminderIsSet": "true", "ReminderMinutesBeforeStart": "15"}
    mine.fields.pop("Categories", None)
    return mine


def _take_over(mine: Item, item: Item) -> None:
    source = copy.deepcopy(item)
    kept = {name: mine.fields[name] for name in _OWN_FIELDS if name in mine.fields}
    own = mine.calendar
    mine.fields = {**source.fields, **kept}
    mine.event = source.calendar
    mine.event.response, mine.event.replied = own.response, own.replied


def _withdraw(state: State, item: Item, address: str) -> None:
    """The attendee's copy stays, marked as cancelled, until he removes it."""
    mine = _copy_of(state, item, address)
    if mine is None or mine.calendar.cancelled:
        return
    mine.calendar.cancelled = True
    mine.fields |= {"Subject": _CANCELLED + str(mine.fields.get("Subject", "")), "LegacyFreeBusyStatus": "Free"}
    state.touch(mine)


def attendee(address: str, name: str | None = None, role: str = "RequiredAttendees") -> Attendee:
    """Somebody to invite."""
    return Attendee(address, name or address, role)
