"""What one pass carries along: its lease, its provider, what it has counted and what went wrong on the way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from marketplace_plugin.contract.module import HostModule, Person
from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.context import Engine, Phase, Progress
from marketplace_plugin.engine.kinds import modules_of
from marketplace_plugin.errors import CollectionGone, PermissionDenied, ProviderError, Throttled
from marketplace_plugin.model.change import Cursor, Found
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.series.expand import span_of
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import UnitOfWork, collections, leases, runs
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.store.accounts.leases import Lease
from marketplace_plugin.store.log.plans import Plan
from marketplace_plugin.sync.diff import Ground
from marketplace_plugin.sync.plan.flows import Place

T = TypeVar("T")
WINDOW_STEP = timedelta(days=7)
"""A window stays where it is until it is this much behind: each new one costs a snapshot."""
LONGEST_PAUSE = timedelta(days=1)
"""A service that wants to be left alone for longer is asked again then."""


@dataclass(slots=True)
class Pass:
    """``now`` is the time at its start (aware UTC). ``pushing`` is False while no plan of these settings was approved;
    ``asks``: a plan waits for its owner; ``approved``: the one that this pass is bound to. ``paused`` is when the
    service wants to be asked again; ``again``: something is left that a next pass should do soon; ``refused``: the
    service denied what the account's roles, as we know them, allow. ``errors`` are codes of collections that failed.
    ``apart``: series that came in a target which is no source, by their calendar, and are none of ours."""

    engine: Engine
    connection: Connection
    person: Person
    lease: Lease
    provider: Provider
    run: str
    now: datetime
    pushing: bool
    asks: bool
    approved: Plan | None = None
    modules: Mapping[Kind, HostModule] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    paused: datetime | None = None
    again: bool = False
    apart: list[tuple[str, Found]] = field(default_factory=list)
    roles_read: bool = False
    refused: bool = False
    expired: bool = False

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """One write transaction of this pass. Raises LeaseLost where another worker has taken over: then nothing of it
        is written. The lease is made longer when half of it has gone by."""
        now, whole = self.engine.now(), self.engine.settings.lease
        with self.engine.store.begin() as unit:
            if self.lease.until - now < whole / 2:
                self.lease = leases.extend(unit.connection, self.lease, now + whole)
            else:
                leases.check_fence(unit.connection, self.lease)
            yield unit

    def still_ours(self) -> None:
        """Before each batch of writes, and after each write where a repeated creation makes a second item.

        Raises LeaseLost where another worker has taken over: then nothing is sent.
        """
        with self.write():
            pass

    def tell(self, phase: Phase, done: int = 0, total: int | None = None) -> None:
        """Show the live panel how far we are. The run's row is no part of the sync, so it needs no fence."""
        self.engine.report(self.run, Progress(phase, done, total))
        with self.engine.store.begin() as unit:
            runs.progress(unit.connection, self.run, phase, done, total)

    def digest(self, item: Item) -> str:
        return self.engine.digest(item)

    def digest_found(self, found: Found) -> str:
        return self.digest(found.item)

    def span(self, item: Item) -> tuple[datetime, datetime | None]:
        """Instants [start, end) in the user's zone; end None where it repeats without end."""
        if not isinstance(item, Event | Series):
            raise TypeError("only events have a span")
        return span_of(item, self.person.zone)

    def first_of(self, copies: Sequence[tuple[str, Found]]) -> tuple[str, Found]:
        """Of several that carry one stamp, each with its collection, the first part of a split is the event, then the
        one that was left alone."""
        return min(copies, key=lambda copy: self._age(copy[1]))

    def _age(self, found: Found) -> tuple[datetime, datetime, str]:
        try:
            start = self.span(found.item)[0]
        except (TypeError, ValueError, KeyError, OverflowError):
            start = self.now
        return start, found.changed or self.now, found.id

    def module_of(self, kind: Kind) -> HostModule:
        """As this connection syncs it; as the host has it where it does so no more."""
        return self.modules.get(kind) or self.engine.host.modules[kind]

    # --- collections -----------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """The collections as they stand in the store."""
        with self.engine.store.read() as c:
            rows = collections.of_connection(c, self.connection.id)
            list_ = collections.target(c, self.connection.user, Kind.TASK)
        elsewhere = list_ is not None and list_.connection != self.connection.id
        self.modules = modules_of(self.engine, self.connection, self.person, rows, listed_elsewhere=elsewhere)
        self.collections = {row.remote_id: row for row in rows if row.info.kind in self.modules}

    def read_roles(self) -> None:
        """Ask for the account's roles, before a snapshot and after a refusal; once in a pass (rule L7)."""
        if self.roles_read:
            return
        self.roles_read = True
        infos = {info.id: info for info in self.provider.collections()}
        with self.write() as unit:
            for row in self.collections.values():
                if row.remote_id in infos and infos[row.remote_id] != row.info:
                    collections.set_role(unit.connection, self.connection.id, infos[row.remote_id])
        self.reload()

    @property
    def target(self) -> Collection | None:
        """The calendar that events, and mirrors of tasks and calls, are written to."""
        return self.target_of(Kind.EVENT)

    def target_of(self, kind: Kind) -> Collection | None:
        return next((row for row in self.collections.values() if row.is_target and row.info.kind is kind), None)

    def kind_of(self, collection: str) -> Kind:
        """What a collection holds; events where it is not known any more."""
        row = self.collections.get(collection)
        return row.info.kind if row is not None else Kind.EVENT

    def place(self, collection: str) -> Place:
        """A collection that the account no longer reaches holds nothing and takes nothing."""
        row = self.collections.get(collection)
        if row is None:
            return Place(Capabilities(frozenset()), writable=False)
        return Place(row.info.capabilities, row.info.can_be_target, self.connection.invites, shows=row.is_source)

    def ground(self, row: Collection, complete: bool = True) -> Ground:
        return Ground(row.remote_id, row.is_source, row.is_target, complete, blocks=row.info.kind is Kind.EVENT)

    def window(self, row: Collection | None = None) -> Window:
        """What is imported: whole days around now. A cursor's own window is kept while it fits."""
        day = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        wanted = Window(
            day - timedelta(days=self.connection.past_days), day + timedelta(days=self.connection.future_days)
        )
        held = _held_window(row)
        if held is None or held.end - held.start != wanted.end - wanted.start:
            return wanted
        return held if abs(wanted.start - held.start) < WINDOW_STEP else wanted

    # --- trouble ---------------------------------------------------------------------------------------------------

    def failed(self, collection: str, error: ProviderError) -> None:
        """One bad collection does not stop its siblings; a pause that the service asks for holds for all."""
        self.errors[collection] = error.code
        self.counts["collection.failed"] += 1
        if isinstance(error, Throttled):
            self.pause(error.retry_after)
        if isinstance(error, PermissionDenied | CollectionGone):
            self.refused = True

    def pause(self, wait: timedelta | None) -> None:
        until = self.now + (min(wait, LONGEST_PAUSE) if wait is not None else timedelta(minutes=5))
        self.paused = until if self.paused is None else max(self.paused, until)

    def number(self) -> str:
        """What the log and the user's page call an error of this pass."""
        return hashlib.sha256(self.run.encode()).hexdigest()[:8].upper()


def _held_window(row: Collection | None) -> Window | None:
    if row is None:
        return None
    held = row.checkpoint or row.cursor
    return held.window if held is not None else None


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
