"""Microsoft 365 by Microsoft Graph v1.0: an account as a ``Provider``: its calendars, address books and task lists.

``errors`` what a refusal means; ``transport`` how requests get there; ``shape`` the two shapes and the way between them
(pure); ``read`` and ``changes`` what is asked; ``write``, ``series`` and ``attempt`` what one write asks, as a
conversation; ``conversation`` how many of these are led at once; ``items`` the same for contacts and tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.change import Checkpoint, Cursor, Found, Gone, Page, Stamp, Unreadable
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.graph import changes, write
from marketplace_plugin.providers.graph.items.serve import Items, place_of
from marketplace_plugin.providers.graph.read import Reader

__all__ = ["GraphAccount"]


class GraphAccount:
    """Cheap to open: the sockets belong to the process.

    Raises AuthorizationExpired without a bearer, InsecureTransport for a ``graph_root`` that is neither https nor on a
    loopback address.
    """

    def __init__(self, session: Session) -> None:
        self._reader = Reader(session)
        self._items = Items(self._reader.client, session.granted, session.account)

    def collections(self) -> Sequence[CollectionInfo]:
        return [*self._reader.collections(), *self._items.collections()]

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        if place := place_of(collection):
            return self._items.pull(place, since)
        return changes.pull(self._reader, collection, since, window)

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        if place := place_of(collection):
            return self._items.fetch(place, ids)
        return self._reader.fetch(collection, ids)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        if place := place_of(collection):
            return self._items.find(place, stamps)
        return self._reader.find(collection, stamps)

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        if place := place_of(collection):
            return self._items.push(place, writes)
        return write.push(self._reader, collection, writes)

    def reads(self, collection: str) -> Role:
        """Whether a calendar can be read now, and with which role. Raises CollectionGone."""
        return self._reader.check(collection).role

    def close(self) -> None:
        """Nothing to give back: sockets are the process's."""
