"""A pass without news left nothing of what both sides agreed on that an undo looked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.undo import Undone, result, undo
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import PERSONALITIES, Personality
from tests.engine.kinds import ADA, BOOK, KindsWorld, call, contact
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import here, master, only, person, shown, titles


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def personality(request: pytest.FixtureRequest) -> Personality:
    one: Personality = request.param
    return one


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest, personality: Personality) -> Iterator[World]:
    made = World(personality, shared=request.param)
    yield made
    made.close()


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def kinds(request: pytest.FixtureRequest, personality: Personality) -> Iterator[KindsWorld]:
    made = KindsWorld(personality, shared=request.param)
    yield made
    made.close()


def passes(world: World, connection: str, number: int = 3) -> str:
    """The id of the last of them."""
    run = ""
    for _ in range(number):
        world.clock.forward(minutes=31)
        run = world.sync(connection).run
    return run


def taken_back(world: World, connection: str, run: str, user: str = ADA) -> Undone:
    world.clock.forward(minutes=5)
    new = undo(world.engine, person(world, user), run)
    world.sync(connection, Trigger.UNDO, new)
    return result(world.engine, person(world, user), new)


@pytest.mark.parametrize("quiet", [1, 2])
@pytest.mark.parametrize("act", ["edited", "deleted"])
def test_what_a_run_did_to_a_copy_at_rest_is_taken_back(world: World, act: str, quiet: int) -> None:
    """Undo named every event as "not kept", and gave back nothing."""
    account = world.account()
    ref = world.host.create(ADA, event("hers", location="Room 1"))
    ada = world.connect(ADA, account)
    passes(world, ada, 1 + quiet)
    if act == "edited":
        world.host.edit(ADA, ref, title="another")
    else:
        world.host.delete(ADA, ref)
    done = taken_back(world, ada, passes(world, ada, 1))
    assert (len(done.taken), done.left) == (1, ())
    assert (titles(account), master(only(account).item).location) == (["hers"], "Room 1")
    assert here(world) == (["another"] if act == "edited" else [])
    assert world.settle(ada) == 0
    assert (titles(account), account.outbox) == (["hers"], [])


def test_what_a_run_did_to_a_converted_event_at_rest_is_taken_back(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("hers", location="Room 1"))
    ada = world.connect(ADA, account)
    passes(world, ada)
    (block,) = world.blocks(ada)
    ref = convert(world.engine, person(world), block.link)
    passes(world, ada)
    world.host.edit(ADA, ref, location="Room 2")
    done = taken_back(world, ada, passes(world, ada, 1))
    assert (len(done.taken), done.left) == (1, ())
    assert [master(one.item).location for one in account.items(SOURCE).values()] == ["Room 1"]
    account.user.edit(SOURCE, only(account, SOURCE).id, title="hers, renamed")
    back = taken_back(world, ada, passes(world, ada, 1))
    assert (len(back.taken), back.left) == (1, ())
    assert (here(world), titles(account, SOURCE)) == (["hers"], ["hers, renamed"])


def test_what_a_run_did_to_contacts_and_mirrors_at_rest_is_taken_back(kinds: KindsWorld) -> None:
    account = kinds.account()
    ref = kinds.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    planned = kinds.host.create(ADA, call(), kind=Kind.CALL)
    name = kinds.join(account, Kind.CONTACT, Kind.CALL, targets=(BOOK,), sources=(BOOK,))
    passes(kinds, name)
    before = dict(kinds.there(account, TARGET)), dict(kinds.there(account, BOOK))
    assert [len(side) for side in before] == [1, 1]
    kinds.host.edit(ADA, ref, company="Nordwerk")
    kinds.host.delete(ADA, planned)
    done = taken_back(kinds, name, passes(kinds, name, 1))
    assert (len(done.taken), done.left) == (2, ())
    assert [c.company for c in kinds.there(account, BOOK).values() if isinstance(c, Contact)] == [""]
    (again,), (entry,) = kinds.there(account, TARGET).values(), before[0].values()
    assert isinstance(again, Event)
    assert isinstance(entry, Event)
    assert (again.title, again.when) == (entry.title, entry.when)


def test_what_a_participant_wrote_into_his_copy_stays(world: World) -> None:
    """What both sides agreed on is not all that his copy shows: written back whole, it took his own words along."""
    account = world.account()
    ref = world.host.create(ADA, event("hers"), guests=["bob"])
    bob = world.connect("bob", account)
    passes(world, bob)
    account.user.edit(TARGET, only(account).id, title="his own words")
    passes(world, bob)
    world.host.edit(ADA, ref, location="Room 2")
    done = taken_back(world, bob, passes(world, bob, 1), "bob")
    assert (len(done.taken), done.left) == (1, ())
    copy = master(only(account).item)
    assert (copy.title, copy.location) == ("his own words", "")
    assert master(shown(world, ref)).location == "Room 2"
