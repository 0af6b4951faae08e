"""Calendars: the mailbox's own, at any depth, and those that others shared.

Sources: GetFolder, FindFolder and EffectiveRights in the reference of EWS.

A shared calendar is asked for once by its owner's address (``DistinguishedFolderId`` with a ``Mailbox``), and from then
on by its own id alone: the distinguished id without the mailbox means the account's own calendar, which exchangelib
falls back to in silence. The owner's address is part of our id of the collection, as the folder's does not tell whose
it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marketplace_plugin.errors import CollectionGone, ContractViolation
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.series.pattern import RULES
from marketplace_plugin.providers.ews import availability
from marketplace_plugin.providers.ews.shape.decode import Calendar
from marketplace_plugin.providers.ews.shape.encode import FIELDS
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.errors import Refusal, for_read, problem_of
from marketplace_plugin.providers.ews.soap.xml import Element, make

CAPABILITIES = Capabilities(
    fields=FIELDS,
    move=False,
    idempotent_create=False,
    silent=True,
    invites=True,
    rules=RULES,
    override_crossing=False,
    stable_ids=False,
)
"""Nobody is mailed: each write says SendToNone. A repeated creation makes a second item. Moved ones get another id."""

PAGE = 500
TIMES = "times"
"""Stands for a folder whose items may not be read, in our ids."""
_FOLDERS = "m:RootFolder/t:Folders"
_SHOWN = ("folder:FolderClass", "folder:DisplayName", "folder:ParentFolderId", "folder:EffectiveRights")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a collection is. ``owner``: the address of whoever shared it, empty for the account's own."""

    folder: str
    owner: str = ""

    @property
    def times_only(self) -> bool:
        """Free and busy times, which another request tells: there is no folder to read."""
        return self.folder == TIMES

    @classmethod
    def of(cls, collection: str) -> Place:
        folder, _, owner = collection.partition(" ")
        return cls(folder, owner)

    @property
    def collection(self) -> str:
        return f"{self.folder} {self.owner}" if self.owner else self.folder

    @property
    def element(self) -> Element:
        return make("t:FolderId", Id=self.folder)


@dataclass(frozen=True, slots=True)
class Seen:
    """A folder as the server lists it."""

    place: Place
    parent: str
    title: str
    calendar: Calendar | None  # None for what holds no events
    folder_class: str = ""


def listed(client: Client, shared: Sequence[str], home: str) -> list[tuple[CollectionInfo, Calendar]]:
    """All calendars, the own ones first. ``shared``: addresses of those whose calendar is looked for too."""
    top, calendar, bin_ = named(client, "msgfolderroot", "calendar", "deleteditems")
    own = list(below(client, top.place)) if top is not None else []
    primary = calendar.place.folder if calendar is not None else ""
    if calendar is not None and all(seen.place != calendar.place for seen in own):
        own.insert(0, calendar)
    dropped = {bin_.place.folder} if bin_ is not None else set()
    for seen in own:  # parents come before their children, whatever is in the bin stays there
        if seen.parent in dropped:
            dropped.add(seen.place.folder)
    found = [seen for seen in own if seen.place.folder not in dropped]
    for other in _shared(client, shared):
        if other.place.folder != primary:  # a server that does not know the other mailbox shows us our own
            found.append(other)
        if other.place.folder != primary and not other.place.times_only:
            found += below(client, other.place)
    return [(_info(seen, primary, home), seen.calendar) for seen in found if seen.calendar is not None]


def look(client: Client, collection: str) -> Calendar:
    """The facts of one calendar as they stand now. Raises CollectionGone, PermissionDenied."""
    place = Place.of(collection)
    if place.times_only:
        return _times(place)
    message = client.ask(_get([place.element]))
    seen = _seen(_only(message), place.owner)
    if seen.calendar is None:
        raise CollectionGone("this folder is no calendar that the account may see")
    return seen.calendar


# ---- requests -----------------------------------------------------------------------------------------------------


def named(client: Client, *names: str) -> list[Seen | None]:
    """Folders by their distinguished names; None for one that the mailbox does not have."""
    messages = client.ask_all(_get([make("t:DistinguishedFolderId", Id=name) for name in names]), len(names))
    problems = [problem_of(message) for message in messages]
    for problem in problems:
        if problem is not None and not problem.absent:
            raise for_read(problem) from problem
    return [
        _seen(_only(message), "") if problem is None else None
        for message, problem in zip(messages, problems, strict=True)
    ]


def _shared(client: Client, owners: Sequence[str]) -> Iterator[Seen]:
    """The calendars of other mailboxes, as far as the account may see them: at least when somebody is busy.

    Each is asked for by itself: what is wrong with somebody's mailbox, even where it refuses the whole request, is no
    reason to leave out the others, and the own one least of all.
    """
    for owner in owners:
        try:
            message = _of_other(client, owner)
        except Refusal as problem:
            if problem.throttled:
                raise for_read(problem) from problem
            if not problem.transient and availability.answers(client, owner):
                yield _only_times(owner, owner)
        else:
            seen = _seen(_only(message), owner)
            yield seen if seen.calendar is not None else _only_times(owner, seen.title)


