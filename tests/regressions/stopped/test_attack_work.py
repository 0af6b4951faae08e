"""A pass without news asks as much of the database whether a calendar holds three events or hundreds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event as listen

from tests.laws.world import SOURCE, World, event


@pytest.mark.parametrize("shown", [3, 300])
def test_a_pass_without_news_costs_the_same_whatever_is_imported(shown: int) -> None:
    world = World()
    account = world.account()
    for number in range(shown):
        account.user.create(SOURCE, event(f"private {number}", day=5 + number % 20))
    ada = world.connect("ada", account)
    world.settle(ada)
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    listen.listen(world.store.engine, "before_cursor_execute", note)
    world.clock.forward(minutes=31)
    assert world.quiet(world.sync(ada))
    listen.remove(world.store.engine, "before_cursor_execute", note)
    assert len(statements) <= 120
    with world.store.read() as c:
        for statement, parameters in statements:
            if re.match(r"(SELECT|UPDATE|DELETE)\b.*\bmarketplace_", statement, re.DOTALL):
                plan = c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                assert not [row.detail for row in plan if row.detail.startswith("SCAN")], statement
    world.close()
