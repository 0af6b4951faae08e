"""A target is left, its copies are kept there, and it is chosen again: each event had a second copy from then on."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.store import connections
from tests.laws.edits import Edit
from tests.laws.scene import Scene
from tests.laws.world import SOURCE, TARGET, World


def _choose(scene: Scene, goal: str | None) -> None:
    with scene.world.store.begin() as unit:
        choose(scene.world.engine, unit, scene.ada, goal, {SOURCE}, keep=True)
        connections.approve(unit.connection, scene.ada, 0)


@pytest.mark.parametrize("kind", ["event", "series"])
@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("edit", [None, Edit.TITLE])
def test_copies_that_were_kept_in_it_are_known_again(world: World, kind: str, away: bool, edit: Edit | None) -> None:
    scene = Scene(world.personality, shared=True)
    scene.make_here(kind)
    scene.connect()
    scene.world.settle(scene.ada)
    _choose(scene, None)
    scene.world.settle(scene.ada)
    if edit is not None:
        scene.edit_there(0, edit)
    if away:
        disconnect(scene.world.engine, scene.person, scene.ada)
        scene.connect()
    else:
        _choose(scene, TARGET)
    scene.rest()
    scene.nothing_gone()
    assert len(scene.all_there()) == 1
    assert len(scene.world.host.all_of("ada")) == 1
    assert scene.world.blocks(scene.ada) == []
    assert scene.account.outbox == []
    scene.close()
