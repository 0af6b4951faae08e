"""An item as a service keeps it, with what it remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from marketplace_plugin.model.change import Access, Stamp, UnreadableReason
from marketplace_plugin.model.item import Item


@dataclass(slots=True)
class Record:
    """An item as the service holds it. ``history``: its states by log position, newest last; None while it was away."""

    id: str
    collection: str
    item: Item
    uid: str
    changed: datetime
    access: Access = Access.FULL
    stamp: Stamp | None = None
    op: str = ""
    etag: int = 1
    override_etags: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    deleted: bool = False
    edited: bool = False  # by somebody else than the create that made it
    bumps: int = 0
    unreadable: UnreadableReason | None = None
    history: list[tuple[int, Item | None]] = field(default_factory=list)
