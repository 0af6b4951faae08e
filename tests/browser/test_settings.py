"""Changing one's mind, and a service in trouble: nothing is lost, and the person reads what happens next."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.person import Someone
from tests.browser.world import FAMILY, GOOGLE_ANNA, TODAY, World

MAIN = f"{GOOGLE_ANNA} (Hauptkalender)"
TEN_MINUTES = timedelta(minutes=10)
DOWN = {"path": r"/(calendar/v3|token|revoke)", "times": 1000, "status": 503}


def test_unticking_a_source_removes_its_blocks_and_keeps_what_was_converted(steg: World, anna: Someone) -> None:
    steg.at_google().insert(whole_day("Schulfest"), FAMILY)
    settings = anna.connected(sources=(GOOGLE_ANNA, "Familie"))
    anna.calendar()
    anna.entry("Elternabend").click()
    anna.button("Umwandeln").click()
    expect(anna.entry("Schulfest")).to_be_visible()

    anna.open(settings)
    anna.choose(sources=(GOOGLE_ANNA,))
    anna.save()
    anna.told(re.compile(r"\d+ importierte Termine wurden entfernt\."))
    anna.calendar()
    for title in ("Schulfest", "Oma zu Besuch"):
        expect(anna.entry(title)).to_have_count(0)
    for title in ("Elternabend", "Zahnarzt Dr. Ebert"):
        expect(anna.entry(title)).to_be_visible()
    anna.sync()
    expect(anna.entry("Elternabend")).to_be_visible()
    assert "Schulfest" in steg.google_events(FAMILY), "nothing is deleted remotely"


def whole_day(title: str) -> dict[str, object]:
    day = {"date": str(TODAY)}
    return {"summary": title, "start": day, "end": {"date": str(TODAY.replace(day=TODAY.day + 1))}}


@pytest.mark.parametrize("answer", ["In den neuen Zielkalender verschieben", "Behalten"])
def test_another_target_asks_what_becomes_of_the_copies(steg: World, anna: Someone, answer: str) -> None:
    settings = anna.connected(target=MAIN)
    copies = sorted(event["summary"] for event in steg.written_at_google())
    anna.open(settings)
    anna.choose(target="Familie")
    with anna.watch.expecting(422):
        anna.save()
        asked = anna.page.get_by_role("group", name="Was geschieht mit den Terminen im bisherigen Zielkalender?")
        expect(asked).to_contain_text(f"Dort liegen {len(copies)} von Steg geschriebene Termine.")
    assert sorted(event["summary"] for event in steg.written_at_google()) == copies, "nothing happens before the answer"

    asked.get_by_role("radio", name=answer).check()
    anna.save()
    anna.start()
    anna.calendar()
    expect(anna.sync().locator(".err, .warn")).to_have_count(0)
    here, there = (sorted(e["summary"] for e in steg.written_at_google(name)) for name in ("primary", FAMILY))
    assert here == (copies if answer == "Behalten" else [])
    assert there == copies
    anna.calendar()
    expect(anna.sync()).to_contain_text("Keine Änderungen")
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(0)


def test_a_service_that_is_down_keeps_nobody_from_looking_or_leaving(steg: World, anna: Someone) -> None:
    settings = anna.connected(target=MAIN, sources=(GOOGLE_ANNA,))
    before = steg.google_ids()
    with steg.google.state.lock:
        steg.google.faults.add("status", **DOWN)
    anna.open(settings)
    anna.told("Der Dienst antwortet nicht")
    anna.told("Die Kalenderliste unten ist die zuletzt bekannte.")
    expect(anna.page.locator("input[name=sources]")).to_have_count(5)
    anna.calendar()
    blocks = anna.page.locator("#calview .ev.busy").count()
    expect(anna.sync()).to_contain_text(re.compile(r"Nichts geht verloren|Es geht nichts verloren"))
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(blocks)

    anna.open(settings)
    anna.link("Verbindung trennen").click()
    anna.page.get_by_role("dialog").get_by_role("button", name="Verbindung trennen").click()
    anna.told("Die Verbindung ist getrennt.")
    anna.calendar()
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(0)
    assert steg.google_ids() == before


def test_an_error_in_the_middle_of_paging_loses_nothing(steg: World, anna: Someone) -> None:
    anna.connected(target=MAIN, sources=(GOOGLE_ANNA,))
    steg.google.state.knobs.max_page_size = 3
    steg.google.state.expire_sync_tokens()
    steg.google.faults.add("status", method="GET", path="pageToken=", skip=2, times=1000, status=500)
    before = steg.google_ids()
    anna.calendar()
    blocks = anna.page.locator("#calview .ev.busy").count()
    panel = anna.sync()
    number = re.search(r"Fehler-Nr\. (\S{6,})", panel.inner_text())
    assert number is not None
    expect(panel).to_contain_text(re.compile("Nächster Versuch|Nächster Abgleich"))
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(blocks)

    steg.google.faults.clear()
    steg.google.state.knobs.max_page_size = None
    steg.clock.skip(TEN_MINUTES)
    anna.calendar()
    expect(anna.sync().locator(".err, .warn")).to_have_count(0)
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(blocks)
    assert steg.google_ids() == before
    assert number[1] in steg.log.getvalue()


def test_a_second_click_shows_the_run_that_is_under_way(steg: World, anna: Someone) -> None:
    settings = anna.connected(sources=(GOOGLE_ANNA,))
    anna.calendar()
    button, panel = anna.page.locator("[data-syncbtn]"), anna.page.locator("#syncpop-body .livepanel")
    with steg.google.state.lock:  # Google does not answer now
        button.click()
        expect(panel).to_contain_text(re.compile("Änderungen abrufen|beginnt gleich"))
        anna.page.keyboard.press("Escape")
        button.click()
        expect(panel).to_contain_text(re.compile("Änderungen abrufen|beginnt gleich"))
    anna.settled()
    expect(panel).to_contain_text("Keine Änderungen")
    anna.open(f"{settings}/runs")
    log = anna.page.get_by_role("region", name="Läufe").get_by_role("listitem")
    expect(log).to_have_count(3)  # of the plan, of the start, and one for both clicks
    log.first.get_by_role("link").click()
    anna.heading(re.compile("^Abgleich: "))


def test_what_cannot_be_saved_is_said_beside_the_field(steg: World, anna: Someone) -> None:
    anna.connect()
    anna.link("Zu den Einstellungen").click()
    anna.choose(sources=(GOOGLE_ANNA,))
    anna.page.get_by_label("Tage zurück").fill("9999")
    with anna.watch.expecting(422):
        anna.save()
        expect(anna.page.get_by_label("Tage zurück")).to_have_attribute("aria-invalid", "true")
    expect(anna.page.get_by_role("main")).to_contain_text(
        "Bitte geben Sie eine Anzahl von Tagen zwischen 0 und 365 ein."
    )
    expect(anna.page.get_by_role("checkbox", name=GOOGLE_ANNA)).to_be_checked()
