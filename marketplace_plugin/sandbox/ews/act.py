"""A user at Outlook, for tests, seeds and the pages by hand: the same rules, no HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from marketplace_plugin.sandbox.ews.changes import meetings, writes
from marketplace_plugin.sandbox.ews.items import Attendee, Item, Kind, Recurrence
from marketplace_plugin.sandbox.ews.outlook import access, bodies, recurrence, times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.queries.find import expanded
from marketplace_plugin.sandbox.ews.soap.errors import EwsError
from marketplace_plugin.sandbox.ews.state import Folder, State
from marketplace_plugin.sandbox.ews.views.item import Shown, shown
from marketplace_plugin.sandbox.ews.wire import schema
from marketplace_plugin.sandbox.ews.wire.paths import Path
from marketplace_plugin.sandbox.ews.wire.reading import Change
from marketplace_plugin.sandbox.exchange_html import as_text

SEND = "SendToAllAndSaveCopy"


class Actor:
    """What one account does. Items are named by their EWS ids; errors are ``EwsError``.

    ``folder`` is the name or id of a folder that the account reaches, or ``owner@host/name`` for
    somebody else's; without one it is the default folder of the kind. Fields go by the names of
    their elements: ``Subject``, ``Location``, ``Body`` (text), ``Sensitivity``,
    ``LegacyFreeBusyStatus``, ``Categories``, ``ReminderIsSet``, ...; ``start`` and ``end`` are
    naive wall times of the account's zone (or of ``zone``, a Windows name), the end exclusive.
    As Outlook does, attendees are mailed; ``send=False`` does not.
    """

    def __init__(self, state: State, email: str) -> None:
        self._state = state
        self.email = email

    @property
    def zone(self) -> str:
        return self._state.accounts[self.email].time_zone

    # --- folders ------------------------------------------------------------------------------

    def folder(self, name: str | None = None, kind: Kind = "CalendarItem") -> Folder:
        """Raises KeyError or EwsError for a folder that the account does not reach."""
        with self._state.lock:
            if name is None:
                default = {"CalendarItem": "calendar", "Task": "tasks"}.get(kind, "contacts")
                return self._state.distinguished(self.email, default)
            owner, separator, rest = name.partition("/")
            if separator and "@" in owner:
                return self._state.folder_named(owner, rest)
            try:
                return self._state.folder_named(self.email, name)
            except KeyError:
                return access.folder(self._state, self.email, name)

    def add_folder(self, name: str, kind: Kind = "CalendarItem", below: str | None = None) -> Folder:
        """A new folder below the mailbox's default one of the kind, or below another one."""
        with self._state.lock:
            return self._state.add_folder(self.email, self.folder(below, kind), name, kind)

    # --- items --------------------------------------------------------------------------------

    def create(
        self,
        subject: str,
        start: datetime | date,
        end: datetime | date | None = None,
        *,
        folder: str | None = None,
        zone: str | None = None,
        rule: Recurrence | None = None,
        attendees: Sequence[str | Attendee] = (),
        send: bool = True,
        custom_zone: bool = False,
        **fields: Any,
    ) -> str:
        """Create an appointment; whole days if ``start`` is a date (the end exclusive). Returns its id."""
        with self._state.lock:
            given = [*_times(start, end, zone or self.zone), *self._changes("CalendarItem", fields)]
            given.append(_set("Subject", subject))
            if rule is not None:
                given.append(_set("Recurrence", recurrence.check(rule)))
            given += _people(attendees)
            return self._make("CalendarItem", folder, given, SEND if send else meetings.SILENT, custom_zone=custom_zone)

    def create_contact(self, folder: str | None = None, **fields: Any) -> str:
        """Create a contact of fields as those of ``Item``. Returns its id."""
        with self._state.lock:
            return self._make("Contact", folder, self._changes("Contact", fields), meetings.SILENT)

    def create_group(self, name: str, members: Sequence[tuple[str, str]], folder: str | None = None) -> str:
        """Create a distribution list of names and addresses among the contacts. Returns its id."""
        with self._state.lock:
            target, now = self.folder(folder, "Contact"), self._state.now()
            fields = {"Subject": name, "DisplayName": name, "FileAs": name, "Members": list(members)}
            fields |= {"ItemClass": schema.CLASSES["DistributionList"], "Sensitivity": "Normal", "Importance": "Normal"}
            number = self._state.next_number()
            item = Item(number, target.mailbox, target.key, "DistributionList", fields, now, now, self.email)
            return Found(self.email, target, self._state.store(item)).id

    def create_task(self, subject: str, folder: str | None = None, **fields: Any) -> str:
        """Create a task of fields as those of ``Item``. Returns its id."""
        with self._state.lock:
            given = [_set("Subject", subject), *self._changes("Task", fields)]
            return self._make("Task", folder, given, meetings.SILENT)

    def _make(
        self, kind: Kind, folder: str | None, given: Sequence[Change], mode: str, *, custom_zone: bool = False
    ) -> str:
        target = self.folder(folder, kind)
        item = writes.create(self._state, self.email, target, kind, given, self.zone, mode)
        if item.event is not None:
            item.event.custom_zone = custom_zone
        return Found(self.email, target, item).id

    def find(self, item_id: str) -> Found:
        """An item or occurrence of the account. Raises EwsError."""
        with self._state.lock:
            return access.item(self._state, self.email, item_id)

    def get(self, item_id: str) -> Shown:
        """An item with its fields as the account is shown them."""
        with self._state.lock:
            return shown(self._state, self.find(item_id))

    def text(self, item_id: str) -> str:
        """The body as text."""
        return as_text(str(self.get(item_id).fields.get("Body", "")))

    def update(
        self,
        item_id: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        zone: str | None = None,
        rule: Recurrence | None = None,
        attendees: Sequence[str | Attendee] | None = None,
        send: bool = True,
        **fields: Any,
    ) -> str:
        """Change an item or an occurrence. Returns its id, which stays."""
        with self._state.lock:
            found = self.find(item_id)
            given = self._changes(found.item.kind, fields)
            if start is not None:
                given += _times(start, end, zone or self.zone, move=found if end is None else None)
            if rule is not None:
                given.append(_set("Recurrence", recurrence.check(rule)))
            if attendees is not None:
                given += _people(attendees) or [_set("RequiredAttendees", [])]
            return writes.update(self._state, found, given, self.zone, SEND if send else meetings.SILENT).id

    def delete(self, item_id: str, *, send: bool = True, disposal: str = "MoveToDeletedItems") -> None:
        """Delete an item or an occurrence, into the bin as Outlook does."""
        with self._state.lock:
            writes.delete(self._state, self.find(item_id), disposal, SEND if send else meetings.SILENT)

    def move(self, item_id: str, folder: str) -> str:
        """Drag an item into another folder. Returns its new id."""
        with self._state.lock:
            found = self.find(item_id)
            return writes.move(self._state, found, self.folder(folder, found.item.kind)).id

    def copy(self, item_id: str, folder: str | None = None) -> str:
        """Copy an item with its UID and extended properties. Returns the copy's id."""
        with self._state.lock:
            found = self.find(item_id)
            return writes.duplicate(self._state, found, self.folder(folder, found.item.kind)).id

    def respond(self, item_id: str, response: str) -> None:
        """Answer an invitation: Accept, Tentative or Decline."""
        with self._state.lock:
            meetings.respond(self._state, self.find(item_id).item, response)

    def occurrence(self, item_id: str, day: date) -> str:
        """The id of the occurrence of a series whose original local date is ``day``. Raises KeyError."""
        with self._state.lock:
            found = self.find(item_id)
            rule = found.item.calendar.recurrence
            index = None if rule is None else recurrence.index_of(rule, day)
            if index is None:
                raise KeyError(day)
            return access.occurrence_at(self._state, self.email, item_id, index).id

    def items(self, folder: str | None = None, kind: Kind = "CalendarItem") -> list[Found]:
        """Single items and masters of a folder, oldest first."""
        with self._state.lock:
            target = self.folder(folder, kind)
            return [Found(self.email, target, item) for item in target.items.values()]

    def named(self, subject: str, folder: str | None = None, kind: Kind = "CalendarItem") -> str:
        """The id of the newest item of that subject. Raises KeyError."""
        for found in reversed(self.items(folder, kind)):
            if found.item.fields.get("Subject") == subject:
                return found.id
        raise KeyError(subject)

    def view(self, begin: datetime, until: datetime, folder: str | None = None) -> list[Found]:
        """Single items and occurrences in a window of aware instants, by start."""
        with self._state.lock:
            return expanded(self.email, self.folder(folder), begin, until)

    def _changes(self, kind: Kind, fields: dict[str, Any]) -> list[Change]:
        for name in fields:
            if not schema.writable(kind, name):
                raise EwsError("ErrorInvalidPropertySet", f"{name} is not writable.")
        body = {"Body": bodies.rewritten(str(fields["Body"]), "Text")} if "Body" in fields else {}
        return [_set(name, value) for name, value in {**fields, **body}.items()]


