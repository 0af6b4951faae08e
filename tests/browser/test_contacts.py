"""Contacts, tasks and calls at Google: switched on with their permission, recognised, edited, moved on both sides."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.browser.person import Someone
from tests.browser.world import GOOGLE_ANNA, World

MAIN = f"{GOOGLE_ANNA} (Hauptkalender)"
PRIVATE = "Quittenbaum"


def person(given: str, family: str, mail: str, **more: Any) -> dict[str, Any]:
    name = {"givenName": given, "familyName": family}
    return {"names": [name], "emailAddresses": [{"value": mail, "type": "work"}], **more}


def test_contacts_are_switched_on_recognised_and_edited_on_both_sides(
    steg: World, anna: Someone, someone: People
) -> None:
    book = steg.google.books.of(GOOGLE_ANNA)
    grace = book.create(person("Grace", PRIVATE, "grace@navy.example"))
    known = book.create(person("Petra", "Lindner", "lindner@lindner-kg.example"))
    doubtful = book.create(person("Klaus", "Meier", "k.mueller@mueller-mb.example"))
    before = len(steg.google.books.of(GOOGLE_ANNA).persons)
    settings = anna.connected(target=MAIN)
    assert before == len(book.persons), "nothing of contacts before they are switched on"

    anna.open(settings)
    anna.page.locator("#switch_contact").check()
    anna.save()
    anna.at_google()
    expect(anna.page.locator('input[name="scope"][value$="auth/contacts"]')).to_have_count(1)
    anna.consent()
    anna.link("Zu den Einstellungen").click()
    expect(anna.page.locator("#switch_contact")).to_be_checked()
    expect(anna.page.get_by_role("combobox", name="Neue Kontakte kommen in")).not_to_have_value("")
    anna.save()
    expect(anna.page.get_by_role("row").filter(has_text="Kontakte – Bei Google")).to_be_visible()
    anna.start()

    anna.open(f"/contacts?q={PRIVATE}")
    expect(anna.page.get_by_role("row").filter(has_text="Grace")).to_contain_text("nur mich")
    anna.open("/contacts?q=lindner@")
    expect(anna.page.get_by_role("row").filter(has_text="Lindner")).to_have_count(1)

    anna.open("/profile/decisions")
    review = anna.page.get_by_role("region", name="Derselbe Eintrag?")
    expect(review).to_contain_text("Klaus Meier")
    expect(review).to_contain_text("Klaus Müller")
    review.get_by_role("button", name="Andere Person").click()
    anna.told("Der nächste Abgleich behält beide.")
    anna.calendar()
    anna.sync()
    anna.open("/contacts?q=klaus")
    expect(anna.page.get_by_role("row").filter(has_text="Klaus")).to_have_count(2)

    anna.open(f"/contacts?q={PRIVATE}")
    anna.link(f"Grace {PRIVATE}").click()
    anna.link("Bearbeiten").click()
    anna.page.get_by_label("Position").fill("Admiralin")
    anna.save()
    anna.told("Gespeichert")
    raw = book.shown(known, ["names", "metadata"], ["READ_SOURCE_TYPE_CONTACT"])
    name = {"givenName": "Petra", "familyName": "Lindner-Weiß"}
    book.update(known.name, {"names": [name], "metadata": raw["metadata"]}, ["names"])
    anna.calendar()
    anna.sync()
    shown = book.shown(book.get(grace.name), ["organizations"], ["READ_SOURCE_TYPE_CONTACT"])
    assert [one.get("title") for one in shown["organizations"]] == ["Admiralin"]
    anna.open("/contacts?q=lindner@")
    expect(anna.page.get_by_role("row").filter(has_text="Lindner-Weiß")).to_have_count(1)
    assert not book.get(doubtful.name).deleted

    jonas = someone("jonas")
    for path in (f"/contacts?q={PRIVATE}", "/contacts", "/profile/decisions"):
        jonas.open(path)
    assert "Grace" not in jonas.saw()
    assert "Klaus Meier" not in jonas.saw()
    assert PRIVATE.encode() not in _of_ours(steg)


def _of_ours(steg: World) -> bytes:
    """Our own tables: Steg's hold its contacts in clear, as any host's do."""
    with steg.running.store.read() as c:
        names = c.exec_driver_sql("SELECT name FROM sqlite_master WHERE name LIKE 'marketplace_%' AND type = 'table'")
        rows = [c.exec_driver_sql(f"SELECT * FROM {name}").all() for (name,) in names.all()]
    return repr(rows).encode()


def test_a_call_moves_with_its_entry_and_is_mirrored_no_longer_and_again(steg: World, anna: Someone) -> None:
    settings = anna.connected(target=MAIN)
    assert "Sonnenhof" not in steg.google_events()
    anna.open(settings)
    anna.page.locator("#switch_todos").check()
    expect(anna.page.get_by_role("checkbox", name="Anrufe")).to_be_checked()
    anna.save()
    expect(anna.page.get_by_role("row").filter(has_text="Anrufe – Bei Google")).to_be_visible()
    anna.start()
    entry = steg.google_event("Sonnenhof")
    assert entry["start"]["dateTime"].startswith("2026-11-19T16:15")
    assert "+49 9131 5550119" in entry["description"]
    assert steg.google_event("Wochenbericht")["start"] == {"date": "2026-11-20"}

    google = steg.at_google()
    moved = {"start": {"dateTime": "2026-11-20T08:00:00+01:00"}, "end": {"dateTime": "2026-11-20T08:15:00+01:00"}}
    google.patch(entry["id"], moved)
    anna.calendar()
    anna.sync()
    anna.open("/calls")
    row = anna.page.get_by_role("listitem").filter(has_text="Sonnenhof")
    expect(row).to_contain_text("Fr, 20. Nov., 08:00–08:15")

    google.delete(entry["id"])
    anna.calendar()
    anna.sync()
    anna.open("/calls")
    anna.link("Sonnenhof").click()
    anna.told("Nicht mehr gespiegelt")
    anna.button("Wieder spiegeln").click()
    anna.told("Der nächste Abgleich zeigt es wieder in Ihrem Kalender.")
    anna.calendar()
    anna.sync()
    assert steg.google_event("Sonnenhof")["start"]["dateTime"].startswith("2026-11-20T08:00")
    expect(anna.page.locator("#calview .ev.busy", has_text=re.compile("Sonnenhof|Wochenbericht"))).to_have_count(0)
