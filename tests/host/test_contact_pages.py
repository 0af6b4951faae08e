"""Contacts on Steg's pages: one's own, shared ones, searched, edited; and nothing private for anybody else."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from marketplace_plugin.host.acts import Missing, Saved, Stale
from marketplace_plugin.host.records import contacts
from marketplace_plugin.host.records.contacts import Record, Whose
from marketplace_plugin.host.steg import Steg, Tie
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.contact import YEARLESS, Contact, Labelled, PostalAddress
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import HostApplied, HostCreate, HostMissing, HostUpdate
from tests.host.conftest import ANNA, JONAS, STRANGER, Browser, Told, signed_in

FORM: dict[str, Any] = {
    "given_name": "Ada",
    "family_name": "King",
    "company": "Nordwerk",
    "email_label": ["work", ""],
    "email_value": ["ada@nordwerk.example", ""],
    "phone_label": ["mobile"],
    "phone_value": ["+49 171 5550142"],
    "address_label": ["home"],
    "address_street": ["Hafenstraße 1"],
    "address_postal_code": ["90402"],
    "address_city": ["Nürnberg"],
    "address_region": [""],
    "address_country": [""],
    "website": ["https://nordwerk.example", ""],
    "birthday": "1990-02-28",
    "notes": "mag Tee",
}
ADA = Contact(
    given_name="Ada",
    family_name="King",
    company="Nordwerk",
    emails=(Labelled("work", "ada@nordwerk.example"),),
    phones=(Labelled("mobile", "+49 171 5550142"),),
    addresses=(PostalAddress(label="home", street="Hafenstraße 1", postal_code="90402", city="Nürnberg"),),
    websites=("https://nordwerk.example",),
    birthday=date(1990, 2, 28),
    notes="mag Tee",
)


def only(steg: Steg) -> Record:
    with steg.database.read() as c:
        (record,) = contacts.search(c, ANNA).records
    return record


def test_a_new_contact_is_ones_own_alone(steg: Steg, anna: Browser, told: Told) -> None:
    assert anna.post("/contacts/new", FORM).status_code == 303
    record = only(steg)
    assert record.item == ADA
    assert (record.owner, record.shared) == (ANNA.id, False)
    assert told.calls == [("anna", Kind.CONTACT, (record.ref,))]
    page = anna.page(f"/contacts/{record.ref}")
    assert "28. Februar 1990" in page
    assert "Nur Sie sehen diesen Kontakt." in page
    assert 'value="ada@nordwerk.example"' in anna.page(f"/contacts/{record.ref}/edit")


def test_editing_keeps_what_the_form_does_not_show_and_its_rows(steg: Steg, anna: Browser) -> None:
    made = steg.acts.create_contact(ANNA, ADA)
    form = FORM | {
        "version": "1",
        "email_label": ["work", "home"],
        "email_value": ["ada@nordwerk.example", "a@b.example"],
    }
    assert anna.post(f"/contacts/{made.ref}/edit", form).status_code == 303
    assert [entry.value for entry in only(steg).item.emails] == ["ada@nordwerk.example", "a@b.example"]
    assert anna.post(f"/contacts/{made.ref}/edit", form).status_code == 409  # somebody was faster: nothing overwritten
    assert only(steg).version == 2


@pytest.mark.parametrize(
    "changes, words",
    [
        (
            {"given_name": "", "family_name": "", "company": "", "email_value": ["", ""], "phone_value": [""]},
            "einen Namen",
        ),
        ({"email_value": ["nordwerk", ""]}, "E-Mail-Adresse"),
        ({"birthday": "--13-01"}, "--11-18"),
        ({"family_name": "x" * 301}, "300"),
    ],
)
def test_bad_entries_are_told_and_nothing_is_saved(
    steg: Steg, anna: Browser, changes: dict[str, Any], words: str
) -> None:
    answer = anna.post("/contacts/new", FORM | changes)
    assert answer.status_code == 422
    assert words in answer.text
    with steg.database.read() as c:
        assert contacts.search(c, ANNA).total == 0


def test_a_birthday_without_a_year(steg: Steg, anna: Browser) -> None:
    anna.post("/contacts/new", FORM | {"birthday": "--02-29"})
    assert only(steg).item.birthday == date(YEARLESS, 2, 29)
    page = anna.page(f"/contacts/{only(steg).ref}")
    assert "29. Februar<" in page
    assert 'value="--02-29"' in anna.page(f"/contacts/{only(steg).ref}/edit")


def test_sharing_and_not(steg: Steg, anna: Browser, jonas: Browser, app: Any) -> None:
    ref = steg.acts.create_contact(ANNA, ADA).ref
    assert jonas.get(f"/contacts/{ref}").status_code == 404
    anna.post(f"/contacts/{ref}/share", {"version": "1", "shared": "1"})
    page = jonas.page(f"/contacts/{ref}")
    assert "Anna Brandt teilt diesen Kontakt mit Ihnen" in page
    assert f"/contacts/{ref}/edit" not in page
    assert "King" in jonas.page("/contacts")
    for act in ("edit", "share", "delete"):
        jonas.post(f"/contacts/{ref}/{act}", FORM | {"version": "2"})
    assert only(steg).version == 2
    assert signed_in(app, STRANGER).get(f"/contacts/{ref}").status_code == 404
    anna.post(f"/contacts/{ref}/share", {"version": "2", "shared": ""})
    assert jonas.get(f"/contacts/{ref}").status_code == 404


PLANTED = "Quittenbaum"


def test_no_colleague_meets_a_private_contact_anywhere(steg: Steg, anna: Browser, jonas: Browser) -> None:
    ref = steg.acts.create_contact(
        ANNA,
        Contact(
            given_name=PLANTED,
            family_name=PLANTED,
            company=PLANTED,
            emails=(Labelled("work", f"{PLANTED}@nordwerk.example"),),
            phones=(Labelled("work", "0911 998877"),),
            notes=PLANTED,
        ),
    ).ref
    assert PLANTED in anna.page("/contacts")
    urls = [
        "/contacts",
        f"/contacts?q={PLANTED}",
        "/contacts?q=998877",
        "/contacts?whose=mine",
        "/contacts?whose=shared",
    ]
    for url in (*urls, "/", "/calendar", "/calendar/of/anna", "/tasks", "/calls"):
        page = jonas.page(url)
        assert PLANTED.lower() not in page.lower().replace(f"q={PLANTED}".lower(), "").replace(
            f'value="{PLANTED}"'.lower(), ""
        )
        assert ref not in page
    for url in (f"/contacts/{ref}", f"/contacts/{ref}/edit"):
        answer = jonas.get(url)
        assert answer.status_code == 404
        assert PLANTED not in answer.text
    assert steg.modules[Kind.CONTACT].changes(JONAS.id, None, 10).changes == ()
    assert not isinstance(steg.modules[Kind.CONTACT].get(JONAS.id, [ref])[0], HostItem)
    update = HostUpdate("x", ref, 1, ADA, frozenset({"notes"}))
    assert steg.modules[Kind.CONTACT].apply(JONAS.id, [update], None) == [HostMissing("x")]


def test_a_shared_contact_is_its_owners_to_sync(steg: Steg) -> None:
    steg.acts.create_contact(ANNA, ADA, shared=True)
    assert steg.modules[Kind.CONTACT].changes(JONAS.id, None, 10).changes == ()
    assert len(steg.modules[Kind.CONTACT].changes(ANNA.id, None, 10).changes) == 1


def test_what_the_sync_brings_is_private(steg: Steg) -> None:
    (done,) = steg.modules[Kind.CONTACT].apply(ANNA.id, [HostCreate("op", ADA)], None)
    assert isinstance(done, HostApplied)
    assert only(steg).shared is False
    assert steg.modules[Kind.CONTACT].apply(ANNA.id, [HostCreate("op", ADA)], None) == [done]
    edit = HostUpdate("op2", done.ref, 1, Contact(given_name="Ada", notes="neu"), frozenset({"notes"}))
    (done,) = steg.modules[Kind.CONTACT].apply(ANNA.id, [edit], None)
    assert isinstance(done, HostApplied)
    assert only(steg).item.notes == "neu"
    assert only(steg).item.emails == ADA.emails


@pytest.mark.parametrize("text", ["king", "KING ada", "nordwerk.example", "1715550142", "nürnberg", "0142"])
def test_search(steg: Steg, text: str) -> None:
    steg.acts.create_contact(ANNA, ADA)
    with steg.database.read() as c:
        assert contacts.search(c, ANNA, text).total == 1
        assert contacts.search(c, ANNA, f"{text} %").total == 0
        assert contacts.search(c, ANNA, text, Whose.SHARED).total == 0


def test_a_long_list_has_pages(steg: Steg, anna: Browser) -> None:
    for n in range(53):
        steg.acts.create_contact(ANNA, Contact(family_name=f"K{n:02}"))
    first, second = anna.page("/contacts"), anna.page("/contacts?page=2")
    assert "53 Kontakte" in first
    assert "K49" in first
    assert "K50" not in first
    assert "K52" in second
    assert anna.get("/contacts?page=99999999999").status_code == 200


def test_deleting(steg: Steg, anna: Browser) -> None:
    ref = steg.acts.create_contact(ANNA, ADA).ref
    assert isinstance(steg.acts.delete_contact(ANNA, ref, 7), Stale)
    assert isinstance(steg.acts.delete_contact(JONAS, ref, 1), Missing)
    anna.post(f"/contacts/{ref}/delete", {"version": "1"})
    with steg.database.read() as c:
        assert contacts.search(c, ANNA).total == 0
    assert isinstance(steg.acts.delete_contact(ANNA, ref, 1), Missing)
    assert isinstance(steg.acts.create_contact(ANNA, ADA), Saved)


def test_where_it_is_synced_is_said_to_its_owner_alone(steg: Steg, anna: Browser, jonas: Browser) -> None:
    ref = steg.acts.create_contact(ANNA, ADA, shared=True).ref
    steg.connect(
        ties=lambda _person, _ref, _kind: Tie("L1", integration="Google Kalender", account="anna@gmail.example")
    )
    assert "anna@gmail.example" in anna.page(f"/contacts/{ref}")
    assert "anna@gmail.example" not in jonas.page(f"/contacts/{ref}")


def test_who_has_no_name_can_be_opened_all_the_same(steg: Steg, anna: Browser) -> None:
    """The sync brings such contacts: a link without words cannot be seen, so its user would never find it again."""
    steg.modules[Kind.CONTACT].apply(ANNA.id, [HostCreate("op", Contact(notes="nur das"))], None)
    page = anna.page("/contacts")
    assert f'href="/contacts/{only(steg).ref}">Ohne Namen</a>' in page
    assert "Ohne Namen" in anna.page(f"/contacts/{only(steg).ref}")
