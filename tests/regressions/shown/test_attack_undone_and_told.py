"""A conversion that is undone takes the event from those who took part in it: its title stood in a colleague's own
calendar until his next pass happened to come."""

from __future__ import annotations

from contextlib import suppress

import pytest

from marketplace_plugin.engine.acts.convert import convert, undo_conversion
from marketplace_plugin.errors import HostError
from marketplace_plugin.store import connections
from tests.laws.world import SOURCE, World, event
from tests.regressions.seeing import person, titles


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


@pytest.mark.parametrize("answered", [True, False])
def test_whoever_took_part_is_due_at_once(world: World, *, answered: bool) -> None:
    """Also where a pass finishes it, because the host's answer did not come."""
    hers, his = world.account(), world.account()
    hers.user.create(SOURCE, event("hers"))
    ada, bob = world.connect("ada", hers), world.connect("bob", his)
    world.settle(ada, bob)
    (block,) = world.blocks(ada)
    ref = convert(world.engine, person(world), block.link)
    world.settle(ada)
    world.host.invite("ada", ref, ["bob"])
    world.settle(ada, bob)
    assert titles(his) == ["hers"]
    if not answered:

        def no_answer(_: object) -> None:
            world.host.after_apply = None
            raise HostError("no answer")

        world.host.after_apply = no_answer
    with suppress(HostError):
        undo_conversion(world.engine, person(world), block.link)
    if not answered and not world.host.shares_transaction:
        world.sync(ada)
    elif not answered:
        undo_conversion(world.engine, person(world), block.link)
    with world.store.read() as c:
        row = connections.get(c, bob)
    assert row is not None
    assert row.dirty
    assert row.next_due is not None
    assert row.next_due <= world.clock()
    world.sync(bob)
    assert titles(his) == []
