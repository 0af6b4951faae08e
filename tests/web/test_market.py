"""The marketplace and the way to an authorised account: what each person sees, may do, and is told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from marketplace_plugin.bundle.manifest import Stage
from marketplace_plugin.contract.hookspecs import StepState
from marketplace_plugin.contract.hookspecs import TestStep as Step
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.views import Audience, ConnectionState
from marketplace_plugin.errors import (
    AccountMismatch,
    ConsentDenied,
    ScopeMissing,
    StateMismatch,
)
from tests.web.conftest import Site
from tests.web.fakes import ADMIN, ANNA, HTMX, JONAS, add_connection, text

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
    coming = {"exchange": Stage.ANNOUNCED}
    site.actions.integrations = [replace(i, stage=coming.get(i.id, i.stage)) for i in site.integrations]
    assert "Noch nicht verfügbar" in text(client.get("/marketplace/exchange"))
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
    assert gone.headers["Refresh"] == "0; url=https://service.example/authorize?state=c1"
    assert 'href="https://service.example/authorize?state=c1"' in gone.get_data(as_text=True)
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
        "Zielkalender beschreibbar – fehlgeschlagen 3 ms Kalender „Team“. Der Zielkalender darf nur gelesen werden."
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
