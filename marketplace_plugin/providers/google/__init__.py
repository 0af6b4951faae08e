"""A Google account as a ``Provider``: its calendars, its address book and its task lists.

``errors`` what a refusal means; ``transport`` how requests get there; ``decode``, ``encode``, ``recurrence``, ``text``
the two shapes of events and the way between them (pure); ``read``, ``changes``, ``write`` their requests; ``items`` the
same for contacts and tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.change import Checkpoint, Cursor, Found, Gone, Page, Stamp, Unreadable
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.google import changes, write
from marketplace_plugin.providers.google.items import people, tasks
from marketplace_plugin.providers.google.items.people import AddressBook
from marketplace_plugin.providers.google.items.tasks import TaskLists
from marketplace_plugin.providers.google.read import Reader
from marketplace_plugin.providers.google.transport import Client

__all__ = ["GoogleAccount"]


_SCOPE = "https://www.googleapis.com/auth/"
CONTACTS, TASKS = f"{_SCOPE}contacts", f"{_SCOPE}tasks"
"""The scopes without which there is no address book, and no task list."""


class GoogleAccount:
    """Cheap to open: the API descriptions and the sockets belong to the process.

    Raises AuthorizationExpired without a bearer, InsecureTransport for a root that is neither https nor on a loopback
    address.
    """

    def __init__(self, session: Session) -> None:
        self._client = Client(session)
        self._reader = Reader(self._client)
        self._book, self._lists = AddressBook(self._client), TaskLists(self._client)
        self._label = session.account

    def collections(self) -> Sequence[CollectionInfo]:
        """What the account has allowed to be read: a switch asks for its scope, and the user may have left it out."""
        found = list(self._reader.collections())
        if CONTACTS in self._client.granted:
            found.append(people.info(self._label))
        if TASKS in self._client.granted:
            found += self._lists.collections()
        return found

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        if collection == people.ID:
            return self._book.pull(since)
        if collection.startswith(tasks.PREFIX):
            return self._lists.pull(collection, since)
        return changes.pull(self._reader, collection, since, window)

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        if collection == people.ID:
            return self._book.fetch(ids)
        if collection.startswith(tasks.PREFIX):
            return self._lists.fetch(collection, ids)
        return self._reader.fetch(collection, ids)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        if collection == people.ID:
            return self._book.find(stamps)
        if collection.startswith(tasks.PREFIX):
            return {}
        return self._reader.find(collection, stamps)

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        if collection == people.ID:
            return self._book.push(writes)
        if collection.startswith(tasks.PREFIX):
            return self._lists.push(collection, writes)
        return write.push(self._reader, collection, writes)

    def reads(self, collection: str) -> Role:
        """Whether the events of a calendar can be read now, and with which role. Raises CollectionGone."""
        return self._reader.check(collection).role

    def close(self) -> None:
        """Nothing to give back: sockets are the process's."""
