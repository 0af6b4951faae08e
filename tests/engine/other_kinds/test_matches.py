"""The review list: the owner says whether two are one, and the next pass does what he said."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace_plugin.engine.acts import undo, why
from marketplace_plugin.engine.acts.chosen import mirroring
from marketplace_plugin.engine.acts.waiting import conflicts
from marketplace_plugin.engine.acts.waiting.held import parked
from marketplace_plugin.engine.acts.waiting.matches import different, doubtful, same
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import Winner
from tests.engine.kinds import ADA, BOOK, LIST, KindsWorld, call, contact, task
from tests.laws.world import TARGET

BOTH_WAYS: dict[str, Any] = {"targets": (BOOK,), "sources": (BOOK,)}


def doubt(world: KindsWorld) -> tuple[Any, str]:
    """Two who share an address and are called differently: the account and the connection."""
    account = world.account()
    world.host.create(ADA, contact("Ada King", "info@nordwerk.example", notes="hier"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("Eva Klug", "info@nordwerk.example", company="Nordwerk"))
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    return account, name


def test_it_is_listed_for_its_owner_alone(world: KindsWorld) -> None:
    doubt(world)
    (view,) = doubtful(world.engine, world.person())
    assert (view.kind, view.name, view.collection) == (Kind.CONTACT, "Eva Klug", BOOK)
    assert view.details == ("Nordwerk", "info@nordwerk.example")
    assert [one.name for one in view.candidates] == ["Ada King"]
    assert parked(world.engine, world.person()) == []
    assert doubtful(world.engine, world.person("bob")) == []
    with pytest.raises(NotFound):
        same(world.engine, world.person("bob"), view.link, view.candidates[0].ref)
    with pytest.raises(NotFound):
        same(world.engine, world.person(), view.link, "somebody else")


def test_the_same_person_becomes_one_and_loses_nothing(world: KindsWorld) -> None:
    account, name = doubt(world)
    (view,) = doubtful(world.engine, world.person())
    same(world.engine, world.person(), view.link, view.candidates[0].ref)
    assert doubtful(world.engine, world.person())[0].decided
    world.settle(name)
    assert doubtful(world.engine, world.person()) == []
    (here,), (there,) = world.here(Kind.CONTACT).values(), world.there(account, BOOK).values()
    assert isinstance(here, Contact)
    assert isinstance(there, Contact)
    assert (here.company, there.notes) == ("Nordwerk", "hier")
    waiting = {one.cell: one.id for one in conflicts.listed(world.engine, world.person())}
    assert waiting.keys() == {"given_name", "family_name"}
    for clash in waiting.values():
        conflicts.take(world.engine, world.person(), clash, Winner.REMOTE)
    world.settle(name)
    (here,) = world.here(Kind.CONTACT).values()
    assert isinstance(here, Contact)
    assert (here.given_name, here.family_name) == ("Eva", "Klug")


def test_different_persons_become_two_on_both_sides(world: KindsWorld) -> None:
    account, name = doubt(world)
    (view,) = doubtful(world.engine, world.person())
    different(world.engine, world.person(), view.link)
    world.settle(name)
    assert doubtful(world.engine, world.person()) == []
    for side in (world.here(Kind.CONTACT), world.there(account, BOOK)):
        assert {c.given_name for c in side.values() if isinstance(c, Contact)} == {"Ada", "Eva"}
    world.settle(name)
    assert len(world.of_kind(name, LinkKind.PAIR)) == 2


def test_of_two_there_one_is_chosen_and_the_other_is_somebody_else(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    for n in range(2):
        account.user.create(BOOK, contact("Ada King", "ada@king.example", notes=str(n)))
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    first, _second = doubtful(world.engine, world.person())
    same(world.engine, world.person(), first.link, first.candidates[0].ref)
    world.settle(name)
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 2


def test_what_is_in_doubt_can_go_away_by_itself(world: KindsWorld) -> None:
    account, name = doubt(world)
    (there,) = world.there(account, BOOK)
    account.user.edit(BOOK, there, emails=(), company="")
    world.settle(name)
    assert doubtful(world.engine, world.person()) == []
    assert len(world.here(Kind.CONTACT)) == 2


def test_tasks_are_asked_about_too(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    account.user.create(LIST, task("Angebot", notes="dort"))
    name = world.join(account, Kind.TASK, targets=(LIST,), sources=(LIST,))
    world.settle(name)
    (view,) = doubtful(world.engine, world.person())
    same(world.engine, world.person(), view.link, view.candidates[0].ref)
    world.settle(name)
    assert list(world.here(Kind.TASK).values()) == [task("Angebot", notes="dort")]
    assert len(world.there(account, LIST)) == 1


def test_mirrored_again(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.CALL)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.delete(TARGET, there)
    world.settle(name)
    (link,) = world.links(name)
    with pytest.raises(NotFound):
        mirroring.mirror_again(world.engine, world.person("bob"), link.id)
    mirroring.mirror_again(world.engine, world.person(), link.id)
    world.settle(name)
    assert len(world.there(account, TARGET)) == 1
    (again,) = world.links(name)
    assert again.state is LinkState.LIVE
    with pytest.raises(NotFound):
        mirroring.mirror_again(world.engine, world.person(), again.id)


def test_why_says_where_a_contact_and_a_mirror_come_from(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    planned = world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.CONTACT, Kind.CALL, **BOTH_WAYS)
    world.settle(name)
    told = why.of_event(world.engine, world.person(), ref, Kind.CONTACT)
    assert (told.what, told.title, told.calendar) == (why.What.PAIR, "Ada King", BOOK)
    told = why.of_event(world.engine, world.person(), planned, Kind.CALL)
    assert (told.what, told.title, told.calendar) == (why.What.MIRROR, "Lindner KG", TARGET)
    with pytest.raises(NotFound):
        why.of_event(world.engine, world.person("bob"), ref, Kind.CONTACT)


def test_a_run_is_undone_for_contacts_and_mirrors_too(world: KindsWorld) -> None:
    account = world.account()
    account.user.create(BOOK, contact("Grace Hopper", "grace@navy.example"))
    world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.CONTACT, Kind.CALL, **BOTH_WAYS)
    run = world.sync(name)
    assert len(world.here(Kind.CONTACT)) == 2
    world.clock.forward(minutes=5)
    world.sync(name, run=undo.undo(world.engine, world.person(), run.run))
    world.settle(name)
    assert [c.given_name for c in world.here(Kind.CONTACT).values() if isinstance(c, Contact)] == ["Ada"]
    assert [c.given_name for c in world.there(account, BOOK).values() if isinstance(c, Contact)] == ["Grace"]
    assert world.there(account, TARGET) == {}
    assert len(world.here(Kind.CALL)) == 1