def _of_other(client: Client, owner: str) -> Element:
    """The calendar of another mailbox. Where ``owner`` is a further address of it, the answer names the one to ask by.

    Raises Refusal, and as ``Client.one``.
    """
    try:
        return client.one(_get([_calendar_of(owner)]))
    except Refusal as problem:
        if not problem.primary or problem.primary == owner:
            raise
        return client.one(_get([_calendar_of(problem.primary)]))


def _calendar_of(owner: str) -> Element:
    return make("t:DistinguishedFolderId", make("t:Mailbox", make("t:EmailAddress", owner)), Id="calendar")


def below(client: Client, place: Place) -> Iterator[Seen]:
    """All folders below one, at any depth; none in another mailbox that refuses it.

    In the own one a refusal is raised: without its folders the list would be short.
    """
    offset = 0
    while True:
        request = make(
            "m:FindFolder",
            make("m:FolderShape", make("t:BaseShape", "IdOnly"), _properties()),
            make("m:IndexedPageFolderView", MaxEntriesReturned=str(PAGE), Offset=str(offset), BasePoint="Beginning"),
            make("m:ParentFolderIds", place.element),
            Traversal="Deep",
        )
        try:
            message = client.one(request)
        except Refusal as problem:
            if place.owner and not problem.throttled:
                return
            raise for_read(problem) from problem
        folders = xml.children(message, _FOLDERS)
        for folder in folders:
            yield _seen(folder, place.owner)
        if not folders or is_last(message):
            return
        offset += len(folders)


def is_last(message: Element) -> bool:
    """Whether a page of a find is the last one. Raises ContractViolation."""
    root = xml.find(message, "m:RootFolder")
    if root is None:
        raise ContractViolation("a page without its folder")
    return str(root.get("IncludesLastItemInRange", "true")).lower() in ("true", "1")


def _get(ids: Sequence[Element]) -> Element:
    shape = make("m:FolderShape", make("t:BaseShape", "IdOnly"), _properties())
    return make("m:GetFolder", shape, make("m:FolderIds", *ids))


def _properties() -> Element:
    return make("t:AdditionalProperties", *(make("t:FieldURI", FieldURI=path) for path in _SHOWN))


# ---- answers ------------------------------------------------------------------------------------------------------


def _only(message: Element) -> Element:
    folders = xml.children(message, "m:Folders")
    if len(folders) != 1:
        raise ContractViolation("not one folder for one id")
    return folders[0]


def _seen(folder: Element, owner: str) -> Seen:
    identity, parent = xml.find(folder, "t:FolderId"), xml.find(folder, "t:ParentFolderId")
    if identity is None or not identity.get("Id"):
        raise ContractViolation("a folder without an id")
    place = Place(str(identity.get("Id")), owner)
    return Seen(
        place,
        str(parent.get("Id")) if parent is not None else "",
        xml.text(folder, "t:DisplayName"),
        _calendar(folder, place) if xml.local(folder) == "CalendarFolder" else None,
        xml.text(folder, "t:FolderClass"),
    )


def _calendar(folder: Element, place: Place) -> Calendar | None:
    """None for one of somebody else's that shows nothing."""
    rights = xml.find(folder, "t:EffectiveRights")

    def may(name: str) -> bool:
        return rights is not None and xml.flag(rights, f"t:{name}")

    writes = may("CreateContents") and may("Modify") and may("Delete")
    if not place.owner and rights is None:  # the own mailbox; the server itself refuses what may not be written
        return Calendar(place.collection, Role.OWNER, shared=False)
    if not place.owner:
        return Calendar(place.collection, Role.OWNER if writes else Role.READER, shared=False)
    if not may("Read"):
        return None
    private = may("ViewPrivateItems")
    role = Role.READER if not writes else Role.WRITER if private else Role.MASKED_WRITER
    return Calendar(place.collection, role, shared=True, private=private)


def _times(place: Place) -> Calendar:
    return Calendar(place.collection, Role.FREE_BUSY, shared=True, private=False)


def _only_times(owner: str, title: str) -> Seen:
    place = Place(TIMES, owner)
    return Seen(place, "", title, _times(place))


def _info(seen: Seen, primary: str, home: str) -> CollectionInfo:
    role = seen.calendar.role if seen.calendar is not None else Role.NONE
    return CollectionInfo(
        id=seen.place.collection,
        kind=Kind.EVENT,
        title=seen.title,
        role=role,
        capabilities=CAPABILITIES,
        primary=seen.place.folder == primary,
        shared_by=seen.place.owner,
        zone=home,
    )
