"""A pass without news is the one that runs most: what it asks the database does not grow with the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.laws.world import SOURCE, World, event

MOST = 45
"""Statements of one pass over two calendars, measured at 40."""


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            told.append(statement)

    with world.store.read() as c:
        engine = c.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_a_pass_without_news_costs_the_same_however_many_blocks_there_are() -> None:
    world = World()
    account = world.account()
    ada = world.connect("ada", account)
    costs = []
    for _ in range(2):
        for number in range(40):
            account.user.create(SOURCE, event(f"{number}", day=10 + number % 15))
        world.settle(ada)
        world.clock.forward(minutes=31)
        with counted(world) as told:
            assert World.quiet(world.sync(ada))
        costs.append(len(told))
    world.close()
    assert costs[0] == costs[1]
    assert costs[0] <= MOST
