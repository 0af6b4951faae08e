"""Deleted at the service and taken out of the bin there again, while our own deletion in the host was on its way: what
we deleted here was taken for her deletion, and what she had restored was deleted there too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.undo import undo
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.providers.memory import PERSONALITIES, Crash, MemoryAccount, Moment, Personality, Request
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, person, titles

KINDS = [LinkKind.EXPORT, LinkKind.CONVERTED]
PLACE = {LinkKind.EXPORT: TARGET, LinkKind.CONVERTED: SOURCE}


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The host has a database of its own."""
    made = World(request.param, shared=False)
    yield made
    made.close()


def deleted_there(world: World, kind: LinkKind) -> tuple[MemoryAccount, str, str]:
    """An event of hers on both sides, that she has just deleted at the service: (account, connection, remote id)."""
    account = world.account()
    ada = world.connect("ada", account)
    if kind is LinkKind.CONVERTED:
        account.user.create(SOURCE, event("hers"))
        world.settle(ada)
        (block,) = world.blocks(ada)
        convert(world.engine, person(world), block.link)
    else:
        world.host.create("ada", event("hers"))
    world.settle(ada)
    remote = only(account, PLACE[kind]).id
    account.user.delete(PLACE[kind], remote)
    world.clock.forward(minutes=31)
    return account, ada, remote


def die_behind_the_host(world: World, ada: str, trigger: Trigger = Trigger.BUTTON, run: str = "") -> None:
    """The host has deleted it, and the pass dies before its commit."""

    def die(_: object) -> None:
        world.host.after_apply = None
        raise Crash

    world.host.after_apply = die
    with suppress(Crash):
        world.sync(ada, trigger, run)
    world.host.after_apply = None


def restore(account: MemoryAccount, kind: LinkKind, remote: str) -> None:
    """Out of the bin, under the same id."""
    record = account.records[PLACE[kind], remote]
    record.deleted = False
    account.touch(record)
    account.save()


def stands_on_both_sides(world: World, account: MemoryAccount, ada: str, kind: LinkKind) -> None:
    assert here(world) == titles(account, PLACE[kind]) == ["hers"]
    assert blocked(world, ada) == []
    (link,) = world.links(ada)
    assert (link.kind, link.state) == (kind, LinkState.LIVE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
def test_what_she_restored_there_while_a_pass_died_stands_on_both_sides(
    personality: Personality, kind: LinkKind, *, shared: bool
) -> None:
    """A converted one was her original."""
    world = World(personality, shared=shared)
    account, ada, remote = deleted_there(world, kind)
    die_behind_the_host(world, ada)
    restore(account, kind, remote)
    world.settle(ada)
    stands_on_both_sides(world, account, ada, kind)
    world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_she_restored_and_edited_there_comes_back_as_it_is_now(world: World, kind: LinkKind) -> None:
    account, ada, remote = deleted_there(world, kind)
    die_behind_the_host(world, ada)
    restore(account, kind, remote)
    account.user.edit(PLACE[kind], remote, location="there")
    world.settle(ada)
    stands_on_both_sides(world, account, ada, kind)
    (shown,) = world.host.all_of("ada").values()
    assert getattr(shown.item, "location", "") == "there"


@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_deleted_there_goes_on_both_sides(world: World, kind: LinkKind) -> None:
    account, ada, _ = deleted_there(world, kind)
    die_behind_the_host(world, ada)
    world.settle(ada)
    assert here(world) == titles(account, PLACE[kind]) == []
    assert world.links(ada) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_wakes_behind_the_restoring_deletes_nothing_there(world: World, kind: LinkKind) -> None:
    """Another worker had found it restored, and nothing to do."""
    account, ada, remote = deleted_there(world, kind)

    def hang(_: object) -> None:
        world.host.before_apply = None
        restore(account, kind, remote)
        world.clock.forward(minutes=11)
        world.sync(ada)

    world.host.before_apply = hang
    world.sync(ada)
    assert here(world) == []  # what it had begun was done
    world.settle(ada)
    stands_on_both_sides(world, account, ada, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_it_waits_for_days_while_the_service_does_not_answer(world: World, kind: LinkKind) -> None:
    account, ada, remote = deleted_there(world, kind)
    die_behind_the_host(world, ada)
    restore(account, kind, remote)
    for request in (Request.PAGE, Request.FETCH):
        account.faults.add(Moment.BEFORE, request, Unavailable("not now"), times=1000)
    for _ in range(6):
        world.clock.forward(hours=12)
        world.sync(ada)
    account.faults.clear()
    assert titles(account, PLACE[kind]) == ["hers"]
    world.settle(ada)
    stands_on_both_sides(world, account, ada, kind)


@pytest.mark.parametrize("died", [True, False])
def test_what_an_undo_deleted_here_stays_taken_back_though_it_died(world: World, *, died: bool) -> None:
    """It was tied to nothing any more, and stood there as nobody's copy."""
    account = world.account()
    ref = world.host.create("ada", event("hers"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.delete("ada", ref)
    remote = only(account).id
    account.user.edit(TARGET, remote, title="edited there")
    world.clock.forward(minutes=31)
    made_again = world.sync(ada)
    assert here(world) == ["edited there"]
    taken_back = undo(world.engine, person(world), made_again.run)
    if died:
        die_behind_the_host(world, ada, Trigger.UNDO, taken_back)
    world.sync(ada, Trigger.UNDO, taken_back)
    world.settle(ada)
    assert here(world) == []
    (link,) = world.links(ada)
    assert (link.state, link.host_ref) == (LinkState.DECLINED, None)
    account.user.edit(TARGET, remote, title="edited again")
    world.settle(ada)
    assert here(world) == titles(account) == ["edited again"]  # rule U9


def test_the_copy_of_another_person_goes_with_what_was_deleted(world: World) -> None:
    """Only what this very connection has deleted here is nobody's wish."""
    account, ada, _ = deleted_there(world, LinkKind.EXPORT)
    world.settle(ada)
    world.host.create("ada", event("together"), guests=("bob",))
    theirs = world.account()
    bob = world.connect("bob", theirs)
    world.settle(ada, bob)
    assert titles(theirs) == ["together"]
    account.user.delete(TARGET, only(account).id)
    world.clock.forward(minutes=31)
    die_behind_the_host(world, ada)
    world.settle(ada, bob)
    assert titles(account) == titles(theirs) == here(world) == []
