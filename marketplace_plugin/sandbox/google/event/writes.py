"""Insert, import, patch, update, delete and move of events.

Sources: the reference pages of each method under
https://developers.google.com/workspace/calendar/api/v3/reference/events, and
https://developers.google.com/workspace/calendar/api/guides/recurringevents
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar.access import (
    Access,
    check_if_match,
    locate,
    require_unmasked,
)
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import body as bodies
from marketplace_plugin.sandbox.google.event import echo, guests, shape, times
from marketplace_plugin.sandbox.google.event.body import Options
from marketplace_plugin.sandbox.google.event.view import Instance, find_instance
from marketplace_plugin.sandbox.google.state import Calendar, State, StoredEvent, rank

_IDENTITY = (
    "iCalUID", "organizer", "creator", "recurringEventId", "originalStartTime", "locked", "privateCopy", "gadget",
)  # fmt: skip
_LOCKED = ("summary", "description", "location", "start", "end", "recurrence")
_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"


def insert(state: State, access: Access, given: Json, options: Options) -> StoredEvent:
    """Create an event; the calendar becomes its organizer."""
    access.require_writer()
    shape.check(given, shape.EVENT, "")
    given = bodies.without_nulls(given)
    if given.get("id") and given.get("iCalUID"):
        raise errors.invalid("Only one of id and iCalUID can be specified.")
    if given.get("eventType") == "fromGmail":
        raise errors.event_type("Events of type fromGmail cannot be created.")
    event_id = _new_id(state, access.calendar, given)
    organizer = _calendar_person(access.calendar, state)
    return _create(state, access, event_id, given, options, organizer)


def import_(state: State, access: Access, given: Json, options: Options) -> StoredEvent:
    """Add a private copy of an existing event; no copies, no mail."""
    access.require_writer()
    shape.check(given, shape.EVENT, "")
    given = bodies.without_nulls(given)
    if not given.get("iCalUID"):
        raise errors.required("Missing iCalUID.")
    if given.get("eventType", "default") != "default":
        raise errors.event_type("Only events of type default can be imported.")
    organizer = given.get("organizer") or _calendar_person(access.calendar, state)
    if not organizer.get("email"):
        raise errors.required("Missing organizer email.")
    event_id = _new_id(state, access.calendar, given)
    person = {key: organizer[key] for key in ("email", "displayName") if key in organizer}
    return _create(state, access, event_id, given, options, person, private=True)


def _new_id(state: State, calendar: Calendar, given: Json) -> str:
    event_id = given.get("id")
    if event_id is None:
        event_id = "".join(state.dice.choices(_BASE32HEX, k=26))
    bodies.check_id(event_id)
    if event_id in calendar.events or calendar.uids.get(given.get("iCalUID", "")):
        raise errors.duplicate()
    return str(event_id)


def _create(
    state: State,
    access: Access,
    event_id: str,
    given: Json,
    options: Options,
    organizer: Json,
    *,
    private: bool = False,
) -> StoredEvent:
    raw = {key: value for key, value in given.items() if key not in bodies.READ_ONLY}
    bodies.keep_unsupported(raw, given, {}, options)
    bodies.settle_conference(raw)
    body = bodies.canonical(raw, access.calendar)
    if body["status"] == "cancelled":
        raise errors.invalid("Invalid value for: status", "status")
    body["iCalUID"] = given.get("iCalUID") or f"{event_id}@google.com"
    body["organizer"] = organizer
    body["creator"] = {"email": access.email, "displayName": state.accounts[access.email].name}
    reminders = bodies.reminders(given.get("reminders"))
    event = state.add_event(access.calendar, event_id, echo.rewritten(state, body))
    event.reminders[access.email] = reminders
    if private:
        event.body["privateCopy"] = True
        return event
    guests.spread(state, event)
    guests.mail(state, "invitation", guests.emails(body), event, access.email, options.send_updates)
    return event


def _calendar_person(calendar: Calendar, state: State) -> Json:
    """A calendar as an organizer: the user for a primary one, the calendar itself for others."""
    account = state.accounts.get(calendar.id)
    return {"email": calendar.id, "displayName": account.name if account else calendar.summary}


def change(
    state: State,
    access: Access,
    event_id: str,
    given: Json,
    options: Options,
    *,
    replace: bool,
    if_match: str | None,
) -> StoredEvent:
    """Patch (``replace=False``) or update an event, a series or an occurrence."""
    access.require_writer()
    target = locate(access, event_id)
    check_if_match(target, if_match)
    shape.check(given, shape.EVENT, "")
    previous = target.body() if isinstance(target, Instance) else target.body
    require_unmasked(access, previous)
    _check_identity(event_id, given, previous)
    if isinstance(target, StoredEvent) and target.cancelled:
        _check_resurrection(target, given, access.calendar)
    if given.get("status") == "cancelled":
        return _remove(state, access, target, options.send_updates)
    body, reminders = _next_body(access, target, given, options, previous, replace=replace)
    mine = previous["organizer"]["email"] == access.calendar.id or previous.get("privateCopy", False)
    if not mine:
        _check_guest(access.calendar, previous, body)
    _check_sequence(given, previous, body, organizer=mine)
    event = _materialize(state, access.calendar, target)
    _store(state, access, event, body, reminders)
    _after_change(state, access, event, previous, options)
    return event


def _check_identity(event_id: str, given: Json, previous: Json) -> None:
    if given.get("id") not in (None, event_id):
        raise errors.invalid("The event id of the body is not that of the request.", "id")
    if given.get("iCalUID") not in (None, previous["iCalUID"]):
        raise errors.invalid("The iCalUID cannot be changed.", "iCalUID")
    if given.get("eventType") not in (None, previous["eventType"]):
        raise errors.event_type("The event type cannot be changed.")
    if "recurringEventId" in previous and given.get("recurrence"):
        raise errors.invalid("An instance of a recurring event has no recurrence of its own.", "recurrence")


def _check_resurrection(event: StoredEvent, given: Json, calendar: Calendar) -> None:
    master = calendar.events.get(event.master_id or "")
    lost = event.bare or (master is not None and master.cancelled)
    if lost or given.get("status") not in ("confirmed", "tentative"):
        raise errors.forbidden()


def _next_body(
    access: Access,
    target: StoredEvent | Instance,
    given: Json,
    options: Options,
    previous: Json,
    *,
    replace: bool,
) -> tuple[Json, Json]:
    """The body and the writer's reminders as they will stand."""
    stored = target.master if isinstance(target, Instance) else target
    old_reminders = stored.reminders.get(access.email, {"useDefault": True})
    wanted = {key: value for key, value in given.items() if key not in bodies.READ_ONLY}
    if given.get("attendeesOmitted"):
        wanted["attendees"] = _own_answer_only(access.calendar, previous, wanted.get("attendees"))
    base = {"eventType": previous["eventType"], "sequence": previous["sequence"]} if replace else previous
    raw = bodies.merge(base, wanted)
    reminders = bodies.reminders(
        raw.pop("reminders", None)
        if replace
        else bodies.merge(old_reminders, wanted.get("reminders"))
        if "reminders" in wanted
        else old_reminders
    )
    bodies.keep_unsupported(raw, bodies.without_nulls(wanted), previous, options)
    bodies.settle_conference(raw)
    if "recurringEventId" in previous:
        raw["recurringEventId"] = previous["recurringEventId"]
        raw.pop("recurrence", None)
    body = bodies.canonical(raw, access.calendar)
    body |= {name: deepcopy(previous[name]) for name in _IDENTITY if name in previous}
    if previous.get("locked") and any(body.get(name) != previous.get(name) for name in _LOCKED):
        raise errors.forbidden("The event is locked.")
    return body, reminders


