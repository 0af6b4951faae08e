"""She approves a plan while a pass is under way that began when it still waited: it made another plan, with the same in
it, and the run that she had started did nothing."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.acts.preview import approve, current_plan
from marketplace_plugin.engine.context import RunOutcome, Trigger
from marketplace_plugin.providers.memory import Moment, Request
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import Policy
from tests.laws.world import World, event
from tests.regressions.seeing import person, titles


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


def test_what_she_approved_is_not_asked_again(world: World) -> None:
    account = world.account()
    changed = world.host.create("ada", event("one"))
    deleted = world.host.create("ada", event("two", day=12))
    ada = world.connect("ada", account)
    world.settle(ada)
    with world.store.begin() as unit:
        connections.save_settings(
            unit.connection, ada, 0, policy=Policy.HOST, past_days=30, future_days=365, switches={}
        )
    world.host.edit("ada", changed, title="changed")
    world.clock.forward(minutes=31)
    world.sync(ada)
    plan = current_plan(world.engine, ada)
    assert plan is not None
    world.host.delete("ada", deleted)  # of this she has seen nothing
    runs: list[str] = []
    account.faults.add(Moment.BEFORE, Request.PAGE, lambda: runs.append(approve(world.engine, plan.id, person(world))))
    world.clock.forward(minutes=31)
    assert world.sync(ada).outcome is RunOutcome.LEASE_LOST
    shown = current_plan(world.engine, ada)
    assert shown is not None
    assert (shown.id, shown.waiting) == (plan.id, False)
    world.clock.forward(minutes=1)
    world.sync(ada, Trigger.START, *runs)
    assert titles(account) == ["changed", "two"]
    asked = current_plan(world.engine, ada)
    assert asked is not None
    assert asked.waiting
    assert {name: n for name, n in asked.counts.items() if n} == {"remote.delete": 1}
    world.start(ada, "ada")
    world.settle(ada)
    assert titles(account) == ["changed"]
