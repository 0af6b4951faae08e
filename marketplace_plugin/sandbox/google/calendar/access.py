"""Who may do what: scopes per method, roles per calendar, preconditions per event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.event import times
from marketplace_plugin.sandbox.google.event.view import Instance, Reader, find_instance, masked
from marketplace_plugin.sandbox.google.oauth.scopes import BASE
from marketplace_plugin.sandbox.google.state import Calendar, State, StoredEvent, rank

_FULL, _READ = "calendar", "calendar.readonly"
_WRITE_EVENTS = (_FULL, "calendar.app.created", "calendar.events", "calendar.events.owned")
_READ_EVENTS = (
    *_WRITE_EVENTS,
    "calendar.events.freebusy",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
    "calendar.events.readonly",
    _READ,
)
_LIST = (_FULL, "calendar.calendarlist", "calendar.calendarlist.readonly", _READ)
_SETTINGS = (_FULL, _READ, "calendar.settings", "calendar.settings.readonly")

SCOPES: Mapping[str, tuple[str, ...]] = {
    "calendar.calendarList.list": _LIST,
    "calendar.calendarList.get": ("calendar.app.created", *_LIST),
    "calendar.calendars.get": (
        _FULL,
        "calendar.app.created",
        "calendar.calendars",
        "calendar.calendars.readonly",
        _READ,
    ),
    "calendar.events.list": _READ_EVENTS,
    "calendar.events.get": _READ_EVENTS,
    "calendar.events.instances": _READ_EVENTS,
    "calendar.events.insert": _WRITE_EVENTS,
    "calendar.events.import": _WRITE_EVENTS,
    "calendar.events.patch": _WRITE_EVENTS,
    "calendar.events.update": _WRITE_EVENTS,
    "calendar.events.delete": _WRITE_EVENTS,
    "calendar.events.move": (_FULL, "calendar.events", "calendar.events.owned"),
    "calendar.settings.get": _SETTINGS,
    "calendar.settings.list": _SETTINGS,
    "calendar.freebusy.query": (_FULL, "calendar.events.freebusy", "calendar.freebusy", _READ),
}
"""Method -> scopes of which one is enough (names without the common prefix)."""

_OWNED_ONLY = ("calendar.events.owned", "calendar.events.owned.readonly")
_NARROW = (*_OWNED_ONLY, "calendar.events.freebusy", "calendar.app.created", "calendar.events.public.readonly")


@dataclass(frozen=True)
class Access:
    """A user at a calendar with the role that his token lets him use."""

    email: str
    calendar: Calendar
    role: str

    def reader(self, zone: str | None = None, max_attendees: int | None = None) -> Reader:
        """How this user sees the calendar's events."""
        return Reader(self.email, self.role, zone or self.calendar.time_zone, max_attendees)

    def require_writer(self) -> None:
        """Raises ApiError 403 unless events may be written."""
        if rank(self.role) < rank("writerWithoutPrivateAccess"):
            raise errors.access_level()


def usable_scopes(method: str, granted: Collection[str], tables: Mapping[str, tuple[str, ...]] = SCOPES) -> list[str]:
    """The granted scopes that allow ``method``; ``tables`` are those of its API.

    Raises:
        ApiError: 403 if there are none.
    """
    found = [name for name in tables[method] if BASE + name in granted]
    if not found:
        raise errors.insufficient_scope(method)
    return found


def calendar_access(state: State, email: str, calendar_id: str, method: str, granted: Collection[str]) -> Access:
    """The user's access to a calendar by his role, narrowed by his token.

    Raises:
        ApiError: 404 for a calendar that he may not see, 403 for scopes that do not reach it.
    """
    usable = usable_scopes(method, granted)
    calendar = state.calendar_for(email, calendar_id)
    role = calendar.role(email) if calendar else None
    if calendar is None or role is None:
        raise errors.not_found()
    if all(name in _NARROW for name in usable):
        owned = role == "owner" and any(name in _OWNED_ONLY for name in usable)
        if not owned and "calendar.events.freebusy" in usable:
            role = "freeBusyReader"
        elif not owned:
            raise errors.insufficient_scope(method)
    return Access(email, calendar, role)


def sees_days_only(state: State, access: Access) -> bool:
    """Whether the user is told each day of a series by itself, and no series."""
    return access.role == "freeBusyReader" and not state.knobs.free_busy_series


def locate(access: Access, event_id: str) -> StoredEvent | Instance:
    """The stored event, or the occurrence that an instance id names.

    Raises:
        ApiError: 404.
    """
    event = access.calendar.events.get(event_id)
    if event is not None and not (event.bare and event.master_id):
        return event
    # An exception that its series dropped is an occurrence like all others once the rule has it again.
    found = _occurrence(access.calendar, event_id) or event
    if found is None:
        raise errors.not_found()
    return found


def _occurrence(calendar: Calendar, event_id: str) -> Instance | None:
    master_id, _, suffix = event_id.rpartition("_")
    master = calendar.events.get(master_id)
    original = times.parse_suffix(suffix)
    if master is None or master.cancelled or original is None:
        return None
    return find_instance(master, original)


def etag_of(target: StoredEvent | Instance) -> str:
    """An occurrence without a resource of its own shows its series' etag."""
    return target.master.etag if isinstance(target, Instance) else target.etag


def check_if_match(target: StoredEvent | Instance, header: str | None) -> None:
    """Raises ApiError 412 if the header names no current etag."""
    if header is None:
        return
    wanted = {part.strip() for part in header.split(",")}
    if "*" not in wanted and etag_of(target) not in wanted:
        raise errors.condition_not_met()


def require_unmasked(access: Access, body: errors.Json) -> None:
    """Raises ApiError 403 for a write to an event of which the user sees no details."""
    if masked(body, access.calendar, access.reader()):
        raise errors.access_level()