def _own_answer_only(calendar: Calendar, previous: Json, wanted: Any) -> list[Json]:
    """attendeesOmitted=true: the request's list only says how the participant answers."""
    mine = {item.get("email", "").lower(): item for item in wanted or ()}.get(calendar.id)
    return [
        {**attendee, **mine} if mine and attendee["email"] == calendar.id else attendee
        for attendee in previous.get("attendees", ())
    ]


def _check_guest(calendar: Calendar, previous: Json, body: Json) -> None:
    """A guest changes his own copy and his own answer; adding guests is the organizer's choice."""
    if previous.get("guestsCanModify"):
        return
    if any(body.get(name) != previous.get(name) for name in guests.GUARDED):
        raise errors.non_organizer()
    if _shared_properties(body) != _shared_properties(previous):
        raise errors.non_organizer()
    before = {item["email"]: item for item in previous.get("attendees", ())}
    after = {item["email"]: item for item in body.get("attendees", ())}
    added = set(after) - set(before)
    if added and not previous.get("guestsCanInviteOthers", True):
        raise errors.non_organizer()
    if any(after.get(email) != item for email, item in before.items() if email != calendar.id):
        raise errors.non_organizer()


def _shared_properties(body: Json) -> Json:
    return dict(body.get("extendedProperties", {}).get("shared", {}))


