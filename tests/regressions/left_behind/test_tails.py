"""A series that is split at the service leaves its tail there as an item of its own. In a target that is no source it
is none of ours, and its owner is told that it stands there alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.engine.acts.why import of_event
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.series.edit import change_following, end_before
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.providers.memory import MemoryAccount
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, occurrence, series, timed
from tests.regressions.seeing import blocked, here, master, only, person, titles


def reasons(world: World, ref: str) -> list[Reason]:
    return [line.reason for line in of_event(world.engine, person(world), ref).lines]


def synced(world: World, **how: object) -> tuple[MemoryAccount, str, str]:
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    ada = world.connect("ada", account, **how)  # type: ignore[arg-type]  # the sources
    world.settle(ada)
    return account, ada, ref


def split(account: MemoryAccount, hours: int = 0) -> None:
    found = only(account)
    assert isinstance(found.item, Series)
    at = occurrence(2)
    later = replace(at, wall=at.wall + timedelta(hours=hours))
    head, tail = change_following(found.item, at, replace(master(found.item), when=timed(later.wall), title="tail"))
    assert head is not None
    account.user.put(TARGET, found.id, head)
    stamp = found.stamp if account.personality.override_etags else None
    account.user.create(TARGET, tail, stamp=stamp)


@pytest.mark.parametrize("hours", [0, 3])
def test_a_tail_that_stays_there_alone_is_told(world: World, hours: int) -> None:
    account, ada, ref = synced(world)
    split(account, hours)
    world.settle(ada)
    assert here(world) == ["weekly"]
    assert blocked(world, ada) == []
    assert titles(account) == ["tail", "weekly"]
    assert reasons(world, ref).count(Reason.SPLIT_THERE) == 1


def test_where_the_target_is_a_source_it_is_a_block_and_nothing_is_told(world: World) -> None:
    account, ada, ref = synced(world, sources=(SOURCE, TARGET))
    split(account)
    world.settle(ada)
    assert blocked(world, ada) == ["tail"]
    assert Reason.SPLIT_THERE not in reasons(world, ref)


def test_a_series_that_is_only_made_shorter_has_no_tail(world: World) -> None:
    account, ada, ref = synced(world)
    found = only(account)
    assert isinstance(found.item, Series)
    head = end_before(found.item, occurrence(2))
    assert head is not None
    account.user.put(TARGET, found.id, head)
    start = occurrence(2)
    other = replace(series("another"), master=replace(master(found.item), when=timed(_next_day(start).wall)))
    account.user.create(TARGET, other)
    world.settle(ada)
    assert Reason.SPLIT_THERE not in reasons(world, ref)


def _next_day(at: Zoned) -> Zoned:
    return replace(at, wall=at.wall + timedelta(days=1))
