"""Address books and task lists of a mailbox, as collections: what is asked, and what is written.

Sources: the reference of contact-delta, todotask-delta, user-post-contacts, contact-update, todolist-post-tasks and
todotask-update.

* A delta is a signal: what is expanded cannot be tracked, so the items that it names are read in batches. A round
  without news is one request.
* ``/me/contacts/delta`` is in the metadata and not in the reference. Where it is refused, the folder's own delta is
  asked; its id is told by any contact in it.
* A write is compared with what stands there just before; contacts have a precondition as well, tasks have none. A
  repeated creation makes a second item, so a lost answer is Unanswered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.write import Create, Outcome, Write
from marketplace_plugin.providers.graph.conversation import Conversation, outcomes
from marketplace_plugin.providers.graph.errors import Refusal, for_read
from marketplace_plugin.providers.graph.items import contact, todo
from marketplace_plugin.providers.graph.items.attempt import Attempt, Shape, outcome
from marketplace_plugin.providers.graph.read import items_of
from marketplace_plugin.providers.graph.shape.decode import STAMP
from marketplace_plugin.providers.graph.transport import Call, Client, Json, segment

CONTACTS, TASKS = "Contacts.ReadWrite", "Tasks.ReadWrite"
BOOK, LIST = "contacts/", "todo/"
"""How the ids of collections begin; ``BOOK`` alone is the default address book."""
_NO_SUCH_DELTA = (400, 404, 405, 501)
"""How a server says that it does not know ``/me/contacts/delta``."""


class Contacts:
    kind = Kind.CONTACT
    query: Mapping[str, str] = contact.QUERY
    fields = contact.FIELDS

    def found(self, raw: Json) -> Found:
        try:
            return contact.found(raw)
        except contact.Undecodable as error:
            raise ValueError from error

    def creation(self, item: Item, stamp: Stamp) -> Json:
        return contact.stamped(contact.fields(_contact(item), contact.FIELDS), stamp)

    def update(self, item: Item, changed: frozenset[str], stamp: Stamp | None) -> Json:
        return contact.stamped(contact.fields(_contact(item), changed), stamp)

    def told(self, reply: Json, before: Json, sent: Json) -> Json:
        marks = {entry["id"].casefold(): entry for raw in (before, sent) for entry in raw.get(contact.MARKS) or ()}
        return {**reply, contact.MARKS: list(marks.values())}


class Tasks:
    kind = Kind.TASK
    query: Mapping[str, str] = todo.QUERY
    fields = todo.FIELDS

    def found(self, raw: Json) -> Found:
        try:
            return todo.found(raw)
        except todo.Undecodable as error:
            raise ValueError from error

    def creation(self, item: Item, stamp: Stamp) -> Json:
        task = _task(item)
        body = {name: value for name, value in todo.fields(task, todo.FIELDS).items() if value is not None}
        return {**body, todo.LINKS: todo.linked(task, stamp)}

    def update(self, item: Item, changed: frozenset[str], stamp: Stamp | None) -> Json:
        del stamp  # a linked resource is given with the creation alone
        return todo.fields(_task(item), changed)

    def told(self, reply: Json, before: Json, sent: Json) -> Json:
        return {**reply, todo.LINKS: reply.get(todo.LINKS) or before.get(todo.LINKS) or sent.get(todo.LINKS) or []}


def _contact(item: Item) -> Contact:
    if not isinstance(item, Contact):
        raise TypeError("an address book holds contacts")
    return item


def _task(item: Item) -> Task:
    if not isinstance(item, Task):
        raise TypeError("a list holds tasks")
    if len(item.title) > todo.TITLE_LIMIT:
        raise ValueError("the title is longer than To Do's")
    return item


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: the path of its items, and what they are. ``id`` is ours, with its prefix."""

    id: str
    path: str
    shape: Shape

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"1 {self.id}".encode()).hexdigest()[:16]

    def item(self, item_id: str) -> str:
        return f"{self.path}/{segment(item_id)}"


