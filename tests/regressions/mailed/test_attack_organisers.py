"""Another organiser since the last pass: in the same pass, what follows is decided by who he is now."""

from __future__ import annotations

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.model.change import Access
from marketplace_plugin.providers.memory import MemoryAccount
from tests.hosts import rows
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, person, titles


def hand_over(world: World, ref: str, user: str) -> None:
    """A colleague is made the organiser; who organised it takes part."""
    with world.host.writing() as c:
        people = rows.people_of(c, ref)
        c.execute(rows.items.update().where(rows.items.c.ref == ref).values(owner=user))
        row = rows.load(c, ref)
        assert row is not None
        rows.tell(c, row, people)


def shared(world: World) -> tuple[str, MemoryAccount, str, MemoryAccount, str]:
    """Hers, and he takes part; each has a copy."""
    hers, his = world.account(), world.account()
    ref = world.host.create("ada", event("meeting"), ["bob"])
    ada, bob = world.connect("ada", hers), world.connect("bob", his)
    world.settle(ada, bob)
    return ref, hers, ada, his, bob


def test_who_organises_it_no_longer_deletes_his_own_copy_alone(world: World) -> None:
    ref, hers, ada, his, bob = shared(world)
    hand_over(world, ref, "bob")
    hers.user.delete(TARGET, only(hers).id)
    world.settle(ada, bob)
    assert list(world.host.all_of("bob")) == [ref]
    assert titles(his) == ["meeting"]


def test_what_he_no_longer_organises_he_does_not_rename(world: World) -> None:
    ref, hers, ada, _, bob = shared(world)
    hand_over(world, ref, "bob")
    hers.user.edit(TARGET, only(hers).id, title="her name for it")
    world.settle(ada, bob)
    assert here(world, "bob") == ["meeting"]


def test_what_the_new_organiser_wrote_into_his_copy_comes_here(world: World) -> None:
    ref, hers, ada, his, bob = shared(world)
    hand_over(world, ref, "bob")
    his.user.edit(TARGET, only(his).id, title="moved to Tuesday")
    world.settle(bob, ada)
    assert here(world, "bob") == titles(his) == titles(hers) == ["moved to Tuesday"]


def test_a_meeting_that_somebody_else_organises_by_now_is_not_deleted_there(world: World) -> None:
    """A visible event was deleted here just when its organiser at the service had changed: that would decline it."""
    account = world.account()
    item = account.user.create(SOURCE, event("meeting"))
    ada = world.connect("ada", account)
    world.settle(ada)
    ref = convert(world.engine, person(world), world.blocks(ada)[0].link)
    world.settle(ada)
    record = account.records[SOURCE, item]
    record.access = Access.ATTENDEE
    account.touch(record)
    world.host.delete("ada", ref)
    world.settle(ada)
    assert titles(account, SOURCE) == blocked(world, ada) == ["meeting"]
