"""Copies that the user keeps are never blocks, wherever he moves them; what he copies himself is one."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, stop_importing
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.collection import Role
from marketplace_plugin.providers.memory import MemoryAccount, Moment, Request
from marketplace_plugin.store import connections, held
from marketplace_plugin.store.work.held import What
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, person, titles


def kept(world: World, *names: str) -> tuple[MemoryAccount, str]:
    """Another target was chosen, the copies in the former one stay; it is read no more."""
    account = world.account()
    for number, name in enumerate(names):
        world.host.create("ada", event(name, day=10 + number % 15))
    ada = world.connect("ada", account)
    world.settle(ada)
    chosen(world, ada, OTHER, [SOURCE])
    return account, ada


def chosen(world: World, ada: str, target: str | None, sources: list[str]) -> None:
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, target, sources, keep=True)
        connections.approve(unit.connection, ada, 0)
    world.settle(ada)


def resting(world: World, connection: str) -> Link:
    (link,) = [k for k in world.links(connection) if k.state is LinkState.DETACHED]
    return link


def waiting(world: World, connection: str) -> list[str | None]:
    with world.store.read() as c:
        return [one.remote_id for one in held.of_connection(c, connection, [What.UNCLEAR])]


def test_a_kept_copy_that_is_moved_into_a_source_is_no_block(world: World) -> None:
    """Where a move gives a new id, it came in as a foreign event: as a grey block beside the event that it is of."""
    account, ada = kept(world, "kept")
    there = account.user.move(TARGET, only(account).id, SOURCE)
    world.settle(ada)
    assert here(world) == titles(account, SOURCE) == titles(account, OTHER) == ["kept"]
    assert blocked(world, ada) == []
    account.user.edit(SOURCE, there, title="hers by now")
    world.settle(ada)
    assert here(world) == ["kept"]
    assert blocked(world, ada) == []


def test_it_is_known_where_it_stands_now_wherever_it_goes(world: World) -> None:
    account, ada = kept(world, "kept")
    there = account.user.move(TARGET, only(account).id, SOURCE)
    world.settle(ada)
    back = account.user.move(SOURCE, there, TARGET)
    world.settle(ada)
    there = account.user.move(TARGET, back, SOURCE)
    world.settle(ada)
    assert blocked(world, ada) == []
    copy = account.user.copy(SOURCE, there)
    account.user.edit(SOURCE, copy, title="the copy")
    world.settle(ada)
    assert blocked(world, ada) == ["the copy"]
    assert here(world) == ["kept"]


def test_what_she_copies_herself_is_a_block(world: World) -> None:
    """Both carry our mark, and the id that the link names still stands."""
    account, ada = kept(world, "kept")
    original = only(account).id
    copy = account.user.copy(TARGET, original, SOURCE)
    account.user.edit(SOURCE, copy, title="the copy")
    world.settle(ada)
    assert blocked(world, ada) == ["the copy"]
    account.user.delete(TARGET, original)
    world.settle(ada)
    assert blocked(world, ada) == ["the copy"]
    assert resting(world, ada).remote_id == original


@pytest.mark.parametrize("copied_first", [True, False])
def test_of_the_one_that_was_moved_and_its_copy_the_copy_is_a_block(world: World, copied_first: bool) -> None:
    account, ada = kept(world, "kept")
    original = only(account).id
    copy = account.user.copy(TARGET, original, SOURCE) if copied_first else ""
    there = account.user.move(TARGET, original, SOURCE)
    copy = copy or account.user.copy(SOURCE, there)
    account.user.edit(SOURCE, copy, title="the copy")
    world.settle(ada)
    assert blocked(world, ada) == ["the copy"]
    assert here(world) == ["kept"]


@pytest.mark.parametrize("moves", [True, False])
def test_it_waits_while_the_calendar_that_it_may_come_from_does_not_answer(world: World, moves: bool) -> None:
    account, ada = kept(world, "kept")
    original = only(account).id
    there = (account.user.move if moves else account.user.copy)(TARGET, original, SOURCE)
    account.faults.add(Moment.BEFORE, Request.FETCH, Unavailable("not now"), times=2)
    for _ in range(2):
        world.clock.forward(minutes=31)
        assert world.sync(ada).again_at is not None
        assert blocked(world, ada) == []
        assert waiting(world, ada) == [there]
    world.settle(ada)
    assert blocked(world, ada) == ([] if moves else ["kept"])
    assert waiting(world, ada) == []


def test_what_waits_and_goes_again_is_forgotten(world: World) -> None:
    account, ada = kept(world, "kept")
    there = account.user.move(TARGET, only(account).id, SOURCE)
    account.faults.add(Moment.BEFORE, Request.FETCH, Unavailable("not now"))
    world.clock.forward(minutes=31)
    world.sync(ada)
    account.user.delete(SOURCE, there)
    world.settle(ada)
    assert waiting(world, ada) == []
    assert blocked(world, ada) == []


def test_a_calendar_that_must_not_be_read_is_not_asked_each_time(world: World) -> None:
    """Whether the named one still stands there nobody can say: it waits, and costs nothing, until the role is back."""
    account, ada = kept(world, "kept")
    original = only(account).id
    account.user.set_role(TARGET, Role.FREE_BUSY)
    account.user.expire_cursors(SOURCE)
    world.settle(ada)
    account.user.set_role(TARGET, Role.OWNER)
    account.user.copy(TARGET, original, SOURCE)
    account.user.set_role(TARGET, Role.FREE_BUSY)
    world.settle(ada)
    before = account.requests[Request.FETCH]
    world.settle(ada)
    assert account.requests[Request.FETCH] - before <= 1
    assert blocked(world, ada) == []
    account.user.set_role(TARGET, Role.OWNER)
    account.user.expire_cursors(SOURCE)
    world.settle(ada)
    assert blocked(world, ada) == ["kept"]


def test_a_copy_of_a_connection_that_ended_is_known_too(world: World) -> None:
    """She has come back with the account as a source alone, and her events go to another one."""
    account, second = world.account(), world.account()
    world.host.create("ada", event("kept"))
    first = world.connect("ada", account)
    world.settle(first)
    disconnect(world.engine, person(world), first)
    world.settle(world.connect("ada", second))
    back = world.connect("ada", account, target=None, sources=(SOURCE,))
    world.settle(back)
    original = only(account).id
    copy = account.user.copy(TARGET, original, SOURCE)
    account.user.edit(SOURCE, copy, title="the copy")
    there = account.user.move(TARGET, original, SOURCE)
    world.settle(back)
    assert blocked(world, back) == ["the copy"]
    link = resting(world, first)
    assert (link.collection, link.remote_id) == (SOURCE, there)


def test_a_copy_that_wandered_off_before_other_calendars_were_chosen_is_no_block(world: World) -> None:
    """Nobody had read where it went when she chose; it is kept all the same."""
    account = world.account()
    world.host.create("ada", event("kept"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.move(TARGET, only(account).id, SOURCE)
    chosen(world, ada, OTHER, [SOURCE])
    assert here(world) == titles(account, SOURCE) == ["kept"]
    assert blocked(world, ada) == []


def test_a_move_in_two_steps_ends_as_no_block(world: World) -> None:
    """It arrived first, as a copy for all that anybody knew; where it came from, it was deleted a pass later."""
    account, ada = kept(world, "kept")
    chosen(world, ada, OTHER, [SOURCE, TARGET])
    found = only(account)
    there = account.user.create(SOURCE, found.item, uid=found.uid, stamp=found.stamp)
    world.settle(ada)
    assert blocked(world, ada) == ["kept"]
    account.user.delete(TARGET, found.id)
    world.settle(ada)
    assert blocked(world, ada) == []
    assert resting(world, ada).remote_id == there


def test_many_are_asked_for_in_batches_and_nothing_is_asked_without_news(world: World) -> None:
    account, ada = kept(world, *(f"{number}" for number in range(40)))
    for found in list(account.items(TARGET).values()):
        account.user.move(TARGET, found.id, SOURCE)
    before = account.requests[Request.FETCH]
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert account.requests[Request.FETCH] - before <= 2
    world.settle(ada)
    assert blocked(world, ada) == []
    before = account.requests[Request.FETCH]
    account.user.create(SOURCE, event("news"))
    world.settle(ada)
    assert account.requests[Request.FETCH] == before
    assert blocked(world, ada) == ["news"]


def test_a_converted_event_that_is_imported_no_longer_is_no_block_where_it_is_moved(world: World) -> None:
    """It carries no mark of ours; its UID is all that stays."""
    account = world.account()
    item = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account, target=None, sources=(SOURCE, OTHER))
    world.settle(ada)
    convert(world.engine, person(world), world.blocks(ada)[0].link)
    world.settle(ada)
    (link,) = world.links(ada)
    stop_importing(world.engine, person(world), link.id)
    chosen(world, ada, None, [OTHER])
    account.user.move(SOURCE, item, OTHER)
    world.settle(ada)
    assert here(world) == ["private"]
    assert blocked(world, ada) == []


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("target", [OTHER, None])
def test_a_kept_copy_that_is_missed_comes_to_life_no_more(world: World, failing: int, target: str | None) -> None:
    """Its deletion waited because another calendar could not be read: the link came to life for it, beside the one that
    its event has now, and no pass came to its end any more."""
    account, ada = kept(world, "kept")
    chosen(world, ada, target, [SOURCE, TARGET, OTHER])
    account.user.delete(TARGET, only(account).id)
    account.faults.add(Moment.BEFORE, Request.PAGE, Unavailable("not now"), skip=failing)
    world.clock.forward(minutes=31)
    assert world.sync(ada).outcome is RunOutcome.INCOMPLETE
    world.settle(ada)
    assert here(world) == titles(account, OTHER) == ["kept"]
    assert titles(account) == []
    live = [LinkKind.EXPORT] if target is not None else []
    assert [k.kind for k in world.links(ada) if k.state is not LinkState.DETACHED] == live
