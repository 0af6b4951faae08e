"""Folders of contacts and tasks as collections: what is asked, and what is written.

Sources: FindFolder, SyncFolderItems, GetItem, FindItem, CreateItem, UpdateItem and DeleteItem in the reference of EWS.

* A round is SyncFolderItems for ids alone, GetItem for what they are; one request where nothing changed.
* A write is compared with what stands there just before, then its change key guards it. A repeated creation makes a
  second item, so a lost answer is Unanswered, and our mark is looked up before any repeat.
* Distribution lists among the contacts are left out, and so are the folders that the server fills itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marketplace_plugin.contract.sending import one_by_one
from marketplace_plugin.errors import ContractViolation, CursorExpired, Unavailable
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Stamp,
    Tombstone,
    Unreadable,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.ews import folders
from marketplace_plugin.providers.ews.changes import is_last
from marketplace_plugin.providers.ews.items import contact
from marketplace_plugin.providers.ews.items.attempt import Attempt
from marketplace_plugin.providers.ews.items.place import CONTACTS, TASKS, Place, Sort, id_of, meaning, only
from marketplace_plugin.providers.ews.read import BATCH, STAMPS, item_id
from marketplace_plugin.providers.ews.shape.decode import stamp_of
from marketplace_plugin.providers.ews.shape.encode import stamp_path
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.errors import Refusal, for_read
from marketplace_plugin.providers.ews.soap.xml import Element, make

PAGE = 512


class Items:
    """Everything of a mailbox that is no calendar. Raises what ``soap.errors.for_read`` names."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def collections(self) -> list[CollectionInfo]:
        return [
            CollectionInfo(
                sort.prefix + seen.place.folder,
                sort.kind,
                seen.title,
                Role.OWNER,
                Capabilities(sort.fields),
                primary=seen.place.folder == primary,
            )
            for seen, sort, primary in self._folders()
        ]

    def _folders(self) -> Iterator[tuple[folders.Seen, Sort, str]]:
        sorts = (CONTACTS, TASKS)
        top, bin_, *defaults = folders.named(
            self._client, "msgfolderroot", "deleteditems", *(sort.distinguished for sort in sorts)
        )
        dropped = {bin_.place.folder} if bin_ is not None else set()
        for seen in folders.below(self._client, top.place) if top is not None else ():
            if seen.parent in dropped:
                dropped.add(seen.place.folder)
                continue
            for sort, default in zip(sorts, defaults, strict=True):
                if seen.folder_class == sort.folder_class:
                    yield seen, sort, default.place.folder if default is not None else ""

    # --- reading -------------------------------------------------------------------------------------------------

    def pull(self, place: Place, since: Cursor | Checkpoint | None) -> Iterator[Page]:
        """See ``contract.provider.Provider.pull``; there is no window."""
        if since is not None and since.fingerprint != place.fingerprint:
            since = None
        snapshot = since is None or (isinstance(since, Checkpoint) and since.snapshot)
        state, first = since.token if since is not None else "", True
        while True:
            message = self._sync(place, state, first=first)
            told = tuple(self._changes(place, message))
            following = xml.text(message, "m:SyncState")
            last = is_last(message)
            if not following or (following == state and not last):
                raise ContractViolation("a page leads nowhere")
            if last:
                yield Page(told, snapshot, cursor=Cursor(following, place.fingerprint, None))
                return
            yield Page(told, snapshot, checkpoint=Checkpoint(following, place.fingerprint, snapshot, None))
            state, first = following, False

    def _sync(self, place: Place, state: str, *, first: bool) -> Element:
        request = make(
            "m:SyncFolderItems",
            make("m:ItemShape", make("t:BaseShape", "IdOnly")),
            make("m:SyncFolderId", place.element),
            make("m:SyncState", state) if state else None,
            make("m:MaxChangesReturned", str(PAGE)),
            make("m:SyncScope", "NormalItems"),
        )
        try:
            return self._client.one(request)
        except Refusal as problem:
            if not problem.expired or not state:
                raise for_read(problem) from problem
            if first:
                raise CursorExpired("Exchange no longer takes this sync state") from problem
            raise Unavailable("the round broke off: Exchange no longer takes its sync state") from problem

    def _changes(self, place: Place, message: Element) -> Iterator[Change]:
        """The last word on each id counts."""
        told: dict[str, bool] = {}
        for change in xml.children(message, "m:Changes"):
            removed = xml.local(change) == "Delete"
            item = change if removed else next(iter(change), None)
            if item is None or (not removed and xml.local(item) != place.sort.element):
                continue
            if identity := id_of(item):
                told[identity] = removed
        yield from (Tombstone(key) for key, removed in told.items() if removed)
        for one in self.read(place, [key for key, removed in told.items() if not removed]):
            if isinstance(one, Found):
                yield Upsert(one)
            else:
                yield Tombstone(one.id, confirmed=False) if isinstance(one, Gone) else one

    def fetch(self, place: Place, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every item gone."""
        found = self.read(place, list(dict.fromkeys(ids)))
        if any(isinstance(one, Gone) for one in found):
            self._check(place)
        return found

    def _check(self, place: Place) -> None:
        """Raises CollectionGone where the folder itself is not there."""
        shape = make("m:FolderShape", make("t:BaseShape", "IdOnly"))
        self._client.ask(make("m:GetFolder", shape, make("m:FolderIds", place.element)))

    def read(self, place: Place, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """Items as they stand now, in the order asked."""
        return [one for _, one in self._read(place, ids)]

    def _read(self, place: Place, ids: Sequence[str]) -> Iterator[tuple[Element | Refusal, Found | Gone | Unreadable]]:
        for key, item in zip(ids, self.elements(place, ids), strict=True):
            yield item, meaning(place, key, item)

    def elements(self, place: Place, ids: Sequence[str]) -> list[Element | Refusal]:
        """Items with all that we read of them, or why they are not to be had."""
        found: list[Element | Refusal] = []
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            answers = self._client.each(batch, lambda part: self._request(place, part), lambda: self._check(place))
            found += [one if isinstance(one, Refusal) else only(one) for one in answers]
        return found

    def _request(self, place: Place, ids: Sequence[str]) -> Element:
        paths = ("item:ParentFolderId", "item:LastModifiedTime", "item:WebClientReadFormQueryString", *place.sort.paths)
        properties = [make("t:FieldURI", FieldURI=path) for path in paths]
        properties += [stamp_path(), contact.extended_path(contact.LABELS)]
        shape = make(
            "m:ItemShape",
            make("t:BaseShape", "IdOnly"),
            make("t:BodyType", "Text"),
            make("t:AdditionalProperties", *properties),
        )
        return make("m:GetItem", shape, make("m:ItemIds", *(item_id(key) for key in ids)))

    def find(self, place: Place, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``. Exchange compares texts without case; we do not."""
        wanted, found = list(dict.fromkeys(stamps)), dict[Stamp, list[Found]]()
        for start in range(0, len(wanted), STAMPS):
            ids = list(self._carrying(place, wanted[start : start + STAMPS]))
            for item, one in self._read(place, ids) if ids else ():
                if isinstance(one, Unreadable) and (isinstance(item, Refusal) or stamp_of(item) in wanted):
                    raise Unavailable("what may be looked for cannot be read")
                if isinstance(one, Found) and one.stamp in wanted and one.stamp is not None:
                    found.setdefault(one.stamp, []).append(one)
        return found

    def _carrying(self, place: Place, stamps: Sequence[Stamp]) -> Iterator[str]:
        conditions = [
            make("t:IsEqualTo", stamp_path(), make("t:FieldURIOrConstant", make("t:Constant", Value=str(stamp))))
            for stamp in stamps
        ]
        offset = 0
        while True:
            request = make(
                "m:FindItem",
                make("m:ItemShape", make("t:BaseShape", "IdOnly")),
                make("m:IndexedPageItemView", MaxEntriesReturned="250", Offset=str(offset), BasePoint="Beginning"),
                make("m:Restriction", conditions[0] if len(conditions) == 1 else make("t:Or", *conditions)),
                make("m:ParentFolderIds", place.element),
                Traversal="Shallow",
            )
            message = self._client.ask(request)
            items = xml.children(message, "m:RootFolder/t:Items")
            yield from (id_of(item) for item in items if xml.local(item) == place.sort.element)
            if not items or folders.is_last(message):
                return
            offset += len(items)

    # --- writing -------------------------------------------------------------------------------------------------

    def push(self, place: Place, writes: Sequence[Write]) -> Iterator[Outcome]:
        """See ``contract.provider.Provider.push``."""
        return one_by_one(writes, lambda write: Attempt(self, self._client, place, write.op).outcome(write))
