"""Moves between calendars while one of them cannot be read: what arrived before it was missed is no deletion."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.acts.convert import convert, undo_conversion
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.providers.memory import Moment, Request
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, person, titles


@pytest.mark.parametrize("failing", [0, 1])
def test_a_move_is_no_deletion_although_one_of_both_calendars_was_not_read(world: World, failing: int) -> None:
    """The arrival was read in one pass, the departure in the next: the event was deleted here."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (found,) = account.items(TARGET).values()
    account.user.move(TARGET, found.id, SOURCE)
    account.faults.add(Moment.BEFORE, Request.PAGE, Unavailable("not now"), skip=failing)
    world.clock.forward(minutes=31)
    world.sync(ada)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert titles(account, SOURCE) == ["one"]
    assert titles(account) == []
    assert world.blocks(ada) == []
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account, SOURCE) == ["renamed"]


def test_a_deletion_waits_while_a_calendar_that_may_hold_the_event_does_not_answer(world: World) -> None:
    """The event was moved into a calendar that is not synced, which did not answer just then: it was deleted here."""
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (found,) = account.items(TARGET).values()
    account.user.move(TARGET, found.id, OTHER)
    account.faults.add(Moment.BEFORE, frozenset({Request.FETCH, Request.FIND}), Unavailable("not now"), times=50)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert here(world) == ["one"]
    account.faults.clear()
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["one"]


