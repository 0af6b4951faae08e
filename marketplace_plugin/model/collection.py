"""Connections, and the collections (calendars, address books, task lists) that they reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from marketplace_plugin.model.form.text import well_formed
from marketplace_plugin.model.item import Kind


class Role(IntEnum):
    """What the account may do in a collection; higher includes lower."""

    NONE = 0
    FREE_BUSY = 1
    READER = 2
    MASKED_WRITER = 3  # may write, but private items come masked: no target (rule L6)
    WRITER = 4
    OWNER = 5


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a collection can hold and do. ``fields`` are names of the fields that survive a round trip: of ``Event``,
    ``Contact`` or ``Task``, by the collection's kind."""

    fields: frozenset[str]
    move: bool = False  # an item can be moved to a sibling and keeps its identity
    stable_ids: bool = False  # an item that somebody moves to a sibling keeps its id
    idempotent_create: bool = False  # a repeated Create with the same operation key makes no second item
    silent: bool = True  # writes can be made without the service mailing anyone
    invites: bool = False  # attendees can be written, and the service is asked to mail none of them
    rules: frozenset[str] = frozenset()  # RRULE shapes that can be expressed; empty means all of RFC 5545
    override_crossing: bool = True  # an override may move past its neighbours
    windowed: bool = False  # what changes outside of the window that is asked for may never be told
    stamps: bool = True  # an item can carry our stamp; without, a create whose answer was lost goes to the review list


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection as the service lists it. ``title`` is shown to its owner only."""

    id: str
    kind: Kind
    title: str
    role: Role
    capabilities: Capabilities
    primary: bool = False
    color: str = ""  # #rrggbb or empty
    shared_by: str = ""  # the owner's address where it is not the account itself
    zone: str = "UTC"

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", well_formed(self.title))

    @property
    def masked(self) -> bool:
        """Some or all items come with UNKNOWN fields."""
        return self.role in (Role.FREE_BUSY, Role.MASKED_WRITER)

    @property
    def can_be_target(self) -> bool:
        return self.role >= Role.WRITER
