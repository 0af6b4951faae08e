"""Exchange Server, 2010 to Subscription Edition, by Exchange Web Services: a mailbox as a ``Provider``.

What a session holds stands at the top of ``soap/client.py``; beside that ``session.secrets["shared"]``: addresses,
joined by blanks, of those whose calendar is looked for too, and ``session.settings["zone"]``: the IANA zone whose
midnights the whole days are that we write (UTC where it is absent).

``soap`` how requests get there (exchangelib) and what a refusal means; ``shape`` the two shapes and the way between
them (pure); ``folders``, ``availability``, ``read``, ``changes``, ``write``, ``series`` the requests; ``trial`` what
the connection test does; ``items`` contacts and tasks. exchangelib is imported with the first request, not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.change import Checkpoint, Cursor, Found, Gone, Page, Stamp, Unreadable
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Outcome, Write
from marketplace_plugin.providers.ews import changes, trial, write
from marketplace_plugin.providers.ews.items.place import Place
from marketplace_plugin.providers.ews.items.serve import Items
from marketplace_plugin.providers.ews.read import Reader
from marketplace_plugin.providers.ews.trial import SignedIn

__all__ = ["ExchangeAccount", "SignedIn"]


class ExchangeAccount:
    """One mailbox. Opens its connection with the first request; ``close`` gives it back.

    Raises AuthorizationExpired without a user name and a password, InsecureTransport for an address without https.
    A password that was refused is not sent again: each further request raises AuthorizationExpired.
    """

    def __init__(self, session: Session) -> None:
        self._reader = Reader(session)
        self._items = Items(self._reader.client)

    def collections(self) -> Sequence[CollectionInfo]:
        return [*self._reader.collections(), *self._items.collections()]

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        if place := Place.of(collection):
            return self._items.pull(place, since)
        return changes.pull(self._reader, collection, since, window)

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        if place := Place.of(collection):
            return self._items.fetch(place, ids)
        return self._reader.fetch(collection, ids)

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        if place := Place.of(collection):
            return self._items.find(place, stamps)
        return self._reader.find(collection, stamps)

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        if place := Place.of(collection):
            return self._items.push(place, writes)
        return write.push(self._reader, collection, writes)

    def sign_in(self) -> SignedIn:
        """Sign in, once, and tell which Exchange answered.

        Raises SignInRefused, UnsupportedVersion (2007), and what each request may raise.
        """
        return trial.sign_in(self._reader)

    def reads(self, collection: str) -> Role:
        """Whether a calendar can be read now, and with which role. Raises CollectionGone, PermissionDenied."""
        return self._reader.check(collection).role

    def try_write(self, collection: str) -> None:
        """Make an entry, read it, and remove it for good. Raises ProviderError; what was made is removed."""
        trial.try_write(self._reader, collection)

    def close(self) -> None:
        """Give back the connection."""
        self._reader.client.close()
