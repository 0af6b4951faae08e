"""A series that is split at the service leaves its tail there as an item of its own. In a target that is no source it
is none of ours, and its owner is told that it stands there alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.why import of_event
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.series.edit import change_following, end_before
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.providers.memory import MemoryAccount, Moment, Request
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import OTHER, SOURCE, TARGET, World, occurrence, series, timed
from tests.regressions.seeing import blocked, here, master, only, person, titles


def reasons(world: World, ref: str) -> list[Reason]:
    return [line.reason for line in of_event(world.engine, person(world), ref).lines]


def synced(world: World, **how: object) -> tuple[MemoryAccount, str, str]:
    account = world.account()
    ref = world.host.create("ada", series("weekly"))
    ada = world.connect("ada", account, **how)  # type: ignore[arg-type]  # the sources
    world.settle(ada)
    return account, ada, ref


def split(account: MemoryAccount, hours: int = 0) -> str:
    """Its tail, which carries the mark of its head at Google only."""
    found = only(account)
    assert isinstance(found.item, Series)
    at = occurrence(2)
    later = replace(at, wall=at.wall + timedelta(hours=hours))
    head, tail = change_following(found.item, at, replace(master(found.item), when=timed(later.wall), title="tail"))
    assert head is not None
    account.user.put(TARGET, found.id, head)
    stamp = found.stamp if account.personality.override_etags else None
    return account.user.create(TARGET, tail, stamp=stamp)


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


def head_and_tail(account: MemoryAccount) -> tuple[str, str]:
    head = only(account).id
    return head, split(account)


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("sources", [(SOURCE,), (SOURCE, TARGET)])
def test_the_first_half_is_the_event_wherever_it_is_moved(world: World, seen: bool, sources: tuple[str, ...]) -> None:
    """It was moved into a calendar that is not synced, and the second half edited in the same round: the second half,
    which carries the mark too, took its place here, and the first one stayed at the service alone."""
    account, ada, ref = synced(world, sources=sources)
    head, tail = head_and_tail(account)
    if seen:
        world.settle(ada)
    moved = account.user.move(TARGET, head, OTHER)
    account.user.edit(TARGET, tail, title="tail, edited")
    world.settle(ada)
    assert here(world) == ["weekly"]
    assert blocked(world, ada) == (["tail, edited"] if TARGET in sources else [])
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account, OTHER) == ["renamed"]
    assert [k.remote_id for k in world.links(ada) if k.host_ref == ref] == [moved]
    assert titles(account) == ["tail, edited"]


def test_its_mark_is_not_enough_while_a_calendar_does_not_answer(world: World) -> None:
    account, ada, _ = synced(world)
    head, tail = head_and_tail(account)
    account.user.move(TARGET, head, OTHER)
    account.user.edit(TARGET, tail, title="tail, edited")
    account.faults.add(Moment.BEFORE, frozenset({Request.FETCH, Request.FIND}), Unavailable("not now"), times=50)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert here(world) == ["weekly"]
    account.faults.clear()
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["weekly"]
    assert titles(account) == ["tail, edited"]


@pytest.mark.parametrize("place", [OTHER, SOURCE])
def test_who_comes_back_finds_the_first_half_where_it_was_moved(world: World, place: str) -> None:
    account, ada, ref = synced(world)
    disconnect(world.engine, person(world), ada)
    head, _ = head_and_tail(account)
    moved = account.user.move(TARGET, head, place)
    ada = world.connect("ada", account)
    world.settle(ada)
    assert [k.remote_id for k in world.links(ada) if k.host_ref == ref] == [moved]
    assert titles(account, place) == here(world) == ["weekly"]
    assert titles(account) == ["tail"]


def test_a_copy_takes_the_place_of_what_is_nowhere_else(world: World) -> None:
    """Copied, and what it was copied from deleted: nothing but our mark tells that it is the event."""
    account, ada, ref = synced(world)
    found = only(account)
    copy = account.user.create(SOURCE, found.item, stamp=found.stamp)
    account.user.delete(TARGET, found.id)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert [(k.collection, k.remote_id) for k in world.links(ada)] == [(SOURCE, copy)]
    assert blocked(world, ada) == []
