"""All pages in both languages, the sync, the calendar's menu, privacy and errors."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.views import Audience, ConnectionState, ConnectionView
from marketplace_plugin.errors import (
    ChangedHere,
    Conflict,
    ContentUnknown,
    ConversionUnderWay,
    HostError,
    OnlyHere,
    VisibleAlready,
)
from tests.web.conftest import Site
from tests.web.fakes import ADMIN, ANNA, HTMX, JONAS, NOW, add_connection, connected, run_view, running_view, text

# ---- every page, both languages ------------------------------------------------------------------------------------

PAGES = [
    (ANNA, "/marketplace", "Marktplatz", "Marketplace"),
    (ANNA, "/marketplace?q=nichts", "Kein Treffer für „nichts“", "No results for “nichts”"),
    (ANNA, "/marketplace/google", "Angeforderte Berechtigungen", "Requested permissions"),
    (ANNA, "/marketplace/office365", "Von Ihrem Administrator nicht freigegeben", "Not opened by your administrator"),
    (ADMIN, "/marketplace/google", "Wer darf diese Integration verwenden?", "Who may use this integration?"),
    (ADMIN, "/marketplace/google/uninstall", "Google Kalender deinstallieren?", "Uninstall Google Calendar?"),
    (ANNA, "/profile/synchronisation", "Niemand außer Ihnen sieht deren Inhalt", "Nobody but you sees their content"),
    (ANNA, "/profile/integrations", "Stöbern", "Browse"),
    (ANNA, "/profile/connections/c1/connect", "Google Kalender verknüpfen", "Connect Google Calendar"),
    (ANNA, "/profile/connections/c1/result", "5 Kalender gefunden", "5 calendars found"),
    (ANNA, "/profile/connections/c1/test", "Er schreibt nichts.", "It writes nothing."),
    (ANNA, "/profile/connections/c1", "nicht übertragen", "do not transfer"),
    (ANNA, "/profile/connections/c2/plan", "Verschickte E-Mails", "Mails sent"),
    (ANNA, "/profile/connections/c1/disconnect", "Wird aus Steg gelöscht", "Deleted from Steg"),
    (ANNA, "/profile/connections/c1/runs", "3 neu, 1 geändert, 0 gelöscht", "3 new, 1 changed, 0 deleted"),
    (ANNA, "/profile/runs/run1", "Neu im verbundenen Kalender.", "New in the connected calendar."),
    (ANNA, "/sync", "Nächster Abgleich", "Next sync"),
    (ANNA, "/profile/connections/c3/connect", "Ihr Passwort wird dabei nicht gesendet", "Your password is not sent"),
    (ADMIN, "/admin/servers", "Freigegebene Server", "Opened servers"),
    (ADMIN, "/admin/connections", "Diese Seite zeigt nur Betriebsdaten", "This page shows operating data only"),
]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("person, path, german, english", PAGES, ids=[f"{p.id}{path}" for p, path, *_ in PAGES])
def test_every_page_in_both_languages(
    site: Site, person: Person, path: str, german: str, english: str, language: str
) -> None:
    add_connection(site)
    site.actions.connections["c2"] = (ANNA.id, replace(connected(started=False), id="c2"))
    site.actions.connections["c3"] = (ANNA.id, ConnectionView("c3", "exchange", ConnectionState.ADDED))
    answer = site.as_(person, language).get(path)
    assert answer.status_code == 200
    assert (german if language == "de" else english) in text(answer)
    assert (english if language == "de" else german) not in text(answer)
    html = answer.get_data(as_text=True)
    assert f'<html lang="{language}">' in html
    assert html.count("<h1") == 1
    assert answer.headers["Cache-Control"] == "private, no-store"
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", html, re.DOTALL):
        assert "<button" in form


def test_nobody_is_signed_in(site: Site) -> None:
    for _, path, *_ in PAGES:
        assert site.as_(None).get(path).location == "/sign-in"


# ---- sync ----------------------------------------------------------------------------------------------------------


def test_the_button_shows_live_progress_and_stops_asking(site: Site) -> None:
    add_connection(site)
    site.actions.history = [running_view()]
    client = site.as_(ANNA)
    panel = client.post("/sync", headers=HTMX)
    html = panel.get_data(as_text=True)
    assert 'hx-trigger="every 1s"' in html
    assert '<progress class="bar" max="233" value="144"' in html
    assert "Termine einlesen" in text(panel)
    again = client.get("/sync", headers={**HTMX, "If-None-Match": panel.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    site.actions.history = [running_view(150)]
    moved = client.get("/sync", headers={**HTMX, "If-None-Match": panel.headers["ETag"]})
    assert moved.status_code == 200
    site.actions.history = [run_view()]
    done = client.get("/sync", headers={**HTMX, "If-None-Match": panel.headers["ETag"]})
    assert done.status_code == 286
    assert "3 neu, 1 geändert, 0 gelöscht" in text(done)
    assert "2,1 s" in text(done)
    assert "hx-trigger" not in done.get_data(as_text=True)


def test_without_script_the_button_leads_to_a_page(site: Site) -> None:
    add_connection(site)
    answer = site.as_(ANNA).post("/sync")
    assert (answer.status_code, answer.location) == (303, "/sync")
    assert "/sync" in site.as_(ANNA).get("/sync").get_data(as_text=True)


@pytest.mark.parametrize(
    "facts, said",
    [
        ({"outcome": RunOutcome.EXPIRED, "counts": {}}, "Authorisierung abgelaufen. Erneut authorisieren"),
        ({"outcome": RunOutcome.DONE, "counts": {}}, "Keine Änderungen"),
        (
            {"outcome": RunOutcome.FAILED, "counts": {}, "error": "unavailable", "number": "7F3-C21",
             "again_at": NOW + timedelta(minutes=15)},
            "Der nächste Abgleich versucht es von selbst erneut. Fehler-Nr. 7F3-C21 Nächster Versuch: heute, 10:55.",
        ),
        ({"outcome": RunOutcome.WAITS, "counts": {}}, "geschrieben wird nach „Starten“"),
        ({"outcome": RunOutcome.NOT_SET_UP, "counts": {}}, "Es ist noch nichts ausgewählt, deshalb wurde nichts"),
    ],
)  # fmt: skip
def test_results_in_the_panel(site: Site, facts: dict[str, Any], said: str) -> None:
    add_connection(site)
    site.actions.history = [run_view(**facts)]
    assert said in text(site.as_(ANNA).get("/sync", headers=HTMX))


@pytest.mark.parametrize(
    "facts, said",
    [
        ({"running": running_view()}, "Jetzt synchronisieren, 61 % , Abgleich läuft"),
        ({}, "Jetzt synchronisieren, vor 2 Min. , alles in Ordnung"),
        ({"state": ConnectionState.EXPIRED}, "Authorisierung abgelaufen"),
        ({"error": "unavailable"}, "Fehler"),
        ({"last_run": None}, "Noch nicht abgeglichen"),
    ],
)
def test_states_of_the_sync_button(site: Site, facts: dict[str, Any], said: str) -> None:
    add_connection(site, **facts)
    site.as_(ANNA)
    with site.app.test_request_context("/"):
        button = site.app.jinja_env.globals["marketplace_sync_button"]()  # type: ignore[operator]  # a template's call
    assert said in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", button))


def test_no_button_without_a_connection(site: Site) -> None:
    for person in (None, JONAS):
        site.as_(person)
        with site.app.test_request_context("/"):
            assert site.app.jinja_env.globals["marketplace_sync_button"]() == ""  # type: ignore[operator]  # likewise


# ---- calendar's menu -----------------------------------------------------------------------------------------------


def test_converting_offers_undo_and_goes_back_to_where_it_was_asked(site: Site) -> None:
    add_connection(site)
    client = site.as_(ANNA)
    answer = client.post("/convert/l1", data={"next": "/profile/synchronisation?x=1"})
    assert answer.location == "/profile/synchronisation?x=1"
    page = client.get("/profile/synchronisation").get_data(as_text=True)
    assert "Der Termin ist jetzt für Kollegen sichtbar." in page
    assert 'action="/convert/l1/undo"' in page
    assert "Rückgängig" in page
    undone = client.post("/convert/l1/undo", follow_redirects=True)
    assert "Der Termin ist wieder ein grauer Block." in text(undone)
    unseen = client.post("/convert/unticked/undo", follow_redirects=True)
    assert "Der Termin wird hier nicht mehr angezeigt, weil sein Kalender nicht importiert wird." in text(unseen)
    stopped = client.post("/convert/l1/stop", follow_redirects=True)
    assert "Der Termin wird nicht mehr importiert." in text(stopped)


@pytest.mark.parametrize(
    "refusal, said",
    [
        (VisibleAlready("x"), "Dieser Termin ist schon sichtbar"),
        (ContentUnknown("x"), "Der Dienst nennt nicht alles von diesem Termin"),
        (ConversionUnderWay("x"), "Bitte gleichen Sie zuerst ab"),
        (ChangedHere("x"), "Sie haben diesen Termin seit dem letzten Abgleich geändert"),
        (OnlyHere("x"), "Sein Kalender darf nur gelesen werden"),
        (Conflict("x"), "Jemand war schneller"),
    ],
    ids=lambda one: one.code if isinstance(one, Conflict) else "",
)
@pytest.mark.parametrize("method, path", [("convert", "/convert/l1"), ("undo_conversion", "/convert/l1/undo")])
def test_a_refused_conversion_says_why(site: Site, method: str, path: str, refusal: Conflict, said: str) -> None:
    site.actions.fail[method] = refusal
    answer = site.as_(ANNA).post(path)
    assert answer.status_code == 409
    assert said in text(answer)


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "evil"])
def test_nobody_is_led_away(site: Site, path: str) -> None:
    assert site.as_(ANNA).post("/convert/l1", data={"next": path}).location == "/profile/synchronisation"


def test_a_script_gets_json(site: Site) -> None:
    answer = site.as_(ANNA).post("/convert/l1", headers={"Accept": "application/json"})
    assert answer.json == {
        "message": "Der Termin ist jetzt für Kollegen sichtbar.",
        "ref": "event-1",
        "undo": "/convert/l1/undo",
    }


def test_of_a_private_one_is_said_that_colleagues_see_no_more_than_before(site: Site) -> None:
    answer = site.as_(ANNA).post("/convert/private", headers={"Accept": "application/json"})
    said = "Der Termin steht jetzt in Ihrem Kalender. Er ist privat: Kollegen sehen weiter nur „Belegt“."
    assert answer.json == {"message": said, "ref": "private-1", "undo": "/convert/private/undo"}


# ---- privacy and errors --------------------------------------------------------------------------------------------


def test_the_admin_sees_operating_data_only(site: Site) -> None:
    add_connection(site, error="unavailable", number="7F3-C21")
    site.as_(JONAS).post("/marketplace/google/request")
    said = text(site.as_(ADMIN).get("/admin/connections"))
    assert "Anna Brandt Google Kalender Fehler Der Dienst antwortet nicht (7F3-C21)" in said
    assert "Jonas Weber" in said
    assert "gmail" not in said
    for planted in ("Vertrieb", "Familie", "Geburtstage"):
        assert planted not in said


def test_the_admin_sees_what_was_disabled_and_why(tmp_path: Any) -> None:
    (tmp_path / "manifest.yaml").write_text("bundle: bad\nintegrations: [{id: bad}]\n", encoding="utf-8")
    said = text(Site(Registry.of(tmp_path)).as_(ADMIN).get("/admin/connections"))
    assert "Abgeschaltete Integrationen" in said
    assert "manifest.yaml: integrations[0].name: missing: expected the keys de and en, each with a text" in said


@pytest.mark.parametrize(
    "method, path",
    [
        ("get", "/profile/connections/c1"),
        ("post", "/profile/connections/c1"),
        ("get", "/profile/connections/c1/connect"),
        ("post", "/profile/connections/c1/authorize"),
        ("get", "/profile/connections/c1/plan"),
        ("post", "/profile/connections/c1/start"),
        ("post", "/profile/connections/c1/test"),
        ("get", "/profile/connections/c1/disconnect"),
        ("get", "/profile/connections/c1/runs"),
        ("get", "/profile/runs/run1"),
    ],
)
@pytest.mark.parametrize("person", [JONAS, ADMIN], ids=["colleague", "admin"])
def test_somebody_elses_connection_does_not_exist(site: Site, person: Person, method: str, path: str) -> None:
    add_connection(site)
    answer = getattr(site.as_(person), method)(path)
    assert answer.status_code == 404
    assert "anna@gmail.example" not in answer.get_data(as_text=True)


def test_an_admin_cannot_end_somebody_elses_connection(site: Site) -> None:
    add_connection(site)
    site.as_(ADMIN).post("/profile/connections/c1/disconnect")
    assert "c1" in site.actions.connections


def test_an_error_is_a_page_or_a_note_with_a_number_and_no_content(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    add_connection(site)
    site.actions.fail["request_sync"] = HostError("Zahnarzt um drei")
    client = site.as_(ANNA)
    page, note = client.post("/sync"), client.post("/sync", headers=HTMX)
    for answer in (page, note):
        assert answer.status_code == 500
        assert "Der Kalender hier hat nicht geantwortet" in text(answer)
        assert "Zahnarzt" not in answer.get_data(as_text=True) + caplog.text
        number = re.search(r"Fehler-Nr\. ([0-9A-F]{3}-[0-9A-F]{3})", text(answer))
        assert number
        assert f"{number[1]}: host (HostError at fakes.py" in caplog.text
    assert "<html" not in note.get_data(as_text=True)


def test_a_form_without_a_token_changes_nothing(registry: Registry) -> None:
    site = Site(registry, csrf=True)
    site.actions.installed["google"] = Audience.ALL
    client = site.as_(ANNA)
    answer = client.post("/marketplace/google/add")
    assert answer.status_code == 400
    assert "Diese Seite war zu lange offen" in text(answer)
    assert not site.actions.connections
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/marketplace/google").get_data(as_text=True))
    assert token
    assert client.post("/marketplace/google/add", data={"csrf_token": token[1]}).status_code == 303


def test_every_form_carries_the_token(registry: Registry) -> None:
    site = Site(registry, csrf=True)
    add_connection(site)
    expired = connected(state=ConnectionState.EXPIRED, started=False)
    site.actions.connections["c2"] = (ANNA.id, replace(expired, id="c2"))
    site.actions.connections["c3"] = (ANNA.id, ConnectionView("c3", "google", ConnectionState.ADDED))
    site.actions.history = [run_view()]
    pages = [(person, path) for person, path, *_ in PAGES]
    for person, path in [*pages, (ANNA, "/profile/connections/c2"), (JONAS, "/marketplace/google")]:
        html = site.as_(person).get(path).get_data(as_text=True)
        for form in re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL):
            assert 'name="csrf_token"' in form, (path, form[:120])


def test_pages_bring_no_script_or_style_of_their_own(site: Site) -> None:
    add_connection(site)
    for person, path, *_ in PAGES:
        html = site.as_(person).get(path).get_data(as_text=True)
        assert "<style" not in html
        assert not re.search(r"\son\w+=", html), path
        assert re.findall(r"<script(?![^>]*src=)", html) == []
