"""The runner of one process: priorities, one job a key, bounded, a clean end. And the handler: rows say what to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock

import pytest

from marketplace_plugin.engine.context import Engine, RunOutcome, RunResult, Trigger
from marketplace_plugin.engine.work.jobs import BUTTON, NOTIFICATION, SWEEP, SYNC, ThreadPool
from marketplace_plugin.engine.work.passes import Passes
from marketplace_plugin.store import runs
from marketplace_plugin.store.log.runs import Run
from tests.engine.shell import ANNA_HERE, World, connect, install

SOON = 10.0


class Recorder:
    """A handler that notes what it got, and holds each job until it is let go."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.entered = Event()
        self.go = Event()
        self._lock = Lock()

    def __call__(self, kind: str, payload: Mapping[str, str]) -> None:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.entered.set()
        assert self.go.wait(SOON)
        with self._lock:
            self.at_once -= 1
            self.done.append(payload["name"])
        if payload["name"] == "bad":
            raise ZeroDivisionError


@contextmanager
def a_pool(handler: Recorder, workers: int = 1, limit: int = 100) -> Iterator[ThreadPool]:
    pool = ThreadPool(handler, workers, limit)
    pool.start()
    yield pool
    handler.go.set()
    assert pool.stop(SOON)


def submit(pool: ThreadPool, name: str, priority: int = SWEEP, key: str = "") -> None:
    pool.submit(SYNC, key or name, {"name": name}, priority)


def busy(pool: ThreadPool, handler: Recorder) -> None:
    """Occupy the one worker."""
    submit(pool, "first")
    assert handler.entered.wait(SOON)


def finish(pool: ThreadPool, handler: Recorder) -> list[str]:
    handler.go.set()
    assert pool.wait_until_idle(SOON)
    return handler.done


def test_who_waits_at_a_screen_goes_first() -> None:
    handler = Recorder()
    with a_pool(handler) as pool:
        busy(pool, handler)
        for name, priority in [("sweep", SWEEP), ("webhook", NOTIFICATION), ("button", BUTTON), ("sweep-2", SWEEP)]:
            submit(pool, name, priority)
        assert finish(pool, handler) == ["first", "button", "webhook", "sweep", "sweep-2"]


def test_a_second_job_of_a_key_that_waits_is_dropped() -> None:
    handler = Recorder()
    with a_pool(handler) as pool:
        busy(pool, handler)
        submit(pool, "a", key="c1")
        submit(pool, "b", key="c1")
        submit(pool, "c", BUTTON, key="c1")  # more urgent: takes its place
        submit(pool, "d", NOTIFICATION, key="c1")
        assert finish(pool, handler) == ["first", "c"]


def test_two_jobs_of_a_key_never_run_together() -> None:
    handler = Recorder()
    with a_pool(handler, workers=2) as pool:
        submit(pool, "one", key="c1")
        assert handler.entered.wait(SOON)
        submit(pool, "two", key="c1")
        assert finish(pool, handler) == ["one", "two"]
    assert handler.most_at_once == 1


def test_a_job_that_raises_ends_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    handler = Recorder()
    with a_pool(handler) as pool:
        submit(pool, "bad")
        submit(pool, "good")
        assert finish(pool, handler) == ["bad", "good"]


def test_the_queue_is_bounded_for_the_sweeper_alone() -> None:
    handler = Recorder()
    with a_pool(handler, limit=2) as pool:
        busy(pool, handler)
        assert pool.free() == 2
        for name in ("a", "b", "c"):
            submit(pool, name)
        assert pool.free() == 0
        submit(pool, "button", BUTTON)
        assert finish(pool, handler) == ["first", "button", "a", "b"]


def test_the_end_waits_for_what_runs_and_drops_what_waits() -> None:
    handler = Recorder()
    pool = ThreadPool(handler, 1)
    pool.start()
    busy(pool, handler)
    submit(pool, "never")
    assert not pool.stop(0.01)
    handler.go.set()
    assert pool.stop(SOON)
    assert handler.done == ["first"]


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="worker"):
        ThreadPool(Recorder(), 0)


