"""The whole path, as a person takes it: find, add, authorise, test, choose, plan, start, see, convert, edit on both
sides, disconnect. In German, on a Wednesday."""

from __future__ import annotations

import logging
import re
from datetime import date, timedelta

from playwright.sync_api import Locator, expect

from tests.browser.conftest import People
from tests.browser.person import GooglePage, Someone
from tests.browser.world import GOOGLE_ANNA, TODAY, World, day

MAIN = f"{GOOGLE_ANNA} (Hauptkalender)"
NEXT_WEEK = f"view=week&date={TODAY + timedelta(days=7)}"
IN_TWO_WEEKS = f"view=week&date={TODAY + timedelta(days=14)}"
PLANTED = (
    "Zahnarzt Dr. Ebert",
    "Angebot Nordlicht besprechen",
    "Konzept schreiben",
    "Yoga",
    "Messe Hamburg",
    "Oma zu Besuch",
    "Spätdienst über Mitternacht",
    "Steuererklärung abgeben",
    "Besprechungsraum 2",
)
"""What Anna has at Google and never makes visible."""


def test_from_the_marketplace_to_a_sync_in_both_directions(steg: World, anna: Someone, someone: People) -> None:
    google = GooglePage(anna)
    found_in_the_marketplace(anna)
    authorised(anna)
    examined(anna)
    settings = planned_and_started(anna, steg)
    written_to_google(steg)
    seen_by_the_owner(anna)

    jonas = someone("jonas")
    seen_by_a_colleague(jonas, steg, showing=0)

    converted_in_three_ways(anna)
    seen_by_a_colleague(jonas, steg, showing=2)
    edited_on_both_sides(anna, google, steg)
    made_in_steg(anna, steg)
    series_on_both_sides(anna, google, steg)
    whole_days_on_both_sides(anna, google, steg)
    deleted_on_both_sides(anna, google, steg)

    everything = steg.google_ids()
    disconnected(anna, settings)
    assert steg.google_ids() == everything, "a disconnect deletes nothing remotely"
    only_converted_is_left(anna, steg)
    seen_by_a_colleague(jonas, steg, showing=2, grey=False)
    nowhere_to_be_found(steg, jonas)


# ---- to the first sync -----------------------------------------------------------------------------------------------


def found_in_the_marketplace(anna: Someone) -> None:
    page = anna.page
    anna.button("mein Konto, Anna Brandt").click()
    menu = page.get_by_role("navigation", name="Mein Konto")
    expect(menu.get_by_role("link", name="Synchronisation")).to_be_visible()
    menu.get_by_role("link", name="Integrationen / Marketplace").click()
    anna.link("Stöbern").click()
    anna.heading("Marktplatz")
    page.get_by_label("Marktplatz durchsuchen").press_sequentially("Google Kalender", delay=5)
    results = page.locator("#results")
    expect(results.get_by_role("heading", level=2).first).to_contain_text("1 Treffer für „Google Kalender“")
    expect(page).to_have_url(re.compile(r"q=Google"))
    results.get_by_role("link", name="Google Kalender").first.click()
    anna.heading("Google Kalender")
    page.get_by_role("main").get_by_role("button", name="Hinzufügen", exact=True).click()
    anna.heading("Google Kalender verknüpfen")
    expect(page.locator(".stepper [aria-current=step]")).to_have_text("2Authorisieren")


def authorised(anna: Someone) -> None:
    page = anna.page
    anna.button("Verknüpfen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Konto auswählen")
    anna.at_google()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    anna.consent()
    anna.heading("Google Kalender ist verknüpft")
    anna.told(f"Angemeldet als {GOOGLE_ANNA}. 5 Kalender gefunden. Noch wurde nichts übertragen")
    for calendar in (f"{GOOGLE_ANNA} (Hauptkalender)", "Familie", "Vertrieb", "Feiertage in Deutschland"):
        expect(page.get_by_role("main").get_by_role("listitem").filter(has_text=calendar)).to_be_visible()


