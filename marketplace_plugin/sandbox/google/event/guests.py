"""Copies of an event in its guests' calendars, their answers, and the mail about them.

Sources: https://developers.google.com/workspace/calendar/api/concepts/sharing ("invitations"),
discovery document (sendUpdates, Event.status, extendedProperties).
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import times
from marketplace_plugin.sandbox.google.event.view import find_instance
from marketplace_plugin.sandbox.google.state import Calendar, Mail, State, StoredEvent

SHARED = (
    "summary", "description", "location", "start", "end", "recurrence", "attendees", "status", "organizer",
    "creator", "sequence", "anyoneCanAddSelf", "endTimeUnspecified", "guestsCanInviteOthers",
    "guestsCanModify", "guestsCanSeeOtherGuests", "conferenceData", "hangoutLink", "attachments", "eventType",
    "iCalUID", "originalStartTime",
)  # fmt: skip
"""What all copies of an event have in common; everything else belongs to the one copy."""

GUARDED = tuple(
    name
    for name in SHARED
    if name not in ("attendees", "status", "sequence", "organizer", "creator", "eventType", "iCalUID")
)
"""What only the organizer (or a guest who may modify) can change; attendees have rules of their own."""


def emails(body: Json) -> list[str]:
    """The guests' addresses."""
    return [attendee["email"] for attendee in body.get("attendees", ())]


def response_of(body: Json, email: str) -> str | None:
    """A guest's answer; None for somebody who is not invited."""
    for attendee in body.get("attendees", ()):
        if attendee["email"] == email:
            return str(attendee["responseStatus"])
    return None


def origin_of(state: State, event: StoredEvent) -> StoredEvent | None:
    """The organizer's copy, made an exception there if only an occurrence exists yet.

    None if the organizer has no calendar here.
    """
    organizer = event.body["organizer"]["email"]
    if organizer == event.calendar_id:
        return event
    calendar = state.calendars.get(organizer)
    if calendar is None:
        return None
    original = event.body.get("originalStartTime")
    found = state.find_copy(calendar, event.group, original)
    if original is None or (found is not None and not found.bare):
        return found
    master = state.find_copy(calendar, event.group, None)
    instance = find_instance(master, times.value_of(original)) if master else None
    if master is None or instance is None:
        return None
    made = state.add_event(calendar, instance.id, instance.body(), master.group)
    made.reminders = deepcopy(master.reminders)
    return made


def spread(state: State, source: StoredEvent, previous: Iterable[str] = ()) -> None:
    """Bring all other copies in step with ``source``; withdraw them from who is no longer invited."""
    invited = emails(source.body)
    others = [*invited, source.body["organizer"]["email"]]
    for email in dict.fromkeys(others):
        calendar = state.calendars.get(email)
        if calendar is not None and calendar.id != source.calendar_id:
            _refresh(state, source, calendar, guest=email in invited)
    for email in set(previous) - set(others):
        calendar = state.calendars.get(email)
        if calendar is not None and calendar.id != source.calendar_id:
            withdraw(state, calendar, source)


def _refresh(state: State, source: StoredEvent, calendar: Calendar, *, guest: bool) -> None:
    shared = {name: deepcopy(source.body[name]) for name in SHARED if name in source.body}
    if source.cancelled:
        withdraw(state, calendar, source)
        return
    copy = state.find_copy(calendar, source.group, source.body.get("originalStartTime"))
    if copy is None:
        if not guest:
            return
        own: Json = {}
        properties = source.body.get("extendedProperties", {}).get("shared")
        if properties:
            own["extendedProperties"] = {"shared": dict(properties)}
        if "visibility" in source.body:
            own["visibility"] = source.body["visibility"]
        event_id = source.id
        if "originalStartTime" in shared:
            series = state.find_copy(calendar, source.group, None)
            own["recurringEventId"] = series.id if series else source.master_id
            suffix = times.suffix(times.value_of(shared["originalStartTime"]))
            event_id = f"{own['recurringEventId']}_{suffix}"
        state.add_event(calendar, _free_id(calendar, event_id), {**own, **shared}, source.group)
        return
    if copy.cancelled and response_of(source.body, calendar.id) == "declined":
        return
    body = {name: value for name, value in copy.body.items() if name not in SHARED}
    properties = dict(body.get("extendedProperties", {}))
    properties.pop("shared", None)
    if source.body.get("extendedProperties", {}).get("shared"):
        properties["shared"] = dict(source.body["extendedProperties"]["shared"])
    body.pop("extendedProperties", None)
    body |= {**shared, **({"extendedProperties": properties} if properties else {})}
    if body != copy.body or copy.bare:
        copy.body = body
        copy.bare = False
        state.touch(copy)


def _free_id(calendar: Calendar, wanted: str) -> str:
    """The same id as the organizer's copy, unless this calendar used it for something else."""
    candidate, number = wanted, 0
    while candidate in calendar.events:
        number += 1
        candidate = f"{wanted}g{number}"
    return candidate


def withdraw(state: State, calendar: Calendar, source: StoredEvent) -> None:
    """Take the event out of a guest's calendar.

    A single event or a series leaves bare tombstones, and the occurrences that he is asked to
    by a list of their own; an occurrence of a series that the guest keeps is cancelled in his
    copy of the series.
    """
    original = source.body.get("originalStartTime")
    copy = state.find_copy(calendar, source.group, original)
    master = state.find_copy(calendar, source.group, None) if original else None
    if original is not None and master is not None and not master.cancelled:
        instance = find_instance(master, times.value_of(original))
        if copy is not None and not copy.bare:
            copy.body = {**copy.body, "status": "cancelled"}
            state.touch(copy)
        elif instance is not None:
            state.add_event(calendar, instance.id, {**instance.body(), "status": "cancelled"}, source.group)
    elif copy is not None and not copy.bare:
        for each in (copy, *calendar.exceptions_of(copy.id)):
            if each is copy or not _stays(state, calendar, source, each):
                each.body = {**each.body, "status": "cancelled"}
                each.bare = True
            state.touch(each)


def _stays(state: State, calendar: Calendar, source: StoredEvent, exception: StoredEvent) -> bool:
    """Whether the organizer's exception still has this guest; those of a deleted series are cancelled."""
    theirs = state.find_copy(state.calendars[source.calendar_id], source.group, exception.body["originalStartTime"])
    return theirs is not None and not theirs.cancelled and calendar.id in emails(theirs.body)


def answer(state: State, copy: StoredEvent) -> None:
    """Carry a guest's own entry from his copy to the organizer's, and on to everybody."""
    origin = origin_of(state, copy)
    mine = next((a for a in copy.body.get("attendees", ()) if a["email"] == copy.calendar_id), None)
    if origin is None or mine is None or origin is copy:
        return
    attendees = [deepcopy(mine) if a["email"] == copy.calendar_id else a for a in origin.body.get("attendees", ())]
    if attendees != origin.body.get("attendees", []):
        origin.body = {**origin.body, "attendees": attendees}
        state.touch(origin)
        spread(state, origin)


def mail(state: State, kind: str, to: Iterable[str], event: StoredEvent, actor: str, send_updates: str) -> None:
    """Record the mail that the service would send; ``none`` (the default) sends nothing."""
    people = [email for email in dict.fromkeys(to) if email not in (actor, event.calendar_id)]
    if send_updates == "externalOnly":
        people = [email for email in people if email not in state.calendars]
    if send_updates == "none" or not people:
        return
    state.outbox.append(Mail(kind, tuple(people), event.calendar_id, event.id, send_updates, state.now()))
