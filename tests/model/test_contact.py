"""Contacts: what they are called, and which names are only made of their parts."""

from __future__ import annotations

import pytest

from marketplace_plugin.model.contact import Contact, Labelled, PostalAddress, called, full_name, own_name
from marketplace_plugin.model.form.canonical import changed_fields, restrict, same

ADA = Contact(prefix="Dr.", given_name="Ada", middle_name="Byron", family_name="King", suffix="Jr.")
FIRM = Contact(company="Lindner KG", emails=(Labelled("work", "info@lindner.example"),))


def test_full_name() -> None:
    assert full_name(ADA) == "Dr. Ada Byron King Jr."
    assert full_name(FIRM) == ""


def test_what_a_list_shows() -> None:
    assert called(ADA) == "Dr. Ada Byron King Jr."
    assert called(FIRM) == "Lindner KG"
    assert called(Contact(emails=(Labelled("", "a@b.example"),))) == "a@b.example"
    assert called(Contact(given_name="Ada", display_name="Die Gräfin")) == "Die Gräfin"


@pytest.mark.parametrize(
    "told",
    ["Dr. Ada Byron King Jr.", "Ada King", "Ada  Byron King", "King, Ada", "King, Ada Byron", "King, Ada Byron Jr."],
)
def test_a_name_that_is_made_of_its_parts_is_nobodys_own(told: str) -> None:
    assert own_name(told, ADA) == ""


def test_a_name_of_its_own_stays() -> None:
    assert own_name("Die Gräfin", ADA) == "Die Gräfin"
    assert own_name("Lindner KG", FIRM) == ""
    assert own_name("Lindner", FIRM) == "Lindner"
    assert own_name("", Contact()) == ""


def test_the_order_of_a_list_and_the_case_of_an_address_mean_nothing() -> None:
    work, home = Labelled("work", "Ada@King.example"), Labelled("home", "ada@home.example")
    turned = Contact(emails=(home, Labelled("Work", "ada@king.example ")))
    assert same(Contact(emails=(work, home)), turned)
    assert changed_fields(Contact(emails=(work,)), turned) == {"emails"}


def test_what_a_service_cannot_hold_is_left_out() -> None:
    contact = Contact(given_name="Ada", notes="x", addresses=(PostalAddress(label="home", city="Fürth"),))
    assert restrict(contact, frozenset({"given_name", "addresses"})) == Contact(
        given_name="Ada", addresses=contact.addresses
    )
