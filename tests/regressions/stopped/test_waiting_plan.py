"""A plan waits for its owner, and so does an edit of an event that is tied: each pass came back a minute later."""

from __future__ import annotations

from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert
from tests.laws.edits import Edit
from tests.laws.scene import Scene
from tests.laws.world import OTHER, SOURCE, World


def test_what_waits_for_an_approval_alone_brings_no_pass_sooner(world: World) -> None:
    scene = Scene(world.personality, shared=True)
    scene.make_there("event")
    scene.connect(approved=False)
    scene.world.settle(scene.ada)
    (block,) = scene.world.blocks(scene.ada)
    convert(scene.world.engine, scene.person, block.link)
    with scene.world.store.begin() as unit:
        choose(scene.world.engine, unit, scene.ada, OTHER, {SOURCE}, keep=True)
    scene.edit_here(0, Edit.TITLE)
    run = scene.world.sync(scene.ada)
    assert run.counts["parked"] == 1
    assert run.again_at is None
    scene.world.settle(scene.ada)
    scene.world.start(scene.ada, "ada")
    scene.rest()
    scene.check()
    scene.close()
