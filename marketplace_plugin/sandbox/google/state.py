"""What the sandbox holds: accounts, calendars with their events, list entries, mail.

Plain data with one lock and one change counter. The counter gives each change a number, which
is the etag of what changed and its place in a delta. All instants are aware and in UTC.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from marketplace_plugin.sandbox.frame import oauth
from marketplace_plugin.sandbox.frame.state import Clock, system_clock
from marketplace_plugin.sandbox.google.errors import Json

ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
ETAG_BASE = 3_500_000_000_000_000


def rank(role: str | None) -> int:
    """The order of access roles; -1 for no access."""
    return -1 if role is None else ROLES.index(role)


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in."""

    email: str
    name: str
    sub: str
    time_zone: str = "Europe/Berlin"
    locale: str = "de"


@dataclass(frozen=True)
class Client(oauth.Client):
    """A registered OAuth client; clients with the same ``project`` share their consents."""

    project: str = "steg"
    testing: bool = False
    """Publishing status "Testing": refresh tokens end after seven days."""


@dataclass
class StoredEvent:
    """One copy of an event in one calendar.

    ``body`` has the event's fields in canonical form, without what is computed for a reader
    (kind, etag, htmlLink, self). Exceptions of a series are events of their own with
    ``recurringEventId`` and ``originalStartTime``.
    """

    id: str
    calendar_id: str
    ordinal: int
    body: Json
    group: str
    """The same for all copies of an event and for a series' exceptions; the iCalUID need not be unique."""
    created: datetime
    updated: datetime
    seq: int
    reminders: dict[str, Json] = field(default_factory=dict)
    bare: bool = False
    """A tombstone without details: moved away, or an invitation that was withdrawn."""

    @property
    def etag(self) -> str:
        return f'"{ETAG_BASE + self.seq * 2000}"'

    @property
    def cancelled(self) -> bool:
        return bool(self.body.get("status") == "cancelled")

    @property
    def master_id(self) -> str | None:
        """The series of an exception."""
        master = self.body.get("recurringEventId")
        return None if master is None else str(master)


@dataclass
class Calendar:
    """A calendar, its access list and its events."""

    id: str
    summary: str
    owner: str
    time_zone: str
    acl: dict[str, str]
    seq: int
    primary: bool = False
    description: str | None = None
    color: str = "14"
    labels: tuple[tuple[str, str], ...] = ()
    """(id, name) of the event labels that are defined on this calendar."""
    epoch: int = 0
    """Raised when all earlier sync tokens end."""
    events: dict[str, StoredEvent] = field(default_factory=dict)
    order: list[StoredEvent] = field(default_factory=list)
    """By ordinal: the stable order of an unsorted list."""
    changes: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Event id -> number of its last change, oldest first."""
    exceptions: dict[str, list[str]] = field(default_factory=dict)
    """Series id -> ids of its stored exceptions."""
    uids: dict[str, list[str]] = field(default_factory=dict)
    """iCalUID -> ids of its events."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Group -> ids of its events."""

    def role(self, email: str) -> str | None:
        """The user's access role, None without access."""
        return self.acl.get(email) or self.acl.get("*")

    def changed_since(self, seq: int) -> list[StoredEvent]:
        """Events changed after ``seq``, oldest change first."""
        found: list[StoredEvent] = []
        for event_id, number in reversed(self.changes.items()):
            if number <= seq:
                break
            found.append(self.events[event_id])
        found.reverse()
        return found

    def exceptions_of(self, master_id: str) -> list[StoredEvent]:
        """The stored exceptions of a series, cancelled ones too."""
        return [self.events[key] for key in self.exceptions.get(master_id, ())]


@dataclass
class ListEntry:
    """A calendar in somebody's list."""

    calendar_id: str
    seq: int
    ordinal: int
    hidden: bool = False
    deleted: bool = False
    selected: bool = True
    summary_override: str | None = None
    color: str | None = None


@dataclass(frozen=True)
class Mail:
    """A mail that the real service would have sent."""

    kind: str
    """invitation, update, cancellation or response"""
    to: tuple[str, ...]
    calendar_id: str
    event_id: str
    send_updates: str
    at: datetime


@dataclass
class Knobs:
    """Behaviour that stays on until it is changed back; faults are counted, knobs are not."""

    max_page_size: int | None = None
    """Pages hold at most so many items whatever maxResults says (short pages)."""
    empty_first_pages: int = 0
    """So many empty pages, each with a nextPageToken, come before the first item."""
    hostile_echo: bool = False
    """Writes come back rewritten (HTML, zone names, order) and the etag moves once more."""
    access_token_seconds: int = 3599
    sync_token_days: int = 28
    tombstone_days: int = 28
    """updatedMin older than this is refused."""
    free_busy_series: bool = False
    """Who sees free/busy only is told series as such, where the service tells him each day by itself."""
    people_expired_status: int = 400
    """How a sync token of contacts that has expired is refused; 410 is what the reference once said."""
    people_delay_seconds: int = 0
    """So long a contact that was written stays unseen by sync requests (the service: "several minutes")."""


