"""Exchange Kalender as a person takes it: found, added, the server searched, a test that fails and one that passes,
saved, planned, synced on both sides, converted, a new password, disconnected; in German, on a Wednesday."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Request, ViewportSize, expect

from tests.browser.conftest import People
from tests.browser.person import Someone
from tests.browser.world import EXCHANGE_ANNA, World

NAME = "Exchange Kalender"
USER, PASSWORD = "NORDWERK\\anna.brandt", "Fischmarkt-2026"
MAIN = "Kalender (Hauptkalender)"
CONTACT = "Ina Tech, Durchwahl 5500"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PLANTED = ("Zahnarzt Dr. Ebert", "Angebot Nordlicht besprechen", "Yoga", "Messe Hamburg")
STEPS = ("Server finden", "Verschlüsselung", "Anmeldung", "Kalender lesen", "Zielkalender beschreibbar")


def stands(who: Someone) -> None:
    """The page that is open is accessible and fits on a telephone, in light design."""
    who.page.set_viewport_size(TELEPHONE)
    found: list[dict[str, Any]] = Axe().run(who.page, options=RULES).response["violations"]
    assert not [(rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]], who.page.url
    assert who.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, who.page.url
    who.page.set_viewport_size(DESKTOP)


def test_from_the_marketplace_to_a_sync_in_both_directions(steg: World, anna: Someone, someone: People) -> None:
    sent = passwords_that(anna)
    contact_entered(someone("sabine"))
    found_by_its_names(anna)
    server_searched(anna, sent)
    refused_once(anna, steg)
    passed_and_timed(anna, steg)
    saved(anna)
    planned_and_started(anna, steg)
    seen_in_grey(anna)
    jonas = someone("jonas")
    seen_by_a_colleague(jonas, showing=0)
    converted(anna)
    seen_by_a_colleague(jonas, showing=1)
    edited_on_both_sides(anna, steg)
    everything = steg.exchange_titles()
    disconnected(anna)
    assert steg.exchange_titles() == everything, "nothing is deleted remotely"
    nowhere_to_be_found(steg, anna, jonas)
    assert {path for path in sent if "try" not in path and "credentials" not in path} == set()


def passwords_that(who: Someone) -> list[str]:
    """The paths of the requests that carry the password, as they are sent."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if PASSWORD in (request.post_data or "") + request.url or "Falsch-7" in (request.post_data or ""):
            sent.append(request.url.removeprefix(who.world.url))

    who.page.on("request", note)
    return sent


# ---- to a connection -------------------------------------------------------------------------------------------------


def contact_entered(admin: Someone) -> None:
    admin.open("/admin/connections")
    admin.link("Server", exact=True).click()
    admin.heading("Server")
    stands(admin)
    admin.page.get_by_label("IT-Ansprechpartner").fill(CONTACT)
    admin.page.get_by_label("Freigegebene Server").fill("https://mail.firma.de")
    with admin.watch.expecting(422):
        admin.button("Speichern").click()
        expect(admin.page.get_by_role("main")).to_contain_text("„https://mail.firma.de“ ist weder der Name")
    admin.page.get_by_label("Freigegebene Server").fill("")
    admin.button("Speichern").click()
    admin.told("Gespeichert.")


def found_by_its_names(anna: Someone) -> None:
    page = anna.page
    anna.open("/marketplace")
    for words in ("Outlook", "EWS", "Exchange Server"):
        page.get_by_label("Marktplatz durchsuchen").fill(words)
        results = page.locator("#results")
        expect(results.get_by_role("heading", level=2).first).to_contain_text(f"Treffer für „{words}“")
        expect(results.get_by_role("link", name=NAME).first).to_be_visible()
    page.locator("#results").get_by_role("link", name=NAME).first.click()
    anna.heading(NAME)
    expect(page.get_by_role("main")).to_contain_text("noch nicht gegen einen Server von Microsoft")
    stands(anna)
    page.get_by_role("main").get_by_role("button", name="Hinzufügen", exact=True).click()
    anna.heading(f"{NAME} verknüpfen")
    expect(page.get_by_role("main")).to_contain_text(CONTACT)
    stands(anna)


def server_searched(anna: Someone, sent: list[str]) -> None:
    """By keyboard, with the password in its field already: it does not go along."""
    page = anna.page
    expect(page.get_by_label("E-Mail-Adresse", exact=True)).to_have_value(EXCHANGE_ANNA)
    page.get_by_label("Benutzername").fill(USER)
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    page.get_by_label("E-Mail-Adresse", exact=True).press("Enter")
    port = anna.world.exchange.url.rpartition(":")[2]
    expect(page.locator("#found")).to_contain_text(f"Server gefunden: mail.nordwerk.example:{port}")
    expect(page.locator("#cred-server")).to_have_value(f"mail.nordwerk.example:{port}")
    expect(page.locator("#cred-password")).to_have_value(PASSWORD)
    assert not sent
    assert anna.world.names.asked[0] == ("_autodiscover._tcp.nordwerk.example", "SRV")
    assert not anna.world.exchange.sign_ins
    expect(anna.button("Speichern")).to_be_disabled()
    stands(anna)


