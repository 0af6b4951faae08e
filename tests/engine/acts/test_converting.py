"""Conversion and its undo, another target, and what a purge leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.chosen.migrate import choose, copies
from marketplace_plugin.engine.acts.chosen.purge import facts, purge_connection
from marketplace_plugin.engine.acts.convert import convert, stop_importing, undo_conversion
from marketplace_plugin.engine.acts.waiting.conflicts import listed
from marketplace_plugin.errors import ChangedHere, Conflict
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Attendee
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import OTHER, SOURCE, TARGET, World, event, series


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(shared=request.param)
    yield made
    made.close()


@pytest.fixture
def person(world: World) -> Person:
    found = world.host.person("ada")
    assert found is not None
    return found


def test_a_block_becomes_a_visible_event_that_is_synced_and_never_exported(world: World, person: Person) -> None:
    account = world.account()
    there = account.user.create(SOURCE, series("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.links(ada)
    ref = convert(world.engine, person, block.id)
    assert world.blocks(ada) == []
    world.host.edit("ada", ref, title="renamed here")
    world.settle(ada)
    assert account.items(SOURCE)[there].item.master.title == "renamed here"  # type: ignore[union-attr]
    assert account.items(TARGET) == {}
    account.user.edit(SOURCE, there, location="there")
    world.settle(ada)
    assert world.host.all_of("ada")[ref].item.master.location == "there"  # type: ignore[union-attr]


@pytest.mark.parametrize("policy", [Policy.REMOTE, Policy.ASK])
def test_what_was_overruled_stays_told_when_it_becomes_a_block_again(
    world: World, person: Person, policy: Policy
) -> None:
    account = world.account()
    there = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account, policy=policy)
    world.sync(ada)
    (block,) = world.links(ada)
    ref = convert(world.engine, person, block.id)
    world.settle(ada)
    world.host.edit("ada", ref, title="here")
    account.user.edit(SOURCE, there, title="there")
    world.sync(ada)
    undo_conversion(world.engine, person, block.id)
    world.settle(ada)
    (view,) = listed(world.engine, person)
    assert (view.here, view.there, view.kept, view.takes) == ("here", "there", Winner.REMOTE, frozenset())
    if policy is Policy.ASK:
        assert view.reason is Reason.CONVERSION_UNDONE


def test_undo_makes_it_a_block_again_and_writes_nothing_there(world: World, person: Person) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.links(ada)
    convert(world.engine, person, block.id)
    undo_conversion(world.engine, person, block.id)
    world.settle(ada)
    assert world.host.all_of("ada") == {}
    assert [one.item.title for one in world.blocks(ada)] == ["private"]  # type: ignore[union-attr]
    assert account.writes == []


def test_undo_does_not_lose_an_edit(world: World, person: Person) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.links(ada)
    ref = convert(world.engine, person, block.id)
    world.host.edit("ada", ref, title="edited")
    with pytest.raises(ChangedHere):
        undo_conversion(world.engine, person, block.id)
    assert ref in world.host.all_of("ada")


def test_nobody_else_converts_and_nothing_masked_is_converted(world: World, person: Person) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    account.user.set_role(SOURCE, Role.FREE_BUSY)
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.links(ada)
    other = world.host.person("bob")
    assert other is not None
    for somebody in (person, other):
        with pytest.raises(Conflict):
            convert(world.engine, somebody, block.id)


def test_colleagues_who_take_part_there_get_no_part_here(world: World, person: Person) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private", attendees=(Attendee("bob@acme.example"),)))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.links(ada)
    convert(world.engine, person, block.id)
    world.settle(ada)
    assert world.host.all_of("bob") == {}
    assert account.outbox == []


def test_what_is_no_longer_imported_does_not_come_back(world: World, person: Person) -> None:
    account = world.account()
    there = account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.links(ada)
    stop_importing(world.engine, person, block.id)
    account.user.edit(SOURCE, there, title="edited")
    world.settle(ada)
    assert world.blocks(ada) == []


def test_copies_move_to_another_target(world: World) -> None:
    account = world.account()
    refs = [world.host.create("ada", event(title, day)) for day, title in enumerate(("a", "b", "c"), 10)]
    ada = world.connect("ada", account)
    world.sync(ada)
    assert copies(world.engine, ada, TARGET) == 3
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, (SOURCE,), keep=False)
    world.settle(ada)
    assert account.items(TARGET) == {}
    there = {str(getattr(one.item, "title", "")) for one in account.items(OTHER).values()}
    assert there == {"a", "b", "c"}
    assert sorted(k.host_ref or "" for k in world.links(ada)) == sorted(refs)


def test_a_copy_that_was_edited_meanwhile_is_not_removed(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("a"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (copy,) = account.items(TARGET)
    account.user.edit(TARGET, copy, title="edited there")
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, (SOURCE,), keep=False)
    world.settle(ada)
    assert [one.item.title for one in account.items(TARGET).values()] == ["edited there"]  # type: ignore[union-attr]
    assert len(account.items(OTHER)) == 1


def test_kept_copies_never_become_blocks(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("a"))
    ada = world.connect("ada", account)
    world.sync(ada)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, (TARGET,), keep=True)
    world.settle(ada)
    assert len(account.items(TARGET)) == len(account.items(OTHER)) == 1
    assert world.blocks(ada) == []


def test_unticking_a_source_takes_its_blocks_and_keeps_what_was_converted(world: World, person: Person) -> None:
    account = world.account()
    for title in ("a", "b"):
        account.user.create(SOURCE, event(title))
    ada = world.connect("ada", account)
    world.sync(ada)
    ref = convert(world.engine, person, world.links(ada)[0].id)
    assert facts(world.engine, ada, SOURCE).blocks == 1
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, TARGET, ())
    assert world.blocks(ada) == []
    world.host.edit("ada", ref, title="still synced")
    world.settle(ada)
    assert "still synced" in {one.item.title for one in account.items(SOURCE).values()}  # type: ignore[union-attr]
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, TARGET, (SOURCE,))
    world.settle(ada)
    assert len(world.blocks(ada)) == 1


def test_the_same_account_connected_again_knows_what_it_had(world: World, person: Person) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    exported = world.host.create("ada", event("public"))
    ada = world.connect("ada", account)
    world.sync(ada)
    converted = convert(world.engine, person, next(k.id for k in world.links(ada) if k.kind is LinkKind.BLOCK))
    with world.store.begin() as unit:
        purge_connection(world.engine, unit, ada)
        choose(world.engine, unit, ada, None, ())
        connections.forget_account(unit.connection, ada)
    again = world.connect("ada", account)
    world.settle(again)
    assert len(account.items(TARGET)) == 1
    assert world.blocks(again) == []
    assert {(k.kind, k.state, k.host_ref) for k in world.links(again)} == {
        (LinkKind.EXPORT, LinkState.LIVE, exported),
        (LinkKind.CONVERTED, LinkState.LIVE, converted),
    }
