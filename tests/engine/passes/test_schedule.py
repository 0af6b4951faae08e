"""What is due is in rows; the sweeper hands it over, driven by a clock that the test moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event

import pytest

from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.engine.work import announce
from marketplace_plugin.engine.work.jobs import NOTIFICATION, SWEEP
from marketplace_plugin.engine.work.schedule import LOST_AFTER, Clockwork, Sweeper
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import connections, leases
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.engine.shell import ANNA_HERE, JONAS_HERE, World


@dataclass
class Queue:
    """Notes the jobs."""

    jobs: list[tuple[str, str, int]] = field(default_factory=list)
    seen: Event = field(default_factory=Event)

    def submit(self, kind: str, key: str, payload: Mapping[str, str], priority: int = 0) -> None:
        assert kind == "sync"
        assert payload["connection"] == key
        self.jobs.append((key, payload["trigger"], priority))
        self.seen.set()

    def take(self) -> list[tuple[str, str, int]]:
        jobs, self.jobs = self.jobs, []
        return jobs


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def sweeper(world: World, queue: Queue) -> Sweeper:
    with world.engine.store.begin() as unit:
        for name, person in (("c1", ANNA_HERE), ("c2", JONAS_HERE)):
            connections.add(
                unit.connection,
                Connection(
                    name,
                    "t1",
                    person.id,
                    "google",
                    ConnectionState.CONNECTED,
                    world.clock(),
                    next_due=world.clock() + timedelta(minutes=30),
                ),
            )
    return Sweeper(world.engine, queue)


def test_nothing_is_due_before_its_time(world: World, sweeper: Sweeper, queue: Queue) -> None:
    world.clock.advance(minutes=29)
    assert sweeper.tick(world.clock()) == 0
    world.clock.advance(minutes=1)
    assert sweeper.tick(world.clock()) == 2
    assert queue.take() == [("c1", Trigger.SCHEDULE, SWEEP), ("c2", Trigger.SCHEDULE, SWEEP)]
    assert sweeper.tick(world.clock()) == 0


def test_a_lost_job_is_handed_over_again(world: World, sweeper: Sweeper, queue: Queue) -> None:
    world.clock.advance(minutes=30)
    sweeper.tick(world.clock())
    queue.take()
    world.clock.now += LOST_AFTER
    assert sweeper.tick(world.clock()) == 2


def test_what_a_dead_worker_held_is_due_when_its_lease_ends(world: World, sweeper: Sweeper, queue: Queue) -> None:
    world.clock.advance(minutes=30)
    now = world.clock()
    with world.engine.store.begin() as unit:
        leases.claim(unit.connection, "c1", now, now + timedelta(minutes=10))
    sweeper.tick(now)
    assert [job[0] for job in queue.take()] == ["c2"]
    world.clock.advance(minutes=10)
    sweeper.tick(world.clock())
    assert ("c1", Trigger.SCHEDULE, SWEEP) in queue.take()


def test_a_local_change_is_due_within_five_seconds(world: World, sweeper: Sweeper, queue: Queue) -> None:
    announce.changed(world.engine, ANNA_HERE.id, Kind.EVENT, ["7"])
    assert sweeper.tick(world.clock()) == 0  # the next change of a burst is waited for
    world.clock.advance(seconds=4)
    assert sweeper.tick(world.clock()) == 1
    assert queue.take() == [("c1", Trigger.HOST_CHANGE, NOTIFICATION)]


def test_a_pause_that_the_service_asked_for_is_kept(world: World, sweeper: Sweeper, queue: Queue) -> None:
    now = world.clock()
    with world.engine.store.begin() as unit:
        lease = leases.claim(unit.connection, "c1", now, now + timedelta(minutes=1))
        assert lease is not None
        until = now + timedelta(minutes=7)
        leases.release(unit.connection, lease, now, until, backoff_until=until)
    announce.changed(world.engine, ANNA_HERE.id, Kind.EVENT, ["7"])
    world.clock.advance(minutes=6)
    assert sweeper.tick(world.clock()) == 0
    world.clock.advance(minutes=1)
    assert sweeper.tick(world.clock()) == 1


def test_the_end_of_a_pause_is_named(world: World, sweeper: Sweeper, queue: Queue) -> None:
    now = world.clock()
    with world.engine.store.begin() as unit:
        lease = leases.claim(unit.connection, "c1", now, now + timedelta(minutes=1))
        assert lease is not None
        leases.release(unit.connection, lease, now, now, backoff_until=now)
    sweeper.tick(now)
    assert queue.take() == [("c1", Trigger.RETRY, SWEEP)]


def test_no_more_is_taken_than_the_runner_wants(world: World, sweeper: Sweeper, queue: Queue) -> None:
    world.clock.advance(minutes=30)
    assert Sweeper(world.engine, queue, lambda: 0).tick(world.clock()) == 0
    assert Sweeper(world.engine, queue, lambda: 1).tick(world.clock()) == 1
    assert sweeper.tick(world.clock()) == 1


def test_each_owner_is_announced_once(world: World, sweeper: Sweeper) -> None:
    world.clock.advance(minutes=30)
    sweeper.tick(world.clock())
    told = [(facts["owner"], facts["kind"]) for name, _, facts in world.plugins.announced if name == "sync_due"]
    assert sorted(told) == [
        (person.id, kind) for person in (ANNA_HERE, JONAS_HERE) for kind in (Kind.CALL, Kind.EVENT, Kind.TASK)
    ]


def test_the_clockwork_looks_when_it_is_woken_and_outlives_trouble(
    world: World, sweeper: Sweeper, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([True])
    take = leases.claim_due

    def first_locked(*arguments: object) -> list[Connection]:
        if next(failures, False):
            raise ZeroDivisionError
        return take(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(leases, "claim_due", first_locked)
    world.clock.advance(minutes=30)
    clockwork = Clockwork(sweeper, world.clock)
    clockwork.start()
    clockwork.wake()
    assert queue.seen.wait(10)
    clockwork.stop()
    assert ("c1", Trigger.SCHEDULE, SWEEP) in queue.jobs
