"""What the sandbox holds: tenants, accounts, mailboxes with calendars and events, mail.

Plain data with one lock and one change counter. The counter gives each change a number, which
is the change key of what changed and its place in a delta. Instants are aware and in UTC; an
event's own times are wall times with the name of a Windows time zone.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from marketplace_plugin.sandbox.frame import oauth
from marketplace_plugin.sandbox.frame.state import Clock, system_clock

Json = dict[str, Any]
Consent = Literal["allow", "calendars_by_admin", "admin_only"]
Blocked = Literal["page", "redirect", "workflow"]

ROLES = (
    "freeBusyRead",
    "limitedRead",
    "read",
    "write",
    "delegateWithoutPrivateEventAccess",
    "delegateWithPrivateEventAccess",
    "owner",
)
"""Of calendarPermission (calendarRoleType), weakest first."""
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


@dataclass(frozen=True)
class Tenant:
    """A directory and its consent policy.

    ``consent``: users may allow everything; everything but calendars, contacts and tasks (the
    policy that Microsoft manages since 2025); or nothing. ``blocked``: what a user meets then: a
    page, a redirect with an error, or a page with a request to the admins.
    """

    id: str
    domain: str
    name: str
    consent: Consent = "allow"
    blocked: Blocked = "page"


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in; ``tenant`` is the domain of his directory."""

    email: str
    name: str
    oid: str
    tenant: str
    admin: bool = False
    time_zone: str = "W. Europe Standard Time"
    language: str = "de-DE"


@dataclass(frozen=True)
class Client(oauth.Client):
    """A registered application; ``permissions`` are those of its registration."""

    permissions: tuple[str, ...] = (
        "User.Read",
        "Calendars.ReadWrite",
        "Calendars.ReadWrite.Shared",
        "Contacts.ReadWrite",
        "Tasks.ReadWrite",
        "offline_access",
    )


@dataclass
class Override:
    """An exception of a series: what differs from the master, and its own times."""

    start: datetime
    end: datetime
    zone: str
    all_day: bool
    fields: Json
    created: datetime
    modified: datetime
    change: int = 0
    extended: dict[str, str] = field(default_factory=dict)
    attendees: list[Json] | None = None
    """None: its master's."""


@dataclass
class Event:
    """One copy of an event in one calendar: a single one, or a series with its exceptions.

    ``fields`` has the properties as the service shows them to their owner, without those that
    stand here or are computed for a reader. ``start`` and ``end`` are naive wall times in
    ``zone`` and ``end_zone`` (Windows names), the end exclusive.
    """

    key: int
    mailbox: str
    calendar: int
    placed: int
    """Changes at each move between calendars: what makes a mutable id another one."""
    ical_uid: str
    start: datetime
    end: datetime
    zone: str
    end_zone: str
    all_day: bool
    fields: Json
    created: datetime
    modified: datetime
    change: int
    organizer: str
    recurrence: Json | None = None
    overrides: dict[date, Override] = field(default_factory=dict)
    cancelled: set[date] = field(default_factory=set)
    attendees: list[Json] = field(default_factory=list)
    extended: dict[str, str] = field(default_factory=dict)
    """Extended properties: id -> value; names are case-sensitive."""
    transaction_id: str | None = None
    request: Json | None = None
    """The body of the POST that carried ``transaction_id``."""
    custom_zone: bool = False
    """The organizer's zone has no name: it is shown as tzone://Microsoft/Custom."""
    draft: bool = False
    meeting_cancelled: bool = False
    response: str = "organizer"
    responded: datetime | None = None

    @property
    def is_organizer(self) -> bool:
        return self.organizer == self.mailbox


