"""Reading what is there: the calendar list, items by id, series with their exceptions, items by stamp.

Sources: the reference of calendarList.list, events.get and events.list. What changed is read in ``changes.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from marketplace_plugin.errors import ContractViolation, ProviderError
from marketplace_plugin.model.change import Access, Found, Gone, Stamp, Unreadable, UnreadableReason
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.google.errors import Refusal, concerns_item, for_read
from marketplace_plugin.providers.google.shape import decode
from marketplace_plugin.providers.google.shape.decode import COLUMNS, EVENT_TYPES, ROLES, STAMP, Calendar, Raw
from marketplace_plugin.providers.google.shape.encode import FIELDS
from marketplace_plugin.providers.google.shape.recurrence import Undecodable
from marketplace_plugin.providers.google.transport import Client, Json

PAGE = 250
"""Each series of a page costs a request of its own before the round can go on from behind it."""
LIST_COLUMNS = f"nextPageToken,nextSyncToken,timeZone,accessRole,items({COLUMNS})"

_CALENDAR_COLUMNS = (
    "nextPageToken,items(id,summary,summaryOverride,accessRole,primary,backgroundColor,timeZone,dataOwner,deleted)"
)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Whole:
    """An event, or a master with all its exceptions, as they stand now."""

    master: Raw
    exceptions: tuple[Raw, ...] = ()

    @property
    def repeats(self) -> bool:
        return bool(self.master.get("recurrence"))


class Reader:
    """The reading half of an account. Raises what ``errors.for_read`` names."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._calendars: dict[str, Calendar] = {}
        self._entries: dict[str, CollectionInfo] = {}

    def ask(self, request: Any) -> Json:
        """One read."""
        try:
            return self.client.call(request)
        except Refusal as problem:
            raise for_read(problem) from problem

    # --- calendars ---------------------------------------------------------------------------------------------

    def collections(self) -> list[CollectionInfo]:
        """All calendars of the account's list, hidden ones too: hiding one must not look like losing it."""
        found: list[CollectionInfo] = []
        page: str | None = None
        while True:
            answer = self.ask(
                self.client.calendar_list.list(
                    maxResults=250, showHidden=True, pageToken=page, fields=_CALENDAR_COLUMNS
                )
            )
            if not answer.keys() & {"items", "nextPageToken"} and not found:
                raise ContractViolation("an answer that is no list: each account has a calendar")
            found += [_collection(raw) for raw in items_of(answer) if not raw.get("deleted")]
            page = following(answer, page)
            if page is None:
                self._entries = {info.id: info for info in found}
                return found

    def calendar(self, collection: str) -> Calendar:
        """The facts of a calendar, from the last answer that told them. Raises CollectionGone."""
        return self._calendars.get(collection) or self.check(collection)

    def check(self, collection: str) -> Calendar:
        """Ask for the calendar itself. Raises CollectionGone: an event's 404 may be its calendar's."""
        request = self.client.events.list(calendarId=collection, maxResults=1, fields="timeZone,accessRole")
        return self.note(collection, self.ask(request))

    def note(self, collection: str, answer: Json) -> Calendar:
        """Remember what a list of events says of its calendar; what it does not say, the account's list says."""
        if not answer.get("accessRole") and not self._entries:
            self.collections()
        entry = self._entries.get(collection)
        told = answer.get("accessRole")
        role = ROLES.get(told, Role.NONE) if told else entry.role if entry else Role.NONE
        zone = str(answer.get("timeZone") or (entry.zone if entry else "UTC"))
        self._calendars[collection] = Calendar(collection, role, zone)
        return self._calendars[collection]

    # --- items -------------------------------------------------------------------------------------------------

    def listed(self, collection: str, **constraints: Any) -> Iterator[Raw]:
        """All events of a list without token, page by page; empty pages are passed over."""
        page: str | None = None
        while True:
            request = self.client.events.list(
                calendarId=collection,
                maxResults=PAGE,
                singleEvents=False,
                pageToken=page,
                fields=LIST_COLUMNS,
                **constraints,
            )
            answer = self.ask(request)
            self.note(collection, answer)
            yield from items_of(answer)
            page = following(answer, page)
            if page is None:
                return

    def raw(self, collection: str, item: str) -> Raw | None:
        """One event by its id, deleted ones too; None for an id that is not known."""
        try:
            return self.client.call(self.client.events.get(calendarId=collection, eventId=item, fields=COLUMNS))
        except Refusal as problem:
            if problem.absent:
                return None
            raise for_read(problem) from problem

    def whole(self, collection: str, item: str, uid: str = "") -> Whole | Gone | None:
        """An event with its exceptions: by its iCalUID in one request, without it in two.

        Gone where it is known to be deleted, None for an id that is not known here.
        """
        members = list(self.listed(collection, iCalUID=uid, showDeleted=True)) if uid else []
        master = next((raw for raw in members if raw["id"] == item), None) or self.raw(collection, item)
        if master is None:
            return None
        if decode.is_cancelled(master):
            return Gone(item)
        own = str(master.get("iCalUID") or "")
        if master.get("recurrence") and (not uid or own not in ("", uid)):
            # A calendar that shows free/busy only hides the iCalUID: then the whole list has to be looked through. That
            # of an exception need not be its series'.
            constraints: dict[str, Any] = {"iCalUID": own} if own else {"eventTypes": EVENT_TYPES}
            again = list(self.listed(collection, showDeleted=True, **constraints))
            members = list({raw["id"]: raw for raw in (*members, *again)}.values())
        return Whole(master, tuple(raw for raw in members if raw.get("recurringEventId") == item))

    def understood(self, item: str, whole: Whole, collection: str) -> Found | Unreadable:
        """What the JSON means, or why it means nothing."""
        return understood(item, whole, self.calendar(collection))

    def one(self, collection: str, item: str) -> Found | Gone | Unreadable:
        """One item as it stands now. The calendar itself is not checked."""
        whole = self.whole(collection, item)
        if not isinstance(whole, Whole):
            return Gone(item)
        series = whole.master.get("recurringEventId")
        if series:
            there = self.raw(collection, series)
            if there is None or decode.is_cancelled(there):
                return alone(whole.master, self.calendar(collection))
            return Gone(item)  # an exception is part of its series, no item of its own
        return self.understood(item, whole, collection)

    def fetch(self, collection: str, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every item gone."""
        found = [self._one_of_many(collection, item) for item in dict.fromkeys(ids)]
        if any(isinstance(item, Gone) for item in found):
            self.check(collection)
        return found

    def _one_of_many(self, collection: str, item: str) -> Found | Gone | Unreadable:
        try:
            return self.one(collection, item)
        except ProviderError as error:
            return self.refused(collection, item, error)

    def refused(self, collection: str, item: str, error: ProviderError) -> Unreadable:
        """What cannot be read though its calendar can: it does not stop the others. Raises ``error`` for all else."""
        if not concerns_item(error):
            raise error
        self.check(collection)
        return Unreadable(item, UnreadableReason.REFUSED)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``.

        One request a stamp: whether several constraints mean "all" (the reference) or "any" (the guide on extended
        properties) is documented both ways.
        """
        found: dict[Stamp, list[Found]] = {}
        for stamp in dict.fromkeys(stamps):
            for raw in list(self.listed(collection, privateExtendedProperty=f"{STAMP}={stamp}")):
                if raw.get("recurringEventId") or decode.stamp_of(raw) != stamp:
                    continue
                uid = str(raw.get("iCalUID") or "")
                whole = self.whole(collection, raw["id"], uid) if raw.get("recurrence") else Whole(raw)
                item = self.understood(raw["id"], whole, collection) if isinstance(whole, Whole) else None
                if isinstance(item, Found):
                    found.setdefault(stamp, []).append(item)
        return found


def understood(item: str, whole: Whole, calendar: Calendar) -> Found | Unreadable:
    """What the JSON means, or why it means nothing."""
    try:
        if whole.repeats:
            return decode.series(whole.master, whole.exceptions, calendar)
        return decode.single(whole.master, calendar)
    except Undecodable as finding:
        return Unreadable(item, finding.reason)


def alone(part: Raw, calendar: Calendar) -> Found | Unreadable:
    """A day of a series of which this calendar holds no more: an invitation to it alone, or a calendar that shows
    free/busy only. It is an event of its own, and never written: its iCalUID is that of the whole series."""
    if decode.stamp_of(part) is not None:  # what we wrote has its series
        return Unreadable(part["id"], UnreadableReason.ORPHAN)
    found = understood(part["id"], Whole(part), calendar)
    return replace(found, access=Access.NONE) if isinstance(found, Found) else found


def items_of(answer: Json) -> list[Json]:
    """Raises ContractViolation unless ``items`` is a list of objects (or absent)."""
    items = answer.get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ContractViolation("items is no list of objects")
    return items


def following(answer: Json, page: str | None) -> str | None:
    """The token of the page behind ``page``, None where that was the last. Raises ContractViolation for a circle."""
    token = answer.get("nextPageToken") or None
    if token is not None and token == page:
        raise ContractViolation("a page leads back to itself")
    return str(token) if token is not None else None


def rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _collection(raw: Raw) -> CollectionInfo:
    try:
        role, identity = ROLES.get(raw.get("accessRole", ""), Role.NONE), str(raw["id"])
    except LookupError as error:
        raise ContractViolation("a calendar without an id") from error
    primary = bool(raw.get("primary"))
    color = str(raw.get("backgroundColor") or "")
    owner = str(raw.get("dataOwner") or "") or (
        identity if "@" in identity and "calendar.google.com" not in identity else ""
    )
    return CollectionInfo(
        id=identity,
        kind=Kind.EVENT,
        title=str(raw.get("summaryOverride") or raw.get("summary") or identity),
        role=role,
        capabilities=Capabilities(
            fields=FIELDS, move=role >= Role.WRITER, idempotent_create=True, invites=True, stable_ids=True
        ),
        primary=primary,
        color=color if _COLOR.fullmatch(color) else "",
        shared_by="" if primary or role is Role.OWNER else owner,
        zone=str(raw.get("timeZone") or "UTC"),
    )
