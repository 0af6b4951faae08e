"""Who disconnects while a pass is under way is done with it: a host with a database of its own was written to all the
same, by a worker that had lost its lease."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.providers.memory import PERSONALITIES, Moment, Personality, Request
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import here, only, person


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
@pytest.mark.parametrize("shared", [True, False])
def test_a_worker_that_lost_its_lease_in_its_last_push_writes_nothing_here(
    personality: Personality, *, shared: bool
) -> None:
    world = World(personality, shared=shared)
    account = world.account()
    world.host.create("ada", event("deleted there", 5))
    ada = world.connect("ada", account)
    source = account.user.create(SOURCE, event("hers", 6))
    world.settle(ada)
    (block,) = world.blocks(ada)
    convert(world.engine, person(world), block.link)
    world.settle(ada)
    account.user.edit(SOURCE, source, title="renamed there")
    account.user.delete(TARGET, only(account).id)
    world.host.create("ada", event("pushed", 8))
    world.clock.forward(minutes=31)
    account.faults.add(Moment.AFTER, Request.INSERT, lambda: disconnect(world.engine, person(world), ada))
    assert world.sync(ada).outcome is RunOutcome.LEASE_LOST
    assert here(world) == ["deleted there", "hers", "pushed"]
    world.close()