def refused_once(anna: Someone, steg: World) -> None:
    page = anna.page
    page.get_by_label("Passwort", exact=True).fill("Falsch-7")
    anna.button("Test").press("Enter")
    panel = page.locator("#tested")
    expect(panel.locator(".badge")).to_have_text("Fehlgeschlagen")
    expect(anna.button("Test")).to_be_focused()
    steps = panel.locator("ol.steps > li")
    expect(steps).to_have_count(len(STEPS))
    for number, (name, state) in enumerate(zip(STEPS, ["bestanden"] * 2 + ["fehlgeschlagen"], strict=False)):
        expect(steps.nth(number)).to_contain_text(f"{name} – {state}")
    expect(steps.nth(2)).to_contain_text("Der Server lehnt Benutzername oder Passwort ab.")
    expect(steps.nth(2)).to_contain_text("Mehrere Fehlversuche sperren ein Konto")
    expect(panel).to_contain_text(CONTACT)
    assert len(steg.exchange.sign_ins) == 1, "tried once"
    anna.button("Test").click()
    expect(panel).to_contain_text("Genau diese Angaben wurden eben versucht und nicht angenommen")
    assert len(steg.exchange.sign_ins) == 1, "what was refused is not sent again"
    expect(anna.button("Speichern")).to_be_disabled()
    stands(anna)


def passed_and_timed(anna: Someone, steg: World) -> None:
    page = anna.page
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    page.get_by_label("Auch einen Probetermin schreiben").check()
    before = steg.exchange_titles()
    anna.button("Test").click()
    panel = page.locator("#tested")
    expect(panel.locator(".badge")).to_have_text(re.compile(r"Bestanden in \d+ ms"))
    steps = panel.locator("ol.steps > li")
    for number, name in enumerate(STEPS):
        expect(steps.nth(number)).to_contain_text(f"{name} – bestanden")
    expect(steps.nth(1)).to_contain_text(re.compile(r"TLS 1\.[23], Zertifikat gültig bis \d\d\.\d\d\.\d{4}"))
    expect(steps.nth(2)).to_contain_text(f"Angemeldet als {EXCHANGE_ANNA}, Verfahren NTLM, Exchange Server 2019")
    expect(steps.nth(4)).to_contain_text("Probetermin angelegt und wieder gelöscht")
    assert steg.exchange_titles() == before
    expect(page.locator(".btn-p")).to_have_count(1)
    stands(anna)


def saved(anna: Someone) -> None:
    anna.button("Speichern").click()
    anna.heading(f"{NAME} ist verknüpft")
    anna.told(f"Angemeldet als {EXCHANGE_ANNA}.")
    for calendar in (MAIN, "Projekt Leuchtturm"):
        expect(anna.page.get_by_role("main").get_by_role("listitem").filter(has_text=calendar)).to_be_visible()
    stands(anna)


# ---- to a sync -------------------------------------------------------------------------------------------------------


def planned_and_started(anna: Someone, steg: World) -> None:
    page = anna.page
    anna.link("Zu den Einstellungen").click()
    anna.heading(NAME)
    switches = page.get_by_role("switch")
    expect(switches.first).to_have_accessible_name("Kalender")
    assert not [one for one in switches.all() if one.is_checked()], "all are off"
    expect(page.get_by_role("combobox", name="Zielkalender")).to_be_hidden()
    stands(anna)
    page.locator("#switch_event").check()
    expect(page.get_by_role("combobox", name="Zielkalender")).to_be_visible()
    anna.choose(target=MAIN, sources=("Kalender", "Projekt Leuchtturm"))
    stands(anna)
    anna.save()
    anna.told("Gespeichert. So sähe der erste Abgleich aus:")
    plan = page.get_by_role("table")
    expect(plan.get_by_role("row", name="Verschickte E-Mails")).to_contain_text("0")
    assert "Angebot prüfen" not in steg.exchange_titles(), "nothing is written before the plan is approved"
    anna.start(NAME)
    expect(page.locator("#live")).to_contain_text("neu, 0 geändert, 0 gelöscht")
    assert {"Angebot prüfen", "Vertrag Sonnenhof", "Wochenstart Vertrieb"} <= set(steg.exchange_titles())


def seen_in_grey(anna: Someone) -> None:
    anna.calendar()
    for title in ("Zahnarzt Dr. Ebert", "Telefonat mit Petra", "Leuchtturm: Bauabnahme", "Yoga"):
        block = anna.entry(title)
        expect(block).to_contain_text("Belegt")
        expect(block).to_contain_text("nur für Sie lesbar")