@dataclass
class Calendar:
    """A calendar of a mailbox."""

    key: int
    mailbox: str
    name: str
    change: int
    default: bool = False
    removable: bool = True
    read_only: bool = False
    """Filled by the service (birthdays, holidays)."""
    color: str = "auto"
    hex_color: str = ""
    events: dict[int, Event] = field(default_factory=dict)
    changes: OrderedDict[int, int] = field(default_factory=OrderedDict)
    """Event key -> number of its last change, deletions too; oldest first."""
    gone: dict[int, Event] = field(default_factory=dict)
    """The events that were deleted or moved away, as they were last, by their keys."""
    epoch: int = 0
    """Raised when all earlier delta tokens end."""
    gone_code: str = "SyncStateNotFound"
    gone_status: int = 410

    def changed_since(self, change: int) -> list[int]:
        """Keys of the events changed after ``change``, oldest change first."""
        found: list[int] = []
        for key, number in reversed(self.changes.items()):
            if number <= change:
                break
            found.append(key)
        return found[::-1]


@dataclass
class Share:
    """Somebody else's calendar in a mailbox; ``key`` is its id there."""

    key: int
    calendar: int
    mailbox: str
    role: str
    name: str | None = None


@dataclass(frozen=True)
class Mail:
    """A mail that the real service would have sent."""

    kind: str
    """invitation, update, cancellation or response"""
    sender: str
    to: tuple[str, ...]
    subject: str
    ical_uid: str
    at: datetime


@dataclass
class Knobs:
    """Behaviour that stays on until it is changed back; faults are counted, knobs are not."""

    max_page_size: int | None = None
    """Pages hold at most so many items whatever was asked."""
    empty_delta_pages: int = 0
    """So many empty pages, each with a nextLink, come before the first item of a round."""
    delta_duplicates: bool = False
    """Each entity of a round comes twice, the second time on a later page."""
    delta_replays: bool = False
    """A round also repeats what the round before it brought."""
    delta_without_masters: bool = False
    """Rounds bring a series' occurrences without their master."""
    delta_generations: int | None = None
    """Only the tokens of so many newest rounds of a calendar are good."""
    removed_reason: Literal["deleted", "changed"] = "deleted"
    """The reason of @removed for an event that is not in the window (any more)."""
    outside_is_silent: bool = False
    """What lies outside of the window, and did when it was deleted, is not told at all."""
    late_bump: bool = False
    """The change key moves once more after each write has been answered."""
    duplicate_transaction_status: int | None = None
    """None: an equal repeat of a POST is answered with the event; else always refused so."""
    keep_declined: bool = False
    """Outlook's setting "Save declined events": else an event that is declined is thrown away."""
    default_contacts_delta: bool = True
    """Whether ``/me/contacts/delta`` is served: it is in the metadata, and not in the reference."""
    concurrent_requests: int = 4
    requests_in_ten_minutes: int = 10_000
    access_token_seconds: int = 4_499
    refresh_token_days: int = 90