@pytest.mark.parametrize("moved_first", [True, False])
def test_a_copy_does_not_take_the_place_of_the_event_that_was_moved(world: World, moved_first: bool) -> None:
    """An exported event was moved to a source and copied there between two passes: the copy, which carries our mark
    too, was taken for it, and the event itself was nobody's any more."""
    account = world.account()
    ref = world.host.create("ada", event("original"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (found,) = account.items(TARGET).values()
    original, copy = found.id, ""
    if not moved_first:
        copy = account.user.copy(TARGET, original, SOURCE)
        original = account.user.move(TARGET, original, SOURCE)
    else:
        original = account.user.move(TARGET, original, SOURCE)
        world.clock.forward(minutes=1)
        copy = account.user.copy(SOURCE, original, SOURCE)
    account.user.edit(SOURCE, copy, title="the copy")
    world.settle(ada)
    (link,) = [k for k in world.links(ada) if k.kind is LinkKind.EXPORT]
    assert (link.remote_id, link.host_ref) == (original, ref)
    assert here(world) == ["original"]
    assert blocked(world, ada) == ["the copy"]


@pytest.mark.parametrize("sources", [(SOURCE,), (SOURCE, TARGET)])
@pytest.mark.parametrize("asked", [False, True])
def test_what_came_back_while_its_calendar_did_not_answer_is_the_event_still(
    world: World, sources: tuple[str, ...], asked: bool
) -> None:
    """It was missed, and waited; it came back, under a new id where a move gives one, when it could not be asked for.
    That nothing was heard of it counted as "nothing has happened to it", and nobody followed it any more."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account, sources=sources)
    world.settle(ada)
    (found,) = account.items(TARGET).values()
    away = account.user.move(TARGET, found.id, OTHER)
    account.faults.add(Moment.BEFORE, frozenset({Request.FETCH, Request.FIND}), Unavailable("not now"), times=50)
    world.clock.forward(minutes=31)
    world.sync(ada)
    back = account.user.move(OTHER, away, TARGET)
    if asked:
        account.faults.clear()
    world.clock.forward(minutes=31)
    world.sync(ada)
    account.faults.clear()
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert blocked(world, ada) == []
    assert [k.remote_id for k in world.links(ada)] == [back]
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account) == ["renamed"]


def test_a_copy_is_no_move_while_the_event_is_a_block(world: World) -> None:
    """It was moved while its calendar was not read, so it became a block; copied there before the departure was told,
    the copy was taken for it, and the event itself stayed a block."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (found,) = account.items(TARGET).values()
    there = account.user.move(TARGET, found.id, SOURCE)
    account.faults.add(Moment.BEFORE, Request.PAGE, Unavailable("not now"))
    world.clock.forward(minutes=31)
    world.sync(ada)
    copy = account.user.copy(SOURCE, there)
    account.user.edit(SOURCE, copy, title="the copy")
    account.faults.clear()
    world.settle(ada)
    (link,) = [k for k in world.links(ada) if k.host_ref == ref]
    assert link.remote_id == there
    assert here(world) == ["one"]
    assert blocked(world, ada) == ["the copy"]


def converted(world: World, connection: str) -> str:
    (block,) = world.blocks(connection)
    ref = convert(world.engine, person(world), block.link)
    world.settle(connection)
    return ref


def test_a_converted_event_that_moves_into_a_calendar_that_is_not_synced_is_followed(world: World) -> None:
    """It carries no mark of ours, and its id is another one there: the event was deleted here."""
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    ref = converted(world, ada)
    account.user.create(OTHER, event("another", day=11))
    there = account.user.move(SOURCE, item, OTHER)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    (link,) = world.links(ada)
    assert (link.kind, link.collection, link.remote_id) == (LinkKind.CONVERTED, OTHER, there)
    world.host.edit("ada", ref, title="renamed")
    world.settle(ada)
    assert titles(account, OTHER) == ["another", "renamed"]
    assert world.blocks(ada) == [], "what else lies there is nobody's matter"
    account.user.delete(OTHER, there)
    world.settle(ada)
    assert here(world) == []


def test_its_deletion_waits_while_that_calendar_cannot_be_read(world: World) -> None:
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    ref = converted(world, ada)
    account.user.move(SOURCE, item, OTHER)
    other_reads = frozenset({Request.FETCH, Request.FIND})
    account.faults.add(Moment.BEFORE, other_reads, Unavailable("not now"), times=50)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert list(world.host.all_of("ada")) == [ref]
    account.faults.clear()
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]
    assert titles(account, OTHER) == ["private"]


def test_what_cannot_be_read_there_may_be_the_event(world: World) -> None:
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    ref = converted(world, ada)
    there = account.user.move(SOURCE, item, OTHER)
    account.user.garble(OTHER, there)
    for _ in range(3):
        world.clock.forward(minutes=31)
        world.sync(ada)
    assert list(world.host.all_of("ada")) == [ref]
    account.user.mend(OTHER, there)
    world.settle(ada)
    assert list(world.host.all_of("ada")) == [ref]


def test_a_converted_event_that_is_deleted_there_is_deleted_here(world: World) -> None:
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    converted(world, ada)
    account.user.create(OTHER, event("another", day=11))
    account.user.delete(SOURCE, item)
    world.settle(ada)
    assert here(world) == []


@pytest.mark.parametrize("back", [False, True])
def test_what_is_doubted_is_asked_for_though_it_was_converted_meanwhile(world: World, back: bool) -> None:
    """The item of a block had left its calendar, and could not be asked for just then; made visible, or a block again,
    it was tied for good to what was no longer there."""
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account, sources=(SOURCE, TARGET))
    world.settle(ada)
    if back:
        converted(world, ada)
    account.user.move(SOURCE, item, OTHER)
    not_there = frozenset({Request.FETCH, Request.FIND})
    account.faults.add(Moment.BEFORE, not_there, Unavailable("not now"), times=50)
    world.clock.forward(minutes=31)
    world.sync(ada)
    account.faults.clear()
    doubted = [k for k in world.links(ada) if k.state is LinkState.PARKED]
    for link in doubted:
        (undo_conversion if back else convert)(world.engine, person(world), link.id)
    world.settle(ada)
    there = {(OTHER, found.id) for found in account.items(OTHER).values()}
    assert {(k.collection, k.remote_id) for k in world.links(ada)} <= there
    assert blocked(world, ada) == []
