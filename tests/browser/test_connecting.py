"""What goes wrong between "Verknüpfen" and a sync, and what the person reads then."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import People, background
from tests.browser.person import Someone
from tests.browser.world import GOOGLE_ANNA, GOOGLE_ANNA_PRIVATE, TODAY, World

MAIN = f"{GOOGLE_ANNA} (Hauptkalender)"
NUMBER = re.compile(r"Fehler-Nr\. (\S{6,})")


def refused(anna: Someone, title: str, said: str) -> None:
    """The page says what happened and what is safe; its number is in the log."""
    anna.heading(title)
    number = NUMBER.search(anna.told(said).inner_text())
    assert number is not None
    assert number[1] in anna.world.log.getvalue()


def test_consent_denied(steg: World, anna: Someone) -> None:
    anna.add_integration()
    anna.button("Verknüpfen").click()
    anna.at_google()
    with anna.watch.expecting(400):
        anna.button("Ablehnen").click()
        refused(anna, "Sie haben die Zustimmung nicht erteilt", "Es wurde nichts gespeichert.")
    anna.link("Zurück zur Synchronisation").click()
    expect(anna.page.get_by_role("main")).to_contain_text("Nächster Schritt: Authorisieren")
    assert not steg.google.grants._refresh


@pytest.mark.parametrize("left_out", ["calendar.events", "calendarlist.readonly"])
def test_consent_half_granted(steg: World, anna: Someone, left_out: str) -> None:
    anna.add_integration()
    anna.button("Verknüpfen").click()
    anna.at_google()
    with anna.watch.expecting(400):
        anna.consent(without=left_out)
        refused(anna, "Eine Berechtigung fehlt", "lassen Sie alle Berechtigungen angekreuzt")
    assert not steg.google.grants._refresh, "tokens that are not kept are ended"
    anna.connect_again()


def test_a_state_counts_once_and_in_one_browser_only(steg: World, anna: Someone, someone: People) -> None:
    anna.add_integration()
    anna.button("Verknüpfen").click()
    anna.at_google()
    way_back = _way_back(anna)
    for other in (someone("jonas"), someone("anna")):
        with other.watch.expecting(400):
            other.page.goto(way_back)
            refused(other, "Diese Anmeldung gilt nicht mehr", "in einem anderen Fenster begonnen")
    assert not steg.google.grants._refresh, "no code was exchanged"

    anna.connect_again()
    way_back = _last_way_back(anna)
    with anna.watch.expecting(400):
        anna.page.goto(way_back)
        anna.heading("Diese Anmeldung gilt nicht mehr")
    anna.open("/profile/synchronisation")
    expect(anna.page.get_by_role("main")).to_contain_text("Verbunden")


def _way_back(anna: Someone) -> str:
    """Consent, but do not follow the service's redirect."""
    form = {"flow": anna.page.locator("input[name=flow]").input_value(), "decision": "allow"}
    scopes = [box.input_value() for box in anna.page.locator("input[name=scope]").all()]
    body = "&".join(f"{name}={value}" for name, value in [*form.items(), *(("scope", scope) for scope in scopes)])
    answer = anna.context.request.post(
        f"{anna.world.google.url}/o/oauth2/v2/auth/consent",
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        max_redirects=0,
    )
    assert answer.status == 302
    return answer.headers["location"]


def _last_way_back(anna: Someone) -> str:
    return anna.world.url + [a.path for a in anna.world.answers_to(anna.agent) if a.path.startswith("/oauth/")][-1]


def test_an_expired_authorisation_stops_and_is_renewed_by_the_same_account(steg: World, anna: Someone) -> None:
    settings = anna.connected(target=MAIN, sources=(GOOGLE_ANNA,))
    before = steg.google_ids()
    with steg.google.state.lock:
        steg.google.grants.revoke_account(GOOGLE_ANNA)
    anna.calendar()
    blocks = anna.page.locator("#calview .ev.busy").count()
    expect(anna.sync()).to_contain_text("Authorisierung abgelaufen")
    anna.open("/profile/synchronisation")
    main = anna.page.get_by_role("main")
    expect(main).to_contain_text("Authorisierung abgelaufen")
    expect(main).to_contain_text(re.compile("Steht seit|Nichts wird"))
    asked = len(steg.google.log)
    anna.open(settings)
    anna.told("Google Kalender braucht eine neue Anmeldung")
    assert len(steg.google.log) == asked, "no retries"

    anna.button("Erneut authorisieren").click()
    anna.at_google(GOOGLE_ANNA_PRIVATE)
    with anna.watch.expecting(400):
        anna.consent()
        anna.heading("Das war ein anderes Konto")
    anna.told("Es wurde nichts geändert")
    anna.calendar()
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(blocks)

    anna.open(settings)
    anna.button("Erneut authorisieren").click()
    anna.at_google()
    anna.consent()
    anna.heading("Google Kalender ist verknüpft")
    anna.calendar()
    expect(anna.sync()).to_contain_text("Keine Änderungen")
    expect(anna.page.locator("#calview .ev.busy")).to_have_count(blocks)
    assert steg.google_ids() == before, "nothing is doubled"


@background
def test_a_change_in_steg_is_at_google_by_itself(steg: World, anna: Someone) -> None:
    anna.connected(target=MAIN)
    anna.calendar()
    anna.link("Neuer Termin").click()
    anna.page.get_by_label("Titel").fill("Von selbst")
    anna.save()
    expect(anna.entry("Von selbst")).to_be_visible()
    saved = steg.clock()
    steg.until(lambda: "Von selbst" in steg.google_events())
    assert steg.clock() - saved < timedelta(seconds=5)


@background
def test_a_change_at_google_is_in_steg_half_an_hour_later(steg: World, anna: Someone) -> None:
    anna.connected(sources=(GOOGLE_ANNA,))
    steg.running.pool.wait_until_idle(10)
    when = {
        name: {"dateTime": f"{TODAY}T{hour}:00:00", "timeZone": "Europe/Berlin"}
        for name, hour in (("start", 17), ("end", 18))
    }
    steg.at_google().insert({"summary": "Abgeholt", **when})
    asked = len(steg.google.requests("GET", "/events"))
    steg.clock.skip(timedelta(minutes=35))
    steg.until(lambda: len(steg.google.requests("GET", "/events")) > asked)
    steg.running.pool.wait_until_idle(10)
    anna.calendar()
    expect(anna.entry("Abgeholt")).to_be_visible()
