"""Copies wait in a former target to be removed, and the person disconnects: nobody knew of them afterwards."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.account.disconnect import Disconnected, disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.providers.memory import PERSONALITIES, MemoryAccount, Moment, Personality, Request, Rewrite
from marketplace_plugin.store import connections
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, person, titles

EVERY = (SOURCE, TARGET, OTHER)


def _leave(world: World, ada: str, keep: bool = False) -> None:
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, EVERY, keep=keep)
        connections.approve(unit.connection, ada, 0)


def _waiting(world: World) -> tuple[MemoryAccount, str]:
    """Two copies in a former target; the new ones are not made yet."""
    for day, title in enumerate(("one", "two"), 10):
        world.host.create("ada", event(title, day))
    account = world.account()
    ada = world.connect("ada", account)
    world.settle(ada)
    _leave(world, ada)
    return account, ada


def _end(world: World, ada: str, delete: bool = False) -> Disconnected:
    return disconnect(world.engine, person(world), ada, delete)


def _back(world: World, account: MemoryAccount, approved: bool = True) -> str:
    return world.connect("ada", account, target=OTHER, sources=EVERY, approved=approved)


def test_who_comes_back_finds_each_event_once(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    new = _back(world, account)
    world.settle(new)
    assert titles(account) == []
    assert titles(account, OTHER) == here(world) == ["one", "two"]
    assert blocked(world, new) == []
    assert account.outbox == []


def test_it_is_known_by_its_names_alone_while_nobody_is_connected(world: World) -> None:
    _, ada = _waiting(world)
    _end(world, ada)
    for link in world.links(ada):
        assert (link.state, link.base, link.remote_base, link.host) == (LinkState.DETACHED, None, None, None)
    assert {link.host_ref for link in world.links(ada)} == {None}


def test_what_somebody_wrote_into_meanwhile_stays_and_is_no_block(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    (touched,) = (i for i, one in account.items(TARGET).items() if getattr(one.item, "title", "") == "one")
    account.user.edit(TARGET, touched, title="written there")
    new = _back(world, account)
    world.settle(new)
    assert titles(account) == ["written there"]
    assert titles(account, OTHER) == here(world) == ["one", "two"]
    assert blocked(world, new) == []
    (kept,) = (k for k in world.links(new) if k.remote_id == touched)
    assert (kept.state, kept.host_ref) == (LinkState.DETACHED, None)


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
def test_what_the_service_alone_has_touched_is_removed(personality: Personality) -> None:
    """It rewrites what it is given and gives it new tags late: neither is somebody's edit."""
    world = World(personality, rewrites=frozenset(Rewrite), late_bumps=True)
    account, ada = _waiting(world)
    _end(world, ada)
    new = _back(world, account)
    world.settle(new)
    assert titles(account) == []
    world.close()


