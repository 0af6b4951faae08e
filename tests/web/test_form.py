"""The form of an account with a user name and a password: what it asks, what it never shows again, where it leads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from lxml import html

from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.engine.form.credentials import FormView, Searched, Tried
from marketplace_plugin.engine.views import Audience, ConnectionState, ConnectionView
from marketplace_plugin.errors import AccountMismatch, AuthorizeError
from tests.web.conftest import Site
from tests.web.fakes import ANNA, HTMX, JONAS, connected, text

HERE = "/profile/connections/c1"
SECRET = "geheim-7-äöü"
ENTERED = {"username": "NORDWERK\\abrandt", "password": SECRET, "server": "mail.example.org", "known_email": ANNA.email}


@pytest.fixture
def added(site: Site) -> Site:
    site.actions.connections["c1"] = (ANNA.id, ConnectionView("c1", "exchange", ConnectionState.ADDED))
    site.actions.installed |= {"exchange": Audience.ALL, "office365": Audience.ALL}
    return site


def post(site: Site, path: str, data: Mapping[str, str] = ENTERED, **options: Any) -> Any:
    return site.as_(ANNA).post(f"{HERE}/{path}", data=data, **options)


def fields(answer: Any) -> dict[str, str]:
    """The values of all fields of a page."""
    root = html.document_fromstring(answer.get_data(as_text=True))
    return {str(one.get("id")): str(one.get("value", "")) for one in root.iterfind(".//input") if one.get("id")}


def called(site: Site, name: str) -> list[Any]:
    return [call for call in site.actions.called if call[0] == name]


# ---- the form --------------------------------------------------------------------------------


def test_it_begins_with_the_address_of_the_profile(added: Site) -> None:
    answer = added.as_(ANNA).get(f"{HERE}/connect")
    shown = fields(answer)
    assert shown["cred-email"] == shown["cred-username"] == shown["cred-known"] == ANNA.email
    assert shown["cred-password"] == shown["cred-server"] == ""
    said = text(answer)
    assert "Exchange Kalender verbinden" in said or "Exchange Kalender verknüpfen" in said
    assert "Rita Brandt, 5500" in said
    assert "Erst testen" in said


def test_what_is_kept_is_shown_but_for_the_password(added: Site) -> None:
    added.actions.kept = FormView("anna@b.example", {"username": "u", "server": "s.example"}, "", stored=True)
    answer = added.as_(ANNA).get(f"{HERE}/connect")
    assert fields(answer)["cred-username"] == "u"
    assert fields(answer)["cred-password"] == ""
    assert "wird nie angezeigt" in text(answer)


def test_signing_in_anew_leads_to_the_form(added: Site) -> None:
    answer = post(added, "authorize")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HERE}/connect")


def test_it_is_nobody_elses(added: Site) -> None:
    client = added.as_(JONAS)
    assert client.get(f"{HERE}/connect").status_code == 404
    for path in ("search", "try", "credentials", "ask-server"):
        assert client.post(f"{HERE}/{path}", data=ENTERED).status_code == 404, path


@pytest.mark.parametrize("path", ["search", "try", "credentials"])
def test_an_integration_without_a_form_has_none(added: Site, path: str) -> None:
    added.actions.connections["c1"] = (ANNA.id, ConnectionView("c1", "google", ConnectionState.ADDED))
    added.actions.fail["search_server"] = added.actions.fail["test_credentials"] = AssertionError()
    if path != "search":
        assert post(added, path).status_code == 404


# ---- search --------------------------------------------------------------------------------


def test_the_search_has_no_field_for_a_password(added: Site) -> None:
    root = html.document_fromstring(added.as_(ANNA).get(f"{HERE}/connect").get_data(as_text=True))
    (form,) = root.xpath('//form[contains(@action, "/search")]')
    assert {one.get("name") for one in form.iterfind(".//input")} <= {"email", "csrf_token"}
    (button,) = form.iterfind(".//button")
    assert button.get("form") is None
    assert form.get("hx-include") is None
    assert not root.xpath('//*[@hx-include and contains(@hx-include, "password")]')


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_search_fills_the_server_in(added: Site, headers: dict[str, str]) -> None:
    step = TestStep("service-record", StepState.PASSED, 3)
    added.actions.searches = Searched((step,), "mail.example.org:8443")
    answer = post(added, "search", {"email": "anna@b.example"}, headers=headers)
    shown = fields(answer)
    assert (shown["cred-server"], shown["cred-known"]) == ("mail.example.org:8443", "anna@b.example")
    assert "Server gefunden: mail.example.org:8443" in text(answer)
    assert called(added, "search_server") == [("search_server", ANNA.id, "c1", "anna@b.example")]


def test_a_search_that_finds_nothing_names_who_helps(added: Site) -> None:
    added.actions.searches = Searched((TestStep("redirect", StepState.SKIPPED, cause="nothing-found"),))
    said = text(post(added, "search", {"email": "anna@b.example"}))
    assert "Es wurde kein Server gefunden" in said
    assert "Ihr IT-Ansprechpartner: Rita Brandt, 5500" in said


@pytest.mark.parametrize("email", ["", "anna", "anna@", "a b@c.example", "anna@b.example, x@y.example"])
def test_what_is_no_address_is_not_searched(added: Site, email: str) -> None:
    answer = post(added, "search", {"email": email})
    assert answer.status_code == 422
    assert "Das ist keine E-Mail-Adresse." in text(answer)
    assert not called(added, "search_server")


@pytest.mark.parametrize("email", ["anna@firma.local", "anna.brandt@mail.firma.de", "änna@müller.example"])
def test_domains_of_ones_own_are_searched_too(added: Site, email: str) -> None:
    assert post(added, "search", {"email": email}).status_code == 200
    assert called(added, "search_server")[0][-1] == email


def test_a_server_that_is_not_opened_can_be_asked_for(added: Site) -> None:
    added.actions.searches = Searched(
        (TestStep("service-record", StepState.PASSED),), "mail.else.example", "mail.else.example"
    )
    answer = post(added, "search", {"email": "anna@b.example"}, headers=HTMX)
    assert "Freigabe anfragen" in text(answer)
    root = html.fragment_fromstring(answer.get_data(as_text=True), create_parent="div")
    (asked,) = root.xpath('//form[contains(@action, "ask-server")]//input[@name="server"]/@value')
    sent = post(added, "ask-server", {"server": asked}, follow_redirects=True)
    assert called(added, "ask_server") == [("ask_server", ANNA.id, "c1", "mail.else.example")]
    assert "Ihre Anfrage wurde gesendet" in text(sent)


@pytest.mark.parametrize("button", ["search", "try"])
def test_a_cloud_mailbox_is_one_click_from_its_integration(added: Site, button: str) -> None:
    added.actions.searches = Searched((), handed_over="office365")
    added.actions.tests = Tried(
        (TestStep("server", StepState.FAILED, cause="server-handed-over"),), False, handed_over="office365"
    )
    answer = post(added, button, {**ENTERED, "email": ANNA.email})
    assert "nimmt keine Passwörter mehr an" in text(answer)
    root = html.document_fromstring(answer.get_data(as_text=True))
    (way,) = root.xpath('//form[contains(@action, "/marketplace/office365/add")]/@action')
    assert site_leads(added, way) == HERE + "/connect"


def test_who_has_its_integration_already_is_led_there(added: Site) -> None:
    """Manage, on the form of another account, said nothing about where it leads."""
    view = replace(connected(), id="c9", integration="office365")
    added.actions.connections["c9"] = (ANNA.id, view)
    added.actions.searches = Searched((), handed_over="office365")
    answer = post(added, "search", {**ENTERED, "email": ANNA.email})
    assert "Sie haben es schon hinzugefügt. Zu Office365 Kalender" in text(answer)
    root = html.document_fromstring(answer.get_data(as_text=True))
    assert root.xpath('//a[contains(., "Zu Office365 Kalender")]/@href') == ["/profile/connections/c9"]
    assert "Verwalten" not in text(answer)


def site_leads(site: Site, way: str) -> str:
    return str(site.as_(ANNA).post(way).headers["Location"])


# ---- test and save --------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_steps_are_shown_with_what_they_found(added: Site, headers: dict[str, str]) -> None:
    answer = post(added, "try", {**ENTERED, "write": "1"}, headers=headers)
    said = text(answer)
    for sentence in (
        "Server finden – bestanden 12 ms Server mail.example.org, Adresse 192.0.2.1",
        "TLS 1.3, Zertifikat gültig bis 14.03.2027",
        "Angemeldet als anna@nordwerk.example, Verfahren NTLM",
        "Ausgelassen, da Sie es nicht angekreuzt haben.",
        "Bestanden in",
    ):
        assert sentence in said
    ((_, person, connection, session, entered, write),) = called(added, "test_credentials")
    assert (person, connection, write) == (ANNA.id, "c1", True)
    assert len(session) > 30
    assert entered == {
        "username": "NORDWERK\\abrandt",
        "password": SECRET,
        "server": "mail.example.org",
        "email": ANNA.email,
        "shared": "",
    }
    assert 'formaction="/profile/connections/c1/credentials"' in answer.get_data(as_text=True)


def test_the_address_that_stands_there_counts_more_than_the_searched_one(added: Site) -> None:
    post(added, "try", {**ENTERED, "email": "anna@other.example"})
    assert called(added, "test_credentials")[0][4]["email"] == "anna@other.example"


def test_a_failure_has_a_cause_a_way_out_and_a_contact(added: Site) -> None:
    added.actions.tests = Tried(
        (TestStep("sign-in", StepState.FAILED, 600, "wrong-password", "check-password"),), False
    )
    answer = post(added, "try")
    said = text(answer)
    assert "Der Server lehnt Benutzername oder Passwort ab." in said
    assert "Mehrere Fehlversuche sperren ein Konto" in said
    assert "Ihr IT-Ansprechpartner: Rita Brandt, 5500" in said
    assert "formaction" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("missing", ["username", "password", "server"])
def test_an_empty_field_is_named_and_nothing_is_sent(added: Site, missing: str) -> None:
    answer = post(added, "try", {**ENTERED, missing: ""})
    assert answer.status_code == 422
    root = html.document_fromstring(answer.get_data(as_text=True))
    assert root.get_element_by_id(f"cred-{missing}").get("aria-invalid") == "true"
    assert not called(added, "test_credentials")


def test_saving_leads_on_and_the_password_need_not_come_again(added: Site) -> None:
    post(added, "try")
    answer = post(added, "credentials", {**ENTERED, "password": ""})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HERE}/result")


def test_a_new_password_leads_back_to_the_settings(added: Site) -> None:
    owner, view = added.actions.connections["c1"]
    added.actions.connections["c1"] = (owner, replace(view, state=ConnectionState.EXPIRED))
    post(added, "try")
    answer = post(added, "credentials")
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)


def test_what_was_not_tested_is_not_saved(added: Site) -> None:
    answer = post(added, "credentials")
    assert answer.status_code == 409
    assert "Diese Angaben sind noch nicht getestet" in text(answer)
    assert fields(answer)["cred-username"] == "NORDWERK\\abrandt"
    post(added, "try")
    assert post(added, "credentials", {**ENTERED, "server": "other.example.org"}).status_code == 409
    assert added.actions.connections["c1"][1].state is ConnectionState.ADDED


@pytest.mark.parametrize("error", [AuthorizeError("x"), AccountMismatch("x")])
def test_an_error_of_the_test_is_told(added: Site, error: AuthorizeError) -> None:
    added.actions.fail["test_credentials"] = error
    assert post(added, "try").status_code == 422


# ---- the password --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["search", "try", "credentials", "ask-server"])
@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_password_is_in_no_answer_no_cookie_and_no_log(
    added: Site, path: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    client = added.as_(ANNA)
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            answer = client.post(f"{HERE}/{path}", data=ENTERED, headers=headers)
            page = client.get(f"{HERE}/connect")
    with client.session_transaction() as session:
        kept = str(dict(session))
    for place in (answer.get_data(as_text=True), page.get_data(as_text=True), str(answer.headers), kept, caplog.text):
        assert SECRET not in place
        assert "geheim" not in place


def test_the_connection_test_may_write_when_it_is_ticked(added: Site) -> None:
    owner, view = added.actions.connections["c1"]
    added.actions.connections["c1"] = (owner, replace(view, state=ConnectionState.CONNECTED))
    assert "Auch einen Probetermin schreiben" in text(added.as_(ANNA).get(f"{HERE}/test"))
    post(added, "test", {"write": "1"})
    post(added, "test", {})
    assert [call[-1] for call in called(added, "test")] == [True, False]


def test_calendars_that_are_not_shown_are_not_chosen(added: Site) -> None:
    """Target and sources appear with their switch; without it their boxes are hidden, and count for nothing."""
    owner, view = added.actions.connections["c1"]
    added.actions.connections["c1"] = (owner, replace(view, state=ConnectionState.CONNECTED, account="anna"))
    shown = added.as_(ANNA).get(HERE).get_data(as_text=True)
    root = html.document_fromstring(shown)
    (follower,) = root.xpath('//*[@class="follows-event"]')
    assert follower.xpath('.//select[@name="target"]')
    assert not root.xpath('//input[@role="switch"][@checked]')
    form = {"version": "0", "follows": "event", "target": "k1", "sources": ["k1", "k3"]}
    post_to = added.as_(ANNA).post(HERE, data=form)
    assert post_to.status_code == 303
    stored = added.actions.stored["c1"]
    assert (stored.target, stored.sources) == (None, frozenset())
