"""What is asked of a provider or a host, and what came of it. Each outcome has a name; there is no silent one.

``op`` is the operation key: unique, stable over retries, and what an idempotent service or host recognises.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from marketplace_plugin.model.change import Found, HostItem, Revision, Stamp
from marketplace_plugin.model.item import Item


@dataclass(frozen=True, slots=True)
class Create:
    op: str
    stamp: Stamp
    item: Item


@dataclass(frozen=True, slots=True)
class Update:
    """Make ``item`` of what ``base`` was; ``changed`` names the fields to write: those of the item's type, of a series
    its master's and ``rule``, ``rdates``, ``overrides``; ``type`` where an event becomes a series, or the other way
    round. Nothing else is touched. ``revision`` is the precondition (If-Match)."""

    op: str
    id: str
    revision: Revision
    base: Item
    item: Item
    changed: frozenset[str]
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    op: str
    id: str
    revision: Revision


@dataclass(frozen=True, slots=True)
class Move:
    """To the sibling collection ``to``, keeping identity; only where ``Capabilities.move``."""

    op: str
    id: str
    revision: Revision
    to: str


Write = Create | Update | Delete | Move


@dataclass(frozen=True, slots=True)
class Applied:
    """Done. ``stored`` is the server's reply, which may differ from what was sent; None after a deletion."""

    op: str
    id: str
    revision: Revision | None
    stored: Found | None


@dataclass(frozen=True, slots=True)
class Stale:
    """Not done: somebody wrote in between. ``current`` is what stands there now, None where it was not told."""

    op: str
    current: Found | None


@dataclass(frozen=True, slots=True)
class Missing:
    """Not done: there is nothing with this id."""

    op: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A series write stopped half way: ``current`` is what stands there now, ``left`` the originals not written."""

    op: str
    current: Found | None
    left: tuple[str, ...]


class RefusedCode(StrEnum):
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    NOT_ORGANIZER = "not-organizer"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    WOULD_MAIL = "would-mail"


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, and the same again would not be either (``permanent``) or only after a change of rights."""

    op: str
    code: RefusedCode
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The answer did not come; done or not is unknown. Look the stamp up before any repeat (rule W2)."""

    op: str


class DeferScope(StrEnum):
    ITEM = "item"
    COLLECTION = "collection"
    CONNECTION = "connection"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not done: the service asks for a pause. ``sent`` is False where it was never asked, so that nothing can have come
    of it; a service that answers so may have begun all the same."""

    op: str
    retry_after: timedelta | None
    scope: DeferScope = DeferScope.CONNECTION
    sent: bool = True


Outcome = Applied | Stale | Missing | Partial | Refused | Unanswered | Deferred


@dataclass(frozen=True, slots=True)
class HostCreate:
    op: str
    item: Item
    uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostUpdate:
    """Compare-and-set: done only while the item's version is ``expected``. ``changed`` names the fields to write (as in
    ``Update``); nothing else is touched: what is written of a series is not said of its changed occurrences."""

    op: str
    ref: str
    expected: int
    item: Item
    changed: frozenset[str]
    uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostDelete:
    op: str
    ref: str
    expected: int


HostWrite = HostCreate | HostUpdate | HostDelete


@dataclass(frozen=True, slots=True)
class HostApplied:
    """Done now, or done before under the same ``op``. ``stored`` is None after a deletion."""

    op: str
    ref: str
    version: int
    stored: HostItem | None


@dataclass(frozen=True, slots=True)
class HostStale:
    op: str
    current: HostItem | None


@dataclass(frozen=True, slots=True)
class HostMissing:
    op: str


@dataclass(frozen=True, slots=True)
class HostRefused:
    op: str
    code: RefusedCode


HostOutcome = HostApplied | HostStale | HostMissing | HostRefused
