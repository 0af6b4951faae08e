"""For everybody: in English, without a script, on a telephone, in the dark, by keyboard, with a screen reader."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.browser.person import Someone
from tests.browser.world import GOOGLE_ANNA, TODAY, World

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
NARROW = (390, 320)
CALENDARS = ("/calendar", "/calendar?view=month", "/calendar?view=agenda", "/calendar?view=day", "/calendar/of/jonas")


def main_pages(settings: str) -> list[str]:
    return [
        "/",
        *CALENDARS,
        f"/calendar/new?date={TODAY}",
        "/contacts",
        "/tasks",
        "/calls/new",
        "/marketplace",
        "/marketplace?q=google",
        "/marketplace/google",
        "/profile/synchronisation",
        "/profile/integrations",
        settings,
        *(f"{settings}/{page}" for page in ("plan", "result", "connect", "test", "disconnect", "runs")),
        "/sync",
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_and_narrow_screens_do_not_scroll_sideways(steg: World, someone: People, dark: bool) -> None:
    anna = someone("anna", dark=dark)
    settings = anna.connected(target=f"{GOOGLE_ANNA} (Hauptkalender)", sources=(GOOGLE_ANNA, "Familie"))
    anna.calendar()
    block = anna.entry("Elternabend").get_attribute("href") or ""
    event = anna.entry("Vertrag Sonnenhof").get_attribute("href") or ""
    found: list[str] = []
    for path in (*main_pages(settings), block, event):
        anna.open(path)
        found += violations(anna, path)
        if not dark:
            found += [f"{path} scrolls sideways at {width}" for width in NARROW if scrolls_sideways(anna, width)]
            anna.page.set_viewport_size({"width": 1280, "height": 900})
    assert not found, "\n".join(found)


def test_axe_finds_nothing_where_something_is_open(steg: World, anna: Someone) -> None:
    settings = anna.connected(sources=(GOOGLE_ANNA,))
    page = anna.page
    anna.calendar()
    anna.entry("Zahnarzt Dr. Ebert").click(button="right")
    expect(page.locator("#ctx")).to_be_visible()
    found = violations(anna, "menu of a block")
    page.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click()
    found += violations(anna, "conversion")
    page.keyboard.press("Escape")
    anna.sync()
    found += violations(anna, "panel of the sync")
    page.keyboard.press("Escape")
    anna.button("mein Konto").click()
    found += violations(anna, "menu of the account")
    anna.open(settings)
    anna.link("Verbindung trennen").click()
    found += violations(anna, "disconnect")
    assert not found, "\n".join(found)


def violations(who: Someone, where: str) -> list[str]:
    response: dict[str, Any] = Axe().run(who.page, options=RULES).response
    return [
        f"{where}: {rule['id']}: {node['html'][:160]}" for rule in response["violations"] for node in rule["nodes"][:3]
    ]


def scrolls_sideways(who: Someone, width: int) -> bool:
    who.page.set_viewport_size({"width": width, "height": 800})
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    return bool(who.page.evaluate(f"{drawn}.then(() => document.documentElement.scrollWidth > innerWidth)"))


@pytest.mark.parametrize("width", NARROW)
def test_on_a_telephone_the_path_is_the_same(steg: World, someone: People, width: int) -> None:
    anna = someone("anna", width=width)
    anna.link("Profil").click()
    anna.link("Stöbern").first.click()
    anna.connected(sources=(GOOGLE_ANNA,))
    anna.calendar("view=agenda")
    anna.button("Aktionen: Telefonat mit Petra").click()
    menu = anna.page.locator("#ctx")
    expect(menu).to_be_in_viewport(ratio=1)
    menu.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click()
    anna.page.get_by_role("dialog").get_by_role("button", name="Umwandeln").click()
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")
    anna.sync()
    expect(anna.page.locator("#syncpop")).to_be_in_viewport(ratio=1)


def test_by_keyboard_alone(steg: World, anna: Someone) -> None:
    anna.connected(sources=(GOOGLE_ANNA,))
    page, keys = anna.page, anna.page.keyboard
    anna.calendar()
    stops = page.locator("#calview .ev[tabindex='0']")
    expect(stops).to_have_count(1)
    stops.focus()
    keys.press("Home")
    wanted = anna.entry("Telefonat mit Petra")
    for _ in range(page.locator("#calview .ev").count()):
        focused = page.evaluate("document.activeElement.textContent")
        if "Telefonat mit Petra" in focused:
            break
        keys.press("ArrowDown" if ", Mittwoch, 18. November" in focused else "ArrowRight")
    expect(wanted).to_be_focused()
    keys.press("ContextMenu")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    keys.press("Escape")
    expect(wanted).to_be_focused()
    keys.press("Shift+F10")
    expect(page.locator("#ctx")).to_be_visible()
    keys.press("u")
    dialog = page.get_by_role("dialog", name="In sichtbaren Termin umwandeln?")
    expect(dialog.get_by_role("button", name="Abbrechen")).to_be_focused()
    keys.press("Tab")
    expect(dialog.get_by_role("button", name="Umwandeln")).to_be_focused()
    keys.press("Enter")
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")
    undo = page.locator(".toast").get_by_role("button", name="Rückgängig")
    undo.focus()
    keys.press("Enter")
    anna.told("Der Termin ist wieder ein grauer Block.")


def test_without_a_script_the_forms_do_it_all(steg: World, someone: People) -> None:
    anna = someone("anna", javascript=False)
    main = anna.page.get_by_role("main")
    anna.open("/marketplace")
    anna.page.get_by_label("Marktplatz durchsuchen").fill("Google Kalender")
    anna.page.keyboard.press("Enter")
    expect(main).to_contain_text("1 Treffer")
    anna.connect()
    anna.link("Test").click()
    anna.button("Test").click()
    expect(main).to_contain_text("Bestanden")
    anna.link("Zurück zu den Einstellungen").click()
    anna.choose(target=f"{GOOGLE_ANNA} (Hauptkalender)", sources=(GOOGLE_ANNA,))
    anna.save()
    anna.button("Starten").click()
    anna.heading("Google Kalender")
    settings = anna.page.url.removeprefix(steg.url)
    assert steg.running.pool.wait_until_idle(20)

    anna.calendar()
    anna.page.locator("[data-syncbtn]").click()
    anna.heading("Synchronisation")
    assert steg.running.pool.wait_until_idle(20)
    anna.page.reload()
    expect(main).to_contain_text("Keine Änderungen")

    anna.calendar()
    anna.entry("Telefonat mit Petra").click()
    anna.button("Umwandeln").click()
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")
    anna.button("Rückgängig").click()
    anna.told("Der Termin ist wieder ein grauer Block.")
    anna.entry("Angebot prüfen").click()
    anna.page.locator("#del-now").get_by_role("button", name="Löschen").click()
    anna.told("Gelöscht.")

    anna.open(settings)
    anna.link("Verbindung trennen").click()
    anna.heading("Google Kalender")
    anna.button("Verbindung trennen").click()
    anna.told("Die Verbindung ist getrennt.")


def test_in_english(steg: World, someone: People) -> None:
    anna = someone("anna", language="en")
    page, main = anna.page, anna.page.get_by_role("main")
    anna.button("my account, Anna Brandt").click()
    page.get_by_role("navigation", name="My account").get_by_role("link", name="Integrations / Marketplace").click()
    anna.link("Browse").click()
    page.get_by_label("Search the marketplace").fill("Google Calendar")
    expect(page.locator("#results")).to_contain_text("1 result for “Google Calendar”")
    anna.add_integration("Google Calendar", "Add")
    anna.button("Connect").click()
    anna.at_google()
    anna.consent()
    anna.heading("Google Calendar is connected")
    anna.link("Test").click()
    anna.button("Test").click()
    expect(main).to_contain_text(re.compile(r"Passed in \d+ ms"))
    anna.link("Back to the settings").click()
    page.get_by_role("combobox", name="Target calendar").select_option(index=1)
    page.locator("input[name=sources]").first.check()
    page.locator("#switch_event").check()
    anna.button("Save").click()
    anna.told("Saved. This is what the first sync would do:")
    anna.button("Start").click()
    anna.settled()
    settings = page.url.removeprefix(steg.url)
    for path in main_pages(settings):
        anna.open(path)
    anna.calendar()
    expect(anna.entry("Telefonat mit Petra")).to_contain_text("Busy")
    anna.entry("Telefonat mit Petra").click(button="right")
    expect(page.get_by_role("menuitem").first).to_contain_text("Convert to visible event")
