"""The sync hooks, on behalf of the host's modules: something changed, a sync was asked for, a sync is due.

Every registered plugin is told, for each integration that is offered, whoever made it and whether the owner uses it
or not; what a plugin raises stops neither the others nor the sync.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.engine.context import Engine, Trigger
from marketplace_plugin.engine.work.jobs import NOTIFICATION, SYNC
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import connections, leases
from marketplace_plugin.store.accounts.connections import ConnectionState

SETTLE = timedelta(seconds=2)
"""A local change waits this long for the next one, so that a burst is one pass; well within the 5 s that are
promised."""


def changed(engine: Engine, owner: str, kind: Kind, refs: Sequence[str]) -> None:
    """After a commit in which the host changed items of ``owner`` (person id): call it once for each person concerned.

    His connections are due in two seconds; whoever sweeps finds that in their rows.
    """
    _tell_all(engine, "host_changed", owner=owner, kind=kind, refs=tuple(refs))
    with engine.store.begin() as unit:
        c = unit.connection
        mine = [row.id for row in connections.of_user(c, owner) if row.state is ConnectionState.CONNECTED]
        leases.mark_dirty(c, mine, engine.now() + SETTLE)


def requested(engine: Engine, owner: str) -> None:
    """The owner pressed the sync button: once for each of the host's modules."""
    for kind in engine.host.modules:
        _tell_all(engine, "sync_requested", owner=owner, kind=kind)


def due(engine: Engine, owner: str, now: datetime) -> None:
    """A background pass of the owner starts: once for each of the host's modules. ``now``: aware UTC."""
    for kind in engine.host.modules:
        _tell_all(engine, "sync_due", owner=owner, kind=kind, now=now)


def notifier(engine: Engine, wake: Callable[[], None] | None = None) -> Callable[[str, Kind, Sequence[str]], None]:
    """``changed`` as a host calls it: ``notify(owner, kind, refs)``. ``wake`` tells the sweeper to look soon."""

    def notify(owner: str, kind: Kind, refs: Sequence[str]) -> None:
        changed(engine, owner, kind, refs)
        if wake is not None:
            wake()

    return notify


def notified(engine: Engine, connection_id: str) -> None:
    """The service says that something changed (a webhook): a pass now, or after the one that runs."""
    with engine.store.begin() as unit:
        leases.mark_dirty(unit.connection, [connection_id], engine.now())
    if engine.runner is not None:
        payload = {"connection": connection_id, "trigger": Trigger.NOTIFICATION.value}
        engine.runner.submit(SYNC, connection_id, payload, NOTIFICATION)


def _tell_all(engine: Engine, hook_name: str, **arguments: Any) -> None:
    for entry in engine.plugins.integrations():
        engine.plugins.announce(hook_name, entry.id, **arguments)