def _check_sequence(given: Json, previous: Json, body: Json, *, organizer: bool) -> None:
    sequence = given.get("sequence")
    if sequence is not None and sequence < previous["sequence"]:
        raise errors.invalid(
            "Invalid sequence value. The specified sequence number is below the current sequence number of "
            "the resource. Re-fetch the resource and use its sequence number on the following request."
        )
    if organizer and any(body.get(name) != previous.get(name) for name in ("start", "end", "recurrence")):
        body["sequence"] = max(body["sequence"], previous["sequence"] + 1)


def _materialize(state: State, calendar: Calendar, target: StoredEvent | Instance) -> StoredEvent:
    """An occurrence becomes an exception of its own; a stored event is itself."""
    if isinstance(target, StoredEvent):
        return target
    event = state.add_event(calendar, target.id, target.body(), target.master.group)
    event.reminders = deepcopy(target.master.reminders)
    event.created = target.master.created
    return event


def _store(state: State, access: Access, event: StoredEvent, body: Json, reminders: Json) -> None:
    """Keep the new body; a change of reminders alone moves the etag but not ``updated``."""
    only_reminders = body == event.body and not event.bare
    event.body = echo.rewritten(state, body)
    event.bare = False
    event.reminders[access.email] = reminders
    state.touch(event, updated=not only_reminders)


def _after_change(state: State, access: Access, event: StoredEvent, previous: Json, options: Options) -> None:
    calendar = access.calendar
    if "recurringEventId" in event.body:
        _spread_visibility(state, calendar, event, previous)
    elif any(event.body.get(name) != previous.get(name) for name in ("recurrence", "start")):
        _drop_orphans(state, calendar, event)
    if event.body.get("privateCopy"):
        return
    before, after = guests.emails(previous), guests.emails(event.body)
    origin = guests.origin_of(state, event)
    if origin is None or origin is event:
        guests.spread(state, event, before)
    else:
        shared = {name: deepcopy(event.body[name]) for name in guests.SHARED if name in event.body}
        rest = {name: value for name, value in origin.body.items() if name not in guests.SHARED}
        if origin.body != {**rest, **shared}:
            origin.body = {**rest, **shared}
            state.touch(origin)
        guests.spread(state, origin, before)
    send, actor = options.send_updates, access.email
    guests.mail(state, "invitation", set(after) - set(before), event, actor, send)
    guests.mail(state, "cancellation", set(before) - set(after), event, actor, send)
    if any(event.body.get(name) != previous.get(name) for name in guests.GUARDED):
        guests.mail(state, "update", set(after) & set(before), event, actor, send)
    elif guests.response_of(previous, calendar.id) != guests.response_of(event.body, calendar.id):
        guests.mail(state, "response", [event.body["organizer"]["email"]], event, actor, send)


def _spread_visibility(state: State, calendar: Calendar, event: StoredEvent, previous: Json) -> None:
    """A stricter visibility of one instance holds for the series; a laxer one is ignored."""
    old, new = previous.get("visibility", "default"), event.body.get("visibility", "default")
    if bodies.SENSITIVITY[new] < bodies.SENSITIVITY[old]:
        event.body["visibility"] = old
    elif bodies.SENSITIVITY[new] > bodies.SENSITIVITY[old]:
        master = calendar.events[event.master_id or ""]
        for each in (master, *calendar.exceptions_of(master.id)):
            if each is not event and each.body.get("visibility") != new:
                each.body["visibility"] = new
                state.touch(each)