class State(oauth.State):
    """Everything that the sandbox knows. Hold ``lock`` around each use from outside a request."""

    outbox: deque[Mail]
    knobs: Knobs

    def __init__(self, clock: Clock = system_clock) -> None:
        super().__init__(clock)
        self.secret = secrets.token_bytes(32)
        self.dice = Random()  # noqa: S311  # ids of events are no secrets; a test may seed it
        self.accounts: dict[str, Account] = {}
        self.clients: dict[str, Client] = {}
        self.calendars: dict[str, Calendar] = {}
        self.lists: dict[str, dict[str, ListEntry]] = {}
        self.list_epoch: dict[str, int] = {}
        self.knobs = Knobs()

    # --- accounts and calendars -----------------------------------------------------------

    def add_account(self, account: Account) -> Account:
        """Add somebody, with a primary calendar."""
        self.accounts[account.email] = account
        self.lists[account.email] = {}
        self.list_epoch[account.email] = 0
        self.add_calendar(
            account.email,
            calendar_id=account.email,
            summary=account.email,
            time_zone=account.time_zone,
            primary=True,
        )
        return account

    def add_calendar(
        self,
        owner: str,
        *,
        calendar_id: str,
        summary: str,
        time_zone: str = "Europe/Berlin",
        primary: bool = False,
        description: str | None = None,
        color: str = "14",
        labels: Sequence[tuple[str, str]] = (),
    ) -> Calendar:
        """Add a calendar; its owner has it in his list."""
        calendar = Calendar(
            id=calendar_id,
            summary=summary,
            owner=owner,
            time_zone=time_zone,
            acl={},
            seq=self.next_tick(),
            primary=primary,
            description=description,
            color=color,
            labels=tuple(labels),
        )
        self.calendars[calendar_id] = calendar
        if owner in self.accounts:
            self.set_role(calendar_id, owner, "owner")
        return calendar

    def set_role(self, calendar_id: str, email: str, role: str | None) -> None:
        """Give, change or take (None) somebody's access; ends the calendar's sync tokens.

        Raises:
            KeyError: for an unknown calendar.
            ValueError: for an unknown role.
        """
        if role is not None and role not in ROLES:
            raise ValueError(f"unknown role {role!r}; one of {', '.join(ROLES)}")
        calendar = self.calendars[calendar_id]
        calendar.epoch += 1
        entries = self.lists.get(email)
        if role is None:
            calendar.acl.pop(email, None)
            if entries is not None and calendar_id in entries:
                entries[calendar_id].deleted = True
                entries[calendar_id].seq = self.next_tick()
            return
        calendar.acl[email] = role
        if entries is None:
            return
        entry = entries.get(calendar_id)
        if entry is None:
            tick = self.next_tick()
            entries[calendar_id] = ListEntry(calendar_id, tick, tick)
        elif entry.deleted:
            entry.deleted = False
            entry.seq = self.next_tick()

    def calendar_for(self, email: str, calendar_id: str) -> Calendar | None:
        """The calendar if the user may see anything of it; ``primary`` is his own."""
        calendar = self.calendars.get(email if calendar_id == "primary" else calendar_id)
        return None if calendar is None or calendar.role(email) is None else calendar

    def expire_sync_tokens(self, calendar_id: str | None = None) -> None:
        """End the sync tokens of one calendar, or of everything (calendar lists too)."""
        for calendar in self.calendars.values():
            if calendar_id in (None, calendar.id):
                calendar.epoch += 1
        if calendar_id is None:
            for email in self.list_epoch:
                self.list_epoch[email] += 1

    # --- events ---------------------------------------------------------------------------

    def add_event(self, calendar: Calendar, event_id: str, body: Json, group: str | None = None) -> StoredEvent:
        """Store a new event, or take over the id of a tombstone; ``group`` is that of its other copies."""
        now, tick = self.now(), self.next_tick()
        event = StoredEvent(
            event_id, calendar.id, tick, body, group or secrets.token_hex(8), created=now, updated=now, seq=tick
        )
        previous = calendar.events.get(event_id)
        if previous is not None:
            calendar.order.remove(previous)
            for index, key in self._places(calendar, previous):
                index[key].remove(event_id)
        calendar.events[event_id] = event
        calendar.order.append(event)
        self._note(calendar, event)
        for index, key in self._places(calendar, event):
            index.setdefault(key, []).append(event_id)
        return event

    @staticmethod
    def _places(calendar: Calendar, event: StoredEvent) -> list[tuple[dict[str, list[str]], str]]:
        """The indexes that hold the event, each with its key."""
        places = [(calendar.uids, event.body["iCalUID"]), (calendar.groups, event.group)]
        if event.master_id is not None:
            places.append((calendar.exceptions, event.master_id))
        return places

    def touch(self, event: StoredEvent, *, updated: bool = True) -> None:
        """Give the event a new change number (etag), and a new ``updated`` unless told not to."""
        event.seq = self.next_tick()
        if updated:
            event.updated = self.now()
        self._note(self.calendars[event.calendar_id], event)

    def _note(self, calendar: Calendar, event: StoredEvent) -> None:
        calendar.changes[event.id] = event.seq
        calendar.changes.move_to_end(event.id)

    def find_copy(self, calendar: Calendar, group: str, original: Any) -> StoredEvent | None:
        """The copy of that original start (None for the single event or series) in a calendar."""
        for event_id in calendar.groups.get(group, ()):
            if calendar.events[event_id].body.get("originalStartTime") == original:
                return calendar.events[event_id]
        return None
