"""The sync button: it runs all of a person's connections, joins what runs, and leaves nothing running for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.engine.account import connections as mine
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.engine.views import (
    RunState,
)
from marketplace_plugin.engine.work import requests
from marketplace_plugin.errors import NotFound
from marketplace_plugin.sandbox.google.seed import ANNA_PRIVATE
from marketplace_plugin.store import connections, leases, runs
from marketplace_plugin.store.log.runs import Run
from tests.engine.passes.test_schedule import Queue
from tests.engine.shell import ADMIN, ANNA_HERE, World, connect, install


def test_the_button_runs_all_connections_and_joins_what_runs(world: World, connection: str) -> None:
    other, queue = connect(world, ANNA_HERE, ANNA_PRIVATE), Queue()
    engine = replace(world.engine, runner=queue)
    first = requests.request_sync(engine, ANNA_HERE)
    assert {(view.connection, view.state) for view in first} == {
        (connection, RunState.QUEUED),
        (other, RunState.QUEUED),
    }
    second = requests.request_sync(engine, ANNA_HERE)
    assert [view.id for view in second] == [view.id for view in first]
    assert len(queue.jobs) == 2
    assert {view.id for view in requests.progress(engine, ANNA_HERE)} == {view.id for view in first}
    running = mine.one(engine, ANNA_HERE, first[0].connection).running
    assert running == requests.run(engine, ANNA_HERE, first[0].id)
    with pytest.raises(NotFound):
        requests.run(engine, ADMIN, first[0].id)
    with pytest.raises(NotFound):
        requests.steps(engine, ANNA_HERE, "made up")
    assert requests.steps(engine, ANNA_HERE, first[0].id) == []


def test_a_run_of_a_dead_process_is_closed_and_a_new_one_begun(world: World, connection: str) -> None:
    with world.engine.store.begin() as unit:
        runs.add(
            unit.connection,
            Run("dead", connection, ANNA_HERE.id, Trigger.SCHEDULE, world.clock(), started_at=world.clock()),
        )
        runs.add(unit.connection, Run("lost", connection, ANNA_HERE.id, Trigger.BUTTON, world.clock()))
    world.clock.advance(minutes=20)
    (view,) = requests.request_sync(world.engine, ANNA_HERE)
    assert view.id not in ("dead", "lost")
    log = {one.id: one for one in requests.runs_of(world.engine, ANNA_HERE, connection)}
    assert log["dead"].error == log["lost"].error == requests.ABANDONED


def test_a_running_pass_is_joined_and_goes_on_once_more(world: World, connection: str) -> None:
    now = world.clock()
    with world.engine.store.begin() as unit:
        leases.claim(unit.connection, connection, now, now + timedelta(minutes=5))
        runs.add(unit.connection, Run("running", connection, ANNA_HERE.id, Trigger.SCHEDULE, now, started_at=now))
    (view,) = requests.request_sync(world.engine, ANNA_HERE)
    assert (view.id, view.state) == ("running", RunState.RUNNING)
    with world.engine.store.read() as c:
        row = connections.get(c, connection)
    assert row is not None
    assert row.dirty


def test_only_authorised_connections_run(world: World) -> None:
    install(world)
    mine.add(world.engine, ANNA_HERE, "google")
    assert requests.request_sync(world.engine, ANNA_HERE) == []
    assert requests.progress(world.engine, ANNA_HERE) == []
