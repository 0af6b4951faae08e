"""A round that was given up has listed nothing: what came and went behind the old cursor is never told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.providers.memory import Crash, Moment, Request
from tests.laws.edits import Edit
from tests.laws.scene import Scene
from tests.laws.world import OTHER, SOURCE, World


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    """One event on both sides."""
    made = Scene(world.personality, shared=True)
    made.make_here("event")
    made.connect()
    made.world.settle(made.ada)
    yield made
    made.close()


def _die_behind_the_pages(scene: Scene) -> None:
    """All is read and nothing committed."""
    scene.edit_here(0, Edit.TITLE)
    scene.account.faults.add(Moment.BEFORE, Request.PATCH, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)


@pytest.mark.parametrize("moved", [True, False])
def test_a_copy_that_goes_after_a_round_that_died(scene: Scene, moved: bool) -> None:
    """It counted as listed, so nobody asked for it; and the service, asked since before it was made, told nothing."""
    scene.make_here("event")
    scene.world.sync(scene.ada)
    _die_behind_the_pages(scene)
    for _ in range(2):
        if moved:
            scene.move_there(0, OTHER)
        else:
            scene.delete_there(0)
    scene.rest()
    scene.check()


def test_a_block_whose_item_goes_after_a_round_that_died(scene: Scene) -> None:
    """Its page was committed, the cursor was not: the block stayed for ever."""
    item = scene.make_there("event")
    _die_behind_the_pages(scene)
    assert len(scene.world.blocks(scene.ada)) == 1
    shown = scene.account.items(SOURCE)[item].item
    scene.ledger.overwrite(shown, None)
    scene.account.user.delete(SOURCE, item)
    scene.rest()
    scene.check()
    assert scene.world.blocks(scene.ada) == []


def test_a_copy_that_was_asked_for_in_a_round_that_died_is_asked_for_again(scene: Scene) -> None:
    """The round had no page, so nobody knew that it had begun; and the copy counted as listed."""
    known = scene.all_there().keys()
    made = scene.make_here("event")
    scene.world.sync(scene.ada)
    ((calendar, item),) = scene.all_there().keys() - known
    scene.ledger.overwrite(scene.account.items(calendar)[item].item, None)
    scene.account.user.delete(calendar, item)
    (other,) = (n for n, ref in enumerate(sorted(scene.world.host.all_of("ada"))) if ref != made)
    scene.edit_here(other, Edit.TITLE)
    scene.account.faults.add(Moment.BEFORE, Request.PATCH, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    scene.rest()
    scene.check()
    assert made not in scene.world.host.all_of("ada")
