"""What a pull tells: pages of changes, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from marketplace_plugin.model.form.text import well_formed
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.time import Window


@dataclass(frozen=True, slots=True)
class Revision:
    """Opaque tags (ETag, change key) of an item: the master's, and each override's by ``original_key``.

    Two revisions are equal when nothing of the item was written in between. ``overrides`` is sorted by key.
    """

    master: str
    overrides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """Our mark on a remote item: the instance that wrote it and the link it belongs to (rule R9)."""

    instance: str
    link: str

    def __str__(self) -> str:
        return f"{self.instance}:{self.link}"

    @classmethod
    def parse(cls, text: str) -> Stamp | None:
        """None where ``text`` is no stamp of ours."""
        instance, sep, link = text.partition(":")
        return cls(instance, link) if sep and instance and link else None


class Access(StrEnum):
    """What the account may write of one item."""

    FULL = "full"  # organises it, or it has no attendees
    ATTENDEE = "attendee"  # own response, reminder and show-as only
    NONE = "none"  # read only (birthday, locked, masked)


@dataclass(frozen=True, slots=True)
class Found:
    """A remote item as the service shows it now.

    ``id`` is compared case-sensitively. ``uid`` is the iCalendar UID, equal for all copies of a meeting, or empty.
    ``changed`` is the service's time of the last change (aware, UTC), used only by the policy "newest wins".
    Its texts are well-formed Unicode, whatever the service has told (docs/sync.md, R12).
    """

    id: str
    revision: Revision
    item: Item
    uid: str = ""
    stamp: Stamp | None = None
    access: Access = Access.FULL
    changed: datetime | None = None
    href: str = ""  # where a browser shows it

    def __post_init__(self) -> None:
        for name in ("item", "uid", "href"):
            told = getattr(self, name)
            if (shown := well_formed(told)) is not told:
                object.__setattr__(self, name, shown)


@dataclass(frozen=True, slots=True)
class Gone:
    """Asked for by id: the service says that it is not there."""

    id: str


class UnreadableReason(StrEnum):
    MALFORMED = "malformed"
    UNKNOWN_ZONE = "unknown-zone"
    UNSUPPORTED_RULE = "unsupported-rule"
    TOO_LARGE = "too-large"
    ORPHAN = "orphan-exception"
    REFUSED = "refused"  # the service cannot tell of it now, though it tells of others: asked for again


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It is there but cannot be understood. Not deleted, not empty: parked (rule R10)."""

    id: str
    reason: UnreadableReason


@dataclass(frozen=True, slots=True)
class Upsert:
    """Something new or changed."""

    found: Found

    @property
    def id(self) -> str:
        return self.found.id


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The service says that ``id`` left this collection. ``uid`` and ``stamp`` where the service still tells them.

    ``confirmed`` is False where it may only mean "out of the window" (Graph): a fetch must answer Gone first.
    """

    id: str
    confirmed: bool = True


Change = Upsert | Tombstone | Unreadable


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next incremental read starts. ``token`` is the service's; the engine never looks inside.

    ``fingerprint`` names the request that the token belongs to (window, fields, collection): another fingerprint means
    snapshot (rule R7).
    """

    token: str
    fingerprint: str
    window: Window | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where an unfinished round goes on after a crash."""

    token: str
    fingerprint: str
    snapshot: bool
    window: Window | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a round. ``cursor`` stands on the last page only; ``checkpoint`` where the round can be resumed.

    ``snapshot``: the round lists everything in ``covers``, so what is absent is suspect (rule R4).
    """

    changes: tuple[Change, ...]
    snapshot: bool = False
    covers: Window | None = None
    checkpoint: Checkpoint | None = None
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class HostItem:
    """A host item as one user sees it.

    ``version`` grows with each change. ``op`` is the operation key of the write that made this version where that was
    ours, else empty. ``organised`` is True where the user organises it in the host (or it has no participants).
    ``changed`` is the host's time of the change, aware UTC.
    """

    ref: str
    version: int
    item: Item
    organised: bool = True
    op: str = ""
    changed: datetime | None = None
    uids: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if (shown := well_formed(self.item)) is not self.item:
            object.__setattr__(self, "item", shown)


BULK = "bulk:"
"""How ``HostGone.op`` begins where a person deleted many items in one act that he confirmed with their number."""


@dataclass(frozen=True, slots=True)
class HostGone:
    """The host item was deleted, or this user is no longer part of it (``withdrawn``). ``op`` is the operation key of
    the ``HostDelete`` that did so, empty where somebody did it in the host."""

    ref: str
    version: int = 0
    withdrawn: bool = False
    op: str = ""

    @property
    def in_bulk(self) -> bool:
        """Approved by that act: the brake lets it pass (docs/sync.md, D6a)."""
        return self.op.startswith(BULK)


@dataclass(frozen=True, slots=True)
class HostCursor:
    """Position in a host module's change log; opaque to the engine."""

    token: str


@dataclass(frozen=True, slots=True)
class HostPage:
    """Changes since a cursor, oldest first, each ref once with its newest state; ``more`` where the limit cut it."""

    changes: tuple[HostItem | HostGone, ...]
    cursor: HostCursor
    more: bool = False
