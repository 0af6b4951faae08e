"""She moves her target into another account. The copies in the old one were deleted at once, while the plan of the new
one still waited for her: they stood nowhere."""

from __future__ import annotations

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.account.settings import save, settings
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.views import SettingsForm, TargetChange
from marketplace_plugin.errors import Throttled
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import MemoryAccount, Moment, Request
from marketplace_plugin.store import connections
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import here, master, person, titles

BOTH = ["one", "two"]


def _moved(world: World, edited: str = "") -> tuple[MemoryAccount, MemoryAccount, str, str]:
    """The old and the new account, and their connections; the plan of the new one is not made yet. ``edited``: one of
    the events, which the old account has just been written, and has not told of yet."""
    for day, title in enumerate(BOTH, 10):
        world.host.create("ada", event(title, day))
    old, new = world.account(), world.account()
    former = world.connect("ada", old)
    ada = world.connect("ada", new, target=None)
    world.settle(former, ada)
    for ref in [r for r, one in world.host.all_of("ada").items() if edited and master(one.item).title == edited]:
        world.host.edit("ada", ref, location="Room 1")
        world.sync(former)
    shown = settings(world.engine, person(world), ada, reload=False)
    ids = {one.title: one.id for one in shown.collections}
    form = SettingsForm(
        target=ids[TARGET],
        sources=frozenset({ids[SOURCE]}),
        switches=frozenset({Kind.EVENT}),
        target_change=TargetChange.MOVE,
    )
    save(world.engine, person(world), ada, form, shown.version)
    return old, new, former, ada


def test_the_old_copies_stand_until_the_new_ones_do(world: World) -> None:
    old, new, former, ada = _moved(world)
    world.settle(former, ada)
    assert titles(old) == BOTH  # the plan of the new target waits
    assert titles(new) == []
    world.start(ada, "ada")
    assert titles(old) == titles(new) == BOTH
    world.settle(former, ada)
    assert titles(old) == []
    assert titles(new) == here(world) == BOTH
    assert world.links(former) == []


def test_they_stand_although_the_old_account_tells_of_one(world: World) -> None:
    """The echo of the last write to it let the copy go before its turn had come."""
    old, new, former, ada = _moved(world, edited="one")
    world.settle(former, ada)
    assert titles(old) == BOTH
    world.start(ada, "ada")
    world.settle(former, ada)
    assert titles(old) == []
    assert titles(new) == BOTH


def test_they_stand_between_the_approval_and_its_pass(world: World) -> None:
    old, new, former, ada = _moved(world)
    world.settle(ada)
    new.faults.add(Moment.BEFORE, Request.INSERT, lambda: world.sync(former))
    world.start(ada, "ada")
    assert titles(old) == titles(new) == BOTH


def test_they_stand_while_a_new_one_could_not_be_made(world: World) -> None:
    old, new, former, ada = _moved(world)
    world.settle(ada)
    new.faults.add(Moment.BEFORE, Request.INSERT, Throttled("not now"), skip=1)
    world.start(ada, "ada")
    world.clock.forward(minutes=2)
    world.sync(former)
    assert titles(old) == BOTH
    assert len(titles(new)) == 1
    world.settle(ada, former)
    assert titles(old) == []
    assert titles(new) == BOTH


def test_they_stand_while_the_new_account_is_expired_and_go_when_it_is_disconnected(world: World) -> None:
    old, _new, former, ada = _moved(world)
    with world.store.begin() as unit:
        connections.expire(unit.connection, ada, "authorization-expired")
    world.settle(former)
    assert world.sync(ada).outcome is RunOutcome.EXPIRED
    assert titles(old) == BOTH
    disconnect(world.engine, person(world), ada)
    world.settle(former)
    assert titles(old) == []
    assert here(world) == BOTH
