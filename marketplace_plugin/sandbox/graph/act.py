"""A user at another client (Outlook), for tests and for the pages by hand: the same rules, no HTTP."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

from marketplace_plugin.sandbox.graph.outlook import access, meetings, view, writes
from marketplace_plugin.sandbox.graph.outlook.access import Found, Seen
from marketplace_plugin.sandbox.graph.outlook.time import series, window
from marketplace_plugin.sandbox.graph.outlook.view import Shape
from marketplace_plugin.sandbox.graph.state import State

Json = dict[str, Any]


class Actor:
    """What one account does. Ids are immutable ones; errors are ``GraphError``.

    ``calendar`` is the name of a calendar of the account's own, or the id of any that it has;
    without one it is the default calendar, for finding events all of them.
    """

    def __init__(self, state: State, email: str) -> None:
        self._state = state
        self.email = email
        self._shape = Shape(zone="W. Europe Standard Time", text=True, immutable=True)

    def calendar(self, calendar: str | None = None) -> Seen:
        """Raises GraphError for a calendar that the account does not have."""
        with self._state.lock:
            if calendar is None:
                return access.default(self._state, self.email)
            for seen in access.calendars(self._state, self.email):
                if calendar in (seen.id, seen.calendar.name):
                    return seen
            return access.calendar(self._state, self.email, calendar)

    def insert(self, body: Json, calendar: str | None = None, *, custom_zone: bool = False) -> Json:
        """Create an event; ``custom_zone`` hides the name of its time zone."""
        with self._state.lock:
            seen = self.calendar(calendar)
            event = writes.create(self._state, seen, body)
            event.custom_zone = custom_zone
            return self._show(Found(seen, event))

    def get(self, event_id: str) -> Json:
        """An event or occurrence as this account sees it; text body, German time."""
        with self._state.lock:
            return self._show(access.event(self._state, self.email, event_id))

    def patch(self, event_id: str, body: Json) -> Json:
        """Change an event or occurrence."""
        with self._state.lock:
            found = access.event(self._state, self.email, event_id)
            return self._show(writes.update(self._state, found, body))

    def delete(self, event_id: str) -> None:
        """Delete an event or occurrence."""
        with self._state.lock:
            writes.delete(self._state, access.event(self._state, self.email, event_id))

    def move(self, event_id: str, calendar: str) -> Json:
        """Put an event into another own calendar, as dragging in Outlook does."""
        with self._state.lock:
            found, target = access.event(self._state, self.email, event_id), self.calendar(calendar)
            self._state.move(found.event, target.calendar)
            return self._show(Found(target, found.event))

    def copy(self, event_id: str, calendar: str | None = None) -> Json:
        """Copy and paste: a new event with the transactionId and extended properties of the old one."""
        with self._state.lock:
            found, target = access.event(self._state, self.email, event_id), self.calendar(calendar)
            twin = copy.deepcopy(found.event)
            twin.key, twin.calendar = self._state.next_number(), target.calendar.key
            twin.placed, twin.attendees, twin.organizer = target.calendar.key, [], self.email
            twin.mailbox, twin.created = target.calendar.mailbox, self._state.now()
            twin.ical_uid = found.event.ical_uid[:-8] + f"{twin.key:08X}"
            self._state.store(twin)
            return self._show(Found(target, twin))

    def respond(self, event_id: str, response: str, *, keep: bool = False) -> Json:
        """Answer an invitation: accepted, tentativelyAccepted or declined; ``keep`` a declined one."""
        with self._state.lock:
            found = access.event(self._state, self.email, event_id)
            meetings.respond(self._state, found.event, response, keep=keep)
            return self._show(found)

    def occurrence(self, event_id: str, day: str) -> Json:
        """The occurrence of a series whose original local date is ``day`` (ISO 8601)."""
        with self._state.lock:
            found = access.event(self._state, self.email, event_id)
            item = series.find(found.event, datetime.fromisoformat(day).date())
            if item is None:
                raise KeyError(day)
            return self._show(Found(found.seen, found.event, item))

    def events(self, calendar: str | None = None) -> list[Json]:
        """Single events and masters of a calendar, oldest first."""
        with self._state.lock:
            seen = self.calendar(calendar)
            return [self._show(Found(seen, event)) for event in seen.calendar.events.values()]

    def view(self, begin: datetime, until: datetime, calendar: str | None = None) -> list[Json]:
        """Single events and occurrences in a window of aware instants, by start."""
        with self._state.lock:
            seen = self.calendar(calendar)
            return [self._show(item) for item in window.items(seen, begin, until)]

    def _show(self, found: Found) -> Json:
        return view.event(self._state, found, self._shape)
