"""Meetings: copies in the attendees' mailboxes, and every mail that goes out.

Graph has no silent write: attendees are mailed whenever an organizer's event is created, changed
or deleted. Source: https://learn.microsoft.com/graph/api/user-post-events and event-update.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from marketplace_plugin.sandbox.graph.outlook import fields
from marketplace_plugin.sandbox.graph.state import Event, Mail, Override, State

Json = dict[str, Any]

PERSONAL = frozenset(
    ["categories", "isReminderOn", "reminderMinutesBeforeStart", "showAs", "singleValueExtendedProperties"]
)
"""What concerns the organizer's copy alone: changing it mails nobody."""
_OWN_FIELDS = ("categories", "isReminderOn", "reminderMinutesBeforeStart", "sensitivity")
_CANCELLED = "Canceled: "


def addresses(event: Event, override: Override | None = None) -> set[str]:
    """Whom a mail about the event, or one occurrence of it, reaches: its attendees but for the organizer."""
    own = None if override is None else override.attendees
    found = {item["emailAddress"]["address"].lower() for item in (event.attendees if own is None else own)}
    return found - {event.organizer.lower()}


def everybody(event: Event) -> set[str]:
    """The attendees of the event and of single occurrences."""
    return addresses(event).union(*(addresses(event, override) for override in event.overrides.values()))


def created(state: State, event: Event) -> None:
    """Invite the attendees of a new event, unless it is a draft."""
    if event.is_organizer and not event.draft:
        _mail(state, event, "invitation", addresses(event))
        _spread(state, event)


def changed(state: State, event: Event, names: Iterable[str], before: set[str], of_one: set[str]) -> None:
    """Tell the attendees about a change of these properties; ``before`` were the addresses, ``of_one`` those of single
    occurrences alone."""
    if not event.is_organizer or event.draft:
        return
    changes, now = set(names), addresses(event)
    _mail(state, event, "cancellation", before - now)
    _mail(state, event, "invitation", now - before)
    if changes - PERSONAL - {"attendees"}:
        _mail(state, event, "update", (now & before) | of_one)
    for gone in before - now:
        _withdraw(state, event, gone)
    _spread(state, event)


def occurrence_changed(state: State, event: Event, override: Override, names: Iterable[str], before: set[str]) -> None:
    """As ``changed``, for one occurrence. Who is a guest of it alone is mailed, and has no copy here."""
    if not event.is_organizer or event.draft:
        return
    now = addresses(event, override)
    _mail(state, event, "cancellation", before - now)
    _mail(state, event, "invitation", now - before)
    if set(names) - PERSONAL - {"attendees"}:
        _mail(state, event, "update", now & before)
    _spread(state, event)


def occurrence_cancelled(state: State, event: Event, override: Override | None) -> None:
    """An occurrence was deleted by the organizer; ``override`` is what was changed of it."""
    if event.is_organizer and not event.draft:
        _mail(state, event, "cancellation", addresses(event, override))
        _spread(state, event)


def deleted(state: State, event: Event) -> None:
    """The organizer's event is gone; an attendee who deletes his copy tells nobody."""
    if event.is_organizer and not event.draft:
        _mail(state, event, "cancellation", everybody(event))
        for address in addresses(event):
            _withdraw(state, event, address)


def respond(state: State, event: Event, response: str, *, tell: bool = True, keep: bool = False) -> None:
    """An attendee answers with accepted, tentativelyAccepted or declined.

    With ``tell`` the organizer is mailed, which is all that he knows of it. A declined event is thrown away unless the
    attendee has Outlook ``keep`` it.

    Raises:
        ValueError: for an organizer's own event.
    """
    if event.is_organizer:
        raise ValueError("the organizer cannot respond")
    event.response, event.responded = response, state.now()
    event.fields["showAs"] = {"accepted": "busy", "tentativelyAccepted": "tentative"}.get(response, "free")
    state.touch(event)
    if response == "declined" and not (keep or state.knobs.keep_declined):
        state.remove(event)
    if not tell:
        return
    _mail(state, event, "response", {event.organizer}, sender=event.mailbox)
    original = _copy_of(state, event, event.organizer)
    if original is None:
        return
    for item in original.attendees:
        if item["emailAddress"]["address"].lower() == event.mailbox.lower():
            item["status"] = {"response": response, "time": f"{state.now():%Y-%m-%dT%H:%M:%SZ}"}
    state.touch(original)


def _mail(state: State, event: Event, kind: str, to: set[str], sender: str | None = None) -> None:
    if to:
        mail = Mail(
            kind, sender or event.organizer, tuple(sorted(to)), event.fields["subject"], event.ical_uid, state.now()
        )
        state.outbox.append(mail)


def _copy_of(state: State, event: Event, address: str) -> Event | None:
    mailbox = next((email for email in state.accounts if email.lower() == address.lower()), None)
    if mailbox is None:
        return None
    return next((item for item in state.events_of(mailbox) if item.ical_uid == event.ical_uid), None)


def _spread(state: State, event: Event) -> None:
    """Bring the copies of attendees who are accounts here up to date."""
    for email in list(state.accounts):
        if email.lower() not in addresses(event):
            continue
        mine = _copy_of(state, event, email)
        if mine is None:
            state.store(_new_copy(state, event, email))
            continue
        moved = (mine.start, mine.end, mine.recurrence) != (event.start, event.end, event.recurrence)
        kept = {name: mine.fields[name] for name in _OWN_FIELDS}
        _take_over(mine, event)
        mine.fields |= kept
        if moved:
            mine.response, mine.responded = "notResponded", None
        state.touch(mine)


def _new_copy(state: State, event: Event, email: str) -> Event:
    calendar = state.default_calendar(email)
    mine = copy.deepcopy(event)
    mine.key, mine.mailbox, mine.calendar, mine.placed = state.next_number(), email, calendar.key, calendar.key
    mine.extended, mine.transaction_id, mine.request = {}, None, None
    mine.response, mine.created = "notResponded", state.now()
    mine.fields |= {"showAs": "tentative", "categories": [], "isReminderOn": True, "reminderMinutesBeforeStart": 15}
    return mine


def _take_over(mine: Event, event: Event) -> None:
    source = copy.deepcopy(event)
    for name in ("start", "end", "zone", "end_zone", "all_day", "recurrence", "overrides", "cancelled", "attendees"):
        setattr(mine, name, getattr(source, name))
    shown_as = mine.fields["showAs"]
    mine.fields = {**fields.DEFAULTS, **source.fields, "showAs": shown_as}
    mine.custom_zone = source.custom_zone


def _withdraw(state: State, event: Event, address: str) -> None:
    """The attendee's copy stays, marked as cancelled, until he removes it."""
    mine = _copy_of(state, event, address)
    if mine is None or mine.meeting_cancelled:
        return
    mine.meeting_cancelled = True
    mine.fields |= {"subject": _CANCELLED + mine.fields["subject"], "showAs": "free"}
    state.touch(mine)
