"""Which calendars an account has, and what it may see and do in them.

Source: https://learn.microsoft.com/graph/api/resources/calendarpermission and
https://learn.microsoft.com/graph/outlook-get-shared-events-calendars
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.outlook import ids
from marketplace_plugin.sandbox.graph.outlook.time import series
from marketplace_plugin.sandbox.graph.state import ROLES, Calendar, Event, Share, State

Detail = Literal["full", "limited", "busy", "private"]


@dataclass(frozen=True)
class Seen:
    """A calendar as one account has it: its own, or somebody's that is shared with it."""

    email: str
    calendar: Calendar
    share: Share | None = None

    @property
    def role(self) -> str:
        return "owner" if self.share is None else self.share.role

    @property
    def can_edit(self) -> bool:
        return not self.calendar.read_only and ROLES.index(self.role) >= ROLES.index("write")

    @property
    def sees_private(self) -> bool:
        return self.role in ("owner", "delegateWithPrivateEventAccess")

    @property
    def id(self) -> str:
        return ids.calendar_id(self.email, self.calendar.key if self.share is None else self.share.key)

    def place(self, event: Event) -> int:
        """Where the account finds the event: part of the mutable id."""
        return event.placed if self.share is None else self.share.key

    def event_id(self, event: Event, day: date | None, *, immutable: bool) -> str:
        return ids.event_id(self.email, self.place(event), event.key, day, immutable=immutable)

    def detail(self, sensitivity: str) -> Detail:
        """How much of an event of that sensitivity the account is shown."""
        if self.role == "freeBusyRead":
            return "busy"
        if sensitivity in ("private", "confidential") and not self.sees_private:
            return "private"
        return "limited" if self.role == "limitedRead" else "full"


@dataclass(frozen=True)
class Found:
    """An event, or one occurrence of it, in a calendar of the account."""

    seen: Seen
    event: Event
    occurrence: series.Occurrence | None = None

    @property
    def change(self) -> int:
        return self.event.change if self.occurrence is None else self.occurrence.change


def calendars(state: State, email: str) -> list[Seen]:
    """The account's calendars, its own first."""
    own = [Seen(email, item) for item in state.calendars.values() if item.mailbox == email]
    shared = [
        Seen(email, state.calendars[item.calendar], item) for item in state.shares.values() if item.mailbox == email
    ]
    return own + shared


def default(state: State, email: str) -> Seen:
    """The account's default calendar."""
    return Seen(email, state.default_calendar(email))


def calendar(state: State, email: str, calendar_id: str) -> Seen:
    """Raises GraphError 400 for what is no id, 404 for what is not in the mailbox."""
    reference = ids.read_calendar(calendar_id)
    if reference.mailbox == ids.mailbox_mark(email):
        for seen in calendars(state, email):
            if reference.key == (seen.calendar.key if seen.share is None else seen.share.key):
                return seen
    raise errors.not_found()


def event(state: State, email: str, event_id: str, within: Seen | None = None) -> Found:
    """The event or occurrence of an id, in any calendar of the account or in ``within``.

    Which of the account's own calendars stands before the id makes no difference (microsoft-graph-docs#391).

    Raises:
        GraphError: 400 for what is no id; 404 for what is not there, was moved away (a mutable
            id), is a cancelled occurrence, or is masked for this reader.
    """
    reference = ids.read_event(event_id)
    if reference.mailbox != ids.mailbox_mark(email):
        raise errors.not_found()
    everywhere = calendars(state, email)
    if within is not None:
        everywhere = [within] if within.share is not None else [seen for seen in everywhere if seen.share is None]
    for seen in everywhere:
        found = seen.calendar.events.get(reference.key)
        if found is None or reference.place not in (0, seen.place(found)):
            continue
        if seen.detail(found.fields["sensitivity"]) == "private":
            raise errors.not_found()
        if reference.day is None:
            return Found(seen, found)
        occurrence = series.find(found, reference.day)
        if occurrence is not None:
            return Found(seen, found, occurrence)
    raise errors.not_found()
