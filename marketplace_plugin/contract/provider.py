"""A remote account, as the engine sees it. Blocking; one thread at a time per instance; opened for one pass and closed.

Every provider, ours and vendors', passes the one suite in ``tests/providers/contract.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from marketplace_plugin.model.change import Checkpoint, Cursor, Found, Gone, Page, Stamp, Unreadable
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.model.time import Window
from marketplace_plugin.model.write import Outcome, Write


class Bearer(Protocol):
    """Hands out the access token of one connection."""

    def __call__(self, refused: str | None = None) -> str:
        """The current token. ``refused`` is a token that the service just answered 401 to: then it is refreshed once.

        Raises AuthorizationExpired where only the user can help, Unavailable where the token server does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """What a plugin gets to open a provider with. Never logged; ``secrets`` and ``bearer`` do not show in repr.

    ``instance`` is this installation's id, which stamps carry. ``settings`` are the integration's deployment settings
    by their names in the manifest (``api_root`` ...). ``now`` gives aware UTC.
    """

    connection: str
    account: str
    instance: str
    now: Callable[[], datetime]
    bearer: Bearer | None = field(default=None, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    granted: frozenset[str] = frozenset()


class Provider(Protocol):
    """One account. Every method may raise AuthorizationExpired, Throttled, Unavailable, ContractViolation."""

    def collections(self) -> Sequence[CollectionInfo]:
        """All calendars (address books, task lists) that the account reaches, with the account's role in each."""
        ...

    def pull(self, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
        """The changes since ``since``, or all that touches ``window`` where it is None, page by page.

        The iterator is lazy: a page is asked for when the one before was taken. The last page carries the new cursor; a
        round that breaks off carries none. A cursor whose fingerprint does not fit (another window or other fields) is
        answered by a snapshot round, as is an expired one: raises CursorExpired at the first page only, and the engine
        then asks again with None, once. Raises CollectionGone, PermissionDenied.
        """
        ...

    def fetch(self, collection: str, ids: Sequence[str]) -> Sequence[Found | Gone | Unreadable]:
        """These items as they stand now, each exactly once, in any order. A whole series for a series' id."""
        ...

    def find(self, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        """The items that carry these stamps, copies included. A stamp that nothing carries is left out."""
        ...

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        """Do the writes, each under its precondition and never mailing anyone; one outcome per write, in any order.

        Raises only for what concerns all remaining writes; what has been yielded before stands.
        """
        ...

    def close(self) -> None:
        """Give back sockets and caches."""
        ...
