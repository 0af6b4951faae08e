"""Who may have an integration: the admin opens and closes it, the others ask."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import People
from tests.browser.person import Someone
from tests.browser.world import GOOGLE_ANNA, World


def test_nobody_yet_then_asked_for_and_granted(steg: World, someone: People) -> None:
    sabine, mira, jonas = someone("sabine"), someone("mira"), someone("jonas")
    opened_for(sabine, "Vorerst niemand")
    for member in (mira, jonas):
        member.open("/marketplace/google")
        expect(member.button("Hinzufügen", exact=True)).to_have_count(0)
    mira.button("Anfragen").click()
    mira.told("Ihre Anfrage wurde gesendet.")
    expect(mira.page.get_by_role("main")).to_contain_text("Angefragt")

    sabine.link("Verwaltung").click()
    sabine.button("Freigeben – Mira Sommer, Google Kalender").click()
    sabine.told("Die Anfrage wurde freigegeben.")

    mira.open("/profile/integrations")
    mira.link("Stöbern").click()
    mira.button("Hinzufügen – Google Kalender").click()
    mira.heading("Google Kalender verknüpfen")
    jonas.page.reload()
    expect(jonas.button("Anfragen")).to_be_visible()

    opened_for(sabine, "Alle Benutzer")
    jonas.page.reload()
    expect(jonas.button("Hinzufügen", exact=True)).to_be_visible()


def opened_for(sabine: Someone, audience: str) -> None:
    sabine.open("/marketplace/google")
    sabine.page.get_by_role("radio", name=audience).check()
    sabine.button("Speichern").click()
    sabine.told("Google Kalender ist installiert.")


def test_uninstalling_ends_connections_after_a_confirmation(steg: World, anna: Someone, someone: People) -> None:
    anna.connected(sources=(GOOGLE_ANNA,))
    before = steg.google_ids()
    sabine = someone("sabine")
    sabine.open("/admin/connections")
    row = sabine.page.get_by_role("row", name="Anna Brandt")
    expect(row).to_contain_text("Google Kalender")
    expect(row).to_contain_text("In Ordnung")
    assert GOOGLE_ANNA not in sabine.saw(), "an admin sees no account"
    assert "Zahnarzt" not in sabine.saw()

    sabine.open("/marketplace/google")
    sabine.link("Deinstallieren").click()
    sabine.heading("Google Kalender deinstallieren?")
    expect(sabine.page.get_by_role("main")).to_contain_text("1 Verbindung endet sofort.")
    anna.calendar()
    expect(anna.entry("Zahnarzt Dr. Ebert")).to_be_visible()
    sabine.button("Deinstallieren").click()
    sabine.told("Google Kalender ist deinstalliert. Die Verbindungen sind beendet.")

    anna.calendar()
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(0)
    assert steg.google_ids() == before
    assert not steg.google.grants._refresh
    assert b"Zahnarzt Dr. Ebert" not in steg.database_bytes()
    anna.open("/marketplace/google")
    expect(anna.button("Anfragen")).to_be_visible()


def test_a_member_may_not_administer(steg: World, someone: People) -> None:
    jonas = someone("jonas")
    for path in ("/admin/connections", "/marketplace/google/uninstall"):
        with jonas.watch.expecting(403):
            jonas.open(path)
            jonas.heading("Das dürfen Sie nicht")


def test_a_connection_belongs_to_one_person_alone(steg: World, anna: Someone, someone: People) -> None:
    settings = anna.connected(sources=(GOOGLE_ANNA,))
    anna.calendar()
    block = anna.entry("Zahnarzt Dr. Ebert").get_attribute("href")
    assert block is not None
    for other in (someone("sabine"), someone("jonas")):
        for path in (settings, f"{settings}/plan", f"{settings}/disconnect", f"{settings}/runs", block):
            with other.watch.expecting(404):
                other.open(path)
                expect(other.page.get_by_role("main")).to_contain_text("gehört")
        assert "Zahnarzt" not in other.saw()


def test_the_search_says_when_it_finds_nothing(steg: World, anna: Someone) -> None:
    anna.open("/marketplace")
    search = anna.page.get_by_label("Marktplatz durchsuchen")
    results = anna.page.locator("#results")
    for words, found in (
        ("Outlook", "Office365 Kalender"),
        ("gmail", "Google Kalender"),
        ("termine", "Exchange Kalender"),
    ):
        search.fill(words)
        expect(results.get_by_role("link", name=found)).to_be_visible()
    search.fill("Zahnbürste")
    expect(results).to_contain_text("Kein Treffer für „Zahnbürste“")
    results.get_by_role("link", name="Alle Integrationen anzeigen").click()
    expect(results.get_by_role("article")).to_have_count(3)