def examined(anna: Someone) -> None:
    page = anna.page
    before = len(anna.world.google.log)
    anna.link("Test").click()
    anna.heading("Google Kalender testen")
    expect(page.locator("#test")).to_contain_text("Er schreibt nichts.")
    anna.button("Test").click()
    expect(page.locator("#test .badge")).to_have_text(re.compile(r"Bestanden in \d+ ms"))
    steps = page.locator("#test ol.steps > li")
    expect(steps).to_have_count(4)
    for number, name in enumerate(("Anmeldung", "Berechtigungen", "Kalender lesen")):
        expect(steps.nth(number)).to_contain_text(f"{name} – bestanden")
    expect(steps.nth(2)).to_contain_text(re.compile(r"\d+ ms"))
    expect(steps.nth(3)).to_contain_text("Bitte wählen Sie in den Einstellungen einen Zielkalender")
    assert {row.method for row in list(anna.world.google.log)[before:]} <= {"GET"}, "a test writes nothing"
    anna.link("Zurück zu den Einstellungen").click()


def planned_and_started(anna: Someone, steg: World) -> str:
    page = anna.page
    anna.heading("Google Kalender")
    settings = page.url.removeprefix(steg.url)
    for box in page.locator("input[name=sources]").all():
        expect(box).not_to_be_checked()
    anna.choose(target=MAIN, sources=(GOOGLE_ANNA, "Familie"))
    anna.save()
    anna.told("Gespeichert. So sähe der erste Abgleich aus:")
    plan = page.get_by_role("table")
    expect(plan.get_by_role("row", name="Verschickte E-Mails")).to_contain_text("0")
    remote, here, blocks = (_counts(plan, side) for side in ("Bei Google", "Hier in Steg", "Graue Blöcke"))
    assert remote[0] > 5
    assert remote[1:] == [0, 0]
    assert here == [0, 0, 0]
    assert blocks[0] > 10
    assert not steg.written_at_google(), "nothing is written before the plan is approved"
    anna.start()
    expect(page.locator("#live")).to_contain_text("neu, 0 geändert, 0 gelöscht")
    assert len(steg.written_at_google()) >= remote[0]
    return settings


def _counts(plan: Locator, side: str) -> list[int]:
    cells = plan.get_by_role("row").filter(has_text=side).get_by_role("cell")
    return [int(text) for text in cells.all_inner_texts()]


def written_to_google(steg: World) -> None:
    """Stamped, without guests, and nothing of what ended before the account was connected."""
    written = {event["summary"]: event for event in steg.written_at_google() if "summary" in event}
    assert {"Angebot prüfen", "Vertrag Sonnenhof", "Fachmesse Nürnberg, Halle 7", "Wochenstart Vertrieb"} <= set(
        written
    )
    assert "Abstimmung Messe" not in written
    assert not [title for title, event in written.items() if event.get("attendees")]
    assert all(("sendUpdates", "none") in request.params for request in steg.google.requests("POST", "/events"))
    fair = written["Fachmesse Nürnberg, Halle 7"]
    assert (fair["start"], fair["end"]) == ({"date": str(day(1))}, {"date": str(day(4))})
    changed, cancelled = day(7), day(14)
    starts = steg.google_occurrences("Wochenstart Vertrieb")
    assert f"{changed}T10:00" in starts
    assert not [start for start in starts if start.startswith((f"{changed}T09", str(cancelled)))]


# ---- what is seen ----------------------------------------------------------------------------------------------------


