"""One account that its owner has connected twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.model.time import Window
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import here, only, person, title, titles

MARCH = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize("moved", [True, False])
def test_what_the_first_connection_made_is_the_second_ones_when_the_first_one_ends(
    world: World, *, moved: bool
) -> None:
    """The visible event stood in her calendar, and beside it the same as a grey block, for good."""
    account = world.account()
    world.host.create("ada", event("exported"))
    account.user.create(SOURCE, event("private", day=11))
    first = world.connect("ada", account)
    second = world.connect("ada", account, target=None, sources=(TARGET, SOURCE))
    world.settle(first, second)
    convert(world.engine, person(world), next(b.link for b in world.blocks(first) if title(b.item) == "private"))
    world.settle(first, second)
    if moved:
        account.user.move(TARGET, only(account).id, SOURCE)
        world.settle(second, first)
    written = len(account.writes)
    disconnect(world.engine, person(world), first)
    world.settle(second)
    assert list(StoredBlocks(world.engine).blocks("ada", "ada", MARCH)) == []
    assert here(world) == ["exported", "private"]
    assert sorted([*titles(account, SOURCE), *titles(account)]) == ["exported", "private"]
    assert len(account.writes) == written
    place = SOURCE if moved else TARGET
    account.user.edit(place, next(i for i, o in account.items(place).items() if title(o.item) == "exported"), title="x")
    world.settle(second)
    assert here(world) == ["private", "x"]
