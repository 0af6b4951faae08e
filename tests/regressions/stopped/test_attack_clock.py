"""A clock that was a year ahead, for as long as one pass took: the sync goes on when it is right again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from marketplace_plugin.errors import Throttled
from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.store import connections
from tests.laws.world import SOURCE, World, event
from tests.regressions.seeing import blocked

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
        return bool(connections.claim_due(unit.connection, now, now + timedelta(minutes=5), 10))


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
