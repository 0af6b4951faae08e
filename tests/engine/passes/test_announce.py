"""The host's modules call the sync hooks: every registered plugin is told, an unknown one too, whatever others
raise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from marketplace_plugin import hookimpl
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.work import announce, requests
from marketplace_plugin.engine.work.schedule import Sweeper
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.engine.passes.test_schedule import Queue
from tests.engine.shell import ANNA_HERE, ROOT, World

HOOKS = """
from marketplace_plugin import hookimpl

@hookimpl
def host_changed(integration, owner, kind, refs):
    raise RuntimeError("a broken plugin")
"""


class Unknown:
    """A plugin that the host has never heard of."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Kind]] = []

    @hookimpl
    def host_changed(self, owner: str, kind: Kind, refs: list[str]) -> None:
        assert (owner, list(refs)) == (ANNA_HERE.id, ["7"])
        self.told.append(("changed", kind))

    @hookimpl
    def sync_requested(self, owner: str, kind: Kind) -> None:
        self.told.append(("requested", kind))

    @hookimpl
    def sync_due(self, owner: str, kind: Kind, now: datetime) -> None:
        assert now.tzinfo is not None
        self.told.append(("due", kind))


@pytest.fixture
def engine(world: World, tmp_path: Path) -> Engine:
    """All integrations, of which one has a plugin that is broken."""
    root = tmp_path / "bundle"
    (root / "hooks").mkdir(parents=True)
    for module in (ROOT / "hooks").glob("*.py"):
        (root / "hooks" / module.name).symlink_to(module)
    (root / "hooks" / "google.py").unlink()
    (root / "hooks" / "google.py").write_text(HOOKS, encoding="utf-8")
    (root / "ui_fragments").symlink_to(ROOT / "ui_fragments")
    (root / "manifest.yaml").symlink_to(ROOT / "manifest.yaml")
    registry = Registry.of(root)
    assert not registry.disabled()
    with world.engine.store.begin() as unit:
        connections.add(
            unit.connection,
            Connection("c1", "t1", ANNA_HERE.id, "google", ConnectionState.CONNECTED, world.clock()),
        )
    return replace(world.engine, plugins=registry)


def test_an_unknown_plugin_hears_of_calendar_tasks_and_calls(world: World, engine: Engine) -> None:
    plugin = Unknown()
    assert isinstance(engine.plugins, Registry)
    engine.plugins.register(plugin, "unknown")
    for kind in engine.host.modules:
        announce.changed(engine, ANNA_HERE.id, kind, ["7"])
    requests.request_sync(engine, ANNA_HERE)
    world.clock.advance(minutes=1)
    assert Sweeper(engine, Queue()).tick(world.clock()) == 1
    offered = len(engine.plugins.integrations())
    assert plugin.told == [
        (what, kind)
        for what in ("changed", "requested", "due")
        for kind in (Kind.EVENT, Kind.TASK, Kind.CALL)
        for _ in range(offered)
    ]


def test_a_local_change_makes_the_owners_connections_due_and_wakes_the_sweeper(world: World, engine: Engine) -> None:
    woken: list[bool] = []
    announce.notifier(engine, lambda: woken.append(True))(ANNA_HERE.id, Kind.EVENT, ["7"])
    with engine.store.read() as c:
        row = connections.get(c, "c1")
    assert row is not None
    assert row.dirty
    assert row.next_due == world.clock() + announce.SETTLE
    assert woken == [True]


def test_a_notification_of_the_service_is_a_pass_at_once(world: World, engine: Engine) -> None:
    queue = Queue()
    announce.notified(replace(engine, runner=queue), "c1")
    announce.notified(engine, "c1")  # without a runner the row says it
    assert queue.jobs == [("c1", "notification", 50)]
    with engine.store.read() as c:
        row = connections.get(c, "c1")
    assert row is not None
    assert row.next_due == world.clock()
