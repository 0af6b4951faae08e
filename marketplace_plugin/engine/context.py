"""What every part of the engine is given: the store, the host, the plugins, the clock. Nothing here is global."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from marketplace_plugin.contract.hookspecs import Account, Credentials, ServerSearch, TestStep
from marketplace_plugin.contract.module import Host
from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.form.canonical import normal
from marketplace_plugin.model.item import Item
from marketplace_plugin.store import Store, codec
from marketplace_plugin.store.accounts.connections import Connection


class Trigger(StrEnum):
    """Why a pass runs; shown in the user's log of runs."""

    SCHEDULE = "schedule"
    HOST_CHANGE = "host-change"
    BUTTON = "button"
    START = "start"  # the user pressed "Starten" under a plan
    NOTIFICATION = "notification"  # the service told us of a change
    RETRY = "retry"  # a pause that the service asked for is over
    COMMAND = "command"  # the command line or the API
    UNDO = "undo"  # what another run did is taken back


class RunOutcome(StrEnum):
    """How a pass ended; the log of runs and the hook ``sync_finished`` show it."""

    DONE = "done"
    WAITS = "waits"  # blocks came in; writes wait for the approval of a plan
    NOT_SET_UP = "not-set-up"  # nothing was chosen yet, so there was nothing to read
    INCOMPLETE = "incomplete"  # done, except for items or collections that are named in the run
    DEFERRED = "deferred"  # the service asked for a pause
    BUSY = "busy"  # another worker has the connection
    EXPIRED = "expired"  # the authorisation is gone: only the user can help
    FAILED = "failed"  # an error; ``error`` names it, nothing was lost
    LEASE_LOST = "lease-lost"  # another worker took over in the middle


class Phase(StrEnum):
    """What the live panel shows of a running pass."""

    FETCH = "fetch"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Progress:
    """``total`` is None while it is not known yet."""

    phase: Phase
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """``counts`` are steps by name (``block.create``, ``remote.update``, ``host.delete``, ``held`` ...); ``error`` is a
    stable code, ``number`` the one that the log carries, both empty without an error. ``again_at``: aware UTC."""

    run: str
    outcome: RunOutcome
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    number: str = ""
    again_at: datetime | None = None


class Plugins(Protocol):
    """The integrations, as the engine calls them. ``bundle.Registry`` is the implementation."""

    def open_provider(self, integration: str, session: Session) -> Provider:
        """Raises HookError where no plugin offers one."""
        ...

    def test_connection(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep]: ...

    def search_server(self, integration: str, email: str, session: Session) -> ServerSearch: ...

    def test_credentials(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep | Credentials]: ...

    def authorized_account(self, integration: str, claims: Mapping[str, Any], session: Session) -> Account | None: ...

    def announce(self, hook_name: str, integration: str, **arguments: Any) -> None:
        """Call an event hook of one integration. Never raises: a raise of the plugin is logged."""
        ...

    def integrations(self) -> Sequence[Any]:
        """The manifests' entries, in the order of the bundles."""
        ...


class JobRunner(Protocol):
    """A wake-up call for work whose truth is in rows. ``key``: a second job with a key that waits is dropped."""

    def submit(self, kind: str, key: str, payload: Mapping[str, str], priority: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the deployment decides. ``integrations`` holds each one's settings by their names in the manifest."""

    base_url: str = "http://127.0.0.1:8080"
    integrations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lease: timedelta = timedelta(minutes=10)
    period: timedelta = timedelta(minutes=30)
    journal_kept: timedelta = timedelta(days=30)
    batch: int = 50  # writes of one push, and items of one fetch
    page: int = 500  # host changes of one read


def fresh_id() -> str:
    """32 hex digits, random."""
    return uuid.uuid4().hex


def stay_silent(run_id: str, progress: Progress) -> None:
    """The progress callback of who does not watch."""


@dataclass(frozen=True, slots=True)
class Engine:
    """``now`` gives aware UTC. ``instance`` is this installation's id, which stamps carry. ``report`` is called with
    each step forward of a pass, outside any transaction; it must not raise."""

    store: Store
    host: Host
    plugins: Plugins
    now: Callable[[], datetime]
    instance: str
    runner: JobRunner | None = None
    settings: EngineSettings = EngineSettings()
    new_id: Callable[[], str] = fresh_id
    report: Callable[[str, Progress], None] = stay_silent
    session: Callable[[Engine, Connection], Session] | None = None  # None: ``grants.session_for``

    def digest(self, item: Item) -> str:
        """Keyed, over the normal form: what a service rewrites without meaning anything by it does not change it."""
        return self.store.vault.keyed(b"item\0" + codec.encode(normal(item)))