# ---- the handler ---------------------------------------------------------------------------------------


class Runs:
    """Stands for ``run_pass``: notes what it is asked for, and finishes the row."""

    def __init__(self, outcome: RunOutcome = RunOutcome.DONE) -> None:
        self.asked: list[tuple[str, Trigger, str]] = []
        self.outcome = outcome

    def __call__(self, engine: Engine, connection: str, trigger: Trigger, run: str) -> RunResult:
        self.asked.append((connection, trigger, run))
        with engine.store.begin() as unit:
            runs.finish(unit.connection, run, engine.now(), self.outcome, {"block.create": 1})
        return RunResult(run, self.outcome)


def queue(world: World, connection: str, *asked: tuple[str, Trigger]) -> None:
    with world.engine.store.begin() as unit:
        for run, trigger in asked:
            runs.add(unit.connection, Run(run, connection, ANNA_HERE.id, trigger, world.clock()))
            world.clock.advance(seconds=1)


def outcomes(world: World, connection: str) -> dict[str, str | None]:
    with world.engine.store.read() as c:
        return {one.id: one.outcome for one in runs.of_connection(c, connection)}


@pytest.fixture
def connection(world: World) -> str:
    install(world)
    return connect(world)


def handle(world: World, passes: Runs, connection: str, trigger: Trigger = Trigger.SCHEDULE, **more: str) -> None:
    Passes(world.engine, passes)(SYNC, {"connection": connection, "trigger": trigger.value, **more})


def test_the_sweepers_job_makes_a_run_of_its_own(world: World, connection: str) -> None:
    run = Runs()
    handle(world, run, connection)
    ((asked, trigger, run_id),) = run.asked
    assert (asked, trigger) == (connection, Trigger.SCHEDULE)
    assert run_id


def test_a_run_that_was_asked_for_is_carried_out_and_the_others_join(world: World, connection: str) -> None:
    queue(world, connection, ("webhook", Trigger.NOTIFICATION), ("button", Trigger.BUTTON), ("again", Trigger.BUTTON))
    run = Runs()
    handle(world, run, connection)
    assert [(trigger, run_id) for _, trigger, run_id in run.asked] == [(Trigger.BUTTON, "button")]
    assert outcomes(world, connection) == {"webhook": "done", "button": "done", "again": "done"}


def test_an_approved_plan_is_carried_out_by_its_own_run(world: World, connection: str) -> None:
    queue(world, connection, ("button", Trigger.BUTTON), ("start", Trigger.START))
    run = Runs()
    handle(world, run, connection, Trigger.BUTTON, run="button")
    assert [run_id for _, _, run_id in run.asked] == ["start"]


def test_where_another_worker_is_busy_the_others_go_on_waiting(world: World, connection: str) -> None:
    queue(world, connection, ("one", Trigger.BUTTON), ("two", Trigger.BUTTON))
    handle(world, Runs(RunOutcome.BUSY), connection)
    assert outcomes(world, connection) == {"one": "busy", "two": None}


def test_a_job_whose_run_was_carried_out_has_nothing_left(world: World, connection: str) -> None:
    queue(world, connection, ("one", Trigger.BUTTON))
    run = Runs()
    handle(world, run, connection, Trigger.BUTTON, run="one")
    handle(world, run, connection, Trigger.BUTTON, run="one")
    assert len(run.asked) == 1


def test_another_kind_of_job_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="kind"):
        Passes(world.engine)("mail", {})


def test_a_real_pass_through_the_pool(world: World, connection: str) -> None:
    queue(world, connection, ("one", Trigger.BUTTON))
    pool = ThreadPool(Passes(world.engine), 2)
    pool.start()
    pool.submit(SYNC, connection, {"connection": connection, "trigger": Trigger.BUTTON.value}, BUTTON)
    assert pool.wait_until_idle(SOON)
    assert pool.stop(SOON)
    with world.engine.store.read() as c:
        ended = runs.get(c, "one")
    assert ended is not None
    assert ended.finished_at is not None
    assert ended.outcome == RunOutcome.NOT_SET_UP, "nothing was chosen, so nothing was read"
