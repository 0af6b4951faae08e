"""Rights that shrink and come back: what was edited meanwhile is not forgotten, and nothing is asked without end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_plugin.engine.acts.chosen.purge import purge_connection
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import AuthorizationExpired
from marketplace_plugin.model.collection import Role
from marketplace_plugin.providers.memory import Moment, Request
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.sync.link import LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import here, person, titles


def _pass(world: World, connection: str, times: int = 1) -> None:
    for _ in range(times):
        world.clock.forward(minutes=31)
        world.sync(connection)


@pytest.mark.parametrize("passes", [1, 8])
def test_an_edit_made_while_the_target_was_read_only_goes_out_when_the_role_is_back(world: World, passes: int) -> None:
    """The role dropped, the user edited here, the role came back: the link was called synced, and the edit stayed."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.set_role(TARGET, Role.READER)
    account.user.expire_cursors(TARGET)
    _pass(world, ada)
    world.host.edit("ada", ref, title="edited")
    _pass(world, ada, passes)
    assert [(k.state, k.reason) for k in world.links(ada)] == [(LinkState.PARKED, Reason.ROLE_DROPPED)]
    account.user.set_role(TARGET, Role.OWNER)
    account.user.expire_cursors(TARGET)
    _pass(world, ada, 3)
    assert titles(account) == ["edited"]
    assert [(k.state, k.reason) for k in world.links(ada)] == [(LinkState.LIVE, None)]


@pytest.mark.parametrize("calendar", [TARGET, SOURCE])
def test_a_deletion_there_still_counts_after_the_role_was_away(world: World, calendar: str) -> None:
    """After the role had dropped and come back, an exported copy was taken for somebody's invitation for ever."""
    account = world.account()
    if calendar == TARGET:
        world.host.create("ada", event("one"))
    else:
        account.user.create(SOURCE, event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    if calendar == SOURCE:
        (block,) = world.blocks(ada)
        convert(world.engine, person(world), block.link)
        world.settle(ada)
    for role in (Role.READER, Role.OWNER):
        account.user.set_role(calendar, role)
        account.user.expire_cursors(calendar)
        _pass(world, ada, 2)
    (found,) = account.items(calendar).values()
    account.user.delete(calendar, found.id)
    world.settle(ada)
    assert here(world) == []


def test_a_calendar_that_is_gone_is_not_asked_for_each_minute(world: World) -> None:
    """A calendar that nobody shares any more was asked for once a minute, by everybody who had it, without end."""
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.set_role(SOURCE, Role.NONE)
    pauses = []
    for _ in range(6):
        world.clock.forward(minutes=31)
        again = world.sync(ada).again_at
        pauses.append(timedelta(minutes=30) if again is None else again - world.clock())
    assert min(pauses[2:]) >= timedelta(minutes=20)


def test_a_write_into_a_calendar_that_is_gone_is_tried_less_and_less(world: World) -> None:
    """What waited for a calendar that never came back was tried once a minute, without end."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.set_role(TARGET, Role.NONE)
    world.host.edit("ada", ref, title="edited")
    pauses = []
    for _ in range(9):
        world.clock.forward(minutes=31)
        again = world.sync(ada).again_at
        pauses.append(timedelta(minutes=30) if again is None else again - world.clock())
    assert min(pauses[6:]) >= timedelta(minutes=20)
    account.user.set_role(TARGET, Role.OWNER)
    _pass(world, ada, 3)
    assert titles(account) == ["edited"]


def test_a_grant_that_ends_while_its_owner_disconnects_ends_the_pass_quietly(world: World) -> None:
    """Disconnecting revokes the token that a running pass uses: the pass raised, instead of ending as one that was
    interrupted."""
    account = world.account()
    ada = world.connect("ada", account)

    def disconnect() -> None:
        with world.store.begin() as unit:
            purge_connection(world.engine, unit, ada)
        raise AuthorizationExpired("revoked")

    account.faults.add(Moment.BEFORE, Request.PAGE, disconnect)
    assert world.sync(ada).outcome is RunOutcome.LEASE_LOST
    with world.store.read() as c:
        row = connections.get(c, ada)
    assert row is not None
    assert row.state is ConnectionState.CONNECTED