def seen_by_the_owner(anna: Someone) -> None:
    anna.calendar()
    for title in ("Zahnarzt Dr. Ebert", "Telefonat mit Petra", "Elternabend", "Yoga"):
        block = anna.entry(title)
        expect(block).to_contain_text("Belegt")
        expect(block.locator("svg").first).to_be_attached()  # the lock; hidden where there is no room
        expect(block).to_contain_text("nur für Sie lesbar")
    fair, grandma = anna.entry("Messe Hamburg"), anna.entry("Oma zu Besuch")
    for bar in (fair, grandma):
        expect(bar.locator("..")).to_have_attribute("style", re.compile(r"grid-column:\d/span 2"))
    expect(anna.entry("Spätdienst über Mitternacht")).to_have_count(2)
    anna.entry("Telefonat mit Petra").click()
    anna.heading("Telefonat mit Petra")
    expect(anna.page.get_by_role("main")).to_contain_text("Unterlagen: Version 3")
    expect(anna.link("Bearbeiten")).to_have_count(0)
    anna.calendar(NEXT_WEEK)
    expect(anna.entry("Jour fixe Vertrieb (verschoben)")).to_contain_text("Dienstag, 24. November, 15:00 bis 16:00")
    anna.calendar(IN_TWO_WEEKS)
    expect(anna.entry("Angebot")).to_have_count(0)
    expect(anna.entry("Jour fixe Vertrieb")).to_have_count(0)


def seen_by_a_colleague(jonas: Someone, steg: World, *, showing: int, grey: bool = True) -> None:
    """Times and nothing else, on pages, in their JSON, and in the API. ``showing``: so many were made visible."""
    jonas.calendar(of="anna")
    assert (jonas.page.locator("#calview .ev.busy").count() >= 8) == grey
    assert not jonas.page.locator("[data-menu]").count()
    expect(jonas.page.locator("#calview .ev", has_text=re.compile("Telefonat mit Petra|Elternabend"))).to_have_count(
        showing
    )
    for view in (f"{NEXT_WEEK}", "view=month", "view=agenda", "view=day"):
        jonas.calendar(view, of="anna")
    jonas.calendar("with=anna")
    inside = jonas.context.request.get(f"{steg.url}/calendar/of/anna/events.json?from={day(0)}&days=30")
    outside = jonas.context.request.get(
        f"{steg.url}/api/v1/events",
        params={"owner": "anna", "start": f"{day(0)}T00:00:00Z", "end": f"{day(30)}T00:00:00Z"},
        headers={"Authorization": f"Bearer {steg.bearer('jonas')}"},
    )
    assert inside.ok
    assert outside.ok
    assert any(entry["type"] == "block" for entry in outside.json()["entries"]) == grey
    seen = jonas.saw() + inside.text() + outside.text()
    assert not [title for title in PLANTED if title in seen]


# ---- converting ------------------------------------------------------------------------------------------------------


def converted_in_three_ways(anna: Someone) -> None:
    page = anna.page
    anna.calendar()
    anna.entry("Angebot Nordlicht besprechen").click(button="right")
    _convert(anna, lambda: page.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click())
    expect(anna.entry("Angebot Nordlicht besprechen")).to_contain_text("für Kollegen sichtbar")
    page.locator(".toast").get_by_role("button", name="Rückgängig").click()
    anna.told("Der Termin ist wieder ein grauer Block. Kollegen sehen nur „Belegt“.")
    expect(anna.entry("Angebot Nordlicht besprechen")).to_contain_text("Belegt")

    anna.entry("Telefonat mit Petra").focus()
    page.keyboard.press("Shift+F10")
    _convert(anna, lambda: page.keyboard.press("Enter"))

    anna.calendar("view=day")
    block = anna.entry("Elternabend")
    block.hover()
    block.locator("..").get_by_role("button", name="Aktionen: Elternabend").click()
    _convert(anna, lambda: page.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click())
    for title in ("Telefonat mit Petra", "Elternabend"):
        expect(anna.entry(title)).to_have_count(1)
        expect(anna.entry(title)).not_to_contain_text("Belegt")


def _convert(anna: Someone, choose: object) -> None:
    assert callable(choose)
    expect(anna.page.locator("#ctx")).to_be_visible()
    expect(anna.page.locator("#ctx")).to_contain_text("Kollegen sehen nur „Belegt“")
    choose()
    dialog = anna.page.get_by_role("dialog", name="In sichtbaren Termin umwandeln?")
    expect(dialog.get_by_role("button", name="Abbrechen")).to_be_focused()
    dialog.get_by_role("button", name="Umwandeln").click()
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")


