"""One set of tests that every address book must pass: ``ContactContract`` with a fixture ``serving``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress
from marketplace_plugin.model.item import Kind
from tests.providers.contract_items import ItemContract
from tests.providers.item_serving import ItemServing, Kept, applied, capabilities, changing, equal, read, send, written

ADA = Contact(
    prefix="Dr.",
    given_name="Ada",
    family_name="King",
    company="Nordwerk GmbH",
    job_title="Leiterin",
    department="Vertrieb",
    emails=(Labelled("work", "ada@nordwerk.example"), Labelled("home", "ada@home.example")),
    phones=(Labelled("work", "+49 911 5550142"), Labelled("mobile", "+49 171 5550142")),
    addresses=(PostalAddress(label="work", street="Hafenstraße 1", postal_code="90402", city="Nürnberg"),),
    websites=("https://nordwerk.example/ada",),
    birthday=date(1990, 2, 28),
    notes="mag Tee\nzweite Zeile",
)


class ContactContract(ItemContract):
    kind = Kind.CONTACT

    def item(self, name: str = "first") -> Contact:
        return replace(ADA, family_name=name, emails=(Labelled("work", f"{name}@nordwerk.example"),))

    def renamed(self, item: Kept, text: str) -> Contact:
        assert isinstance(item, Contact)
        return replace(item, family_name=text)

    def rename(self, serving: ItemServing, item_id: str, text: str) -> None:
        serving.edit(item_id, family_name=text)

    def test_a_whole_contact_survives_as_far_as_it_can_be_held(self, serving: ItemServing) -> None:
        assert equal(serving, written(serving, ADA).item, ADA)

    @pytest.mark.parametrize("day", [date(1990, 2, 28), date(1968, 12, 31), date(2000, 2, 29), date(1955, 1, 1)])
    def test_a_birthday_is_a_date_in_every_zone(self, serving: ItemServing, day: date) -> None:
        if "birthday" in capabilities(serving).fields:
            found = written(serving, replace(ADA, birthday=day))
            assert isinstance(found.item, Contact)
            assert found.item.birthday == day
            again = read(serving).found()[found.id].item
            assert isinstance(again, Contact)
            assert again.birthday == day

    def test_a_birthday_without_its_year_is_no_other_day(self, serving: ItemServing) -> None:
        """A service that cannot hold one leaves it out; it never makes up a year."""
        found = written(serving, replace(ADA, birthday=date(YEARLESS, 2, 29)))
        assert isinstance(found.item, Contact)
        assert found.item.birthday in (None, date(YEARLESS, 2, 29))

    def test_one_entry_of_a_list_is_taken_away(self, serving: ItemServing) -> None:
        found = written(serving, ADA)
        assert isinstance(found.item, Contact)
        fewer = replace(found.item, emails=found.item.emails[1:])
        done = applied(send(serving, changing(found, fewer))[0])
        assert equal(serving, done.item, fewer)

    def test_emptied_is_empty(self, serving: ItemServing) -> None:
        found = written(serving, ADA)
        assert isinstance(found.item, Contact)
        bare = replace(found.item, notes="", birthday=None, phones=(), addresses=(), job_title="")
        done = applied(send(serving, changing(found, bare))[0])
        assert equal(serving, done.item, bare)

    def test_a_contact_without_a_name(self, serving: ItemServing) -> None:
        firm = Contact(company="Lindner KG", emails=(Labelled("work", "info@lindner.example"),))
        assert equal(serving, written(serving, firm).item, firm)

    def test_too_many_entries_lose_none_of_the_first_and_refuse_nothing(self, serving: ItemServing) -> None:
        """What there is no room for stays on our side; the stored item says what was kept."""
        many = replace(ADA, emails=tuple(Labelled("work", f"ada{n}@nordwerk.example") for n in range(6)))
        found = written(serving, many)
        assert isinstance(found.item, Contact)
        kept = {entry.value for entry in found.item.emails}
        assert kept
        assert kept <= {entry.value for entry in many.emails}

    def test_a_name_that_is_made_of_its_parts_is_not_told_as_its_own(self, serving: ItemServing) -> None:
        found = written(serving, replace(ADA, display_name=""))
        assert isinstance(found.item, Contact)
        assert found.item.display_name == ""
        done = applied(send(serving, changing(found, replace(found.item, family_name="Lovelace")))[0])
        assert isinstance(done.item, Contact)
        assert (done.item.family_name, done.item.display_name) == ("Lovelace", "")

    def test_a_name_of_its_own_outlives_a_change_of_its_parts(self, serving: ItemServing) -> None:
        if "display_name" in capabilities(serving).fields:
            found = written(serving, replace(ADA, display_name="Die Gräfin"))
            assert isinstance(found.item, Contact)
            done = applied(send(serving, changing(found, replace(found.item, family_name="Lovelace")))[0])
            assert isinstance(done.item, Contact)
            assert done.item.display_name == "Die Gräfin"
