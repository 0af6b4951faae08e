"""The disk is full in the middle of a pass: it ends as failed, nothing is lost, and nothing is doubled afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from marketplace_plugin.engine.context import RunOutcome
from tests.laws.world import World, event
from tests.regressions.seeing import here, titles

LONG = "a long text " * 4000


@contextmanager
def full_disk(world: World) -> Iterator[None]:
    """No page more than the file has now, on every connection of the pool."""
    engine = world.engine.store.engine

    def limit(pages: int) -> None:
        engine.dispose()
        with engine.connect() as c:
            c.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            c.rollback()

    with engine.connect() as c:
        used = c.exec_driver_sql("PRAGMA page_count").scalar_one()
        c.rollback()
    limit(used)
    try:
        yield
    finally:
        limit(1_000_000)


def test_a_full_disk_loses_and_doubles_nothing(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    for number in range(3):
        world.host.create("ada", event(f"new {number}", day=11 + number, description=LONG))
    world.clock.forward(minutes=31)
    with full_disk(world):
        result = world.sync(ada)
    assert (result.outcome, result.error) == (RunOutcome.FAILED, "storage")
    assert result.number
    world.clock.forward(minutes=31)
    world.settle(ada)
    assert titles(account) == here(world) == ["new 0", "new 1", "new 2", "one"]
    assert not account.outbox
