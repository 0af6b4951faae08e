"""A converted event that moves into a calendar that is not synced, under a new id: its UID is all that stays, and it
may share that, or lie where nobody looked."""

from __future__ import annotations

from datetime import datetime

import pytest

from marketplace_plugin.engine.acts.convert import convert
from tests.laws.world import OTHER, SOURCE, World, event, timed
from tests.regressions.seeing import here, person, title, titles


def converted(world: World, *days: int) -> tuple[str, list[str]]:
    """Occurrences of one series, each an item of its own, all of them visible here."""
    account = world.account()
    items = [account.user.create(SOURCE, event(f"on {day}", day=day), uid="series") for day in days]
    ada = world.connect("ada", account)
    world.settle(ada)
    for block in world.blocks(ada):
        convert(world.engine, person(world), block.link)
    world.settle(ada)
    assert here(world) == [f"on {day}" for day in days]
    return ada, items


def test_two_occurrences_with_one_uid_move_together(world: World) -> None:
    """One of both was followed, and the other one deleted here."""
    ada, items = converted(world, 10, 17)
    account = world.plugins.accounts[ada]
    for item in items:
        account.user.move(SOURCE, item, OTHER)
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["on 10", "on 17"]
    for link in world.links(ada):
        seen = world.host.all_of("ada")[link.host_ref or ""]
        assert title(account.items(OTHER)[link.remote_id or ""].item) == title(seen.item)


def test_one_of_them_moves_and_the_other_is_deleted(world: World) -> None:
    ada, (first, second) = converted(world, 10, 17)
    account = world.plugins.accounts[ada]
    account.user.delete(SOURCE, first)
    account.user.move(SOURCE, second, OTHER)
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["on 17"]


def test_a_deletion_waits_where_nobody_can_say_which_of_them_is_there(world: World) -> None:
    ada, items = converted(world, 10, 17)
    account = world.plugins.accounts[ada]
    for number, item in enumerate(items):
        moved = account.user.move(SOURCE, item, OTHER)
        account.user.edit(OTHER, moved, when=event(day=20 + number).when)
    for _ in range(3):
        world.clock.forward(minutes=31)
        world.sync(ada)
    assert len(here(world)) == 2


@pytest.mark.parametrize("years", [-1, 3])
def test_what_lies_outside_of_the_window_is_looked_for_where_it_lies(world: World, years: int) -> None:
    """The other calendar was read over the window alone: what lay beyond was deleted here."""
    ada, (item,) = converted(world, 10)
    account = world.plugins.accounts[ada]
    (ref,) = world.host.all_of("ada")
    world.host.edit("ada", ref, when=timed(datetime(2026 + years, 3, 10, 9)))  # noqa: DTZ001  # a wall time
    world.settle(ada)
    account.user.move(SOURCE, item, OTHER)
    for _ in range(8):  # each event beyond the window has its turn
        world.clock.forward(days=1)
        world.sync(ada)
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["on 10"]
