"""Folders of contacts and tasks as collections: what is asked, and what is written.

Sources: FindFolder, SyncFolderItems, GetItem, FindItem, CreateItem, UpdateItem and DeleteItem in the reference of EWS.

* A round is SyncFolderItems for ids alone, GetItem for what they are; one request where nothing changed.
* A write is compared with what stands there just before, then its change key guards it. A repeated creation makes a
  second item, so a lost answer is Unanswered, and our mark is looked up before any repeat.
* Distribution lists among the contacts are left out, and so are the folders that the server fills itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from marketplace_plugin.errors import ContractViolation, CursorExpired, Throttled, Unavailable
from marketplace_plugin.model.change import (
    Access,
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Revision,
    Stamp,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    DeferScope,
    Delete,
    Missing,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
    Write,
)
from marketplace_plugin.providers.ews import folders
from marketplace_plugin.providers.ews.items import contact, task
from marketplace_plugin.providers.ews.items.moment import instant
from marketplace_plugin.providers.ews.read import BATCH, STAMPS, item_id
from marketplace_plugin.providers.ews.shape.decode import stamp_of
from marketplace_plugin.providers.ews.shape.encode import stamp_path, stamped
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.errors import (
    NotSent,
    Refusal,
    SignInRefused,
    for_read,
    for_write,
    problem_of,
)
from marketplace_plugin.providers.ews.soap.xml import Element, make

PAGE = 512
PATIENCE = 3
"""So many answers in a row may fail to come before the rest is given up."""
_CONTACTS, _TASKS = "contacts:", "tasks:"
"""How the ids of collections begin; the folder's id follows."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One kind of items: its element, folder class, paths to read and order of the elements that we write."""

    kind: Kind
    prefix: str
    element: str
    folder_class: str
    distinguished: str
    paths: tuple[str, ...]
    order: tuple[str, ...]
    fields: frozenset[str]