def seen_by_a_colleague(jonas: Someone, *, showing: int) -> None:
    jonas.calendar(of="anna")
    assert jonas.page.locator("#calview .ev.busy").count() >= 5
    expect(jonas.page.locator("#calview .ev", has_text="Telefonat mit Petra")).to_have_count(showing)
    assert not [title for title in PLANTED if title in jonas.saw()]


def converted(anna: Someone) -> None:
    anna.calendar()
    anna.entry("Telefonat mit Petra").click(button="right")
    anna.page.get_by_role("menuitem", name="In sichtbaren Termin umwandeln").click()
    anna.page.get_by_role("dialog").get_by_role("button", name="Umwandeln").click()
    anna.told("Der Termin ist jetzt für Kollegen sichtbar.")
    expect(anna.entry("Telefonat mit Petra")).not_to_contain_text("Belegt")


def edited_on_both_sides(anna: Someone, steg: World) -> None:
    page = anna.page
    anna.entry("Telefonat mit Petra").click()
    anna.link("Bearbeiten").click()
    page.locator("#title").fill("Telefonat mit Petra Kunde")
    anna.save()
    synced(anna)
    outlook = steg.at_exchange()
    changed = outlook.named("Telefonat mit Petra Kunde")
    assert "Version 3" in outlook.text(changed), "what was not edited stays as it was there"
    outlook.update(outlook.named("Angebot prüfen"), Subject="Angebot prüfen und senden")
    synced(anna)
    expect(anna.entry("Angebot prüfen und senden")).to_be_visible()
    before = len(steg.exchange.requests())
    synced(anna)
    asked = [row.operation for row in steg.exchange.requests()[before:]]
    assert set(asked) == {"SyncFolderItems"}, asked
    assert len(asked) == 2, "one call a folder where nothing is new"


def synced(anna: Someone) -> Locator:
    anna.calendar()
    panel = anna.sync()
    expect(panel.locator("li")).to_contain_text(NAME)
    expect(panel.locator(".err, .warn")).to_have_count(0)
    return panel


# ---- the end ---------------------------------------------------------------------------------------------------------


def disconnected(anna: Someone) -> None:
    anna.open("/profile/synchronisation")
    anna.link("Einstellungen").click()
    anna.heading(NAME)
    anna.link("Verbindung trennen").click()
    dialog = anna.page.get_by_role("dialog", name="Verbindung zu Exchange trennen?")
    dialog.get_by_role("button", name="Verbindung trennen").click()
    anna.told("Die Verbindung ist getrennt. Importierte Termine wurden entfernt.")
    anna.calendar()
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(0)


def nowhere_to_be_found(steg: World, anna: Someone, jonas: Someone) -> None:
    """What was planted is in no byte of the database, no line of the log, and on no page of a colleague; the password
    in none of them, nor on any page of her own."""
    everything = {"database": steg.database_bytes(), "log": steg.log.getvalue().encode(), "Jonas": jonas.saw().encode()}
    assert not [(place, title) for place, held in everything.items() for title in PLANTED if title.encode() in held]
    everything["Anna"] = anna.saw().encode()
    for secret in (PASSWORD, "Falsch-7", USER.rpartition("\\")[2] + ":"):
        assert not [place for place, held in everything.items() if secret.encode() in held], secret
    assert not anna.world.exchange.state.outbox


# ---- the clouds, other servers ---------------------------------------------------------------------------------------


def form_opened(anna: Someone) -> None:
    anna.open("/marketplace/exchange")
    anna.page.get_by_role("main").get_by_role("button", name="Hinzufügen", exact=True).click()
    anna.heading(f"{NAME} verknüpfen")


@pytest.mark.parametrize("by", ["search", "server", "mailbox"])
def test_a_mailbox_in_the_cloud_is_one_click_from_its_integration(steg: World, anna: Someone, by: str) -> None:
    form_opened(anna)
    page = anna.page
    if by == "search":
        page.get_by_label("E-Mail-Adresse", exact=True).fill("anna@wolke.example")
        anna.button("Suche").click()
    else:
        user = "lena.hoffmann@nordwerk.example" if by == "mailbox" else USER
        port = steg.exchange.url.rpartition(":")[2]
        page.get_by_label("Benutzername").fill(user)
        page.get_by_label("Passwort", exact=True).fill(PASSWORD)
        page.locator("#cred-server").fill(
            "outlook.office365.com" if by == "server" else f"mail.nordwerk.example:{port}"
        )
        anna.button("Test").click()
    anna.told("Ihr Postfach liegt in der Cloud")
    expect(page.get_by_role("main")).to_contain_text("nimmt keine Passwörter mehr an")
    stands(anna)
    assert not [name for name, _ in steg.names.asked if "outlook" in name or "office365" in name], "not even looked up"
    anna.button("Office365 Kalender hinzufügen").click()
    anna.heading("Office365 Kalender verknüpfen")