# ---- editing on both sides -------------------------------------------------------------------------------------------


def edited_on_both_sides(anna: Someone, google: GooglePage, steg: World) -> None:
    edited_in_steg(anna, "Telefonat mit Petra", title="Telefonat mit Petra Kunde")
    synced(anna)
    event = steg.google_event("Telefonat mit Petra Kunde")
    assert event["description"].startswith("Unterlagen: <b>Version 3</b>"), "what was not edited stays as it was there"
    google.edit("Telefonat mit Petra Kunde", summary="Telefonat mit Petra (später)", start=f"{TODAY}T12:00",
                end=f"{TODAY}T12:30")  # fmt: skip
    synced(anna)
    expect(anna.entry("Telefonat mit Petra (später)")).to_contain_text("12:00 bis 12:30 Uhr")
    expect(anna.entry("Telefonat mit Petra")).to_have_count(1)


def synced(anna: Someone) -> Locator:
    """By the icon; the calendar below is up to date then."""
    anna.calendar()
    panel = anna.sync()
    expect(panel.locator("li")).to_contain_text("Google Kalender")
    expect(panel.locator(".err, .warn")).to_have_count(0)
    return panel


def edited_in_steg(anna: Someone, entry: str, query: str = "", scope: str = "", **fields: str) -> None:
    anna.calendar(query)
    anna.entry(entry).first.click()
    anna.heading(entry)
    anna.link("Bearbeiten").click()
    for name, value in fields.items():
        anna.page.locator(f"#{name}").fill(value)
    if scope:
        anna.page.get_by_role("radio", name=scope).check()
    anna.save()
    anna.told("Gespeichert.")


def made_in_steg(anna: Someone, steg: World) -> None:
    page = anna.page
    anna.calendar()
    anna.link("Neuer Termin").click()
    anna.heading("Neuer Termin")
    page.get_by_label("Titel").fill("Kundentag")
    page.get_by_label("Ort").fill("Raum Regnitz")
    page.get_by_label("Erster Tag", exact=True).fill(str(TODAY))
    page.get_by_label("Beginn", exact=True).fill("16:00")
    page.get_by_label("Letzter Tag", exact=True).fill(str(TODAY))
    page.get_by_label("Ende", exact=True).fill("17:00")
    page.get_by_role("checkbox", name="Jonas Weber").check()
    anna.save()
    expect(anna.entry("Kundentag")).to_be_visible()
    synced(anna)
    event = steg.google_event("Kundentag")
    assert event["location"] == "Raum Regnitz"
    assert event["start"]["dateTime"].startswith(f"{TODAY}T16:00")
    assert event["extendedProperties"]["private"]
    assert "attendees" not in event
    expect(anna.entry("Kundentag")).to_have_count(1)


def series_on_both_sides(anna: Someone, google: GooglePage, steg: World) -> None:
    """One occurrence is moved and one is dropped, first in Steg, then at Google."""
    third, fourth = day(21), day(28)
    edited_in_steg(anna, "Wochenstart Vertrieb", f"view=week&date={third}", "Nur dieser Termin",
                   start_time="11:00", end_time="11:45")  # fmt: skip
    dropped_in_steg(anna, "Wochenstart Vertrieb", fourth)
    synced(anna)
    starts = steg.google_occurrences("Wochenstart Vertrieb")
    assert f"{third}T11:00" in starts
    assert not [start for start in starts if start.startswith((f"{third}T09", str(fourth)))]

    google.edit("Pipeline-Durchsprache", on=day(11), start=f"{day(11)}T13:00", end=f"{day(11)}T14:30")
    google.delete("Pipeline-Durchsprache", on=day(18))
    synced(anna)
    anna.calendar(f"view=week&date={day(11)}")
    expect(anna.entry("Pipeline-Durchsprache")).to_contain_text("13:00 bis 14:30 Uhr")
    anna.calendar(f"view=week&date={day(18)}")
    expect(anna.entry("Wochenstart Vertrieb").or_(anna.entry("Jour fixe Einkauf")).first).to_be_visible()
    expect(anna.entry("Pipeline-Durchsprache")).to_have_count(0)