def _drop_orphans(state: State, calendar: Calendar, master: StoredEvent) -> None:
    """Exceptions whose original start the series no longer has are deleted."""
    for each in calendar.exceptions_of(master.id):
        original = times.value_of(each.body["originalStartTime"])
        if find_instance(master, original) is None and not each.bare:
            _tombstone(state, each, bare=True)


def _tombstone(state: State, event: StoredEvent, *, bare: bool) -> None:
    event.body = {**event.body, "status": "cancelled"}
    event.bare = bare
    state.touch(event)


def delete(state: State, access: Access, event_id: str, send_updates: str, if_match: str | None) -> None:
    """Delete an event, a series with its exceptions, or one occurrence.

    A guest deletes his own copy only, and so declines.
    """
    access.require_writer()
    target = locate(access, event_id)
    body = target.body() if isinstance(target, Instance) else target.body
    if body.get("status") == "cancelled":
        raise errors.deleted()
    check_if_match(target, if_match)
    require_unmasked(access, body)
    _remove(state, access, target, send_updates)


def _remove(state: State, access: Access, target: StoredEvent | Instance, send_updates: str) -> StoredEvent:
    event = _materialize(state, access.calendar, target)
    if event.cancelled:
        raise errors.deleted()
    people = guests.emails(event.body)
    mine = event.body["organizer"]["email"] == access.calendar.id
    if not mine and not event.body.get("privateCopy"):
        for attendee in event.body.get("attendees", ()):
            if attendee["email"] == access.calendar.id:
                attendee["responseStatus"] = "declined"
        guests.answer(state, event)
        guests.mail(state, "response", [event.body["organizer"]["email"]], event, access.email, send_updates)
    for exception in access.calendar.exceptions_of(event.id):
        if not exception.bare:
            _tombstone(state, exception, bare=True)
    _tombstone(state, event, bare=False)
    if mine and not event.body.get("privateCopy"):
        for email in people:
            calendar = state.calendars.get(email)
            if calendar is not None and calendar is not access.calendar:
                guests.withdraw(state, calendar, event)
        guests.mail(state, "cancellation", people, event, access.email, send_updates)
    return event


def move(
    state: State, source: Access, target: Access, event_id: str, send_updates: str, if_match: str | None
) -> StoredEvent:
    """Change the organizer: the event goes to another calendar and keeps its id."""
    source.require_writer()
    target.require_writer()
    event = locate(source, event_id)
    if isinstance(event, Instance) or event.master_id is not None:
        raise errors.invalid("An instance of a recurring event cannot be moved.")
    check_if_match(event, if_match)
    require_unmasked(source, event.body)
    if event.cancelled:
        raise errors.deleted()
    if event.body["eventType"] != "default":
        raise errors.event_type("Only events of type default can be moved.")
    if event.body["organizer"]["email"] != source.calendar.id:
        raise errors.non_organizer()
    if source.calendar.id == target.calendar.id:
        raise errors.invalid("The destination is the calendar of the event.", "destination")
    taken = target.calendar.events.get(event_id)
    if taken is not None and not taken.bare:
        raise errors.duplicate()
    organizer = _calendar_person(target.calendar, state)
    moved = None
    for each in (event, *source.calendar.exceptions_of(event.id)):
        body = {**deepcopy(each.body), "organizer": organizer}
        copy = state.add_event(target.calendar, each.id, body, event.group)
        copy.created, copy.reminders = each.created, deepcopy(each.reminders)
        moved = moved or copy
        _tombstone(state, each, bare=True)
    if moved is None:
        raise errors.not_found()
    guests.spread(state, moved)
    guests.mail(state, "update", guests.emails(moved.body), moved, source.email, send_updates)
    return moved


def may_write(access: Access) -> bool:
    """Whether the calendar page offers to edit."""
    return rank(access.role) >= rank("writerWithoutPrivateAccess")
