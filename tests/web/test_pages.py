"""The pages, on a host and an engine in memory: what each person sees, may do, and is told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.hookspecs import StepState
from marketplace_plugin.contract.hookspecs import TestStep as Step
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.views import Audience, ConnectionState, ConnectionView, SettingsForm, TargetChange
from marketplace_plugin.errors import (
    AccountMismatch,
    ConsentDenied,
    HostError,
    ScopeMissing,
    StateMismatch,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.item import Kind
from marketplace_plugin.web.actions import PlanNotMade
from tests.web.conftest import Site
from tests.web.fakes import ADMIN, ANNA, JONAS, NOW, connected, run_view, running_view

HTMX = {"HX-Request": "true"}


def text(answer: Any) -> str:
    """What is to be read: no tags, entities resolved, white space as one blank."""
    body = re.sub(r"<(script|style).*?</\1>", "", answer.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def add_connection(site: Site, **facts: Any) -> None:
    site.actions.connections["c1"] = (ANNA.id, connected(**facts))
    site.actions.installed["google"] = Audience.ALL
    site.actions.history = [run_view()]


# ---- every page, both languages ------------------------------------------------------------------------------------

PAGES = [
    (ANNA, "/marketplace", "Marktplatz", "Marketplace"),
    (ANNA, "/marketplace?q=nichts", "Kein Treffer für „nichts“", "No results for “nichts”"),
    (ANNA, "/marketplace/google", "Angeforderte Berechtigungen", "Requested permissions"),
    (ANNA, "/marketplace/exchange", "Noch nicht verfügbar", "Not available yet"),
    (ADMIN, "/marketplace/google", "Wer darf diese Integration verwenden?", "Who may use this integration?"),
    (ADMIN, "/marketplace/google/uninstall", "Google Kalender deinstallieren?", "Uninstall Google Calendar?"),
    (ANNA, "/profile/synchronisation", "Niemand außer Ihnen sieht deren Inhalt", "Nobody but you sees their content"),
    (ANNA, "/profile/integrations", "Stöbern", "Browse"),
    (ANNA, "/profile/connections/c1/connect", "Google Kalender verknüpfen", "Connect Google Calendar"),
    (ANNA, "/profile/connections/c1/result", "Noch wurde nichts übertragen", "Nothing has been transferred yet"),
    (ANNA, "/profile/connections/c1/test", "Er schreibt nichts.", "It writes nothing."),
    (ANNA, "/profile/connections/c1", "nicht übertragen", "do not transfer"),
    (ANNA, "/profile/connections/c1/plan", "Verschickte E-Mails", "Mails sent"),
    (ANNA, "/profile/connections/c1/disconnect", "Wird aus Steg gelöscht", "Deleted from Steg"),
    (ANNA, "/profile/connections/c1/runs", "3 neu, 1 geändert, 0 gelöscht", "3 new, 1 changed, 0 deleted"),
    (ANNA, "/profile/runs/run1", "Neu im verbundenen Kalender.", "New in the connected calendar."),
    (ANNA, "/sync", "Nächster Abgleich", "Next sync"),
    (ADMIN, "/admin/connections", "Diese Seite zeigt nur Betriebsdaten", "This page shows operating data only"),
]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("person, path, german, english", PAGES, ids=[f"{p.id}{path}" for p, path, *_ in PAGES])
def test_every_page_in_both_languages(
    site: Site, person: Person, path: str, german: str, english: str, language: str
) -> None:
    add_connection(site)
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


# ---- marketplace ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, found",
    [
        ("Google Kalender", ["Google Kalender"]),
        ("google", ["Google Kalender"]),
        ("GOOGLE CALENDAR", ["Google Kalender"]),
        ("gmail", ["Google Kalender"]),
        ("Office365 Kalender", ["Office365 Kalender"]),
        ("exchange kal", ["Exchange Kalender", "Office365 Kalender"]),
        ("kalender", ["Google Kalender", "Exchange Kalender", "Office365 Kalender"]),
        ("", ["Google Kalender", "Exchange Kalender", "Office365 Kalender"]),
        ("lotus", []),
    ],
)
def test_the_search_finds_by_words_of_both_languages(site: Site, query: str, found: list[str]) -> None:
    answer = site.as_(ANNA).get("/marketplace", query_string={"q": query}, headers=HTMX)
    html = answer.get_data(as_text=True)
    assert "<html" not in html
    hits = html.partition("Ähnliche Integrationen")[0]
    assert re.findall(r'<h3 class="h3"><a [^>]*>([^<]*)</a>', hits) == found
    assert "HX-Request" in answer.headers["Vary"]


def test_a_misspelt_search_shows_what_is_like_it(site: Site) -> None:
    assert "Ähnliche Integrationen" in text(site.as_(ANNA).get("/marketplace?q=gogle"))


def test_a_search_is_not_taken_for_html(site: Site) -> None:
    assert "<script>alert" not in site.as_(ANNA).get("/marketplace?q=<script>alert(1)</script>").get_data(as_text=True)


def test_categories_and_what_is_only_announced(site: Site) -> None:
    client = site.as_(ADMIN)
    assert "Kalender 3" in text(client.get("/marketplace"))
    page = client.get("/marketplace/exchange").get_data(as_text=True)
    assert "In Vorbereitung" in text(client.get("/marketplace"))
    assert "/marketplace/exchange/install" not in page
    assert "/marketplace/exchange/add" not in page


MATRIX = [
    # (who, installed for, his request, what he is offered)
    (ADMIN, None, "", "/install"),
    (ANNA, None, "", "/request"),
    (ANNA, Audience.NOBODY, "", "/request"),
    (ANNA, Audience.NOBODY, "open", ""),
    (ANNA, Audience.NOBODY, "granted", "/add"),
    (JONAS, Audience.NOBODY, "granted", "/request"),
    (ANNA, Audience.ALL, "", "/add"),
    (ADMIN, Audience.NOBODY, "", "/install"),
]


@pytest.mark.parametrize("person, audience, asked, offered", MATRIX)
def test_who_may_install_add_and_request(
    site: Site, person: Person, audience: Audience | None, asked: str, offered: str
) -> None:
    if audience:
        site.actions.installed["google"] = audience
    if asked:
        site.as_(ANNA).post("/marketplace/google/request")
    if asked == "granted":
        site.as_(ADMIN).post("/admin/requests/r1", data={"decision": "grant"})
    page = site.as_(person).get("/marketplace/google").get_data(as_text=True)
    shown = [action for action in ("/install", "/add", "/request") if f"/marketplace/google{action}" in page]
    assert (shown[0] if shown else "") == offered


def test_an_admin_installs_changes_and_uninstalls(site: Site) -> None:
    client = site.as_(ADMIN)
    answer = client.post("/marketplace/google/install", data={"audience": "all"}, follow_redirects=True)
    assert "Google Kalender ist installiert." in text(answer)
    assert client.post("/marketplace/google/install", data={}).status_code == 422
    assert client.post("/marketplace/google/install", data={"audience": "friends"}).status_code == 422
    add_connection(site)
    assert "1 Verbindung endet sofort." in text(client.get("/marketplace/google/uninstall"))
    assert "uninstall" not in [call[0] for call in site.actions.called], "asking is not doing"
    done = client.post("/marketplace/google/uninstall", follow_redirects=True)
    assert "Die Verbindungen sind beendet." in text(done)
    assert "Von Ihrem Administrator nicht freigegeben" in text(site.as_(ANNA).get("/profile/synchronisation"))


@pytest.mark.parametrize(
    "method, path",
    [
        ("post", "/marketplace/google/install"),
        ("get", "/marketplace/google/uninstall"),
        ("post", "/marketplace/google/uninstall"),
        ("get", "/admin/connections"),
        ("post", "/admin/requests/r1"),
    ],
)
def test_what_only_an_admin_may(site: Site, method: str, path: str) -> None:
    before = dict(site.actions.installed)
    answer = getattr(site.as_(ANNA), method)(path, data={"audience": "all", "decision": "grant"})
    assert answer.status_code == 403
    assert "Das darf nur ein Administrator." in text(answer)
    assert site.actions.installed == before


def test_an_unknown_integration(site: Site) -> None:
    answer = site.as_(ANNA).get("/marketplace/caldav")
    assert (answer.status_code, "Das gibt es nicht" in text(answer)) == (404, True)


# ---- connecting ----------------------------------------------------------------------------------------------------


def test_from_adding_to_the_service_and_back(site: Site) -> None:
    site.actions.installed["google"] = Audience.ALL
    client = site.as_(ANNA)
    added = client.post("/marketplace/google/add")
    assert added.location == "/profile/connections/c1/connect"
    page = client.get(added.location)
    assert "Steg darf" in text(page)
    assert "Verknüpfen" in text(page)
    assert 'aria-current="step"><span class="n">2</span>Authorisieren' in page.get_data(as_text=True)
    assert client.get("/profile/connections/c1").location == "/profile/connections/c1/connect"
    gone = client.post("/profile/connections/c1/authorize")
    assert (gone.status_code, gone.location) == (303, "https://service.example/authorize?state=c1")
    back = client.get("/oauth/callback?state=c1&code=x", follow_redirects=True)
    assert "Angemeldet als anna@gmail.example. 5 Kalender gefunden. Noch wurde nichts übertragen" in text(back)
    begun, finished = (next(c for c in site.actions.called if c[0] == name) for name in ("begin", "finish"))
    assert begun[3] == finished[2], "the same browser"
    assert len(begun[3]) > 30


@pytest.mark.parametrize(
    "error, said",
    [
        (ConsentDenied("x"), "Sie haben die Zustimmung nicht erteilt Es wurde nichts gespeichert."),
        (StateMismatch("x"), "Diese Anmeldung gilt nicht mehr"),
        (ScopeMissing("x", frozenset({"calendar"})), "Eine Berechtigung fehlt"),
        (AccountMismatch("x"), "Das war ein anderes Konto"),
    ],
)
def test_an_authorisation_that_fails_says_what_is_safe(site: Site, error: Exception, said: str) -> None:
    add_connection(site)
    site.actions.fail["finish"] = error
    answer = site.as_(ANNA).get("/oauth/callback?state=x")
    assert answer.status_code == 400
    assert said in text(answer)
    assert re.search(r"Fehler-Nr\. [0-9A-F]{3}-[0-9A-F]{3}", text(answer))


def test_the_test_shows_timed_steps_with_causes_and_ways_out(site: Site) -> None:
    add_connection(site)
    site.actions.test_steps = (
        Step("sign-in", StepState.PASSED, 212, facts=(("account", "anna@gmail.example"),)),
        Step("scopes", StepState.PASSED, 1),
        Step("calendars", StepState.PASSED, 90, facts=(("calendars", "5"),)),
        Step("target", StepState.FAILED, 3, "target-read-only", "choose-other-target", (("calendar", "Team"),)),
    )
    answer = site.as_(ANNA).post("/profile/connections/c1/test", headers=HTMX)
    said = text(answer)
    assert "<html" not in answer.get_data(as_text=True)
    assert "Anmeldung – bestanden 212 ms Angemeldet als anna@gmail.example" in said
    assert "5 Kalender" in said
    assert (
        "Zielkalender beschreibbar – fehlgeschlagen 3 ms Kalender „Team“ Der Zielkalender darf nur gelesen werden."
        in said
    )
    assert "Bitte wählen Sie einen Zielkalender, in den Sie schreiben dürfen." in said
    assert "Fehlgeschlagen" in said
    assert ("test", "anna", "c1", False) in site.actions.called
    whole = site.as_(ANNA).post("/profile/connections/c1/test")
    assert "<html" in whole.get_data(as_text=True)
    site.actions.test_steps = ()
    assert "Bestanden in 555 ms" in text(site.as_(ANNA).post("/profile/connections/c1/test"))


def test_an_expired_connection_can_be_authorised_again(site: Site) -> None:
    add_connection(site, state=ConnectionState.EXPIRED, error="authorization-expired")
    client = site.as_(ANNA)
    for path in ("/profile/synchronisation", "/profile/connections/c1"):
        page = client.get(path)
        assert "Erneut authorisieren" in text(page)
        assert "/profile/connections/c1/authorize" in page.get_data(as_text=True)
    assert "Ihre Einstellungen und bisherigen Termine bleiben erhalten." in text(client.get("/profile/connections/c1"))


# ---- settings and plan ---------------------------------------------------------------------------------------------


def test_settings_are_off_at_first_and_the_list_is_reloaded(site: Site) -> None:
    add_connection(site, saved=False, started=False)
    html = site.as_(ANNA).get("/profile/connections/c1").get_data(as_text=True)
    assert ("settings", "anna", "c1", True) in site.actions.called
    assert "checked" not in html
    assert not re.search(r"<option value=\"k\d\" selected", html)
    targets = re.findall(r'<option value="(\w*)"', html)
    assert targets == ["", "k1", "k2", "k3"], "one target, writable, or none"
    assert re.findall(r'name="sources" value="(\w+)"', html) == ["k1", "k2", "k3", "k4", "k5"]
    said = text(site.as_(ANNA).get("/profile/connections/c1"))
    assert "Familie Neu" in said
    assert "Freigegeben von jonas@nordwerk.example" in said
    assert "Zeigt nur belegte Zeiten · nicht mehr vorhanden" in said
    assert "Titel anzeigen" not in said


def test_saving_leads_to_the_plan_and_starting_to_the_sync(site: Site) -> None:
    add_connection(site, saved=False, started=False)
    client = site.as_(ANNA)
    form = {
        "version": "0",
        "target": "k1",
        "sources": ["k1", "k3"],
        "switch_event": "1",
        "past_days": "30",
        "future_days": "400",
    }
    saved = client.post("/profile/connections/c1", data=form)
    assert (saved.status_code, saved.location) == (303, "/profile/connections/c1/plan")
    assert site.actions.stored["c1"] == SettingsForm("k1", frozenset({"k1", "k3"}), frozenset({Kind.EVENT}), 30, 400)
    plan = client.get(saved.location)
    assert "Gespeichert. So sähe der erste Abgleich aus:" in text(plan)
    assert "Bei Google 5 0 0" in text(plan)
    assert "Graue Blöcke in Steg 233" in text(plan)
    assert "Verschickte E-Mails 0" in text(plan)
    assert "Starten" in text(plan)
    started = client.post("/profile/connections/c1/start", data={"plan": "p1"})
    assert started.location == "/profile/connections/c1"
    again = client.post("/profile/connections/c1/start", data={"plan": "p1"})
    assert again.location == "/profile/connections/c1", "a second press finds the run of the first"
    assert [call[0] for call in site.actions.called].count("preview") == 1


def test_an_outdated_plan_is_shown_again(site: Site) -> None:
    add_connection(site, started=False)
    answer = site.as_(ANNA).post("/profile/connections/c1/start", data={"plan": "old"}, follow_redirects=True)
    assert "Der Plan hat sich inzwischen geändert." in text(answer)
    assert "Starten" in text(answer)


@pytest.mark.parametrize("error", [Unavailable("x"), Throttled("x"), PlanNotMade("busy"), PlanNotMade("expired")])
def test_a_plan_that_does_not_come_about(site: Site, error: Exception) -> None:
    add_connection(site, started=False)
    site.actions.fail["preview"] = error
    answer = site.as_(ANNA).get("/profile/connections/c1/plan")
    assert answer.status_code == 200
    assert "Die Einstellungen sind gespeichert." in text(answer)
    assert "Jetzt erneut versuchen" in text(answer)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"target": "k4"}, "In diesen Kalender kann nicht geschrieben werden."),
        ({"target": "zz"}, "In diesen Kalender kann nicht geschrieben werden."),
        ({"sources": ["zz"]}, "Ein gewählter Kalender ist nicht mehr vorhanden."),
        ({"past_days": "-1"}, "Bitte geben Sie eine Anzahl von Tagen zwischen 0 und 365 ein."),
        ({"future_days": "zehn"}, "Bitte geben Sie eine Anzahl von Tagen zwischen 1 und 1826 ein."),
        ({"future_days": "99999999999999"}, "zwischen 1 und 1826"),
    ],
)
def test_wrong_settings_are_told_at_the_field_and_keep_the_rest(site: Site, change: dict[str, Any], said: str) -> None:
    add_connection(site)
    form = {"version": "0", "target": "k1", "sources": ["k3"], "past_days": "60", "future_days": "200", **change}
    answer = site.as_(ANNA).post("/profile/connections/c1", data=form)
    assert answer.status_code == 422
    assert said in text(answer)
    assert "save" not in [call[0] for call in site.actions.called]
    if "past_days" not in change:
        assert 'value="60"' in answer.get_data(as_text=True)


def test_settings_saved_elsewhere_are_not_overwritten(site: Site) -> None:
    add_connection(site)
    site.actions.stored["c1"] = SettingsForm(None, frozenset(), frozenset())
    answer = site.as_(ANNA).post("/profile/connections/c1", data={"version": "0", "target": "k1"})
    assert answer.status_code == 409
    assert "deshalb wurde nichts überschrieben" in text(answer)
    assert site.actions.stored["c1"].target is None
    assert 'name="version" value="1"' in answer.get_data(as_text=True)


def test_another_target_asks_move_or_keep_with_counts(site: Site) -> None:
    add_connection(site)
    site.actions.stored["c1"] = SettingsForm("k1", frozenset(), frozenset({Kind.EVENT}))
    site.actions.copies = 57
    client = site.as_(ANNA)
    asked = client.post("/profile/connections/c1", data={"version": "1", "target": "k3", "switch_event": "1"})
    assert asked.status_code == 422
    assert "Dort liegen 57 von Steg geschriebene Termine." in text(asked)
    assert '<option value="k3" selected' in asked.get_data(as_text=True)
    assert site.actions.stored["c1"].target == "k1"
    form = {"version": "1", "target": "k3", "switch_event": "1", "target_change": "move"}
    assert client.post("/profile/connections/c1", data=form).status_code == 303
    assert site.actions.stored["c1"].target_change is TargetChange.MOVE


def test_nothing_has_to_be_transferred_or_read(site: Site) -> None:
    add_connection(site)
    assert site.as_(ANNA).post("/profile/connections/c1", data={"version": "0", "target": ""}).status_code == 303
    assert site.actions.stored["c1"] == SettingsForm(None, frozenset(), frozenset())


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


# ---- ending --------------------------------------------------------------------------------------------------------


def test_disconnecting_says_what_goes_and_deletes_remotely_only_when_ticked(site: Site) -> None:
    add_connection(site)
    client = site.as_(ANNA)
    said = text(client.get("/profile/connections/c1/disconnect"))
    assert "233 importierte Termine" in said
    assert "4 sichtbar gemachte Termine" in said
    assert "57 Termine im Kalender „Arbeit“" in said
    done = client.post("/profile/connections/c1/disconnect", follow_redirects=True)
    assert "Die Verbindung ist getrennt." in text(done)
    assert ("disconnect", "anna", "c1", False) in site.actions.called
    assert client.post("/profile/connections/c1/disconnect").status_code == 303, "a second press harms nothing"
    add_connection(site)
    client.post("/profile/connections/c1/disconnect", data={"delete_remote": "1"})
    assert ("disconnect", "anna", "c1", True) in site.actions.called


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
    stopped = client.post("/convert/l1/stop", follow_redirects=True)
    assert "Der Termin wird nicht mehr importiert." in text(stopped)


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
    site.actions.connections["c2"] = (ANNA.id, replace(connected(state=ConnectionState.EXPIRED), id="c2"))
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
