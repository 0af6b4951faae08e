"""Lists in a contact, and odd contacts, changed on both sides at once: no entry is dropped, and no pass stops."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from marketplace_plugin.engine.acts.waiting.matches import doubtful
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH
from tests.engine.kinds import ADA, BOOK, KindsWorld, contact

BOTH_WAYS: dict[str, Any] = {"targets": (BOOK,), "sources": (BOOK,)}


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    world = KindsWorld(request.param)
    yield world
    world.close()


def sides(world: KindsWorld, account: Any) -> tuple[Contact, Contact]:
    (here,), (there,) = world.here(Kind.CONTACT).values(), world.there(account, BOOK).values()
    assert isinstance(here, Contact)
    assert isinstance(there, Contact)
    return here, there


def mails(one: Contact) -> set[str]:
    return {entry.value for entry in one.emails}


def joined(world: KindsWorld, item: Contact) -> tuple[Any, str, str, str]:
    account = world.account()
    ref = world.host.create(ADA, item, kind=Kind.CONTACT)
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    (there,) = world.there(account, BOOK)
    return account, name, ref, there


def test_one_removes_an_address_that_the_other_relabels(world: KindsWorld) -> None:
    """A user relabels a number here while it is deleted there: the other addresses stay in any case."""
    two = (Labelled("work", "a@king.example"), Labelled("work", "b@king.example"))
    account, name, ref, there = joined(world, contact(emails=two))
    world.host.edit(ADA, ref, emails=(Labelled("home", "a@king.example"), two[1], Labelled("work", "c@king.example")))
    account.user.edit(BOOK, there, emails=(two[1], Labelled("work", "d@king.example")))
    world.settle(name)
    here, there_now = sides(world, account)
    assert {"b@king.example", "c@king.example", "d@king.example"} <= mails(here)
    assert len(mails(there_now)) >= 3, "as many as there is room for"
    assert mails(there_now) <= mails(here)


def test_the_same_address_in_other_letters_is_one(world: KindsWorld) -> None:
    """Both sides add the same address, once in capitals: it must not stand there twice, nor come again in each pass."""
    account, name, ref, there = joined(world, contact())
    world.host.edit(ADA, ref, emails=(Labelled("work", "ada@king.example"),))
    account.user.edit(BOOK, there, emails=(Labelled("work", "Ada@King.example"),))
    world.settle(name)
    for side in sides(world, account):
        assert len(side.emails) == 1


def test_everything_emptied_here_and_added_there(world: KindsWorld) -> None:
    """All numbers are deleted here while one is added there: the added one survives, on both sides."""
    old = (Labelled("work", "+49 911 1"), Labelled("mobile", "+49 170 1"))
    account, name, ref, there = joined(world, contact(phones=old))
    world.host.edit(ADA, ref, phones=())
    account.user.edit(BOOK, there, phones=(*old, Labelled("home", "+49 911 2")))
    world.settle(name)
    for side in sides(world, account):
        assert "+49 911 2" in {entry.value for entry in side.phones}


def test_addresses_of_several_lines_and_without_labels(world: KindsWorld) -> None:
    """Two addresses without labels, edited on both sides: what neither touched stays."""
    one = PostalAddress(label="home", street="Ring 1\nHinterhaus", city="Fürth")
    two = PostalAddress(label="work", street="Gasse 2", city="Nürnberg", country="Deutschland")
    account, name, ref, there = joined(world, contact(addresses=(one, two)))
    world.host.edit(ADA, ref, addresses=(one, PostalAddress(label="work", street="Gasse 3", city="Nürnberg")))
    account.user.edit(BOOK, there, notes="dort")
    world.settle(name)
    for side in sides(world, account):
        assert one in side.addresses
        assert any(address.street == "Gasse 3" for address in side.addresses)


@pytest.mark.parametrize("born", [date(2000, 2, 29), date(YEARLESS, 2, 29), date(1899, 12, 31), date(1990, 1, 1)])
def test_birthdays_stay_on_their_day(world: KindsWorld, born: date) -> None:
    """A birthday that moves by a day, or loses its year, is told to the wrong person on the wrong day."""
    account, name, ref, _ = joined(world, contact(birthday=born))
    world.host.edit(ADA, ref, company="Nordwerk")
    world.settle(name)
    assert {side.birthday for side in sides(world, account)} == {born}


@pytest.mark.parametrize(
    "odd",
    [
        Contact(notes="ohne Namen"),
        Contact(),
        Contact(phones=(Labelled("", "kein Telefon"),)),
        Contact(emails=(Labelled("x" * 50, "keine Adresse"),)),
        Contact(given_name="\u202eelttil", family_name="\x0b"),
        Contact(display_name="Nur so genannt"),
    ],
)
def test_an_odd_contact_comes_once_and_stops_nothing(world: KindsWorld, odd: Contact) -> None:
    """One contact without a name, or with what is none, keeps no other from being synced and comes once."""
    account = world.account()
    account.user.create(BOOK, odd)
    account.user.create(BOOK, contact("Eva Klug", "eva@klug.example"))
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 2
    assert doubtful(world.engine, world.person()) == []


def test_a_shared_address_of_a_firm_adopts_nobody(world: KindsWorld) -> None:
    """info@ is everybody's: a colleague without a name there must not become the one who is here, without being asked,
    where their firms differ."""
    account = world.account()
    world.host.create(ADA, contact("Ada King", "info@firma.example", company="Firma"), kind=Kind.CONTACT)
    account.user.create(BOOK, Contact(company="Andere", emails=(Labelled("work", "info@firma.example"),)))
    name = world.join(account, Kind.CONTACT, **BOTH_WAYS)
    world.settle(name)
    (view,) = doubtful(world.engine, world.person())
    assert view.candidates
    assert len(world.here(Kind.CONTACT)) == len(world.there(account, BOOK)) == 1
