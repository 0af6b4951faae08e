"""Entries of tasks and calls at a disconnect: as with the copies of events, what stands in one alone is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.engine.account.disconnect import Disconnected, disconnect
from marketplace_plugin.engine.acts.chosen.pairing import Chosen, follow
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import PERSONALITIES, MemoryAccount
from marketplace_plugin.store import collections
from tests.engine.kinds import ADA, KindsWorld, call, task
from tests.laws.world import TARGET
from tests.regressions.seeing import titles


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    made = KindsWorld(request.param)
    yield made
    made.close()


def _mirrored(world: KindsWorld) -> tuple[MemoryAccount, str]:
    account = world.account()
    world.host.create(ADA, task(), kind=Kind.TASK)
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.TASK, Kind.CALL)
    world.settle(name)
    assert len(titles(account)) == 2
    return account, name


def _write_into_one(world: KindsWorld, account: MemoryAccount) -> str:
    first = min(world.there(account, TARGET))
    account.user.edit(TARGET, first, description="notes")
    return first


@pytest.mark.parametrize("read", [True, False])
def test_disconnecting_with_the_copies_leaves_what_somebody_wrote_into(world: KindsWorld, read: bool) -> None:
    account, name = _mirrored(world)
    touched = _write_into_one(world, account)
    if read:
        world.settle(name)
    done = disconnect(world.engine, world.person(), name, delete_remote=True)
    assert done == Disconnected(deleted=1, left=1)
    assert list(world.there(account, TARGET)) == [touched]


def test_what_waits_to_be_removed_is_removed_when_the_account_is_back(world: KindsWorld) -> None:
    """The switch was turned off, and the person disconnected before the entries were taken out."""
    account, name = _mirrored(world)
    touched = _write_into_one(world, account)
    world.settle(name)
    with world.store.begin() as unit:
        rows = collections.of_connection(unit.connection, name)
        follow(world.engine, unit, name, Chosen.of(rows, {Kind.TASK, Kind.CALL}), Chosen.of(rows, set()))
    disconnect(world.engine, world.person(), name)
    back = world.join(account)
    world.settle(back)
    assert list(world.there(account, TARGET)) == [touched]
    assert world.blocks(back) == []
