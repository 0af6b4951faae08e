"""Events that were made visible, moved while nobody was connected: what they were tied to was known by its calendar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.convert import convert, stop_importing
from marketplace_plugin.errors import VisibleAlready
from marketplace_plugin.providers.memory import PERSONALITIES, Crash, Moment, Request
from tests.laws.edits import Edit
from tests.laws.scene import CALENDARS, Scene
from tests.laws.world import OTHER, SOURCE, TARGET

PARAMS = list(product(PERSONALITIES, [(SOURCE,), CALENDARS]))


@pytest.fixture(params=PARAMS, ids=lambda p: f"{p[0].name}-{len(p[1])}")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    personality, sources = request.param
    made = Scene(personality, shared=True, sources=sources)
    yield made
    made.close()


def _made_visible(scene: Scene, kind: str) -> None:
    scene.make_there(kind)
    scene.connect()
    scene.world.settle(scene.ada)
    (block,) = scene.world.blocks(scene.ada)
    convert(scene.world.engine, scene.person, block.link)
    scene.world.settle(scene.ada)


def _stands_once(scene: Scene) -> None:
    scene.rest()
    scene.nothing_gone()
    scene.nothing_doubled()
    assert len(scene.all_there()) == 1
    assert len(scene.world.host.all_of("ada")) == 1
    assert scene.world.blocks(scene.ada) == []
    assert scene.account.outbox == []


@pytest.mark.parametrize("kind", ["event", "series"])
@pytest.mark.parametrize("edit", [None, Edit.DAY])
@pytest.mark.parametrize("to", [OTHER, TARGET])
def test_who_comes_back_finds_it_where_it_lies(scene: Scene, kind: str, edit: Edit | None, to: str) -> None:
    """It was not looked for in other calendars, and written into the target a second time."""
    _made_visible(scene, kind)
    disconnect(scene.world.engine, scene.person, scene.ada)
    scene.move_there(0, to)
    if edit is not None:
        scene.edit_there(0, edit)
    scene.connect()
    _stands_once(scene)


@pytest.mark.parametrize("kind", ["event", "series"])
@pytest.mark.parametrize("to", [None, OTHER])
def test_what_is_imported_no_more_stays_so(scene: Scene, kind: str, to: str | None) -> None:
    """With its connection it was forgotten that both sides were to be left alone, and it stood beside its own block."""
    _made_visible(scene, kind)
    (link,) = scene.world.links(scene.ada)
    stop_importing(scene.world.engine, scene.person, link.id)
    scene.world.settle(scene.ada)
    disconnect(scene.world.engine, scene.person, scene.ada)
    if to is not None:
        scene.move_there(0, to)
    else:
        scene.edit_there(0, Edit.DAY)
    scene.connect()
    scene.rest()
    scene.edit_here(0, Edit.TITLE)
    scene.rest()
    assert len(scene.all_there()) == len(scene.world.host.all_of("ada")) == 1
    assert scene.world.blocks(scene.ada) == []
    (here,) = scene.world.host.all_of("ada").values()
    (there,) = scene.all_there().values()
    assert here.item != there.item


@pytest.mark.parametrize("kind", ["event", "series"])
def test_who_comes_back_makes_it_visible_once(scene: Scene, kind: str) -> None:
    """Its block had come in, the pass died before it was known for what it is, and she made the block visible again."""
    _made_visible(scene, kind)
    disconnect(scene.world.engine, scene.person, scene.ada)
    scene.connect()
    scene.account.faults.add(Moment.BEFORE, Request.FETCH, Crash("killed"))
    with suppress(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    (block,) = scene.world.blocks(scene.ada)
    with pytest.raises(VisibleAlready):
        convert(scene.world.engine, scene.person, block.link)
    _stands_once(scene)
