"""A conversion whose answer was lost, in a host with a database of its own: the event is there, and nobody knows whose
it is. It was written into another calendar, or into the same account a second time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, stop_importing
from marketplace_plugin.errors import ConversionUnderWay, HostError
from marketplace_plugin.providers.memory import PERSONALITIES
from marketplace_plugin.sync.link import LinkKind
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, person, titles


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The host has a database of its own."""
    made = World(request.param, shared=False)
    yield made
    made.close()


def half_converted(world: World, connection: str, *, applied: bool = True) -> str:
    """The host made the event, or did not, and its answer did not come. Returns the block's link."""

    def no_answer(_: object) -> None:
        world.host.before_apply = world.host.after_apply = None
        raise HostError("no answer")

    if applied:
        world.host.after_apply = no_answer
    else:
        world.host.before_apply = no_answer
    (block,) = world.blocks(connection)
    with suppress(HostError):
        convert(world.engine, person(world), block.link)
    return block.link


@pytest.mark.parametrize("edited", [True, False])
def test_another_connection_does_not_export_what_is_just_being_made_visible(world: World, *, edited: bool) -> None:
    mine, work = world.account(), world.account()
    mine.user.create(SOURCE, event("private"))
    source = world.connect("ada", mine, target=None)
    target = world.connect("ada", work)
    world.settle(source, target)
    half_converted(world, source)
    if edited:
        (ref,) = world.host.all_of("ada")
        world.host.edit("ada", ref, location="edited")
    world.clock.forward(minutes=31)
    world.sync(target)
    assert titles(work) == []
    world.settle(source, target)
    assert titles(work) == blocked(world, source) == []
    assert here(world) == titles(mine, SOURCE) == ["private"]
    world.host.create("ada", event("her own", day=12))
    world.settle(target)
    assert titles(work) == ["her own"]


@pytest.mark.parametrize("applied", [True, False])
def test_a_source_is_unticked_meanwhile(world: World, *, applied: bool) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.settle(ada)
    half_converted(world, ada, applied=applied)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, TARGET, {OTHER})
    world.settle(ada)
    assert titles(account) == blocked(world, ada) == []
    (link,) = world.links(ada)  # the host was asked again under the same key
    assert (link.kind, link.collection) == (LinkKind.CONVERTED, SOURCE)
    assert here(world) == titles(account, SOURCE) == ["private"]


def test_what_is_just_being_made_visible_is_not_taken_away(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.settle(ada)
    link = half_converted(world, ada)
    with pytest.raises(ConversionUnderWay):
        stop_importing(world.engine, person(world), link)
    world.settle(ada)
    assert titles(account) == blocked(world, ada) == []
    assert here(world) == titles(account, SOURCE) == ["private"]
    stop_importing(world.engine, person(world), link)
    world.settle(ada)
    assert titles(account) == blocked(world, ada) == []