def _set(name: str, value: Any) -> Change:
    return Change(Path("", name), value=value)


def _times(start: datetime | date, end: datetime | date | None, zone: str, move: Found | None = None) -> list[Change]:
    """The changes for new times; ``move`` keeps the length of an item."""
    whole = not isinstance(start, datetime)
    begin = start if isinstance(start, datetime) else datetime.combine(start, time(0))
    if move is not None:
        at = move.item.calendar if move.occurrence is None else move.occurrence
        until = begin + (
            times.wall(at.end, zone).replace(tzinfo=None) - times.wall(at.start, zone).replace(tzinfo=None)
        )
    elif end is None:
        until = begin + (timedelta(days=1) if whole else timedelta(hours=1))
    else:
        until = end if isinstance(end, datetime) else datetime.combine(end, time(0))
    given = [_set("Start", begin.isoformat(timespec="seconds")), _set("End", until.isoformat(timespec="seconds"))]
    given += [_set("StartTimeZone", zone), _set("EndTimeZone", zone)]
    return [*given, _set("IsAllDayEvent", "true")] if whole else given


def _people(attendees: Sequence[str | Attendee]) -> list[Change]:
    found = [meetings.attendee(item) if isinstance(item, str) else item for item in attendees]
    return [_set(role, [item for item in found if item.role == role]) for role in sorted({i.role for i in found})]


def weekly(
    first: date, *days: str, interval: int = 1, until: date | None = None, count: int | None = None
) -> Recurrence:
    """Every week on days by their English names; on the weekday of ``first`` without any."""
    names = " ".join(days) or recurrence.WEEK[first.weekday()]
    values = {"Interval": str(interval), "DaysOfWeek": names, "FirstDayOfWeek": "Monday"}
    return Recurrence("WeeklyRecurrence", values, first, until, count)


def daily(first: date, interval: int = 1, until: date | None = None, count: int | None = None) -> Recurrence:
    """Every so many days."""
    return Recurrence("DailyRecurrence", {"Interval": str(interval)}, first, until, count)


def monthly(first: date, day: int | None = None, until: date | None = None, count: int | None = None) -> Recurrence:
    """Every month on a day, clamped to the end of short months."""
    values = {"Interval": "1", "DayOfMonth": str(day or first.day)}
    return Recurrence("AbsoluteMonthlyRecurrence", values, first, until, count)