def place_of(collection: str) -> Place | None:
    """None for a calendar."""
    if collection.startswith(BOOK):
        folder = collection.removeprefix(BOOK)
        path = f"/me/contactFolders/{segment(folder)}/contacts" if folder else "/me/contacts"
        return Place(collection, path, Contacts())
    if collection.startswith(LIST):
        return Place(collection, f"/me/todo/lists/{segment(collection.removeprefix(LIST))}/tasks", Tasks())
    return None


class Items:
    """Everything of an account that is no calendar. Raises what ``errors.for_read`` names."""

    def __init__(self, client: Client, granted: frozenset[str], account: str) -> None:
        self._client, self._account = client, account
        self._granted = {name.rpartition("/")[2].lower() for name in granted}

    def collections(self) -> list[CollectionInfo]:
        """What the account has allowed to be read: a switch asks for its permission."""
        found: list[CollectionInfo] = []
        if CONTACTS.lower() in self._granted:
            held = Capabilities(contact.FIELDS, stable_ids=True)
            found.append(CollectionInfo(BOOK, Kind.CONTACT, self._account, Role.OWNER, held, primary=True))
            for raw in self._listed(Call("GET", "/me/contactFolders")):
                title = str(raw.get("displayName") or "")
                found.append(CollectionInfo(BOOK + str(raw["id"]), Kind.CONTACT, title, Role.OWNER, held))
        if TASKS.lower() in self._granted:
            found += [_list(raw) for raw in self._listed(Call("GET", "/me/todo/lists"))]
        return found

    # --- reading -------------------------------------------------------------------------------------------------

    def pull(self, place: Place, since: Cursor | Checkpoint | None) -> Iterator[Page]:
        """See ``contract.provider.Provider.pull``; there is no window."""
        if since is not None and (since.fingerprint != place.fingerprint or not self._client.is_ours(since.token)):
            since = None
        snapshot = since is None or (isinstance(since, Checkpoint) and since.snapshot)
        answer = self._begin(place) if since is None else self._follow(since.token, first=True)
        while answer is not None:
            changes = tuple(self._changes(place, items_of(answer)))
            more, done = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
            link = str(more or done or "")
            if not link or not self._client.is_ours(link):
                raise ContractViolation("a page leads nowhere, or away from the configured service")
            if not more:
                yield Page(changes, snapshot, cursor=Cursor(link, place.fingerprint, None))
                return
            yield Page(changes, snapshot, checkpoint=Checkpoint(link, place.fingerprint, snapshot, None))
            answer = self._follow(link, first=False)
        # An empty default book that tells no id of its own: there is nowhere to go on from yet.
        yield Page((), snapshot=True, cursor=Cursor("", place.fingerprint, None))

    def _begin(self, place: Place) -> Json | None:
        try:
            return self._client.call(Call("GET", f"{place.path}/delta"))
        except Refusal as problem:
            if place.id != BOOK or problem.status not in _NO_SUCH_DELTA:
                raise for_read(problem) from problem
        newest = self._ask(Call("GET", place.path, {"$top": "1", "$select": "parentFolderId"}))
        folder = next((str(raw["parentFolderId"]) for raw in items_of(newest)), None)
        if folder is None:
            return None
        return self._ask(Call("GET", f"/me/contactFolders/{segment(folder)}/contacts/delta"))

    def _follow(self, link: str, *, first: bool) -> Json:
        try:
            return self._client.follow(link)
        except Refusal as problem:
            if not problem.expired and not (first and problem.status == 400):
                raise for_read(problem) from problem
            if first:
                raise CursorExpired("Microsoft no longer takes this token") from problem
            raise Unavailable("the round broke off: Microsoft no longer takes its token") from problem

    def _changes(self, place: Place, items: Sequence[Json]) -> Iterator[Change]:
        """The last word on each id counts."""
        told = {str(raw["id"]): "@removed" in raw for raw in items}
        yield from (Tombstone(key) for key, removed in told.items() if removed)
        present = [key for key, removed in told.items() if not removed]
        for key, raw in zip(present, self._raws(place, present), strict=True):
            meant = _meaning(place, key, raw)
            if isinstance(meant, Found):
                yield Upsert(meant)
            else:
                yield Tombstone(key) if isinstance(meant, Gone) else meant

    def fetch(self, place: Place, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every item gone."""
        wanted = list(dict.fromkeys(ids))
        found = [_meaning(place, key, raw) for key, raw in zip(wanted, self._raws(place, wanted), strict=True)]
        if any(isinstance(one, Gone) for one in found):
            self._ask(_newest(place))
        return found

    def find(self, place: Place, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``. To Do cannot be asked for linked resources, so its list is read."""
        found: dict[Stamp, list[Found]] = {}
        wanted = list(dict.fromkeys(stamps))
        for query in _searches(place, wanted):
            for raw in self._listed(Call("GET", place.path, query)):
                meant = _meaning(place, str(raw["id"]), raw)
                if isinstance(meant, Found) and meant.stamp is not None and meant.stamp in wanted:
                    found.setdefault(meant.stamp, []).append(meant)
        return found

    def _raws(self, place: Place, ids: Sequence[str]) -> list[Json | Refusal | None]:
        """None for an id that is not known here."""
        calls = [Call("GET", place.item(key), place.shape.query) for key in ids]
        return self._client.each(calls, _newest(place), lambda problem: problem.absent)

    def _listed(self, call: Call) -> Iterator[Json]:
        answer = self._ask(call)
        while True:
            yield from items_of(answer)
            link = answer.get("@odata.nextLink")
            if not link:
                return
            answer = self._follow(str(link), first=False)

    def _ask(self, call: Call) -> Json:
        try:
            return self._client.call(call)
        except Refusal as problem:
            raise for_read(problem) from problem

    # --- writing -------------------------------------------------------------------------------------------------

    def push(self, place: Place, writes: Sequence[Write]) -> Iterator[Outcome]:
        """See ``contract.provider.Provider.push``. Writes go out together; those to one item in their order."""
        made = [(write, Attempt(place.path, place.shape, write.op)) for write in writes]
        return outcomes(
            self._client, [Conversation(write.op, _item(write), outcome(attempt, write)) for write, attempt in made]
        )


def _item(write: Write) -> str:
    return f"stamp {write.stamp}" if isinstance(write, Create) else f"id {write.id}"


def _newest(place: Place) -> Call:
    """The least that a collection can be asked for."""
    return Call("GET", place.path, {"$top": "1"})


def _meaning(place: Place, key: str, raw: Json | Refusal | None) -> Found | Gone | Unreadable:
    if raw is None:
        return Gone(key)
    if isinstance(raw, Refusal):
        return Unreadable(key, UnreadableReason.REFUSED)
    try:
        return place.shape.found(raw)
    except ValueError:
        return Unreadable(key, UnreadableReason.MALFORMED)


def _searches(place: Place, stamps: Sequence[Stamp]) -> Iterator[dict[str, str]]:
    if place.shape.kind is Kind.TASK:
        yield dict(place.shape.query)
        return
    for stamp in stamps:
        value = str(stamp).replace("'", "''")
        condition = f"{contact.MARKS}/Any(ep: ep/id eq '{STAMP}' and ep/value eq '{value}')"
        yield {"$filter": condition, **place.shape.query}


def _list(raw: Json) -> CollectionInfo:
    role = Role.OWNER if raw.get("isOwner", True) else Role.WRITER
    primary = raw.get("wellknownListName") == "defaultList"
    title = str(raw.get("displayName") or "")
    return CollectionInfo(LIST + str(raw["id"]), Kind.TASK, title, role, Capabilities(todo.FIELDS), primary=primary)