def dropped_in_steg(anna: Someone, title: str, on: date) -> None:
    anna.calendar(f"view=week&date={on}")
    anna.entry(title).click()
    anna.button("Löschen").click()
    dialog = anna.page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="Nur dieser Termin")).to_be_checked()
    dialog.get_by_role("button", name="Löschen").click()
    anna.told("Gelöscht.")


def whole_days_on_both_sides(anna: Someone, google: GooglePage, steg: World) -> None:
    edited_in_steg(anna, "Fachmesse Nürnberg", end_day=str(day(4)))
    synced(anna)
    fair = steg.google_event("Fachmesse Nürnberg, Halle 7")
    assert (fair["start"]["date"], fair["end"]["date"]) == (str(day(1)), str(day(5)))
    google.edit("Inventur", start=f"{day(9)}T00:00", end=f"{day(11)}T00:00")
    synced(anna)
    anna.calendar(NEXT_WEEK)
    expect(anna.entry("Inventur")).to_contain_text("Mittwoch, 25. November bis Donnerstag, 26. November, ganztägig")


def deleted_on_both_sides(anna: Someone, google: GooglePage, steg: World) -> None:
    google.delete("Kundentag")
    anna.calendar()
    anna.entry("Angebot prüfen").click()
    anna.button("Löschen").click()
    anna.page.get_by_role("dialog").get_by_role("button", name="Löschen").click()
    anna.told("Gelöscht.")
    synced(anna)
    expect(anna.entry("Kundentag")).to_have_count(0)
    assert "Angebot prüfen" not in steg.google_events()


# ---- the end ---------------------------------------------------------------------------------------------------------


def disconnected(anna: Someone, settings: str) -> None:
    anna.open(settings)
    anna.link("Verbindung trennen").click()
    dialog = anna.page.get_by_role("dialog", name="Verbindung zu Google trennen?")
    deleted, kept = (dialog.locator(".keeps > div").nth(number) for number in (0, 1))
    expect(deleted).to_contain_text(re.compile(r"Wird aus Steg gelöscht\s*\d+ importierte Termine"))
    expect(kept).to_contain_text("Alle Termine bei Google")
    expect(kept).to_contain_text("2 sichtbar gemachte Termine")
    expect(dialog.get_by_role("checkbox")).not_to_be_checked()
    dialog.get_by_role("button", name="Verbindung trennen").click()
    anna.told("Die Verbindung ist getrennt. Importierte Termine wurden entfernt.")
    expect(anna.page.get_by_role("main")).to_contain_text("Noch kein Konto verbunden")


def only_converted_is_left(anna: Someone, steg: World) -> None:
    for view in ("", NEXT_WEEK):
        anna.calendar(view)
        expect(anna.page.locator("#calview .ev.busy")).to_have_count(0)
    anna.calendar()
    for title in ("Telefonat mit Petra (später)", "Elternabend", "Vertrag Sonnenhof"):
        expect(anna.entry(title)).to_be_visible()
    expect(anna.page.locator("[data-syncbtn]")).to_have_count(0)
    assert steg.google.requests("POST", "/revoke")
    assert not steg.google.grants._refresh
    assert not steg.google.grants._access


def nowhere_to_be_found(steg: World, jonas: Someone) -> None:
    """What was planted is in no byte of the database, no line of the log, and on no page of a colleague."""
    logging.getLogger("tests").debug("the log is kept")
    assert "the log is kept" in steg.log.getvalue()
    everything = {"database": steg.database_bytes(), "log": steg.log.getvalue().encode(), "Jonas": jonas.saw().encode()}
    found = [(place, title) for place, held in everything.items() for title in PLANTED if title.encode() in held]
    assert not found
    assert "ya29" not in steg.log.getvalue()