def test_it_is_removed_where_it_was_moved_to(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    for item_id in list(account.items(TARGET)):
        account.user.move(TARGET, item_id, SOURCE)
    new = _back(world, account)
    world.settle(new)
    assert titles(account) == titles(account, SOURCE) == []
    assert titles(account, OTHER) == ["one", "two"]
    assert blocked(world, new) == []


def test_disconnecting_with_the_copies_removes_them_too(world: World) -> None:
    account, ada = _waiting(world)
    assert _end(world, ada, delete=True) == Disconnected(deleted=2)
    assert titles(account) == []
    assert world.links(ada) == []


def test_disconnecting_with_the_copies_removes_those_of_an_earlier_connection(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    new = _back(world, account)
    assert _end(world, new, delete=True) == Disconnected(deleted=2)
    assert titles(account) == []


def test_copies_that_could_not_be_deleted_are_removed_when_the_account_is_back(world: World) -> None:
    account, ada = _waiting(world)
    account.faults.add(Moment.BEFORE, Request.DELETE, Unavailable("not now"), times=9)
    assert _end(world, ada, delete=True) == Disconnected(left=2)
    account.faults.clear()
    new = _back(world, account)
    world.settle(new)
    assert titles(account) == []
    assert titles(account, OTHER) == ["one", "two"]


def test_a_copy_that_was_on_its_way_is_found_by_its_stamp(world: World) -> None:
    """He chose another target and disconnected while it was being made."""

    def leave(connection: str) -> None:
        _leave(world, connection)
        _end(world, connection)

    world.host.create("ada", event("one"))
    account = world.account()
    ada = world.connect("ada", account)
    account.faults.add(Moment.BEFORE, Request.INSERT, lambda: leave(ada))
    world.sync(ada)
    assert titles(account) == ["one"]
    new = _back(world, account)
    world.settle(new)
    assert titles(account) == []
    assert titles(account, OTHER) == ["one"]
    assert blocked(world, new) == []


@pytest.mark.parametrize("delete", [True, False])
def test_a_copy_that_was_made_though_the_service_said_not_now_is_known_again(world: World, delete: bool) -> None:
    """It was forgotten with the connection, and the event was written a second time; and who wanted her copies deleted
    kept it."""
    world.host.create("ada", event("one"))
    account = world.account()
    ada = world.connect("ada", account)
    account.faults.add(Moment.AFTER, Request.INSERT, Throttled("slow down"))
    world.sync(ada)
    assert titles(account) == ["one"]
    assert _end(world, ada, delete) == Disconnected(deleted=int(delete))
    new = _back(world, account)
    world.settle(new)
    assert [*titles(account), *titles(account, OTHER)] == here(world) == ["one"]


def test_nothing_is_removed_before_the_plan_is_approved(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    new = _back(world, account, approved=False)
    world.sync(new)
    assert titles(account) == ["one", "two"]
    assert blocked(world, new) == []
    world.start(new, "ada")
    world.settle(new)
    assert titles(account) == []
    assert titles(account, OTHER) == ["one", "two"]


def test_while_they_cannot_be_looked_up_nothing_is_made_of_them(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    new = _back(world, account)
    account.faults.add(Moment.BEFORE, Request.FETCH, Unavailable("not now"), times=3)
    for _ in range(3):
        world.clock.forward(minutes=31)
        world.sync(new)
        assert blocked(world, new) == []
    account.faults.clear()
    world.settle(new)
    assert titles(account) == []
    assert titles(account, OTHER) == ["one", "two"]


def test_what_cannot_be_read_just_now_is_not_forgotten(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    ids = list(account.items(TARGET))
    account.user.garble(TARGET, ids[0], UnreadableReason.MALFORMED)
    new = _back(world, account)
    world.settle(new)
    account.user.mend(TARGET, ids[0])
    world.settle(new)
    assert titles(account) == []
    assert blocked(world, new) == []


def test_another_account_has_nothing_to_do_with_them(world: World) -> None:
    account, ada = _waiting(world)
    _end(world, ada)
    other = world.connect("ada", world.account(), target=OTHER, sources=EVERY)
    world.settle(other)
    assert titles(account) == ["one", "two"]
    assert all(k.kind is LinkKind.EXPORT and k.host_ref for k in world.links(other))


def test_another_person_has_nothing_to_do_with_them(world: World) -> None:
    """Two people reach one calendar: what the one left there is not the other's to remove, nor a block of his."""
    account, ada = _waiting(world)
    _end(world, ada)
    bob = world.connect("bob", account, target=OTHER, sources=EVERY)
    world.settle(bob)
    assert titles(account) == ["one", "two"]
    assert world.links(bob) == []


def test_a_disconnect_that_died_goes_on_when_it_is_asked_for_again(world: World) -> None:
    account, ada = _waiting(world)

    def die() -> None:
        raise KeyboardInterrupt

    account.faults.add(Moment.AFTER, Request.DELETE, die)
    with pytest.raises(KeyboardInterrupt):
        _end(world, ada, delete=True)
    assert len(titles(account)) == 1
    assert _end(world, ada, delete=True) == Disconnected(deleted=2)
    assert titles(account) == []


def test_what_the_user_had_deleted_there_is_remembered_in_another_target(world: World) -> None:
    """He deleted his copy of somebody's meeting, for good: another target made it again."""
    world.host.create("bob", event("meeting"), guests=["ada"])
    account = world.account()
    ada = world.connect("ada", account)
    world.settle(ada)
    (item_id,) = account.items(TARGET)
    account.user.delete(TARGET, item_id)
    world.settle(ada)
    _leave(world, ada)
    world.settle(ada)
    assert titles(account) == titles(account, OTHER) == []
    assert here(world) == ["meeting"]
