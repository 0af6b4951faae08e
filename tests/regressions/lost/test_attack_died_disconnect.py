"""She disconnects and has the copies deleted, and that dies before the first one. An administrator installs the
integration again, and she signs in again: no edit there ever came here any more, in silence."""

from __future__ import annotations

from contextlib import suppress

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.account.market import install
from marketplace_plugin.engine.views import Audience
from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import ConnectionState
from tests.laws.world import TARGET, World, event
from tests.regressions.seeing import here, only, person, titles


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


def test_who_signs_in_again_after_a_disconnect_that_died_syncs_again(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("hers", day=6))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.faults.add(Moment.BEFORE, Request.FETCH, Crash())
    with suppress(Crash):
        disconnect(world.engine, person(world), ada, delete_remote=True)
    install(world.engine, person(world), "memory", Audience.ALL)
    with world.store.begin() as unit:
        c = unit.connection
        row = connections.get(c, ada)
        assert row is not None
        assert row.state is ConnectionState.EXPIRED
        connections.authorised(c, ada, row.account_key or "", "ada", world.clock())
    world.settle(ada)
    assert titles(account) == here(world) == ["hers"]
    account.user.edit(TARGET, only(account).id, title="edited there")
    world.settle(ada)
    assert titles(account) == here(world) == ["edited there"]
    world.host.edit("ada", ref, title="edited here")
    world.settle(ada)
    assert titles(account) == here(world) == ["edited here"]
