"""Reading what changed: SyncFolderItems for ids alone, GetItem for what they are.

Sources: mailbox-synchronization-and-ews, syncfolderitems-operation and handling-synchronization-related-errors.

* One request where nothing changed; 512 changes a page. Each page brings a sync state, so each is a checkpoint.
* Series come as their masters; a changed or deleted occurrence is a change of its master.
* The service knows no window: a first round lists the whole folder, and what lies outside is left out here. Increments
  tell of everything, so that an event that moved out of the window is known to have moved.
* What a round tells to be gone left this folder: deleted, or moved, which is a new id elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from marketplace_plugin.errors import ContractViolation, CursorExpired, Unavailable
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Gone,
    Page,
    Tombstone,
    Unreadable,
    Upsert,
)
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.expand import touches
from marketplace_plugin.model.series.recurrence_set import GaveUp
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.ews import availability
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.providers.ews.read import Reader
from marketplace_plugin.providers.ews.shape import decode
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import Refusal, for_read
from marketplace_plugin.providers.ews.soap.xml import Element, make

PAGE = 512
"""The most that MaxChangesReturned may say."""

_REQUEST = hashlib.sha256(b"1 SyncFolderItems").hexdigest()[:16]


def pull(reader: Reader, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
    """See ``contract.provider.Provider.pull``."""
    if Place.of(collection).times_only:
        yield availability.page(reader.client, collection, since, window, reader.home)
        return
    if since is not None and (since.fingerprint != _fingerprint(collection) or since.window != window):
        since = None
    snapshot = since is None or (isinstance(since, Checkpoint) and since.snapshot)
    state, first = since.token if since is not None else "", True
    fingerprint, covers = _fingerprint(collection), window if snapshot else None
    while True:
        message = _ask(reader, collection, state, first=first)
        told = tuple(_changes(reader, collection, message, window if snapshot else None))
        following = xml.text(message, "m:SyncState")
        last = is_last(message)
        if not following or (following == state and not last):
            raise ContractViolation("a page leads nowhere")
        if last:
            yield Page(told, snapshot, covers, cursor=Cursor(following, fingerprint, window))
            return
        yield Page(told, snapshot, covers, Checkpoint(following, fingerprint, snapshot, window))
        state, first = following, False


def is_last(message: Element) -> bool:
    """Whether a page of changes is the last one. The schema lets that be left out; then an empty one is."""
    if xml.find(message, "m:IncludesLastItemInRange") is None:
        return not xml.children(message, "m:Changes")
    return xml.flag(message, "m:IncludesLastItemInRange")


def _fingerprint(collection: str) -> str:
    return f"{_REQUEST}:{hashlib.sha256(collection.encode()).hexdigest()[:16]}"


def _ask(reader: Reader, collection: str, state: str, *, first: bool) -> Element:
    request = make(
        "m:SyncFolderItems",
        make("m:ItemShape", make("t:BaseShape", "IdOnly")),
        make("m:SyncFolderId", Place.of(collection).element),
        make("m:SyncState", state) if state else None,
        make("m:MaxChangesReturned", str(PAGE)),
        make("m:SyncScope", "NormalItems"),
    )
    try:
        return reader.client.one(request)
    except Refusal as problem:
        if not problem.expired or not state:
            raise for_read(problem) from problem
        if first:
            raise CursorExpired("Exchange no longer takes this sync state") from problem
        raise Unavailable("the round broke off: Exchange no longer takes its sync state") from problem


def _changes(reader: Reader, collection: str, message: Element, window: Window | None) -> Iterator[Change]:
    """What a page tells; the last word on each id counts. ``window``: only what touches it."""
    removed: dict[str, bool] = {}
    for change in xml.children(message, "m:Changes"):
        identity = _identity(change)
        if identity:
            removed[identity] = xml.local(change) == "Delete"
    yield from (Tombstone(identity) for identity, gone in removed.items() if gone)
    present = [identity for identity, gone in removed.items() if not gone]
    for identity, whole in zip(present, reader.wholes(collection, present), strict=True):
        meant = reader.meaning(collection, identity, whole)
        if isinstance(meant, Unreadable):
            yield meant
        elif isinstance(meant, Gone):  # deleted while the page was read
            yield Tombstone(identity, confirmed=False)
        elif window is None or _inside(meant.item, window, reader.home):
            yield Upsert(meant)


def _identity(change: Element) -> str:
    """The id of what a change is about; empty for what is no event, and for its being read."""
    try:
        match xml.local(change):
            case "Create" | "Update":
                item = change[0]
                return decode.id_of(item) if xml.local(item) == "CalendarItem" else ""
            case "Delete":
                return decode.id_of(change)
            case _:
                return ""
    except (Undecodable, IndexError) as error:
        raise ContractViolation("a change of nothing") from error


def _inside(item: Item, window: Window, zone: str) -> bool:
    if not isinstance(item, (Event, Series)):
        return True
    try:
        return touches(item, window, zone)
    except GaveUp:
        return True
