"""What a user decides, as a person meets it: a conflict taken back, held deletions, a run undone, a plan approved after
the other side changed, and "Warum?" on five kinds of event. In German, on a Wednesday."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import People
from tests.browser.person import Someone
from tests.browser.world import GOOGLE_ANNA, World

MAIN = f"{GOOGLE_ANNA} (Hauptkalender)"
DECISIONS = "/profile/decisions"


def idle(steg: World) -> None:
    """What a decision has woken up has run."""
    assert steg.running.pool.wait_until_idle(20)


def edited_here(who: Someone, entry: str, **fields: str) -> None:
    who.calendar()
    who.entry(entry).first.click()
    who.heading(entry)
    who.link("Bearbeiten").click()
    for name, value in fields.items():
        who.page.locator(f"#{name}").fill(value)
    who.save()
    who.told("Gespeichert.")
    idle(who.world)


def edited_there(steg: World, title: str, **fields: object) -> None:
    steg.at_google().patch(steg.google_event(title)["id"], fields)


def synced(who: Someone) -> None:
    who.calendar()
    who.sync()


def card(who: Someone, title: str) -> Locator:
    return who.page.get_by_role("region", name=title)


# ---- conflicts -------------------------------------------------------------------------------------------------------


def test_a_conflict_is_taken_back(steg: World, anna: Someone, someone: People) -> None:
    anna.connected(target=MAIN)
    edited_here(anna, "Angebot prüfen", title="Angebot prüfen mit Jonas")
    edited_there(steg, "Angebot prüfen", summary="Angebot prüfen im Büro")
    synced(anna)
    anna.open(DECISIONS)
    conflicts = card(anna, "Konflikte")
    expect(conflicts.get_by_role("heading", level=3)).to_contain_text("Titel")
    expect(conflicts).to_contain_text("Angebot prüfen mit Jonas")
    expect(conflicts).to_contain_text("Angebot prüfen im Büro")
    kept = conflicts.locator(".keeps > div", has=anna.page.locator(".badge.ok")).inner_text()
    other = "Angebot prüfen mit Jonas" if "im Büro" in kept else "Angebot prüfen im Büro"

    jonas = someone("jonas")
    jonas.open(DECISIONS)
    expect(jonas.page.get_by_role("main")).to_contain_text("Nichts wartet auf Sie")

    anna.button("Stattdessen diesen Wert übernehmen").click()
    anna.told("Der nächste Abgleich bringt den Wert auf die andere Seite, ohne E-Mail.")
    idle(steg)
    assert other in steg.google_events()
    anna.calendar()
    expect(anna.entry(other)).to_have_count(1)
    anna.open(DECISIONS)
    expect(anna.page.get_by_role("main")).to_contain_text("Nichts wartet auf Sie")


def test_what_a_field_lost_first_stays_in_the_list(steg: World, anna: Someone) -> None:
    """Each conflict is a line of its own: the last one in sight, the earlier ones behind a click, by keyboard too."""
    anna.connected(target=MAIN)
    entry = "Angebot prüfen"
    for word in ("eins", "zwei", "drei"):
        edited_here(anna, entry, title=f"Hier {word}")
        edited_there(steg, entry, summary=f"Dort {word}")
        synced(anna)
        entry = next(title for title in steg.google_events() if title in (f"Hier {word}", f"Dort {word}"))
    anna.open(DECISIONS)
    conflicts = card(anna, "Konflikte")
    expect(conflicts.get_by_role("heading", level=3)).to_have_count(1)
    expect(conflicts.get_by_text("Dort drei", exact=True)).to_be_visible()
    expect(conflicts.get_by_text("Dort eins", exact=True)).to_be_hidden()
    earlier = conflicts.get_by_text("2 frühere Konflikte um dieses Feld")
    earlier.focus()
    anna.page.keyboard.press("Enter")
    for value in ("Hier zwei", "Dort zwei", "Hier eins", "Dort eins"):
        expect(conflicts.get_by_text(value, exact=True)).to_be_visible()
    conflicts.get_by_role("button", name="Stattdessen diesen Wert übernehmen").last.click()
    anna.told("Der Termin wurde inzwischen geändert, deshalb wurde nichts überschrieben.")
    earlier.click()
    conflicts.get_by_role("button", name="Von der Liste nehmen").last.click()
    anna.told("Alles bleibt, wie es ist. Der Konflikt ist von der Liste.")
    expect(conflicts.get_by_text("1 früherer Konflikt um dieses Feld")).to_be_visible()
    assert entry in steg.google_events()


def test_asking_leaves_both_sides_until_it_is_decided(steg: World, anna: Someone) -> None:
    settings = anna.connected(target=MAIN)
    anna.open(settings)
    anna.page.get_by_role("radio", name="Mich fragen").check()
    anna.save()
    anna.heading("Google Kalender")
    anna.start()
    edited_here(anna, "Angebot prüfen", title="Angebot hier")
    edited_there(steg, "Angebot prüfen", summary="Angebot dort")
    synced(anna)
    assert "Angebot dort" in steg.google_events()
    anna.calendar()
    expect(anna.entry("Angebot hier")).to_have_count(1)
    anna.open(DECISIONS)
    expect(anna.page.locator(".subnav .badge")).to_contain_text("1")
    anna.page.get_by_role("button", name=re.compile("Diesen Wert übernehmen – .*, Hier")).click()
    anna.told("Der nächste Abgleich bringt den Wert")
    idle(steg)
    assert "Angebot hier" in steg.google_events()
    assert "Angebot dort" not in steg.google_events()


# ---- held deletions --------------------------------------------------------------------------------------------------


def test_held_deletions_are_let_go_or_kept(steg: World, anna: Someone) -> None:
    anna.connected(target=MAIN)
    for event in steg.written_at_google():
        steg.at_google().delete(event["id"])
    synced(anna)
    anna.calendar()
    expect(anna.entry("Angebot prüfen")).to_have_count(1)
    anna.open(DECISIONS)
    held = card(anna, "Zurückgehaltene Löschungen")
    expect(held).to_contain_text("Bis zu 10 Löschungen am Tag werden von selbst ausgeführt")
    held.get_by_role("checkbox", name="Angebot prüfen").check()
    anna.button("Ausgewählte löschen").click()
    anna.told("1 Löschung wird ausgeführt; der nächste Abgleich prüft sie vorher noch einmal.")
    idle(steg)
    anna.open(DECISIONS)
    held.get_by_role("checkbox", name="Vertrag Sonnenhof").check()
    anna.button("Ausgewählte behalten").click()
    anna.told("1 Löschung wird zurückgenommen.")
    idle(steg)
    assert "Vertrag Sonnenhof" in steg.google_events()
    anna.calendar()
    expect(anna.entry("Vertrag Sonnenhof")).to_have_count(1)
    expect(anna.entry("Angebot prüfen")).to_have_count(0)
    anna.open(DECISIONS)
    expect(held.get_by_role("checkbox", name="Inventur")).to_be_visible()
    expect(held.get_by_role("checkbox", name=re.compile("Vertrag Sonnenhof|Angebot prüfen"))).to_have_count(0)


# ---- undo ------------------------------------------------------------------------------------------------------------


def test_a_run_is_undone(steg: World, anna: Someone) -> None:
    settings = anna.connected(target=MAIN)
    edited_there(steg, "Angebot prüfen", summary="Angebot verworfen")
    edited_there(steg, "Vertrag Sonnenhof", summary="Vertrag gekündigt")
    synced(anna)
    edited_here(anna, "Vertrag gekündigt", title="Vertrag verlängert")
    synced(anna)
    anna.open(f"{settings}/runs")
    anna.page.get_by_role("link", name="0 neu, 2 geändert, 0 gelöscht").click()
    anna.link("Diesen Lauf rückgängig machen").click()
    expect(anna.page.get_by_role("main")).to_contain_text("Termin hier: geändert – 2")
    anna.button("Diesen Lauf rückgängig machen").click()
    back, left = card(anna, "Zurückgenommen"), card(anna, "Unverändert geblieben")
    expect(back).to_contain_text("Angebot prüfen")
    expect(left).to_contain_text("Er wurde nach diesem Lauf geändert")
    anna.calendar()
    expect(anna.entry("Angebot prüfen")).to_have_count(1)
    expect(anna.entry("Vertrag verlängert")).to_have_count(1)
    assert "Angebot verworfen" in steg.google_events(), "only what the run wrote is taken back"
    synced(anna)
    anna.calendar()
    expect(anna.entry("Angebot prüfen")).to_have_count(1)


# ---- a plan ----------------------------------------------------------------------------------------------------------


def test_a_plan_is_approved_after_the_other_side_changed(steg: World, anna: Someone) -> None:
    """What the plan did not hold waits and is asked again; the rest is done."""
    settings = anna.connected(target=MAIN)
    anna.open(settings)
    anna.page.get_by_role("radio", name="Die Änderung hier").check()
    anna.save()
    expect(anna.page.get_by_role("table")).to_be_visible()
    edited_there(steg, "Vertrag Sonnenhof", summary="Vertrag Sonnenhof (neu)")
    steg.at_google().delete(steg.google_event("Angebot prüfen")["id"])
    anna.start()
    idle(steg)
    anna.calendar()
    expect(anna.entry("Vertrag Sonnenhof (neu)")).to_have_count(1)
    expect(anna.entry("Angebot prüfen")).to_have_count(1)
    anna.open(settings)
    anna.told("Einige Schritte warten auf Sie")
    anna.link("Plan ansehen").click()
    here = anna.page.get_by_role("table").get_by_role("row").filter(has_text="Hier in Steg")
    expect(here.get_by_role("cell").nth(2)).to_have_text("1")
    anna.start()
    idle(steg)
    anna.calendar()
    expect(anna.entry("Angebot prüfen")).to_have_count(0)


# ---- "Warum?" --------------------------------------------------------------------------------------------------------


def test_why_on_six_kinds_of_event(steg: World, anna: Someone, someone: People) -> None:
    anna.connected(target=MAIN, sources=(GOOGLE_ANNA, "Familie"))
    main = anna.page.get_by_role("main")

    def why(entry: str) -> None:
        anna.calendar()
        anna.entry(entry).first.click()
        anna.link("Warum?").click()
        anna.heading("Warum?")
        expect(main).to_contain_text("Woher er kommt")

    why("Elternabend")
    expect(main).to_contain_text("Er kommt aus einem verbundenen Kalender. Kollegen sehen nur „Belegt“.")
    expect(main).to_contain_text("Neu im verbundenen Kalender.")
    block = anna.page.url.removeprefix(steg.url)

    why("Angebot prüfen")
    expect(main).to_contain_text("Er wurde hier angelegt und wird in Ihren Zielkalender kopiert.")
    expect(main).to_contain_text(GOOGLE_ANNA)
    expect(main).to_contain_text("Keine, die ihn verbirgt, zurückhält oder einschränkt")
    copy = anna.page.url.removeprefix(steg.url)

    why("Wochenstart Vertrieb")
    expect(main).to_contain_text("Montag, 16. November 2026, 09:00 bis 09:45")
    expect(main).to_contain_text("Serie: jede Woche, zum ersten Mal Montag, 2. November 2026, 09:00 bis 09:45")

    why("Erstgespräch Hafenbau Nord")
    expect(main).to_contain_text("Ein Kollege organisiert ihn hier")
    expect(main).to_contain_text("nur Ihre eigene Antwort")

    why("Abstimmung Messe")
    expect(main).to_contain_text("Er ist nur hier und wird nicht abgeglichen.")
    expect(main).to_contain_text("bevor das Konto verbunden wurde")

    anna.calendar()
    anna.entry("Elternabend").click(button="right")
    anna.page.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click()
    anna.page.get_by_role("dialog").get_by_role("button", name="Umwandeln").click()
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")
    anna.entry("Elternabend").click(button="right")
    anna.page.get_by_role("menuitem", name="Warum?").click()
    expect(main).to_contain_text("Sie haben ihn für Kollegen sichtbar gemacht")
    expect(main).to_contain_text("Sie haben ihn sichtbar gemacht.")

    edited_here(anna, "Vertrag Sonnenhof", title="Vertrag hier")
    edited_there(steg, "Vertrag Sonnenhof", summary="Vertrag dort")
    synced(anna)
    anna.calendar()
    why("Vertrag dort" if anna.entry("Vertrag dort").count() else "Vertrag hier")
    expect(card(anna, "Welche Seite bei welchem Feld gewann")).to_contain_text("Vertrag hier")
    expect(card(anna, "Welche Seite bei welchem Feld gewann")).to_contain_text("Vertrag dort")

    jonas = someone("jonas")
    with jonas.watch.expecting(404):
        for path in (block, copy):
            jonas.open(path)
            expect(jonas.page.get_by_role("main")).not_to_contain_text(GOOGLE_ANNA)
    assert "Elternabend" not in jonas.saw()