def test_a_server_that_is_not_opened_is_asked_for_and_then_tested(steg: World, anna: Someone, someone: People) -> None:
    port = steg.exchange.url.rpartition(":")[2]
    form_opened(anna)
    page = anna.page
    page.get_by_label("Benutzername").fill(USER)
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    page.locator("#cred-server").fill(f"localhost:{port}")
    anna.button("Test").click()
    anna.told("Dieser Server ist nicht freigegeben")
    assert not steg.exchange.log, "nothing was sent"
    stands(anna)
    anna.button("Freigabe anfragen").click()
    anna.told("Ihre Anfrage wurde gesendet.")
    admin = someone("sabine")
    admin.open("/admin/connections")
    expect(admin.page.get_by_role("main")).to_contain_text(f"localhost:{port}")
    admin.button("Freigeben").click()
    page.get_by_label("Benutzername").fill(USER)
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    page.locator("#cred-server").fill(f"https://localhost:{port}/EWS/Exchange.asmx")
    anna.button("Test").click()
    expect(page.locator("#tested .badge")).to_have_text(re.compile("Bestanden"))


def test_without_scripts_everything_works(steg: World, someone: People) -> None:
    anna = someone("anna", javascript=False)
    form_opened(anna)
    page = anna.page
    anna.button("Suche").click()
    port = steg.exchange.url.rpartition(":")[2]
    expect(page.locator("#cred-server")).to_have_value(f"mail.nordwerk.example:{port}")
    page.get_by_label("Benutzername").fill(USER)
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    anna.button("Test").click()
    expect(page.locator("#tested .badge")).to_have_text(re.compile("Bestanden"))
    expect(page.get_by_label("Passwort", exact=True)).to_have_value("")
    expect(page.get_by_role("main")).to_contain_text("Zum Speichern müssen Sie es nicht noch einmal eingeben.")
    anna.button("Speichern").click()
    anna.heading(f"{NAME} ist verknüpft")
    assert PASSWORD not in anna.saw()


def test_what_was_changed_after_the_test_is_not_saved(steg: World, anna: Someone) -> None:
    connected(anna, save=False)
    anna.page.get_by_label("Benutzername").fill("jonas.weber@nordwerk.example")
    with anna.watch.expecting(409):
        anna.button("Speichern").click()
        anna.told("Diese Angaben sind noch nicht getestet")
    stands(anna)


def connected(anna: Someone, *, save: bool = True) -> None:
    form_opened(anna)
    anna.button("Suche").click()
    expect(anna.page.locator("#found")).to_contain_text("Server gefunden")
    anna.page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    anna.button("Test").click()
    expect(anna.page.locator("#tested .badge")).to_have_text(re.compile("Bestanden"))
    if save:
        anna.button("Speichern").click()
        anna.heading(f"{NAME} ist verknüpft")


def test_a_password_that_was_changed_stops_the_sync_and_is_renewed(steg: World, anna: Someone) -> None:
    connected(anna)
    anna.link("Zu den Einstellungen").click()
    settings = anna.page.url.removeprefix(steg.url)
    anna.page.locator("#switch_event").check()
    anna.choose(target=MAIN, sources=("Kalender",))
    anna.save()
    anna.start(NAME)
    steg.exchange.state.accounts[EXCHANGE_ANNA].password = "Neu-2027"
    steg.exchange.gate.attempts.clear()
    anna.calendar()
    panel = anna.sync()
    expect(panel).to_contain_text("Authorisierung abgelaufen")
    tried = len(steg.exchange.sign_ins)
    assert tried == 1
    for path in (settings, f"{settings}/test", "/profile/synchronisation"):
        anna.open(path)
    anna.open(settings)
    anna.told(f"{NAME} braucht eine neue Anmeldung")
    assert len(steg.exchange.sign_ins) == tried, "nothing is tried before she acts"
    stands(anna)
    anna.button("Erneut authorisieren").click()
    anna.heading(f"{NAME} verknüpfen")
    expect(anna.page.get_by_label("Benutzername")).to_have_value(EXCHANGE_ANNA)
    anna.page.get_by_label("Passwort", exact=True).fill("Neu-2027")
    anna.button("Test").click()
    expect(anna.page.locator("#tested .badge")).to_have_text(re.compile("Bestanden"))
    anna.button("Speichern").click()
    anna.told("Gespeichert. Der Abgleich geht weiter.")
    anna.calendar()
    expect(anna.sync()).to_contain_text("Keine Änderungen")