CONTACTS = Sort(
    Kind.CONTACT, _CONTACTS, "Contact", "IPF.Contact", "contacts", contact.PATHS, contact.ORDER, contact.FIELDS
)
TASKS = Sort(Kind.TASK, _TASKS, "Task", "IPF.Task", "tasks", task.PATHS, task.ORDER, task.FIELDS)


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: a folder, and what lies in it."""

    sort: Sort
    folder: str

    @classmethod
    def of(cls, collection: str) -> Place | None:
        """None for a calendar."""
        sort = next((one for one in (CONTACTS, TASKS) if collection.startswith(one.prefix)), None)
        return None if sort is None else cls(sort, collection.removeprefix(sort.prefix))

    @property
    def element(self) -> Element:
        return make("t:FolderId", Id=self.folder)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"1 {self.sort.prefix}{self.folder}".encode()).hexdigest()[:16]


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
        dropped = {bin_.place.folder}
        for seen in folders.below(self._client, top.place):
            if seen.parent in dropped:
                dropped.add(seen.place.folder)
                continue
            for sort, default in zip(sorts, defaults, strict=True):
                if seen.folder_class == sort.folder_class:
                    yield seen, sort, default.place.folder

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
            last = xml.text(message, "m:IncludesLastItemInRange").strip().lower() in ("true", "1")
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
            if identity := _id(item):
                told[identity] = removed
        yield from (Tombstone(key) for key, removed in told.items() if removed)
        for one in self.read(place, [key for key, removed in told.items() if not removed]):
            if isinstance(one, Found):
                yield Upsert(one)
            else:
                yield Tombstone(one.id) if isinstance(one, Gone) else one

    def fetch(self, place: Place, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every item gone."""
        found = self.read(place, list(dict.fromkeys(ids)))
        if any(isinstance(one, Gone) for one in found):
            shape = make("m:FolderShape", make("t:BaseShape", "IdOnly"))
            self._client.ask(make("m:GetFolder", shape, make("m:FolderIds", place.element)))
        return found

    def read(self, place: Place, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """Items as they stand now, in the order asked."""
        return [_meaning(place, key, item) for key, item in zip(ids, self.elements(place, ids), strict=True)]

    def elements(self, place: Place, ids: Sequence[str]) -> list[Element | Refusal]:
        """Items with all that we read of them, or why they are not to be had."""
        found: list[Element | Refusal] = []
        for start in range(0, len(ids), BATCH):
            found += self._batch(place, ids[start : start + BATCH])
        return found

    def _batch(self, place: Place, ids: Sequence[str]) -> Iterator[Element | Refusal]:
        paths = ("item:ParentFolderId", "item:LastModifiedTime", "item:WebClientReadFormQueryString", *place.sort.paths)
        properties = [make("t:FieldURI", FieldURI=path) for path in paths]
        properties += [stamp_path(), contact.extended_path(contact.LABELS)]
        shape = make(
            "m:ItemShape",
            make("t:BaseShape", "IdOnly"),
            make("t:BodyType", "Text"),
            make("t:AdditionalProperties", *properties),
        )
        request = make("m:GetItem", shape, make("m:ItemIds", *(item_id(key) for key in ids)))
        for message in self._client.ask_all(request, len(ids)):
            problem = problem_of(message)
            if problem is None:
                yield _only(message)
            elif problem.throttled or problem.transient:
                raise for_read(problem) from problem
            else:
                yield problem

    def find(self, place: Place, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``. Exchange compares texts without case; we do not."""
        wanted, found = list(dict.fromkeys(stamps)), dict[Stamp, list[Found]]()
        for start in range(0, len(wanted), STAMPS):
            ids = list(self._carrying(place, wanted[start : start + STAMPS]))
            for one in self.read(place, ids) if ids else ():
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
            yield from (_id(item) for item in items if xml.local(item) == place.sort.element)
            if not items or folders.is_last(message):
                return
            offset += len(items)

    # --- writing -------------------------------------------------------------------------------------------------

    def push(self, place: Place, writes: Sequence[Write]) -> Iterator[Outcome]:
        """See ``contract.provider.Provider.push``. After a request for a pause nothing more is sent."""
        pause: Deferred | None = None
        lost = 0
        for write in writes:
            if pause is not None:
                yield replace(pause, op=write.op)
                continue
            if lost >= PATIENCE:
                raise Unavailable(f"{PATIENCE} answers in a row did not come")
            outcome = _Attempt(self, self._client, place, write.op).outcome(write)
            silent = isinstance(outcome, Unanswered)
            silent |= isinstance(outcome, Deferred) and outcome.scope is DeferScope.ITEM
            lost = lost + 1 if silent else 0
            if isinstance(outcome, Deferred) and not silent:
                pause = outcome
            yield outcome


@dataclass(slots=True)
class _Attempt:
    """One write. ``begun``: something may have changed already."""

    items: Items
    client: Client
    place: Place
    op: str
    begun: bool = False

    def outcome(self, write: Write) -> Outcome:
        """Raises only what concerns the whole connection or folder."""
        try:
            return self._carry_out(write)
        except Refusal as problem:
            return Missing(self.op) if problem.absent else for_write(self.op, problem)
        except Throttled as error:
            return Unanswered(self.op) if self.begun else Deferred(self.op, error.retry_after)
        except NotSent:
            if self.begun:
                return Unanswered(self.op)
            raise
        except (Unavailable, ContractViolation):
            return Unanswered(self.op) if self.begun else Deferred(self.op, None, DeferScope.ITEM)

    def _carry_out(self, write: Write) -> Outcome:
        match write:
            case Create():
                return self._create(write)
            case Update():
                return self._update(write)
            case Delete():
                return self._delete(write)
            case _:
                return Refused(self.op, RefusedCode.UNSUPPORTED)

    def _create(self, write: Create) -> Outcome:
        parts = self._parts(write.item)
        if parts is None:
            return Refused(self.op, RefusedCode.UNSUPPORTED)
        parts.append(stamped(write.stamp))
        body = make(f"t:{self.place.sort.element}", *sorted(parts, key=self._order))
        request = make(
            "m:CreateItem",
            make("m:SavedItemFolderId", self.place.element),
            make("m:Items", body),
            MessageDisposition="SaveOnly",
        )
        made = _only(self._send(request))
        return self._stored(_id(made), Found(_id(made), Revision(_key(made)), write.item, stamp=write.stamp))

    def _update(self, write: Update) -> Outcome:
        there, now = self._expect(write)
        if now is None or there is None:
            return Missing(self.op) if there is None else Stale(self.op, None)
        if now.revision != write.revision:
            return Stale(self.op, now)
        if now.access is not Access.FULL:
            return Refused(self.op, RefusedCode.FORBIDDEN)
        changes = self._changes(there, write)
        if changes is None:
            return Refused(self.op, RefusedCode.UNSUPPORTED)
        if not changes:  # nothing that is held there is to be changed
            return Applied(self.op, now.id, now.revision, now)
        key = item_id(write.id, write.revision.master)
        request = make(
            "m:UpdateItem",
            make("m:ItemChanges", make("t:ItemChange", key, make("t:Updates", *changes))),
            ConflictResolution="NeverOverwrite",
            MessageDisposition="SaveOnly",
        )
        made = _only(self._send(request))
        return self._stored(write.id, replace(now, revision=Revision(_key(made)), item=write.item))

    def _delete(self, write: Delete) -> Outcome:
        there, now = self._expect(write)
        if there is None:
            return Missing(self.op)
        if now is None or now.revision != write.revision:
            return Stale(self.op, now)
        if now.access is not Access.FULL:
            return Refused(self.op, RefusedCode.FORBIDDEN)
        tasks = {"AffectedTaskOccurrences": "AllOccurrences"} if self.place.sort is TASKS else {}
        key = item_id(write.id, write.revision.master)
        self._send(make("m:DeleteItem", make("m:ItemIds", key), DeleteType="MoveToDeletedItems", **tasks))
        return Applied(self.op, write.id, None, None)

    def _expect(self, write: Update | Delete) -> tuple[Element | None, Found | None]:
        """The item as it stands, and what it means; None where it is not there, or cannot be understood."""
        (there,) = self.items.elements(self.place, [write.id])
        meant = _meaning(self.place, write.id, there)
        if isinstance(meant, Gone) or isinstance(there, Refusal):
            return None, None
        return there, meant if isinstance(meant, Found) else None

    def _stored(self, identity: str, known: Found) -> Outcome:
        """What stands there now; what was sent, where it cannot be read."""
        try:
            (now,) = self.items.read(self.place, [identity])
        except (Throttled, Unavailable, ContractViolation):
            now = known
        stored = now if isinstance(now, Found) and now.revision == known.revision else known
        return Applied(self.op, stored.id, stored.revision, stored)

    def _parts(self, item: object) -> list[Element] | None:
        match item:
            case Contact() if self.place.sort is CONTACTS:
                return contact.creation(item)
            case Task() if self.place.sort is TASKS:
                return task.creation(item)
            case _:
                return None

    def _changes(self, there: Element, write: Update) -> list[Element] | None:
        mark = [] if write.stamp is None else [self._marked(write.stamp)]
        match write.item:
            case Contact() as item if self.place.sort is CONTACTS:
                return [*contact.updates(there, item, write.changed), *mark]
            case Task() as item if self.place.sort is TASKS:
                return [*task.updates(item, write.changed), *mark]
            case _:
                return None

    def _marked(self, stamp: Stamp) -> Element:
        return make("t:SetItemField", stamp_path(), make(f"t:{self.place.sort.element}", stamped(stamp)))

    def _order(self, part: Element) -> int:
        return self.place.sort.order.index(xml.local(part))

    def _send(self, request: Element) -> Element:
        before, self.begun = self.begun, True
        try:
            return self.client.one(request)
        except (NotSent, SignInRefused):
            self.begun = before
            raise
        except Refusal as problem:
            if not problem.transient:
                self.begun = before
            raise


def _meaning(place: Place, key: str, item: Element | Refusal) -> Found | Gone | Unreadable:
    """An item as it stands now. What was thrown away keeps its id for a while, in the bin."""
    if isinstance(item, Refusal):
        return Gone(key) if item.absent else Unreadable(key, UnreadableReason.MALFORMED)
    parent = xml.find(item, "t:ParentFolderId")
    if xml.local(item) != place.sort.element or (parent is not None and parent.get("Id") != place.folder):
        return Gone(key)
    try:
        read: Contact | Task = contact.read(item) if place.sort is CONTACTS else task.read(item)
        changed = xml.text(item, "t:LastModifiedTime")
        return Found(
            key,
            Revision(_key(item)),
            read,
            stamp=stamp_of(item),
            access=Access.NONE if place.sort is TASKS and task.repeats(item) else Access.FULL,
            changed=instant(changed) if changed else None,
            href=xml.text(item, "t:WebClientReadFormQueryString"),
        )
    except (ValueError, OverflowError):
        return Unreadable(key, UnreadableReason.MALFORMED)


def _only(message: Element) -> Element:
    items = xml.children(message, "m:Items")
    if len(items) != 1:
        raise ContractViolation("not one item for one id")
    return items[0]


def _id(item: Element) -> str:
    """Raises ContractViolation for an item without one."""
    found = xml.find(item, "t:ItemId")
    if found is None or not found.get("Id"):
        raise ContractViolation("an item without an id")
    return str(found.get("Id"))


def _key(item: Element) -> str:
    found = xml.find(item, "t:ItemId")
    return "" if found is None else str(found.get("ChangeKey") or "")
