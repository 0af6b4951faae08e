"""A conversion that is undone when its calendar is no source any more: a grey block stood in a calendar that nobody
reads, and said "Busy" for good."""

from __future__ import annotations

from contextlib import suppress

import pytest

from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, undo_conversion
from marketplace_plugin.engine.acts.waiting.conflicts import listed
from marketplace_plugin.errors import HostError
from marketplace_plugin.providers.memory import PERSONALITIES, MemoryAccount
from marketplace_plugin.store.accounts.connections import Policy
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, person, titles


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


def unticked(world: World, policy: Policy = Policy.NEWEST) -> tuple[MemoryAccount, str, str]:
    """The account, the connection and the link of an event that was made visible."""
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account, policy=policy)
    world.settle(ada)
    (block,) = world.blocks(ada)
    convert(world.engine, person(world), block.link)
    world.settle(ada)
    tick(world, ada, OTHER)
    world.settle(ada)
    return account, ada, block.link


def tick(world: World, connection: str, source: str) -> None:
    with world.store.begin() as unit:
        choose(world.engine, unit, connection, TARGET, {source})


def test_no_block_is_left_and_it_is_one_when_its_calendar_is_ticked_again(world: World) -> None:
    account, ada, link = unticked(world)
    assert not undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    assert world.links(ada) == []
    assert blocked(world, ada) == here(world) == titles(account) == []
    assert titles(account, SOURCE) == ["private"]
    tick(world, ada, SOURCE)
    world.settle(ada)
    assert blocked(world, ada) == ["private"]
    account.user.delete(SOURCE, only(account, SOURCE).id)
    world.settle(ada)
    assert blocked(world, ada) == []


def test_the_host_s_answer_to_it_does_not_come() -> None:
    """The next pass finishes it by the same rule."""
    for personality in PERSONALITIES:
        world = World(personality, shared=False)
        account, ada, link = unticked(world)

        def no_answer(_: object, world: World = world) -> None:
            world.host.after_apply = None
            raise HostError("no answer")

        world.host.after_apply = no_answer
        with suppress(HostError):
            undo_conversion(world.engine, person(world), link)
        world.settle(ada)
        assert world.links(ada) == []
        assert blocked(world, ada) == here(world) == []
        assert titles(account, SOURCE) == ["private"]
        world.close()


def test_what_was_overruled_stays_told(world: World) -> None:
    account, ada, link = unticked(world, Policy.REMOTE)
    (ref,) = world.host.all_of("ada")
    world.host.edit("ada", ref, title="here")
    account.user.edit(SOURCE, only(account, SOURCE).id, title="there")
    world.settle(ada)
    assert not undo_conversion(world.engine, person(world), link)
    world.settle(ada)
    (view,) = listed(world.engine, person(world))
    assert (view.here, view.there) == ("here", "there")
