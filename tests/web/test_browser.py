"""The pages in a real browser: accessible, not wider than the screen, and alive without a reload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.views import Asked, Audience, ConnectionState, ConnectionView, SettingsForm
from marketplace_plugin.errors import HostError
from marketplace_plugin.model.item import Kind
from marketplace_plugin.web.actions import RequestRow
from tests.contract.test_authorities import authority
from tests.serving import served as running
from tests.web.conftest import Site
from tests.web.fakes import ADMIN, ANNA, JONAS, NOW, connected, run_view, running_view

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENS: list[tuple[int, Literal["light", "dark"]]] = [(1280, "light"), (320, "dark")]

PAGES = [
    (ANNA, "/marketplace"),
    (ANNA, "/marketplace?q=nichts"),
    (ANNA, "/marketplace/google"),
    (ANNA, "/marketplace/exchange"),
    (JONAS, "/marketplace/google"),
    (ADMIN, "/marketplace/google"),
    (ADMIN, "/marketplace/google/uninstall"),
    (ANNA, "/profile/synchronisation"),
    (JONAS, "/profile/synchronisation"),
    (ANNA, "/profile/integrations"),
    (ANNA, "/profile/connections/c3/connect"),
    (ANNA, "/profile/connections/c4/connect"),
    (ANNA, "/profile/connections/c4/consent"),
    (ANNA, "/profile/connections/c5/connect"),
    (ANNA, "/profile/connections/c6/connect"),
    (ANNA, "/profile/connections/c6/test"),
    (ANNA, "/profile/connections/c6"),
    (ANNA, "/profile/connections/c4/result"),
    (ANNA, "/oauth/callback?admin_consent=True&state=consent.c1.mark"),
    (JONAS, "/oauth/callback?admin_consent=True&error=access_denied&state=consent.c1.mark"),
    (ANNA, "/profile/connections/c1/result"),
    (ANNA, "/profile/connections/c1/test"),
    (ANNA, "/profile/connections/c1"),
    (ANNA, "/profile/connections/c2"),
    (ANNA, "/profile/connections/c2/plan"),
    (ANNA, "/profile/connections/c1/disconnect"),
    (ANNA, "/profile/connections/c1/runs"),
    (ANNA, "/profile/runs/run1"),
    (ANNA, "/sync"),
    (ADMIN, "/admin/connections"),
    (ADMIN, "/admin/servers"),
    (ANNA, "/profile/connections/nothing"),
]


@pytest.fixture(scope="module")
def served(registry: Registry) -> Iterator[tuple[Site, str]]:
    site = Site(registry, csrf=True)
    with running(site.app) as url:
        yield site, url


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def lively(served: tuple[Site, str]) -> tuple[Site, str]:
    """A site with a connection in each state, a log, a request and a broken run."""
    site, base = served
    site.forget()
    actions = site.actions
    actions.installed["google"] = Audience.ALL
    actions.connections["c1"] = (ANNA.id, connected())
    expired = replace(connected(state=ConnectionState.EXPIRED, started=False), id="c2")
    actions.connections["c2"] = (ANNA.id, expired)
    actions.connections["c3"] = (ANNA.id, ConnectionView("c3", "google", ConnectionState.ADDED))
    actions.connections["c4"] = (ANNA.id, ConnectionView("c4", "office365", ConnectionState.ADDED))
    actions.connections["c5"] = (ANNA.id, ConnectionView("c5", "exchange", ConnectionState.ADDED))
    actions.connections["c6"] = (ANNA.id, replace(connected(), id="c6", integration="exchange"))
    actions.rules["exchange"] = ("mail.nordwerk.example\n*.nordwerk.example:8443", authority(), "Rita Brandt, 5500")
    failed = run_view("r2", outcome=RunOutcome.FAILED, error="unavailable", number="7F3-C21", counts={})
    actions.history = [run_view(), failed]
    actions.stored["c1"] = SettingsForm("k1", frozenset({"k1", "k2"}), frozenset({Kind.EVENT}))
    actions.asked["r1"] = RequestRow("r1", JONAS.id, "google", NOW)
    link = "https://login.service.example/organizations/v2.0/adminconsent?client_id=" + "0" * 60
    actions.asked["r2"] = RequestRow("r2", JONAS.id, "google", NOW, Asked.CONSENT, detail=link)
    actions.asked["r3"] = RequestRow("r3", JONAS.id, "google", NOW, Asked.HOST, "mail.nordwerk.example")
    return site, base


@pytest.mark.parametrize("person, path", PAGES, ids=[f"{p.id}{path}" for p, path in PAGES])
def test_a_page_is_accessible_and_fits(lively: tuple[Site, str], chromium: Browser, person: Person, path: str) -> None:
    site, base = lively
    site.as_(person)
    page = chromium.new_page()
    errors: list[Any] = []
    page.on("pageerror", lambda error: errors.append(error))  # a builtin cannot be a listener
    page.goto(base + path)
    for width, scheme in SCREENS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (width, scheme)
    assert errors == []
    page.close()


@pytest.fixture
def page(lively: tuple[Site, str], chromium: Browser) -> Iterator[Page]:
    lively[0].as_(ANNA)
    opened = chromium.new_page(viewport={"width": 1280, "height": 900}, base_url=lively[1])
    yield opened
    opened.close()


def test_the_search_answers_while_typing_and_stays_in_the_address(page: Page) -> None:
    page.goto("/marketplace")
    page.fill("#q", "google kal")
    expect(page.locator("#results .appcard").first).to_contain_text("Google Kalender")
    expect(page.locator("#results h2").first).to_contain_text("1 Treffer")
    expect(page).to_have_url(re.compile(r"q=google%20kal$"))
    page.reload()
    expect(page.locator("#q")).to_have_value("google kal")
    expect(page.locator("#results h2").first).to_contain_text("1 Treffer")


def test_the_test_runs_in_place_and_the_page_stays_accessible(page: Page) -> None:
    page.goto("/profile/connections/c1/test")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test")).to_contain_text("Bestanden in 555 ms")
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []


def test_the_sync_is_live_and_ends_by_itself(page: Page, lively: tuple[Site, str]) -> None:
    actions = lively[0].actions
    actions.history = [running_view(40)]
    page.goto("/profile/connections/c1")
    page.get_by_role("button", name="Jetzt synchronisieren").click()
    expect(page.locator("#live progress")).to_have_js_property("value", 40)
    actions.history = [running_view(200)]
    expect(page.locator("#live progress")).to_have_js_property("value", 200)
    actions.history = [run_view()]
    expect(page.locator("#live")).to_contain_text("3 neu, 1 geändert, 0 gelöscht")
    asked = len([call for call in actions.called if call[0] == "offers"])
    assert page.locator("#live [hx-trigger]").count() == 0
    assert asked == 0


def test_disconnecting_asks_in_a_dialog_that_focuses_the_safe_choice(page: Page, lively: tuple[Site, str]) -> None:
    page.goto("/profile/connections/c1")
    page.get_by_role("link", name="Verbindung trennen").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Wird aus Steg gelöscht")
    expect(dialog.get_by_role("link", name="Abbrechen")).to_be_focused()
    assert Axe().run(page, options={"runOnly": RULES}).response["violations"] == []
    dialog.get_by_role("link", name="Abbrechen").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("link", name="Verbindung trennen")).to_be_focused()
    assert "c1" in lively[0].actions.connections


def test_an_error_of_a_fragment_is_said_where_it_is_heard(page: Page, lively: tuple[Site, str]) -> None:
    lively[0].actions.fail["request_sync"] = HostError("x")
    page.goto("/profile/connections/c1")
    page.get_by_role("button", name="Jetzt synchronisieren").click()
    flash = page.locator("#flash[role=alert]")
    expect(flash).to_contain_text("Der Kalender hier hat nicht geantwortet")
    expect(flash).to_contain_text(re.compile(r"Fehler-Nr\. [0-9A-F]{3}-[0-9A-F]{3}"))


def test_without_script_everything_is_a_form_or_a_link(chromium: Browser, lively: tuple[Site, str]) -> None:
    site, base = lively
    site.as_(ANNA)
    context = chromium.new_context(java_script_enabled=False, base_url=base)
    page = context.new_page()
    page.goto("/marketplace")
    page.fill("#q", "google")
    page.keyboard.press("Enter")
    expect(page.locator("#results h2").first).to_contain_text("1 Treffer")
    page.goto("/profile/connections/c1")
    page.get_by_role("button", name="Jetzt synchronisieren").click()
    expect(page).to_have_url(f"{base}/sync")
    page.goto("/profile/connections/c1")
    page.get_by_role("link", name="Verbindung trennen").click()
    expect(page).to_have_url(f"{base}/profile/connections/c1/disconnect")
    page.get_by_role("button", name="Verbindung trennen").click()
    expect(page.locator("main")).to_contain_text("Die Verbindung ist getrennt.")
    context.close()
