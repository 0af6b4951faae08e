"""Creating, changing and deleting events, with the rules that Exchange enforces.

Sources: https://learn.microsoft.com/graph/api/user-post-events, event-update and event-delete.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.outlook import bodies, fields, meetings, view
from marketplace_plugin.sandbox.graph.outlook.access import Found, Seen
from marketplace_plugin.sandbox.graph.outlook.time import recurrence, series, times
from marketplace_plugin.sandbox.graph.state import Event, Override, State

Json = dict[str, Any]

_SHAPE = ("start", "end", "isAllDay", "recurrence")
_ELSEWHERE = (*_SHAPE, "body", "attendees", "transactionId", "singleValueExtendedProperties", "isDraft")
_UID = "040000008200E00074C5B7101A82E008"


@dataclass(frozen=True)
class _Span:
    start: datetime
    zone: str
    end: datetime
    end_zone: str
    all_day: bool

    def checked(self) -> _Span:
        """Raises GraphError 400 for an end before its start, or whole days that are none."""
        begins, ends = times.instant(self.start, self.zone), times.instant(self.end, self.end_zone)
        if ends < begins:
            raise errors.invalid_property()
        if self.all_day:
            midnight = time(0)
            whole = self.start.time() == self.end.time() == midnight and self.end > self.start
            if not whole or self.zone != self.end_zone:
                raise errors.invalid_property()
        return self


# --- creating -----------------------------------------------------------------------------------


def create(state: State, seen: Seen, body: Any) -> Event:
    """A new event in a calendar; attendees are invited.

    A POST that is repeated with its transactionId and an equal body answers with the event that
    the first one made. Raises GraphError 400 for bad values, 403 for a calendar that is not
    writable, 400 (or the knob's status) for a transactionId of another event.
    """
    if not seen.can_edit:
        raise errors.access_denied()
    given = fields.parse(body)
    owner = seen.calendar.mailbox
    repeated = _repeated(state, seen, given.get("transactionId"), body)
    if repeated is not None:
        return repeated
    if "start" not in given or "end" not in given:
        raise errors.invalid_property()
    span = _span(given, None)
    rule = given.get("recurrence")
    now, key = state.now(), state.next_number()
    event = Event(
        key=key,
        mailbox=owner,
        calendar=seen.calendar.key,
        placed=seen.calendar.key,
        ical_uid=_new_uid(owner, key),
        start=span.start,
        end=span.end,
        zone=span.zone,
        end_zone=span.end_zone,
        all_day=span.all_day,
        fields={**fields.DEFAULTS},
        created=now,
        modified=now,
        change=0,
        organizer=owner,
        recurrence=None if rule is None else recurrence.check(rule, span.start.date(), span.zone),
        attendees=given.get("attendees", []),
        transaction_id=given.get("transactionId") or None,
        request=body if given.get("transactionId") else None,
        draft=given.get("isDraft", False),
    )
    event.fields |= _plain(given, event.fields)
    _extend(event.extended, given)
    _start_meeting(event, given)
    state.store(event)
    meetings.created(state, event)
    return event


def _repeated(state: State, seen: Seen, transaction_id: str | None, body: Any) -> Event | None:
    if not transaction_id:
        return None
    for event in state.events_of(seen.calendar.mailbox):
        if event.transaction_id != transaction_id:
            continue
        refused = state.knobs.duplicate_transaction_status
        if refused is None and event.request == body:
            return event
        existing = seen.event_id(event, None, immutable=False)
        raise errors.duplicate_transaction(existing, refused or 400)
    return None


def _new_uid(mailbox: str, key: int) -> str:
    return _UID + "00000000" + hashlib.blake2s(f"{mailbox}/{key}".encode(), digest_size=32).hexdigest().upper()


# --- changing -----------------------------------------------------------------------------------


def update(state: State, found: Found, body: Any, if_match: str | None = None) -> Found:
    """Change an event, a series or one occurrence; how it is found afterwards.

    Raises:
        GraphError: 400, 403, or 412 for an ``if_match`` that is not the current version.
    """
    _allowed(found, if_match)
    given = fields.parse(body)
    if "transactionId" in given and given["transactionId"] != found.event.transaction_id:
        raise errors.invalid_request("The property 'transactionId' cannot be changed once it is set.")
    if found.occurrence is not None:
        _update_occurrence(state, found.event, found.occurrence, given)
        return Found(found.seen, found.event, series.find(found.event, found.occurrence.day))
    _update_event(state, found.event, given)
    return found


def _allowed(found: Found, if_match: str | None) -> None:
    if not found.seen.can_edit:
        raise errors.access_denied()
    if if_match not in (None, "*") and if_match != view.etag(found.change):
        raise errors.changed_meanwhile()


def _update_event(state: State, event: Event, given: Json) -> None:
    before, invited = meetings.addresses(event), meetings.everybody(event)
    if any(name in given for name in _SHAPE):
        _reshape(event, given)
    event.fields |= _plain(given, event.fields)
    _extend(event.extended, given)
    event.attendees = given.get("attendees", event.attendees)
    _start_meeting(event, given)
    state.touch(event)
    meetings.changed(state, event, given, before, invited - before)


def _reshape(event: Event, given: Json) -> None:
    """New times or a new rule: a series forgets its exceptions and cancelled occurrences."""
    span = _span(given, _Span(event.start, event.zone, event.end, event.end_zone, event.all_day))
    rule = given.get("recurrence", event.recurrence)
    checked = None if rule is None else recurrence.check(rule, span.start.date(), span.zone)
    if "start" in given:
        event.custom_zone = False
    event.start, event.end, event.all_day = span.start, span.end, span.all_day
    event.zone, event.end_zone, event.recurrence = span.zone, span.end_zone, checked
    event.overrides.clear()
    event.cancelled.clear()


def _update_occurrence(state: State, event: Event, occurrence: series.Occurrence, given: Json) -> None:
    if given.get("recurrence") is not None:
        raise errors.invalid_request("This property can only be set on the master of a series.")
    now = state.now()
    span = _Span(occurrence.start, occurrence.zone, occurrence.end, occurrence.end_zone, occurrence.all_day)
    if any(name in given for name in _SHAPE):
        span = _span(given, span)
        if span.start.date() != occurrence.start.date():
            _stays_between(event, occurrence.day, span.start.date())
    end = times.instant(span.end, span.end_zone).astimezone(times.zone_of(span.zone)).replace(tzinfo=None)
    known = occurrence.override
    values = {} if known is None else known.fields
    changed = _plain(given, {**event.fields, **values})
    own = {} if known is None else dict(known.extended)
    _extend(own, given)
    override = Override(
        start=span.start,
        end=end,
        zone=span.zone,
        all_day=span.all_day,
        fields={**values, **changed},
        created=now if known is None else known.created,
        modified=now,
        extended=own,
        attendees=given.get("attendees", None if known is None else known.attendees),
    )
    before = meetings.addresses(event, known)
    event.overrides[occurrence.day] = override
    state.touch(event)
    override.change = event.change
    meetings.occurrence_changed(state, event, override, given, before)


def _stays_between(event: Event, day: date, moved_to: date) -> None:
    before, after = series.neighbours(event, day)
    if (before is not None and moved_to <= before) or (after is not None and moved_to >= after):
        raise errors.crossing_boundary()


def _span(given: Json, known: _Span | None) -> _Span:
    """The times of a request, completed from what is known."""
    if any(name in given and given[name] is None for name in ("start", "end")):
        raise errors.invalid_property()
    all_day = given.get("isAllDay", known.all_day if known else False)
    if "start" in given:
        start, zone = times.parse(given["start"], "start")
    elif known is not None:
        start, zone = known.start, known.zone
    if "end" in given:
        end, end_zone = times.parse(given["end"], "end")
    elif known is not None:
        end, end_zone = known.end, known.end_zone
    return _Span(start, zone, end, end_zone, all_day).checked()


def _plain(given: Json, known: Json) -> Json:
    """The properties that are simply kept, and those that follow from them."""
    found = {name: value for name, value in given.items() if name not in _ELSEWHERE}
    found.pop("isOnlineMeeting", None)
    found.pop("onlineMeetingProvider", None)
    if "body" in given:
        found["body"] = bodies.rewritten(given["body"]["content"], given["body"]["contentType"])
        meeting = known.get("onlineMeeting")
        if meeting and meeting["joinUrl"] not in found["body"]:
            found |= {"isOnlineMeeting": False, "onlineMeetingProvider": "unknown", "onlineMeeting": None}
    if "location" in given:
        found["locations"] = [given["location"]] if given["location"]["displayName"] else []
    elif "locations" in given:
        found["location"] = (given["locations"] or [fields.NO_LOCATION])[0]
    return found


def _extend(extended: dict[str, str], given: Json) -> None:
    for name, value in given.get("singleValueExtendedProperties", {}).items():
        if value is None:
            extended.pop(name, None)
        else:
            extended[name] = value


def _start_meeting(event: Event, given: Json) -> None:
    """Make it an online meeting; once it is one, isOnlineMeeting is not listened to."""
    if not given.get("isOnlineMeeting") or event.fields["isOnlineMeeting"]:
        return
    mark = hashlib.blake2s(event.ical_uid.encode(), digest_size=16).hexdigest()
    join_url = f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{mark}%40thread.v2/0"
    event.fields |= {
        "isOnlineMeeting": True,
        "onlineMeetingProvider": given.get("onlineMeetingProvider", "teamsForBusiness"),
        "onlineMeeting": {"joinUrl": join_url},
        "body": bodies.with_meeting(event.fields["body"], join_url),
    }


# --- deleting -----------------------------------------------------------------------------------


def delete(state: State, found: Found, if_match: str | None = None) -> None:
    """Delete an event, a series or one occurrence; an organizer's attendees get a cancellation.

    Raises:
        GraphError: 403, or 412 for an ``if_match`` that is not the current version.
    """
    _allowed(found, if_match)
    event = found.event
    if found.occurrence is None:
        state.remove(event)
        meetings.deleted(state, event)
        return
    known = event.overrides.pop(found.occurrence.day, None)
    event.cancelled.add(found.occurrence.day)
    state.touch(event)
    meetings.occurrence_cancelled(state, event, known)
