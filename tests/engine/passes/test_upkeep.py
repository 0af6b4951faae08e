"""Once a day: old runs and flows go, spans follow the tz database, a former key is no longer needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.engine.sign_in import authorize
from marketplace_plugin.engine.work.upkeep import CHUNK, EVERY, Upkeep
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.store import Store, blocks, conflicts, connections, grants, journal, links, plans, runs
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.log.plans import Plan
from marketplace_plugin.store.log.runs import Run
from marketplace_plugin.store.tables import authorization
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.store.work.conflicts import Conflict
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.reason import Reason
from tests.engine.shell import ANNA_HERE, BROWSER, KEY, World

OTHER = bytes(range(1, 33))
NOON = Zoned(datetime(2026, 11, 24, 12), "Europe/Berlin")  # noqa: DTZ001 - a wall time


def test_it_is_due_at_the_start_and_once_a_day(world: World) -> None:
    upkeep = Upkeep(world.engine)
    now = world.clock()
    assert [upkeep.tick(now), upkeep.tick(now + EVERY / 2), upkeep.tick(now + EVERY)] == [True, False, True]


def test_old_runs_and_unfinished_flows_go(world: World, connection: str) -> None:
    authorize.begin(world.engine, ANNA_HERE, connection, BROWSER)
    with world.engine.store.begin() as unit:
        for name in ("old", "died"):
            runs.add(unit.connection, Run(name, connection, ANNA_HERE.id, Trigger.SCHEDULE, world.clock()))
        runs.finish(unit.connection, "old", world.clock(), "done", {})
    world.clock.advance(days=31)
    with world.engine.store.begin() as unit:
        runs.add(unit.connection, Run("waits", connection, ANNA_HERE.id, Trigger.SCHEDULE, world.clock()))
    Upkeep(world.engine).tick(world.clock())
    with world.engine.store.read() as c:
        assert [one.id for one in runs.of_connection(c, connection)] == ["waits"]
        assert c.execute(select(func.count()).select_from(authorization)).scalar_one() == 0


@pytest.mark.parametrize("state", [ConnectionState.EXPIRED, ConnectionState.PAUSED])
def test_journal_and_conflicts_go_where_no_pass_comes(world: World, connection: str, state: ConnectionState) -> None:
    def line(name: str) -> Entry:
        kind, did = LinkKind.EXPORT, Action.UPDATE
        at = world.clock()
        return Entry(name, "r", connection, ANNA_HERE.id, "l", kind, Side.HOST, did, Reason.MERGED, at)

    def clash(name: str) -> Conflict:
        at = world.clock()
        return Conflict(name, connection, ANNA_HERE.id, "l", "r", "title", "host", Reason.CONFLICT_NEWEST, at)

    with world.engine.store.begin() as unit:
        connections.set_state(unit.connection, connection, state)
        journal.add(unit.connection, [line("old")])
        conflicts.put(unit.connection, [clash("old")])
        world.clock.advance(days=31)
        journal.add(unit.connection, [line("new")])
        conflicts.put(unit.connection, [clash("new")])
    Upkeep(world.engine).tick(world.clock())
    with world.engine.store.read() as c:
        assert [one.id for one in journal.of_link(c, "l")] == ["new"]
        assert [one.id for one in conflicts.of_links(c, ["l"])] == ["new"]


def test_old_plans_go_but_not_those_in_force(world: World, connection: str) -> None:
    with world.engine.store.begin() as unit:
        c = unit.connection
        for name in ("superseded", "done", "approved", "waiting"):
            plans.add(c, Plan(name, connection, 0, name, {}, world.clock()))
            if name in ("done", "approved"):
                assert plans.approve(c, name, ANNA_HERE.id, "a run", world.clock())
            if name == "done":
                plans.finish(c, name)
    world.clock.advance(days=31)
    Upkeep(world.engine).tick(world.clock())
    with world.engine.store.read() as c:
        kept = [name for name in ("superseded", "done", "approved", "waiting") if plans.get(c, name) is not None]
        assert kept == ["approved", "waiting"]


def test_spans_follow_the_tz_database(world: World, connection: str) -> None:
    """Blocks of more than one transaction, whose cached instants are an hour off."""
    event, wrong = Event(when=Timed(NOON, NOON)), datetime(2026, 11, 24, 10, tzinfo=UTC)
    names = [f"b{number:04}" for number in range(CHUNK + 1)]
    now = world.clock()
    with world.engine.store.begin() as unit:
        made = [Link(name, LinkKind.BLOCK, ANNA_HERE.id, connection, "cal", name, Kind.EVENT, None) for name in names]
        links.put(unit.connection, made, now)
        old = [
            Block(name, ANNA_HERE.id, connection, "cal", (wrong, wrong), event, "", "", "2020a", now) for name in names
        ]
        blocks.put(unit.connection, old)
    later = now + timedelta(days=1)
    Upkeep(world.engine, zones="2026z").tick(later)
    with world.engine.store.read() as c:
        found = blocks.get(c, names)
    right = datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert {(one.span, one.zones, one.changed_at) for one in found.values()} == {((right, right), "2026z", later)}


def test_a_former_key_is_no_longer_needed_afterwards(world: World, connection: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/engine.db"
    rotating = Store.open(url, [OTHER, KEY])
    Upkeep(replace(world.engine, store=rotating)).tick(world.clock())
    rotating.close()
    rotated = Store.open(url, [OTHER])
    with rotated.read() as c:
        assert grants.get(c, connection) is not None
    rotated.close()
