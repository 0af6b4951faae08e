"""Signing in and out, the language, and where one is led."""

from __future__ import annotations

from typing import Any

import pytest
from flask import session

from marketplace_plugin.host.steg import Steg
from tests.host.conftest import ANNA, MIRA, PASSWORD, Browser, signed_in


def test_the_right_password_opens_the_start_page(nobody: Browser) -> None:
    response = nobody.sign_in(ANNA)
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert "Anna Brandt" in nobody.page("/")


def test_address_in_capitals_and_spaces(nobody: Browser) -> None:
    assert nobody.post("/sign-in", {"email": f" {ANNA.email.upper()} ", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    "email, password",
    [(ANNA.email, "wrong"), ("nobody@nordwerk.example", PASSWORD), ("", ""), (ANNA.email, "x" * 100_000)],
)
def test_the_wrong_one_says_so_and_keeps_the_address(nobody: Browser, email: str, password: str) -> None:
    response = nobody.post("/sign-in", {"email": email, "password": password})
    assert response.status_code == 422
    assert "gehören nicht zusammen" in response.text
    assert f'value="{email}"' in response.text
    assert password not in response.text or not password
    assert nobody.get("/").status_code == 303


def test_the_session_begins_anew(app: Any) -> None:
    """What was put into the browser's session before counts for nothing afterwards."""
    browser = Browser(app)
    with browser.client.session_transaction() as before:
        before["planted"] = "by somebody else"
        before["lang"] = "en"
    with browser.client:
        browser.sign_in(ANNA)
        assert "planted" not in session
        assert session["lang"] == "en"


def test_signing_out_needs_a_post_and_ends_it(anna: Browser) -> None:
    assert anna.get("/sign-out").status_code == 405
    assert anna.post("/sign-out").status_code == 303
    assert anna.get("/").status_code == 303


def test_without_the_token_nothing_is_done(anna: Browser) -> None:
    assert anna.client.post("/sign-out").status_code == 400
    assert anna.get("/").status_code == 200


@pytest.mark.parametrize(
    "wanted, led", [("/tasks", "/tasks"), ("//evil.example", "/"), ("https://evil.example/", "/"), ("/\\evil", "/")]
)
def test_one_is_led_back_inside_alone(nobody: Browser, wanted: str, led: str) -> None:
    response = nobody.post("/sign-in", {"email": ANNA.email, "password": PASSWORD, "next": wanted})
    assert response.headers["Location"] == led


def test_nobody_is_led_to_the_sign_in_and_back(nobody: Browser) -> None:
    response = nobody.get("/calendar?view=month&date=2026-11-18")
    assert response.headers["Location"] == "/sign-in?next=/calendar?view%3Dmonth%26date%3D2026-11-18"


def test_htmx_is_told_to_load_the_sign_in(nobody: Browser) -> None:
    response = nobody.get("/calendar", headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/sign-in"


def test_an_account_that_was_removed_is_signed_out(app: Any, steg: Steg) -> None:
    browser = signed_in(app, MIRA)
    with steg.database.begin() as unit:
        unit.connection.exec_driver_sql("DELETE FROM steg_person WHERE id = 'mira'")
    assert browser.get("/").status_code == 303


def test_german_by_default_english_by_person_choice_and_browser(app: Any, nobody: Browser, anna: Browser) -> None:
    assert '<html lang="de">' in anna.page("/")
    assert '<html lang="en">' in signed_in(app, MIRA).page("/")
    assert '<html lang="en">' in nobody.page("/sign-in", headers={"Accept-Language": "en-US,en;q=0.9"})
    assert '<html lang="de">' in nobody.page("/sign-in", headers={"Accept-Language": "fr"})


def test_the_language_is_switched_and_kept(anna: Browser, steg: Steg) -> None:
    response = anna.get("/calendar?view=month&lang=en")
    assert (response.status_code, response.headers["Location"]) == (303, "/calendar?view=month")
    assert "Sign out" in anna.page("/")
    person = steg.person("anna")
    assert person is not None
    assert person.locale == "en"
    assert anna.get("/?lang=xx").status_code == 200


def test_the_picture_leads_to_synchronisation_and_marketplace(anna: Browser) -> None:
    page = anna.page("/")
    assert 'href="/profile/synchronisation"' in page
    assert "Integrationen / Marketplace" in page
    assert "Verwaltung" not in page  # an admin's alone


def test_no_page_is_kept_by_a_cache(anna: Browser) -> None:
    for url in ("/", "/calendar", "/tasks", "/calls", "/contacts", "/calendar/new", "/nowhere"):
        assert anna.get(url).headers["Cache-Control"] == "private, no-store"


def test_what_does_not_exist_says_so(anna: Browser) -> None:
    response = anna.get("/nowhere")
    assert response.status_code == 404
    assert "Das gibt es nicht" in response.text
    fragment = anna.get("/calendar/event/none/menu", headers={"HX-Request": "true"})
    assert fragment.status_code == 404
    assert "<html" not in fragment.text
