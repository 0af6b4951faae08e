"""Another client at the same calendars: what tests, the control endpoint and the pages use.

It takes the same way as the API, without a token.
"""

from __future__ import annotations

from typing import Any

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar import access, listing
from marketplace_plugin.sandbox.google.calendar.access import Access
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import view, writes
from marketplace_plugin.sandbox.google.event.body import Options
from marketplace_plugin.sandbox.google.state import State, StoredEvent


class Actor:
    """A user who works in his calendars with another client.

    Each method raises ApiError as the API would answer.
    """

    def __init__(self, state: State, email: str) -> None:
        if email not in state.accounts:
            raise KeyError(email)
        self._state = state
        self.email = email

    def access(self, calendar_id: str = "primary") -> Access:
        """The user's access to a calendar."""
        calendar = self._state.calendar_for(self.email, calendar_id)
        role = calendar.role(self.email) if calendar else None
        if calendar is None or role is None:
            raise errors.not_found()
        return Access(self.email, calendar, role)

    def insert(self, body: Json, calendar_id: str = "primary", send_updates: str = "none") -> Json:
        """Create an event; all features of the API are on."""
        with self._state.lock:
            granted = self.access(calendar_id)
            event = writes.insert(self._state, granted, body, _options(send_updates))
            return self._shown(granted, event)

    def patch(self, event_id: str, body: Json, calendar_id: str = "primary", send_updates: str = "none") -> Json:
        """Change an event, a series or an occurrence."""
        with self._state.lock:
            granted = self.access(calendar_id)
            event = writes.change(
                self._state, granted, event_id, body, _options(send_updates), replace=False, if_match=None
            )
            return self._shown(granted, event)

    def delete(self, event_id: str, calendar_id: str = "primary", send_updates: str = "none") -> None:
        """Delete an event, a series or an occurrence."""
        with self._state.lock:
            writes.delete(self._state, self.access(calendar_id), event_id, send_updates, None)

    def move(self, event_id: str, source: str, target: str) -> Json:
        """Move an event to another calendar."""
        with self._state.lock:
            granted = self.access(target)
            event = writes.move(self._state, self.access(source), granted, event_id, "none", None)
            return self._shown(granted, event)

    def get(self, event_id: str, calendar_id: str = "primary") -> Json:
        """An event as this user sees it."""
        with self._state.lock:
            granted = self.access(calendar_id)
            found = access.locate(granted, event_id)
            if isinstance(found, view.Instance):
                return view.render_instance(found, granted.calendar, granted.reader())
            return self._shown(granted, found)

    def events(self, calendar_id: str = "primary", **params: Any) -> list[Json]:
        """All events, as a list request with these (typed) parameters gives them."""
        with self._state.lock:
            granted = self.access(calendar_id)
            items: list[Json] = []
            wanted = {"maxResults": listing.PAGE_LIMIT, **params}
            reply = listing.events(self._state, granted, wanted)
            items += reply["items"]
            while "nextPageToken" in reply:
                reply = listing.events(self._state, granted, {**wanted, "pageToken": reply["nextPageToken"]})
                items += reply["items"]
            return items

    def _shown(self, granted: Access, event: StoredEvent) -> Json:
        return view.render(event, granted.calendar, granted.reader())


def _options(send_updates: str) -> Options:
    return Options(send_updates=send_updates, conference=True, attachments=True)
