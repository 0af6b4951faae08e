"""A clock that was a year ahead, for as long as one pass took: the sync goes on when it is right again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import pytest

from marketplace_plugin.engine.form.credentials import LIFETIME
from marketplace_plugin.engine.sign_in.grants import REFRESH_LEASE
from marketplace_plugin.engine.views import RunState
from marketplace_plugin.engine.work import requests
from marketplace_plugin.engine.work.upkeep import Upkeep
from marketplace_plugin.errors import Throttled
from marketplace_plugin.model.event import Event
from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.store import credentials, grants, leases, runs
from marketplace_plugin.store.accounts.credentials import CredentialTest
from tests.laws.world import SOURCE, TARGET, World, event, timed
from tests.regressions.seeing import blocked, person

ACTS: dict[str, BaseException | None] = {
    "came to its end": None,
    "was told to wait": Throttled("slow down"),
    "died": Crash("killed"),
}


@contextmanager
def a_year_ahead(world: World) -> Iterator[None]:
    world.clock.forward(days=365)
    try:
        yield
    finally:
        world.clock.forward(days=-365)


def is_due(world: World) -> bool:
    """Whether the sweeper hands it over."""
    now = world.clock()
    with world.store.begin() as unit:
        return bool(leases.claim_due(unit.connection, now, now + timedelta(minutes=5), 10))


@pytest.mark.parametrize("what", ACTS)
def test_a_pass_with_a_wrong_clock_does_not_stop_the_sync_for_a_year(world: World, what: str) -> None:
    """The connection was due, paused or leased until a time a year away, and nobody could do anything about it."""
    account = world.account()
    ada = world.connect("ada", account)
    world.settle(ada)
    error = ACTS[what]
    if error is not None:
        account.faults.add(Moment.BEFORE, Request.PAGE, error)
    with suppress(Crash), a_year_ahead(world):
        world.sync(ada)
    account.faults.clear()
    account.user.create(SOURCE, event("new"))
    world.clock.forward(minutes=40)
    assert is_due(world)
    world.settle(ada)
    assert blocked(world, ada) == ["new"]
    assert not is_due(world), "and no more often than ever"


def test_a_pause_of_a_week_is_one_of_a_day(world: World) -> None:
    """So that a pause tells a clock that was wrong from a service that wants to be left alone."""
    account = world.account()
    ada = world.connect("ada", account)
    world.settle(ada)
    account.faults.add(Moment.BEFORE, Request.PAGE, Throttled("slow down", retry_after=timedelta(days=7)))
    world.clock.forward(minutes=31)
    world.sync(ada)
    world.clock.forward(hours=23)
    assert not is_due(world)
    world.clock.forward(hours=2)
    assert is_due(world)


def test_deletions_with_a_wrong_clock_are_counted_for_a_day(world: World) -> None:
    """The brake took them for those of the last 24 hours until their year had come."""
    account = world.account()
    refs = [world.host.create("ada", event(f"event {number:02}", day=10 + number % 15)) for number in range(24)]
    ada = world.connect("ada", account)
    world.settle(ada)
    with a_year_ahead(world):
        for ref in refs[:10]:
            world.host.delete("ada", ref)
        world.settle(ada)
    assert len(account.items(TARGET)) == 14
    world.clock.forward(days=2)
    world.host.delete("ada", refs[-1])
    world.settle(ada)
    assert len(account.items(TARGET)) == 13


def test_a_worker_that_died_while_refreshing_with_a_wrong_clock_is_replaced(world: World) -> None:
    ada = world.connect("ada", world.account())

    def claims(holder: str) -> bool:
        now = world.clock()
        with world.store.begin() as unit:
            return grants.claim_refresh(unit.connection, ada, 1, holder, now, now + REFRESH_LEASE)

    with world.store.begin() as unit:
        now = world.clock()
        c = unit.connection
        grants.put(c, ada, "memory", "key", access="a", refresh="r", expires_at=now, scopes=(), now=now)
    with a_year_ahead(world):
        assert claims("dies")
    assert claims("another")
    assert not claims("a third"), "while the lease of that one lasts"


def test_the_button_shows_what_runs_now(world: World) -> None:
    """And not the pass that came to its end a year ahead."""
    ada = world.connect("ada", world.account())
    world.settle(ada)
    with a_year_ahead(world):
        world.sync(ada)
    world.clock.forward(minutes=1)
    asked = requests.request_sync(world.engine, person(world))
    assert [(one.id, one.state) for one in requests.progress(world.engine, person(world))] == [
        (asked[0].id, RunState.QUEUED)
    ]
    assert requests.runs_of(world.engine, person(world), ada, limit=1)[0].id == asked[0].id


def test_a_run_that_died_with_a_wrong_clock_is_joined_by_nobody(world: World) -> None:
    account = world.account()
    ada = world.connect("ada", account)
    world.settle(ada)
    account.faults.add(Moment.BEFORE, Request.PAGE, Crash("killed"))
    with pytest.raises(Crash), a_year_ahead(world):
        world.sync(ada, run="dead")
    asked = requests.request_sync(world.engine, person(world))
    assert [one.id for one in asked] != ["dead"]
    assert requests.run(world.engine, person(world), "dead").state is RunState.FINISHED


def test_the_upkeep_goes_on_and_forgets_what_ran_a_year_ahead(world: World) -> None:
    """A run that wrote something stays, as long as it can be taken back."""
    ada = world.connect("ada", world.account())
    world.settle(ada)
    upkeep = Upkeep(world.engine)
    assert upkeep.tick(world.clock())
    with a_year_ahead(world):
        world.sync(ada, run="idle")
        world.host.create("ada", Event(when=timed(datetime(2027, 3, 10, 9)), title="new"))  # noqa: DTZ001  # a wall time
        world.sync(ada, run="wrote")
        assert upkeep.tick(world.clock())
    assert upkeep.tick(world.clock())
    assert not upkeep.tick(world.clock()), "and once a day"
    with world.store.read() as c:
        left = {one.id for one in runs.of_connection(c, ada)}
    assert "idle" not in left
    assert "wrote" in left


def test_a_password_that_was_tested_with_a_wrong_clock_is_not_kept(world: World) -> None:
    ada = world.connect("ada", world.account())
    upkeep = Upkeep(world.engine)
    with a_year_ahead(world):
        now = world.clock()
        upkeep.tick(now)
    with world.store.begin() as unit:
        passed = CredentialTest("t", ada, "ada", "digest", {"password": "secret"}, now, now + LIFETIME)
        credentials.add_test(unit.connection, passed, session="browser")
    upkeep.tick(world.clock())
    with a_year_ahead(world), world.store.read() as c:
        found = credentials.passed_test(c, ada, user="ada", session="browser", now=world.clock())
    assert found is None
