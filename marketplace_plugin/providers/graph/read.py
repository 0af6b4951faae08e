"""Reading what is there: calendars, items by id with what became of their occurrences, items by stamp.

Sources: the reference of calendar, event-get, user-list-calendars and singlevaluelegacyextendedproperty-get. What
changed is read in ``changes.py``. Items are read in batches: our extended property and a series' exceptions come on
request only, and never with change tracking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.errors import CollectionGone, ContractViolation, PermissionDenied, Unavailable
from marketplace_plugin.model.change import Found, Gone, Stamp, Unreadable, UnreadableReason
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Original, Zoned
from marketplace_plugin.providers.graph.errors import Refusal, for_read
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import STAMP, ZONES, Calendar, Raw, Whole
from marketplace_plugin.providers.graph.shape.encode import FIELDS
from marketplace_plugin.providers.graph.shape.recurrence import RULES, Undecodable
from marketplace_plugin.providers.graph.transport import Call, Client, Json, segment

_MARKS = f"singleValueExtendedProperties($filter=id eq '{STAMP}' or id eq '{ZONES}')"
_COLUMNS = (
    "id,subject,body,location,start,end,isAllDay,originalStartTimeZone,originalEndTimeZone,recurrence,type,"
    "seriesMasterId,originalStart,showAs,sensitivity,isReminderOn,reminderMinutesBeforeStart,isCancelled,isOrganizer,"
    "organizer,attendees,responseStatus,isOnlineMeeting,onlineMeeting,onlineMeetingUrl,iCalUId,lastModifiedDateTime,"
    "webLink,transactionId,cancelledOccurrences,exceptionOccurrences"
)
_WHOLE = {"$select": _COLUMNS, "$expand": f"{_MARKS},exceptionOccurrences"}
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class Reader:
    """The reading half of an account. Raises what ``errors.for_read`` names."""

    def __init__(self, session: Session) -> None:
        self.client = Client(session)
        self._addresses = {"", session.account.lower()}  # who signs in need not be called like his mailbox
        # Where it is not known what was granted, the service tells.
        self._may_open_shared = not session.granted or any(name.lower().endswith(".shared") for name in session.granted)
        self._calendars: dict[str, Calendar] = {}

    def ask(self, call: Call) -> Json:
        """One read."""
        try:
            return self.client.call(call)
        except Refusal as problem:
            raise for_read(problem) from problem

    # --- calendars ---------------------------------------------------------------------------------------------

    def collections(self) -> list[CollectionInfo]:
        """All calendars of the mailbox; those that others share with it, where their events may be read: the list tells
        them without that permission too."""
        listed = list(self._listed(Call("GET", "/me/calendars")))
        self._addresses |= {_owner(raw) for raw in listed if raw.get("isDefaultCalendar")}
        return [self._collection(raw) for raw in listed if self._may_open_shared or not self._is_shared(raw)]

    def calendar(self, collection: str) -> Calendar:
        """The facts of a calendar, from the last answer that told them. Raises CollectionGone."""
        return self._calendars.get(collection) or self.check(collection)

    def check(self, collection: str) -> Calendar:
        """Ask for the calendar itself. Raises CollectionGone: an event's 404 may be its calendar's."""
        return self.note(collection, self.ask(entry(collection)))

    def note(self, collection: str, raw: Raw) -> Calendar:
        """The facts of a calendar by the answer to ``entry``. Raises ContractViolation."""
        return self._note({**raw, "id": collection})

    def _note(self, raw: Raw) -> Calendar:
        try:
            identity = str(raw["id"])
        except LookupError as error:
            raise ContractViolation("a calendar without an id") from error
        shared = self._is_shared(raw)
        private = bool(raw.get("canViewPrivateItems")) or not shared
        role = self._role(identity, raw, shared=shared)
        self._calendars[identity] = Calendar(identity, role, shared, private)
        return self._calendars[identity]

    def _is_shared(self, raw: Raw) -> bool:
        return not raw.get("canShare") and _owner(raw) not in self._addresses

    def _role(self, identity: str, raw: Raw, *, shared: bool) -> Role:
        if not shared:  # a null says nothing; the service itself refuses what may not be written
            return Role.READER if raw.get("canEdit") is False else Role.OWNER
        if raw.get("canEdit"):
            return Role.WRITER if raw.get("canViewPrivateItems") else Role.MASKED_WRITER
        return Role.READER if raw.get("canViewPrivateItems") or self._shows_organizers(identity) else Role.FREE_BUSY

    def _shows_organizers(self, identity: str) -> bool:
        """Tells free/busy from reading, which the calendar itself does not say: masked events have no organiser.

        A calendar without any open event counts as free/busy, until it shows one; so does one whose events may not be
        read at all (the permission for shared calendars was not granted).
        """
        query = {"$select": "organizer,sensitivity", "$top": "20"}
        try:
            answer = self.ask(Call("GET", f"/me/calendars/{segment(identity)}/events", query))
        except (PermissionDenied, CollectionGone):
            return False
        return any(raw.get("organizer") for raw in items_of(answer))

    def _collection(self, raw: Raw) -> CollectionInfo:
        calendar = self._note(raw)
        color = str(raw.get("hexColor") or "")
        return CollectionInfo(
            id=calendar.id,
            kind=Kind.EVENT,
            title=str(raw.get("name") or ""),
            role=calendar.role,
            capabilities=CAPABILITIES,
            primary=bool(raw.get("isDefaultCalendar")),
            color=color if _COLOR.fullmatch(color) else "",
            shared_by=_owner(raw) if calendar.shared else "",
        )

    # --- items -------------------------------------------------------------------------------------------------

    def _listed(self, call: Call) -> Iterator[Raw]:
        """All items of a list, page by page."""
        yield from self._pages(self.ask(call))

    def _pages(self, answer: Json) -> Iterator[Raw]:
        while True:
            yield from items_of(answer)
            link = answer.get("@odata.nextLink")
            if not link:
                return
            try:
                answer = self.client.follow(str(link))
            except Refusal as problem:
                raise for_read(problem) from problem

    def raws(self, collection: str, ids: Sequence[str], *, listed: bool = False) -> list[Json | Refusal | None]:
        """Events by their ids, with all that we read of them, or the refusal of one that alone cannot be had; None for
        an id that is not known. The calendar in the path says nothing of where they lie (``placed``).

        ``listed``: the calendar has named them, so what may not be read of somebody else's is taken from its list.
        """

        def absent(problem: Refusal) -> bool:
            return problem.absent or (listed and problem.status == 403 and self.calendar(collection).shared)

        return self.client.each([whole_item(collection, item) for item in ids], entry(collection), absent)

    def placed(self, collection: str, raws: Sequence[Json | Refusal | None]) -> list[Json | Refusal | None]:
        """``raws``, None for those that lie in another calendar.

        An event is answered by its id, whatever calendar stands before it (microsoft-graph-docs#391), and what it
        expands as its own is wrong when it is asked for alone (#6699), so the calendar is asked for its uid.
        Calendars of others are taken at their word.
        """
        asked = [number for number, raw in enumerate(raws) if _uid(raw)]
        if not asked or self.calendar(collection).shared:
            return list(raws)
        found = list(raws)
        calls = [lying(collection, _uid(raws[number])) for number in asked]
        for number, answer in zip(asked, self.client.each(calls, entry(collection), _says_nothing), strict=True):
            raw = found[number]
            if isinstance(answer, dict) and isinstance(raw, dict) and not self._lists(answer, str(raw["id"])):
                found[number] = None
        return found

    def _lists(self, answer: Json, item: str) -> bool:
        """Whether a list, of which ``answer`` is the first page, names the item."""
        return any(str(raw["id"]) == item for raw in self._pages(answer))

    def understood(self, item: str, whole: Whole, collection: str) -> Found | Unreadable:
        """What the JSON means, or why it means nothing."""
        try:
            return decode.found(whole, self.calendar(collection))
        except Undecodable as finding:
            return Unreadable(item, finding.reason)

    def meaning(self, collection: str, item: str, raw: Raw | Refusal | None) -> Found | Gone | Unreadable:
        """An item as it stands now; an occurrence or exception is part of its series, no item of its own."""
        if isinstance(raw, Refusal):
            return Unreadable(item, UnreadableReason.REFUSED)
        if raw is None or raw.get("seriesMasterId"):
            return Gone(item)
        try:
            return self.understood(item, decode.whole(raw), collection)
        except Undecodable:
            return Unreadable(item, UnreadableReason.MALFORMED)

    def fetch(self, collection: str, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every item gone."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []
        raws = self.placed(collection, self.raws(collection, wanted))
        found = [self.meaning(collection, item, raw) for item, raw in zip(wanted, raws, strict=True)]
        if any(isinstance(item, Gone) for item in found):
            self.check(collection)
        return found

    def find(self, collection: str, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``. One list a stamp, then the items themselves."""
        found: dict[Stamp, list[Found]] = {}
        for stamp in dict.fromkeys(stamps):
            ids = [str(raw["id"]) for raw in self._listed(carrying(collection, stamp))]
            for item, raw in zip(ids, self.raws(collection, ids) if ids else (), strict=True):
                if isinstance(raw, Refusal):  # it may be the one that is looked for
                    raise Unavailable("what may be looked for cannot be read") from raw
                meant = self.meaning(collection, item, raw)
                if isinstance(meant, Found) and meant.stamp == stamp:
                    found.setdefault(stamp, []).append(meant)
        return found


CAPABILITIES = Capabilities(
    fields=FIELDS,
    stable_ids=True,  # Prefer: IdType="ImmutableId"
    idempotent_create=True,
    silent=False,
    rules=RULES,
    override_crossing=False,
    windowed=True,
)
"""Graph has no silent write where there are guests, so meetings with guests are not written at all."""


def entry(collection: str) -> Call:
    """The request for a calendar itself."""
    return Call("GET", f"/me/calendars/{segment(collection)}")


def whole_item(collection: str, item: str) -> Call:
    """The request for an event with all that we read of it."""
    return Call("GET", f"/me/calendars/{segment(collection)}/events/{segment(item)}", _WHOLE)


def lying(collection: str, uid: str) -> Call:
    """The request for the ids of a calendar's own events with a uid."""
    condition = "iCalUId eq '{}'".format(uid.replace("'", "''"))
    return Call("GET", f"/me/calendars/{segment(collection)}/events", {"$filter": condition, "$select": "id"})


def carrying(collection: str, stamp: Stamp) -> Call:
    """The request for the ids of the events with a mark."""
    value = str(stamp).replace("'", "''")
    condition = f"singleValueExtendedProperties/Any(ep: ep/id eq '{STAMP}' and ep/value eq '{value}')"
    return Call("GET", f"/me/calendars/{segment(collection)}/events", {"$filter": condition, "$select": "id"})


def instances(collection: str, master: str, original: Original) -> Call:
    """The request for the occurrences of a series around an original start."""
    day = original.instant() if isinstance(original, Zoned) else datetime.combine(original, time())
    window = {
        "startDateTime": f"{day - timedelta(days=2):%Y-%m-%dT%H:%M:%S}",
        "endDateTime": f"{day + timedelta(days=3):%Y-%m-%dT%H:%M:%S}",
    }
    return Call("GET", f"/me/calendars/{segment(collection)}/events/{segment(master)}/instances", window)


def items_of(answer: Json) -> list[Json]:
    """Raises ContractViolation unless ``value`` is a list of objects, or absent on a page that leads somewhere."""
    leads = answer.get("@odata.nextLink") or answer.get("@odata.deltaLink")
    items: Any = answer.get("value", [] if leads else None)
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") for item in items):
        raise ContractViolation("value is no list of objects with ids")
    return items


def _uid(raw: Raw | Refusal | None) -> str:
    return str(raw.get("iCalUId") or "") if isinstance(raw, Mapping) else ""


def _says_nothing(problem: Refusal) -> bool:
    """A list that cannot be asked for by a uid does not say that the item is not there."""
    return problem.status == 400


def _owner(raw: Raw) -> str:
    return str((raw.get("owner") or {}).get("address") or "").lower()
