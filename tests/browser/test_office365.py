"""Office365 Kalender as a person takes it: found, added, authorised at Entra, tested, planned, synced on both sides,
disconnected; and what he reads whose organisation lets only its administrator consent. In German, on a Wednesday."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser.conftest import People
from tests.browser.person import Someone
from tests.browser.world import MICROSOFT_ADMIN, MICROSOFT_ANNA, MICROSOFT_LENA, TODAY, World, day
from tests.serving import served

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NAME = "Office365 Kalender"
MAIN = "Kalender (Hauptkalender)"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PLANTED = ("Zahnarzt Dr. Ebert", "Angebot Nordlicht besprechen", "Yoga", "Messe Hamburg", "Oma zu Besuch")
"""What Anna has at Microsoft and never makes visible."""


def stands(who: Someone) -> None:
    """The page that is open is accessible and fits on a telephone, in light design."""
    who.page.set_viewport_size(TELEPHONE)
    found: list[dict[str, Any]] = Axe().run(who.page, options=RULES).response["violations"]
    assert not [(rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]], who.page.url
    assert who.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, who.page.url
    who.page.set_viewport_size(DESKTOP)


def test_from_the_marketplace_to_a_sync_in_both_directions(steg: World, anna: Someone, someone: People) -> None:
    found_by_its_names(anna)
    authorised(anna)
    examined(anna)
    settings = planned_and_started(anna, steg)
    seen_in_grey(anna)
    jonas = someone("jonas")
    seen_by_a_colleague(jonas, showing=0)
    converted(anna)
    seen_by_a_colleague(jonas, showing=1)
    edited_on_both_sides(anna, steg)
    nothing_new_costs_one_request_a_calendar(anna, steg)
    everything = {event["id"] for event in steg.at_microsoft().events()}
    disconnected(anna, settings)
    assert {event["id"] for event in steg.at_microsoft().events()} == everything, "nothing is deleted remotely"
    nowhere_to_be_found(steg, jonas)


# ---- to the first sync -----------------------------------------------------------------------------------------------


def found_by_its_names(anna: Someone) -> None:
    page = anna.page
    anna.open("/marketplace")
    for words in ("Outlook", "Exchange Online", "Office365"):
        page.get_by_label("Marktplatz durchsuchen").fill(words)
        results = page.locator("#results")
        expect(results.get_by_role("heading", level=2).first).to_contain_text(f"Treffer für „{words}“")
        expect(results.get_by_role("link", name=NAME).first).to_be_visible()
    stands(anna)
    page.locator("#results").get_by_role("link", name=NAME).first.click()
    anna.heading(NAME)
    stands(anna)
    page.get_by_role("main").get_by_role("button", name="Hinzufügen", exact=True).click()
    anna.heading(f"{NAME} verknüpfen")
    expect(page.get_by_role("main")).to_contain_text("Personen Ihrer Organisation nachschlagen")
    stands(anna)


def choose_account(who: Someone, account: str) -> None:
    expect(who.page.get_by_role("heading", level=1)).to_have_text("Konto auswählen")
    who.page.locator(f'button[name="account"][value="{account}"]').click()


def accept(who: Someone) -> None:
    expect(who.page.get_by_role("heading", level=1)).to_have_text("Angeforderte Berechtigungen")
    who.button("Akzeptieren").click()


def authorised(anna: Someone) -> None:
    anna.button("Verknüpfen").click()
    choose_account(anna, MICROSOFT_ANNA)
    expect(anna.page.get_by_role("listitem")).to_have_text(
        ["Zugriff auf Daten beibehalten, für die Sie ihn erlaubt haben", "Vollzugriff auf Ihre Kalender"]
    )
    accept(anna)
    anna.heading(f"{NAME} ist verknüpft")
    anna.told(f"Angemeldet als {MICROSOFT_ANNA}.")
    for calendar in (MAIN, "Familie", "Feiertage in Deutschland"):
        expect(anna.page.get_by_role("main").get_by_role("listitem").filter(has_text=calendar)).to_be_visible()
    expect(anna.button("Freigegebene einbeziehen")).to_be_visible()
    stands(anna)


def examined(anna: Someone) -> None:
    page = anna.page
    before = len(anna.world.microsoft.log)
    anna.link("Test").click()
    anna.heading(f"{NAME} testen")
    anna.button("Test").click()
    expect(page.locator("#test .badge")).to_have_text(re.compile(r"Bestanden in \d+ ms"))
    steps = page.locator("#test ol.steps > li")
    for number, name in enumerate(("Anmeldung", "Berechtigungen", "Kalender lesen")):
        expect(steps.nth(number)).to_contain_text(f"{name} – bestanden")
    expect(steps.nth(3)).to_contain_text("Bitte wählen Sie in den Einstellungen einen Zielkalender")
    assert {row.method for row in list(anna.world.microsoft.log)[before:]} <= {"GET"}, "a test writes nothing"
    stands(anna)
    anna.link("Zurück zu den Einstellungen").click()


def planned_and_started(anna: Someone, steg: World) -> str:
    page = anna.page
    anna.heading(NAME)
    settings = page.url.removeprefix(steg.url)
    expect(page.get_by_role("switch", name="Kalender", exact=True)).not_to_be_checked()
    expect(page.locator("[name=switch_invites]")).to_have_count(0)
    anna.choose(target=MAIN, sources=("Kalender", "Familie"))
    stands(anna)
    anna.save()
    anna.told("Gespeichert. So sähe der erste Abgleich aus:")
    plan = page.get_by_role("table")
    expect(plan.get_by_role("row", name="Verschickte E-Mails")).to_contain_text("0")
    new = int(plan.get_by_role("row").filter(has_text="Bei Microsoft").get_by_role("cell").first.inner_text())
    assert new > 5
    titles = {event["subject"] for event in steg.at_microsoft().events()}
    assert "Angebot prüfen" not in titles, "nothing is written before the plan is approved"
    stands(anna)
    anna.start(NAME)
    expect(page.locator("#live")).to_contain_text("neu, 0 geändert, 0 gelöscht")
    titles = {event["subject"] for event in steg.at_microsoft().events()}
    assert {"Angebot prüfen", "Vertrag Sonnenhof", "Wochenstart Vertrieb"} <= titles
    return settings


# ---- grey, and made visible ------------------------------------------------------------------------------------------


def seen_in_grey(anna: Someone) -> None:
    anna.calendar()
    for title in ("Zahnarzt Dr. Ebert", "Telefonat mit Petra", "Elternabend", "Yoga"):
        block = anna.entry(title)
        expect(block).to_contain_text("Belegt")
        expect(block).to_contain_text("nur für Sie lesbar")
    stands(anna)


def seen_by_a_colleague(jonas: Someone, *, showing: int) -> None:
    jonas.calendar(of="anna")
    assert jonas.page.locator("#calview .ev.busy").count() >= 5
    expect(jonas.page.locator("#calview .ev", has_text="Telefonat mit Petra")).to_have_count(showing)
    assert not [title for title in PLANTED if title in jonas.saw()]


def converted(anna: Someone) -> None:
    page = anna.page
    anna.calendar()
    anna.entry("Telefonat mit Petra").click(button="right")
    page.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click()
    page.get_by_role("dialog").get_by_role("button", name="Umwandeln").click()
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")
    expect(anna.entry("Telefonat mit Petra")).not_to_contain_text("Belegt")


# ---- on both sides ---------------------------------------------------------------------------------------------------


def edited_on_both_sides(anna: Someone, steg: World) -> None:
    page = anna.page
    anna.entry("Telefonat mit Petra").click()
    anna.link("Bearbeiten").click()
    page.locator("#title").fill("Telefonat mit Petra Kunde")
    anna.save()
    synced(anna)
    (event,) = [e for e in steg.at_microsoft().events() if e["subject"] == "Telefonat mit Petra Kunde"]
    assert "Version 3" in event["body"]["content"], "what was not edited stays as it was there"

    edit_at_microsoft(anna, "Telefonat mit Petra Kunde", "Telefonat mit Petra (später)", f"{TODAY}T12:00")
    edit_at_microsoft(anna, "Angebot prüfen", "Angebot prüfen und senden")
    synced(anna)
    expect(anna.entry("Telefonat mit Petra (später)")).to_contain_text("12:00 bis 12:30 Uhr")
    expect(anna.entry("Angebot prüfen und senden")).to_be_visible()


def edit_at_microsoft(anna: Someone, title: str, subject: str, start: str = "") -> None:
    page = anna.page
    page.goto(f"{anna.world.microsoft.url}/calendar/u/{MICROSOFT_ANNA}/")
    page.get_by_role("row").filter(has_text=title).get_by_role("link", name="Bearbeiten").click()
    page.locator('input[name="subject"]').fill(subject)
    if start:
        page.locator('input[name="end"]').fill(start.replace(":00", ":30"))
        page.locator('input[name="start"]').fill(start)
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(MICROSOFT_ANNA)


def synced(anna: Someone) -> Locator:
    anna.calendar()
    panel = anna.sync()
    expect(panel.locator("li")).to_contain_text(NAME)
    expect(panel.locator(".err, .warn")).to_have_count(0)
    return panel


def nothing_new_costs_one_request_a_calendar(anna: Someone, steg: World) -> None:
    synced(anna)
    before = len(steg.microsoft.log)
    synced(anna)
    asked = [(row.method, row.path.rpartition("/calendars/")[2]) for row in list(steg.microsoft.log)[before:]]
    assert len(asked) == len(set(asked)) == 2, asked
    assert all(method == "GET" and path.endswith("/calendarView/delta") for method, path in asked), asked


# ---- the end ---------------------------------------------------------------------------------------------------------


def disconnected(anna: Someone, settings: str) -> None:
    anna.open(settings)
    stands(anna)
    anna.link("Verbindung trennen").click()
    dialog = anna.page.get_by_role("dialog", name="Verbindung zu Microsoft trennen?")
    expect(dialog).to_contain_text("Alle Termine bei Microsoft")
    dialog.get_by_role("button", name="Verbindung trennen").click()
    anna.told("Die Verbindung ist getrennt. Importierte Termine wurden entfernt.")
    anna.calendar()
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(0)
    expect(anna.entry("Telefonat mit Petra (später)")).to_be_visible()


def nowhere_to_be_found(steg: World, jonas: Someone) -> None:
    """What was planted is in no byte of the database, no line of the log, and on no page of a colleague."""
    everything = {"database": steg.database_bytes(), "log": steg.log.getvalue().encode(), "Jonas": jonas.saw().encode()}
    assert not [(place, title) for place, held in everything.items() for title in PLANTED if title.encode() in held]
    assert not [token for token in steg.microsoft.grants._access if token in steg.log.getvalue()]
    assert not [token for token in steg.microsoft.grants._refresh if token.encode() in steg.database_bytes()]


# ---- shared calendars ------------------------------------------------------------------------------------------------


def test_shared_calendars_come_with_a_consent_of_their_own(steg: World, anna: Someone) -> None:
    connected(anna)
    expect(anna.page.get_by_role("main")).not_to_contain_text("Vertrieb")
    anna.button("Freigegebene einbeziehen").click()
    choose_account(anna, MICROSOFT_ANNA)
    expect(anna.page.get_by_role("list")).to_contain_text("Kalender lesen und ändern, die Sie öffnen können")
    accept(anna)
    anna.heading(f"{NAME} ist verknüpft")
    anna.link("Zu den Einstellungen").click()
    anna.choose(target=MAIN, sources=("Vertrieb",))
    anna.save()
    anna.start(NAME)
    expect(anna.page.locator("#live .err, #live .warn")).to_have_count(0)
    anna.calendar(f"view=week&date={day(8)}")
    expect(anna.entry("Quartalsplanung")).to_contain_text("Belegt")


def test_a_sign_in_may_lead_over_hosts_that_nobody_named(
    steg: World, anna: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Entra sends personal accounts, and those of organisations with a sign-in of their own, to another host."""
    added(anna)
    deployment = steg.running.engine.settings.integrations
    there = deployment["office365"]["authorize_url"]

    def elsewhere(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("302 Found", [("Location", f"{there}?{environ['QUERY_STRING']}")])
        return [b""]

    with served(elsewhere) as hop:
        settings = {**deployment["office365"], "authorize_url": f"{hop}/authorize"}
        monkeypatch.setitem(deployment, "office365", settings)
        anna.button("Verknüpfen").click()
        choose_account(anna, MICROSOFT_ANNA)
        accept(anna)
        anna.heading(f"{NAME} ist verknüpft")


def test_who_says_no_can_begin_again(steg: World, anna: Someone) -> None:
    added(anna)
    anna.button("Verknüpfen").click()
    choose_account(anna, MICROSOFT_ANNA)
    with anna.watch.expecting(400):
        anna.button("Abbrechen").click()
        anna.heading("Sie haben die Zustimmung nicht erteilt")
    connected(anna)


def added(who: Someone) -> None:
    who.open("/marketplace/office365")
    who.page.get_by_role("main").get_by_role("button", name="Hinzufügen", exact=True).click()
    who.heading(f"{NAME} verknüpfen")


def connected(who: Someone) -> None:
    who.open("/profile/synchronisation")
    if who.link("Authorisieren").count():
        who.link("Authorisieren").click()
    else:
        added(who)
    who.button("Verknüpfen").click()
    choose_account(who, MICROSOFT_ANNA)
    accept(who)
    who.heading(f"{NAME} ist verknüpft")


# ---- only an administrator may consent -------------------------------------------------------------------------------


def test_a_blocked_consent_goes_to_the_administrator_and_back(steg: World, anna: Someone, someone: People) -> None:
    added(anna)
    anna.button("Verknüpfen").click()
    choose_account(anna, MICROSOFT_LENA)
    expect(anna.page.get_by_role("heading", level=1)).to_have_text("Administratorgenehmigung erforderlich")
    anna.button("Ohne Zustimmung zur Anwendung zurückkehren").click()

    anna.heading("Zuerst muss Ihre Verwaltung zustimmen")
    anna.told("Es wurde nichts gespeichert und nichts geändert.")
    stands(anna)
    field = anna.page.get_by_label("Adresse für die Verwaltung")
    address = field.input_value()
    assert address.startswith(f"{steg.microsoft.url}/organizations/v2.0/adminconsent?")
    anna.context.grant_permissions(["clipboard-read", "clipboard-write"])
    anna.button("Kopieren").click()
    expect(anna.button("Kopiert")).to_be_visible()
    assert anna.page.evaluate("navigator.clipboard.readText()") == address
    anna.button("Bei Ihrem Administrator anfragen").click()
    anna.told("Ihre Anfrage wurde gesendet.")
    expect(anna.button("Bei Ihrem Administrator anfragen")).to_have_count(0)
    stands(anna)

    sabine = someone("sabine")
    asked_of_the_administrator(sabine, address)
    consented(someone("jonas", signed_in=False), address)
    marked_as_done(sabine)

    anna.page.reload()
    anna.told("Ihr Administrator meldet, dass die Zustimmung erteilt ist.")
    anna.button("Erneut versuchen").click()
    choose_account(anna, MICROSOFT_LENA)
    anna.heading(f"{NAME} ist verknüpft")
    anna.told(f"Angemeldet als {MICROSOFT_LENA}.")


def asked_of_the_administrator(sabine: Someone, address: str) -> None:
    sabine.open("/admin/connections")
    row = sabine.page.get_by_role("listitem").filter(has_text="Anna Brandt")
    expect(row).to_contain_text(f"Zustimmung bei Microsoft nötig für {NAME}")
    expect(row.get_by_label("Adresse für die Verwaltung")).to_have_value(address)
    expect(row.get_by_role("link", name="Öffnen")).to_have_attribute("href", address)
    stands(sabine)


def consented(stranger: Someone, address: str) -> None:
    """Microsoft's administrator has no account in Steg. Once he says no, then yes."""
    page = stranger.page
    for decision, said in (
        ("Abbrechen", "Die Zustimmung ist nicht erteilt"),
        ("Akzeptieren", "Die Zustimmung ist ert"),
    ):
        page.goto(address)
        choose_account(stranger, MICROSOFT_ADMIN)
        stranger.button(decision).click()
        stranger.heading(said)
        stands(stranger)
    expect(page.get_by_role("main")).to_contain_text("Sie können dieses Fenster schließen.")
    assert "Anna" not in stranger.saw()


def marked_as_done(sabine: Someone) -> None:
    sabine.page.get_by_role("listitem").filter(has_text="Anna Brandt").get_by_role("button", name="Erledigt").click()
    sabine.told("Die Anfrage ist erledigt.")


def test_the_page_is_found_without_coming_back(steg: World, anna: Someone) -> None:
    """Many close the window at Microsoft's page: the way on is told before the sign-in, too."""
    added(anna)
    anna.link("So geht es weiter").click()
    anna.heading("Zuerst muss Ihre Verwaltung zustimmen")
    anna.button("Erneut versuchen").click()
    choose_account(anna, MICROSOFT_ANNA)
    accept(anna)
    anna.heading(f"{NAME} ist verknüpft")
