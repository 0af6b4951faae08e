"""What the engine shows to pages and to the API, and what they hand in. All of it is for the connection's owner, but
``AdminRow``, which holds operating data only. Every instant is aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from marketplace_plugin.engine.context import Phase, RunOutcome, Trigger
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store.accounts.connections import ConnectionState, Policy
from marketplace_plugin.store.accounts.installations import Asked
from marketplace_plugin.sync.reason import Reason

__all__ = [
    "AdminRow",
    "Asked",
    "Audience",
    "CollectionView",
    "ConnectionState",
    "ConnectionView",
    "DisconnectFacts",
    "Permission",
    "Policy",
    "RunState",
    "RunView",
    "Saved",
    "SettingsForm",
    "SettingsView",
    "StepView",
    "TargetChange",
]


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"


class Audience(StrEnum):
    """Who of a tenant may add an installed integration. A granted request opens it for one more user."""

    ALL = "all"
    NOBODY = "nobody"


class Permission(StrEnum):
    """What a user can do with an integration in the marketplace."""

    INSTALL = "install"  # an admin, and it is not installed
    ADD = "add"
    REQUEST = "request"  # not installed, or not opened for this user
    REQUESTED = "requested"
    ADDED = "added"  # has a connection of it


@dataclass(frozen=True, slots=True)
class RunView:
    """One pass in the log or in the live panel. ``counts`` are steps by name, as in ``RunResult``."""

    id: str
    connection: str
    integration: str
    trigger: Trigger
    state: RunState
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: RunOutcome | None = None
    phase: Phase | None = None
    done: int = 0
    total: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    number: str = ""
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepView:
    """What a run did, and why: ``count`` steps of one kind. ``side`` is block, remote or host; ``action`` create ..."""

    side: str
    action: str
    reason: Reason
    count: int


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One of a person's connections. ``account`` is empty until it is authorised. ``since``: in this state since.

    ``blocks`` and ``exported`` are live links. ``plan`` is the id of a plan that waits for approval. ``started`` tells
    whether a plan of these settings was approved: only then is anything written. ``begun``: a plan of it was approved
    once, so the one that waits is not that of the first sync.
    """

    id: str
    integration: str
    state: ConnectionState
    account: str = ""
    since: datetime | None = None
    last_run: RunView | None = None
    running: RunView | None = None
    next_due: datetime | None = None
    backoff_until: datetime | None = None
    error: str = ""
    number: str = ""
    blocks: int = 0
    exported: int = 0
    saved: bool = False
    started: bool = False
    begun: bool = False
    plan: str = ""


@dataclass(frozen=True, slots=True)
class CollectionView:
    """A calendar in the settings. ``id`` is ours. ``is_new``: it was not there when the settings were last opened."""

    id: str
    title: str
    kind: Kind
    role: Role
    primary: bool = False
    color: str = ""
    shared_by: str = ""
    can_be_target: bool = False
    is_source: bool = False
    is_target: bool = False
    is_new: bool = False
    listed: bool = True
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class SettingsView:
    """``reload_error``: the code of what kept the calendar list from being reloaded; the last known one is shown.
    ``infos`` is the list as the service told it, for the integration's own code. ``can_invite``: participants of the
    user's own events may be asked to their copies there, without a mail asked for; ``invites``: they are. ``offered``
    are the kinds that can be switched on; ``unpermitted`` those that are on, and whose permission was not given at the
    service yet. ``timed_only``: tasks without a time are not mirrored. ``has_lists``: the service has task lists that
    tasks can be synced with in the place of the calendar."""

    connection: ConnectionView
    version: int
    collections: tuple[CollectionView, ...]
    switches: frozenset[Kind] = frozenset()
    past_days: int = 30
    future_days: int = 365
    reload_error: str = ""
    policy: Policy = Policy.NEWEST
    infos: tuple[CollectionInfo, ...] = ()
    can_invite: bool = False
    invites: bool = False
    offered: frozenset[Kind] = frozenset({Kind.EVENT})
    unpermitted: frozenset[Kind] = frozenset()
    timed_only: bool = False
    has_lists: bool = False


class TargetChange(StrEnum):
    """What becomes of the copies in the former target calendar."""

    MOVE = "move"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """``target`` and ``sources`` are ids of ``CollectionView``; no target: nothing is transferred. ``others`` are the
    address book and the task list that what is made here goes to; those of a kind that is switched off are not looked
    at. ``policy``: who wins where both sides changed one field, ``invites``, ``timed_only``: see ``SettingsView``; None
    leaves each as it is."""

    target: str | None
    sources: frozenset[str]
    switches: frozenset[Kind]
    past_days: int = 30
    future_days: int = 365
    target_change: TargetChange | None = None
    policy: Policy | None = None
    invites: bool | None = None
    others: frozenset[str] = frozenset()
    timed_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """``asks`` is how many copies lie in the former target: then nothing was saved, and move or keep must be said."""

    version: int
    asks: int | None = None
    blocks_removed: int = 0


@dataclass(frozen=True, slots=True)
class DisconnectFacts:
    """For the dialog: what is deleted here, and what is kept. ``target`` is the title of the target calendar, empty
    where not all that was exported lies there; ``paired`` are contacts, and tasks of a list, which stay on both
    sides."""

    blocks: int
    converted: int
    exported: int
    target: str = ""
    paired: int = 0


@dataclass(frozen=True, slots=True)
class AdminRow:
    """A connection as an admin sees it: operating data, no account, no content."""

    connection: str
    person: str
    integration: str
    state: ConnectionState
    last_run_at: datetime | None = None
    next_due: datetime | None = None
    error: str = ""
    number: str = ""