class State(oauth.State):
    """Everything that the sandbox knows. Hold ``lock`` around each use from outside a request."""

    outbox: deque[Mail]
    knobs: Knobs

    def __init__(self, clock: Clock = system_clock) -> None:
        super().__init__(clock)
        self.tenants: dict[str, Tenant] = {}
        self.accounts: dict[str, Account] = {}
        self.clients: dict[str, Client] = {}
        self.calendars: dict[int, Calendar] = {}
        self.shares: dict[int, Share] = {}
        self.knobs = Knobs()

    # --- tenants and accounts -----------------------------------------------------------------

    def add_tenant(self, tenant: Tenant) -> None:
        """Add a directory, or change its policy."""
        self.tenants[tenant.domain] = tenant

    def set_policy(self, domain: str, **changes: Any) -> Tenant:
        """Change a tenant's ``consent`` or ``blocked``. Raises KeyError or TypeError."""
        self.tenants[domain] = replace(self.tenants[domain], **changes)
        return self.tenants[domain]

    def find_tenant(self, name: str) -> Tenant | None:
        """By id or domain."""
        return next((item for item in self.tenants.values() if name.lower() in (item.id, item.domain)), None)

    def add_account(self, account: Account) -> Account:
        """Add somebody, with a default calendar. Raises KeyError for an unknown tenant."""
        if account.tenant not in self.tenants:
            raise KeyError(account.tenant)
        self.accounts[account.email] = account
        self.add_calendar(account.email, "Kalender", default=True, removable=False)
        return account

    # --- calendars ----------------------------------------------------------------------------

    def add_calendar(self, mailbox: str, name: str, **more: Any) -> Calendar:
        """Add a calendar to a mailbox; ``more`` are fields of ``Calendar``."""
        calendar = Calendar(self.next_number(), mailbox, name, self.next_tick(), **more)
        self.calendars[calendar.key] = calendar
        return calendar

    def default_calendar(self, mailbox: str) -> Calendar:
        """Raises KeyError for a mailbox that does not exist."""
        for calendar in self.calendars.values():
            if calendar.mailbox == mailbox and calendar.default:
                return calendar
        raise KeyError(mailbox)

    def calendar_named(self, mailbox: str, name: str) -> Calendar:
        """Raises KeyError for an unknown one."""
        for calendar in self.calendars.values():
            if calendar.mailbox == mailbox and calendar.name == name:
                return calendar
        raise KeyError(name)

    def remove_calendar(self, calendar: Calendar) -> None:
        """With its events and shares."""
        del self.calendars[calendar.key]
        for key in [key for key, share in self.shares.items() if share.calendar == calendar.key]:
            del self.shares[key]

    def share(self, calendar: Calendar, mailbox: str, role: str | None) -> Share | None:
        """Give, change or take (None) somebody's access. Raises ValueError for an unknown role."""
        found = next((s for s in self.shares.values() if (s.calendar, s.mailbox) == (calendar.key, mailbox)), None)
        if role is None:
            if found is not None:
                del self.shares[found.key]
            return None
        if role not in ROLES[:-1]:
            raise ValueError(f"unknown role {role!r}; one of {', '.join(ROLES[:-1])}")
        if found is None:
            found = Share(self.next_number(), calendar.key, mailbox, role)
            self.shares[found.key] = found
        found.role = role
        return found

    def expire_delta_tokens(
        self, mailbox: str | None = None, code: str = "SyncStateNotFound", status: int = 410
    ) -> None:
        """End the delta tokens of one mailbox or of all; ``code`` and ``status`` are the refusal."""
        for calendar in self.calendars.values():
            if mailbox in (None, calendar.mailbox):
                calendar.epoch += 1
                calendar.gone_code, calendar.gone_status = code, status

    # --- events -------------------------------------------------------------------------------

    def store(self, event: Event) -> Event:
        """Put an event into its calendar."""
        self.calendars[event.calendar].events[event.key] = event
        self.touch(event)
        return event

    def touch(self, event: Event) -> None:
        """Give the event a new change key and modification time."""
        event.change = self.next_tick()
        event.modified = self.now()
        self._note(event, event.change)

    def remove(self, event: Event) -> None:
        """Take an event out of its calendar; deltas report it."""
        calendar = self.calendars[event.calendar]
        del calendar.events[event.key]
        calendar.gone[event.key] = replace(event)
        self._note(event, self.next_tick())

    def move(self, event: Event, calendar: Calendar) -> None:
        """Put an event into another calendar of the mailbox; its mutable id becomes another one."""
        self.remove(event)
        event.calendar, event.placed = calendar.key, self.next_number()
        self.store(event)

    def _note(self, event: Event, change: int) -> None:
        calendar = self.calendars[event.calendar]
        calendar.changes[event.key] = change
        calendar.changes.move_to_end(event.key)

    def events_of(self, mailbox: str) -> list[Event]:
        """All events of a mailbox's own calendars."""
        return [e for c in self.calendars.values() if c.mailbox == mailbox for e in c.events.values()]
