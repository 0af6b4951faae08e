"""Contacts through a pass: they come and go both ways, are recognised or asked about, and never multiply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from marketplace_plugin.engine.acts import undo
from marketplace_plugin.engine.acts.preview import current_plan
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import Personality
from marketplace_plugin.store import conflicts, held, host_positions
from marketplace_plugin.store.work.held import What
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason
from tests.engine.kinds import ADA, BOOK, SECOND, KindsWorld, contact

BOTH_WAYS: dict[str, Any] = {"targets": (BOOK,), "sources": (BOOK,)}


@pytest.fixture(params=[True, False], ids=["same database", "own database"])
def shared(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def world(personality: Personality, shared: bool) -> Iterator[KindsWorld]:
    world = KindsWorld(personality, shared=shared)
    yield world
    world.close()


def test_what_an_undo_put_back_is_followed_into_another_book(world: KindsWorld) -> None:
    """At rest, and with our mark alone: it was followed and taken for a newcomer in the same pass, which failed then,
    and each one after it."""
    account = world.account()
    ref = world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, targets=[BOOK], sources=[BOOK, SECOND])
    world.settle(name)
    world.host.delete(ADA, ref)
    world.clock.forward(minutes=5)
    run = world.sync(name)
    world.settle(name)
    world.sync(name, run=undo.undo(world.engine, world.person(), run.run))
    world.settle(name)
    (item,) = account.items(BOOK)
    moved = account.user.move(BOOK, item, SECOND)
    world.settle(name)
    assert world.here(Kind.CONTACT) == {}
    (link,) = world.of_kind(name, LinkKind.PAIR)
    assert (link.state, link.collection, link.remote_id) == (LinkState.DECLINED, SECOND, moved)


def test_they_come_and_go_and_then_nothing(world: KindsWorld) -> None:
    account = world.account()
    account.user.create(BOOK, contact("Grace Hopper", "grace@navy.example", birthday=date(1906, 12, 9)))
    world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    assert {c.family_name for c in world.here(Kind.CONTACT).values()} == {"Hopper", "King"}  # type: ignore[union-attr]
    assert {c.family_name for c in world.there(account, BOOK).values()} == {"Hopper", "King"}  # type: ignore[union-attr]
    writes = len(account.writes)
    world.settle(name)
    assert len(account.writes) == writes
    assert {link.state for link in world.of_kind(name, LinkKind.PAIR)} == {LinkState.LIVE}


def test_one_that_is_deleted_here_before_the_host_is_read_from_its_beginning_goes_there_too(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    world.host.create(ADA, contact("Eva Klug", "eva@klug.example"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    world.host.delete(ADA, ref)
    with world.store.begin() as unit:
        host_positions.drop(unit.connection, name)
    world.settle(name)
    for side in (world.here(Kind.CONTACT), world.there(account, BOOK)):
        assert {c.family_name for c in side.values()} == {"Klug"}  # type: ignore[union-attr]
    assert len(world.of_kind(name, LinkKind.PAIR)) == 1


def test_off_by_default(google: KindsWorld) -> None:
    account = google.account()
    account.user.create(BOOK, contact())
    name = google.join(account)
    google.settle(name)
    assert google.here(Kind.CONTACT) == {}
    assert google.links(name) == []


def test_edits_flow_both_ways_and_meet_field_by_field(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(ADA, contact("Ada King", "ada@king.example", notes="alt"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    (there,) = world.there(account, BOOK)
    world.host.edit(ADA, ref, company="Nordwerk")
    account.user.edit(BOOK, there, job_title="Gräfin")
    world.settle(name)
    (item,) = world.here(Kind.CONTACT).values()
    (copy,) = world.there(account, BOOK).values()
    assert isinstance(item, Contact)
    assert isinstance(copy, Contact)
    assert (item.company, item.job_title) == (copy.company, copy.job_title) == ("Nordwerk", "Gräfin")


def test_both_add_to_one_list(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(ADA, contact("Ada King", "a@king.example"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    ((there, copy),) = world.there(account, BOOK).items()
    assert isinstance(copy, Contact)
    world.host.edit(ADA, ref, emails=(Labelled("work", "a@king.example"), Labelled("home", "here@king.example")))
    account.user.edit(BOOK, there, emails=(*copy.emails, Labelled("work", "there@king.example")))
    world.settle(name)
    for side in (*world.here(Kind.CONTACT).values(), *world.there(account, BOOK).values()):
        assert isinstance(side, Contact)
        assert {e.value for e in side.emails} == {"a@king.example", "here@king.example", "there@king.example"}


def test_what_the_service_has_no_room_for_survives(world: KindsWorld) -> None:
    account = world.account()
    mails = tuple(Labelled("work", f"a{n}@king.example") for n in range(5))
    ref = world.host.create(ADA, replace(contact(), emails=mails, display_name="Die Gräfin"), kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    ((there, copy),) = world.there(account, BOOK).items()
    assert isinstance(copy, Contact)
    account.user.edit(BOOK, there, company="Nordwerk", emails=copy.emails[1:])
    world.settle(name)
    item = world.here(Kind.CONTACT)[ref]
    assert isinstance(item, Contact)
    assert item.company == "Nordwerk"
    assert item.display_name == "Die Gräfin"
    assert {e.value for e in item.emails} == {e.value for e in mails[1:]}


def test_deletions_flow_both_ways_and_an_edit_beats_one(world: KindsWorld) -> None:
    account = world.account()
    refs = [world.host.create(ADA, contact(f"A{n} King", f"a{n}@king.example"), kind=Kind.CONTACT) for n in range(4)]
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    by_name = {c.given_name: key for key, c in world.there(account, BOOK).items()}  # type: ignore[union-attr]
    world.host.delete(ADA, refs[0])
    account.user.delete(BOOK, by_name["A1"])
    world.host.delete(ADA, refs[2])
    account.user.edit(BOOK, by_name["A2"], notes="bleibt")
    world.settle(name)
    assert {c.given_name for c in world.here(Kind.CONTACT).values()} == {"A2", "A3"}  # type: ignore[union-attr]
    assert {c.given_name for c in world.there(account, BOOK).values()} == {"A2", "A3"}  # type: ignore[union-attr]


def test_the_same_person_on_both_sides_is_one(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, contact("Ada King", "ada@king.example", notes="hier"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("King Ada", "ADA@king.example", company="Nordwerk"))
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    (item,) = world.here(Kind.CONTACT).values()
    (copy,) = world.there(account, BOOK).values()
    assert isinstance(item, Contact)
    assert isinstance(copy, Contact)
    assert (item.company, copy.notes) == ("Nordwerk", "hier")
    # What both tell differently neither side loses: the user is asked.
    assert (item.given_name, copy.given_name) == ("Ada", "King")
    with world.store.read() as c:
        waiting = conflicts.waiting(c, name)
    assert len(waiting) == 1


def test_a_number_is_the_same_however_it_is_written(google: KindsWorld) -> None:
    account = google.account()
    google.host.create(ADA, contact("Ada King", phones=(Labelled("work", "0911 5550142"),)), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("Ada King", phones=(Labelled("mobile", "+49 (911) 555-0142"),)))
    name = google.join(account, Kind.CONTACT, **BOTH_WAYS)
    google.settle(name)
    assert len(google.here(Kind.CONTACT)) == len(google.there(account, BOOK)) == 1


def test_what_is_doubtful_waits_and_neither_is_made_twice(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, contact("Ada King", "info@nordwerk.example"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("Eva Klug", "info@nordwerk.example"))
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 1
    (link,) = world.of_kind(name, LinkKind.PAIR)
    assert (link.state, link.reason) == (LinkState.PARKED, Reason.DOUBTFUL)
    with world.store.read() as c:
        (question,) = held.of_connection(c, name, [What.MATCH])
    assert question.body == account.items(BOOK)[question.remote_id or ""].item


def test_two_there_that_are_one_here_are_asked_about(google: KindsWorld) -> None:
    account = google.account()
    google.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    for _ in range(2):
        account.user.create(BOOK, contact("Ada King", "ada@king.example"))
    name = google.join(account, Kind.CONTACT, **BOTH_WAYS)
    google.settle(name)
    assert len(google.here(Kind.CONTACT)) == 1
    assert {link.reason for link in google.of_kind(name, LinkKind.PAIR)} == {Reason.DOUBTFUL}


def test_a_plan_first_and_nothing_before(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    world.host.create(ADA, contact("Eva Klug", "eva@klug.example"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("Grace Hopper", "grace@navy.example"))
    account.user.create(BOOK, contact("Eva Klug", "eva@klug.example", company="Nordwerk"))
    name = world.join(account, Kind.CONTACT, approved=False, **BOTH_WAYS)
    for _ in range(2):
        world.sync(name)
        plan = current_plan(world.engine, name)
        assert plan is not None
        assert plan.kinds[Kind.CONTACT]["host.create"] == 1
        assert plan.kinds[Kind.CONTACT]["remote.create"] == 1
    assert account.writes == []
    assert len(world.here(Kind.CONTACT)) == 2
    world.start(name, ADA)
    world.settle(name)
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 3


def test_many_deletions_wait_for_their_owner(google: KindsWorld) -> None:
    account = google.account()
    ids = [account.user.create(BOOK, contact(f"A{n} King", f"a{n}@king.example")) for n in range(20)]
    name = google.join(account, Kind.CONTACT, **BOTH_WAYS)
    google.settle(name)
    assert len(google.here(Kind.CONTACT)) == 20
    for one in ids:
        account.user.delete(BOOK, one)
    google.clock.forward(minutes=31)
    google.sync(name)
    assert len(google.here(Kind.CONTACT)) == 20


def test_a_target_that_is_no_source_gives_nothing(google: KindsWorld) -> None:
    account = google.account()
    account.user.create(BOOK, contact("Grace Hopper", "grace@navy.example"))
    account.user.create(BOOK, contact("Ada King", "ada@king.example"))
    google.host.create(ADA, contact("Ada King", "ada@king.example"), kind=Kind.CONTACT)
    google.host.create(ADA, contact("Eva Klug", "eva@klug.example"), kind=Kind.CONTACT)
    name = google.join(account, Kind.CONTACT, targets=(BOOK,))
    google.settle(name)
    assert len(google.here(Kind.CONTACT)) == 2
    assert len(google.there(account, BOOK)) == 3


def test_one_person_in_two_accounts_is_one_here(google: KindsWorld) -> None:
    first, second = google.account(), google.account()
    for account in (first, second):
        account.user.create(BOOK, contact("Ada King", "ada@king.example"))
    one = google.join(first, Kind.CONTACT, **BOTH_WAYS)
    google.settle(one)
    other = google.connect(ADA, second, target=None)
    google.switch(other, Kind.CONTACT, calendar=None, sources=(BOOK,))
    google.approve(other)
    google.settle(one, other)
    (ref,) = google.here(Kind.CONTACT)
    google.host.edit(ADA, ref, company="Nordwerk")
    google.settle(one, other)
    for account in (first, second):
        (copy,) = google.there(account, BOOK).values()
        assert isinstance(copy, Contact)
        assert copy.company == "Nordwerk"
