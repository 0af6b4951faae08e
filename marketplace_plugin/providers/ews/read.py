"""Reading what is there: calendars, items by id with what became of their occurrences, items by stamp.

Sources: GetItem, FindItem. What changed is read in ``changes.py``. A list of items never holds bodies, recurrences or
what became of occurrences, so it is asked for ids alone, and GetItem for the rest, many at a time.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.errors import ContractViolation, Unavailable
from marketplace_plugin.model.change import Found, Gone, Stamp, Unreadable, UnreadableReason
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.model.names.zones import is_iana
from marketplace_plugin.providers.ews import availability, folders
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.providers.ews.shape import decode
from marketplace_plugin.providers.ews.shape.decode import Calendar, Whole
from marketplace_plugin.providers.ews.shape.encode import stamp_path
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.errors import Refusal
from marketplace_plugin.providers.ews.soap.xml import Element, make

BATCH = 50
"""Items of a GetItem: a request ends after a minute, and each item costs."""
STAMPS = 20
"""Stamps of a FindItem."""
PAGE = 250
"""Items of a page of FindItem with a restriction (EWSFindCountLimit)."""

_PATHS = (
    "item:ParentFolderId",
    "item:Subject",
    "item:Sensitivity",
    "item:Body",
    "item:ReminderIsSet",
    "item:ReminderMinutesBeforeStart",
    "item:LastModifiedTime",
    "item:WebClientReadFormQueryString",
    "calendar:UID",
    "calendar:Start",
    "calendar:End",
    "calendar:OriginalStart",
    "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus",
    "calendar:Location",
    "calendar:IsMeeting",
    "calendar:IsCancelled",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
    "calendar:Organizer",
    "calendar:RequiredAttendees",
    "calendar:OptionalAttendees",
    "calendar:Resources",
    "calendar:AppointmentState",
    "calendar:Recurrence",
    "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences",
    "calendar:StartTimeZone",
    "calendar:EndTimeZone",
)


class Reader:
    """The reading half of an account. Raises what ``soap.errors.for_read`` names.

    ``home`` is the IANA zone whose midnights the whole days are that we write.
    """

    def __init__(self, session: Session) -> None:
        self.client = Client(session)
        zone = session.settings.get("zone", "")
        self.home = zone if is_iana(zone) else "UTC"
        self._shared = session.secrets.get("shared", "").split()
        self._calendars: dict[str, Calendar] = {}

    # --- calendars ---------------------------------------------------------------------------------------------

    def collections(self) -> list[CollectionInfo]:
        found = folders.listed(self.client, self._shared, self.home)
        self._calendars = {calendar.id: calendar for _, calendar in found}
        return [info for info, _ in found]

    def calendar(self, collection: str) -> Calendar:
        """The facts of a calendar, from the last answer that told them. Raises CollectionGone."""
        return self._calendars.get(collection) or self.check(collection)

    def check(self, collection: str) -> Calendar:
        """Ask for the calendar itself. Raises CollectionGone: an item that is not there may be its calendar's fault."""
        self._calendars[collection] = folders.look(self.client, collection)
        return self._calendars[collection]

    # --- items -------------------------------------------------------------------------------------------------

    def items(self, collection: str, ids: Sequence[Element], *, answered: bool = False) -> list[Element | Refusal]:
        """Items by ``t:ItemId`` or ``t:OccurrenceItemId``, each as it stands or why it is not to be had.

        ``answered``: see ``Client.each``. Raises Throttled, Unavailable: then nothing is known of any of them.
        """
        found: list[Element | Refusal] = []
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            answers = self.client.each(part, _request, lambda: self.check(collection), answered=answered)
            found += [one if isinstance(one, Refusal) else _only(one) for one in answers]
        return found

    def wholes(self, collection: str, ids: Sequence[str]) -> list[Whole | Refusal]:
        """Items by their ids, series with their exceptions. Raises as ``items``.

        Where an exception is not to be had, the series is not known as a whole; what is said of the one is not said of
        the other, which stands there.
        """
        masters = self.items(collection, [item_id(identity) for identity in ids])
        wanted = [
            identity for item in masters if not isinstance(item, Refusal) for identity in decode.exception_ids(item)
        ]
        asked = [item_id(one) for one in wanted]
        read = dict(zip(wanted, self.items(collection, asked, answered=True) if asked else (), strict=True))
        found: list[Whole | Refusal] = []
        for item in masters:
            if isinstance(item, Refusal):
                found.append(item)
                continue
            exceptions = [read[identity] for identity in decode.exception_ids(item)]
            missing = next((one for one in exceptions if isinstance(one, Refusal)), None)
            found.append(
                Refusal(f"{missing.reason} for an exception") if missing is not None else Whole(item, tuple(exceptions))
            )
        return found

    def meaning(self, collection: str, identity: str, whole: Whole | Refusal) -> Found | Gone | Unreadable:
        """An item as it stands now; an occurrence or exception is part of its series, no item of its own."""
        if isinstance(whole, Refusal):
            never_was = whole.no_id and not _may_be_id(identity)
            return Gone(identity) if whole.absent or never_was else Unreadable(identity, UnreadableReason.REFUSED)
        if not _belongs(whole.master, Place.of(collection)):
            return Gone(identity)
        try:
            return decode.found(whole, self.calendar(collection))
        except Undecodable as finding:
            return Unreadable(identity, finding.reason)

    def fetch(self, collection: str, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every item gone."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []
        if Place.of(collection).times_only:
            return [*availability.fetch(self.client, collection, wanted, self.home)]
        wholes = self.wholes(collection, wanted)
        found = [self.meaning(collection, identity, whole) for identity, whole in zip(wanted, wholes, strict=True)]
        if any(isinstance(item, Gone) for item in found):
            self.check(collection)
        return found

    def find(self, collection: str, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``. Exchange compares texts without case; we do not."""
        wanted = [] if Place.of(collection).times_only else list(dict.fromkeys(stamps))
        ids = [
            identity
            for start in range(0, len(wanted), STAMPS)
            for identity in self._carrying(collection, wanted[start : start + STAMPS])
        ]
        found: dict[Stamp, list[Found]] = {}
        if not ids:
            return found
        for identity, whole in zip(ids, self.wholes(collection, ids), strict=True):
            meant = self.meaning(collection, identity, whole)
            if isinstance(meant, Unreadable) and (
                isinstance(whole, Refusal) or decode.stamp_of(whole.master) in wanted
            ):
                raise Unavailable("what may be looked for cannot be read")
            if isinstance(meant, Found) and meant.stamp in wanted and meant.stamp is not None:
                found.setdefault(meant.stamp, []).append(meant)
        return found

    def _carrying(self, collection: str, stamps: Sequence[Stamp]) -> Iterator[str]:
        conditions = [
            make(
                "t:IsEqualTo",
                stamp_path(),
                make("t:FieldURIOrConstant", make("t:Constant", Value=str(stamp))),
            )
            for stamp in stamps
        ]
        condition = conditions[0] if len(conditions) == 1 else make("t:Or", *conditions)
        offset = 0
        while True:
            request = make(
                "m:FindItem",
                make("m:ItemShape", make("t:BaseShape", "IdOnly")),
                make("m:IndexedPageItemView", MaxEntriesReturned=str(PAGE), Offset=str(offset), BasePoint="Beginning"),
                make("m:Restriction", condition),
                make("m:ParentFolderIds", Place.of(collection).element),
                Traversal="Shallow",
            )
            message = self.client.ask(request)
            items = xml.children(message, "m:RootFolder/t:Items")
            try:
                yield from [decode.id_of(item) for item in items if xml.local(item) == "CalendarItem"]
            except Undecodable as error:
                raise ContractViolation("an item without an id") from error
            if not items or folders.is_last(message):
                return
            offset += len(items)


def item_id(identity: str, change_key: str = "") -> Element:
    return make("t:ItemId", Id=identity, **({"ChangeKey": change_key} if change_key else {}))


def _request(ids: Sequence[Element]) -> Element:
    properties = [make("t:FieldURI", FieldURI=path) for path in _PATHS]
    shape = make(
        "m:ItemShape",
        make("t:BaseShape", "IdOnly"),
        make("t:BodyType", "Text"),
        make("t:AdditionalProperties", *properties, stamp_path()),
    )
    return make("m:GetItem", shape, make("m:ItemIds", *ids))


def _may_be_id(text: str) -> bool:
    """Whether an Exchange server may have given this id: they are base64 (ews-identifiers-in-exchange)."""
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def _only(message: Element) -> Element:
    items = xml.children(message, "m:Items")
    if len(items) != 1:
        raise ContractViolation("not one item for one id")
    return items[0]


def _belongs(item: Element, place: Place) -> bool:
    """Whether this is an item of the calendar: what was thrown away keeps its id for a while, in the bin."""
    if xml.local(item) != "CalendarItem" or xml.text(item, "t:CalendarItemType") in ("Occurrence", "Exception"):
        return False
    parent = xml.find(item, "t:ParentFolderId")
    return parent is None or parent.get("Id") == place.folder
