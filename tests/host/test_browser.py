"""The calendar in a real browser: one tab stop, the menu on every way in, touch, narrow screens, no script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from marketplace_plugin.host.steg import create_steg
from marketplace_plugin.model.time import AllDay, Timed
from marketplace_plugin.store import Store
from tests.host.conftest import FAST, NOW, Clock, FakeBlocks, berlin, build_app
from tests.serving import served

pytestmark = pytest.mark.browser

EVENTS = "[...document.querySelectorAll('[data-cal] .ev')]"
FOCUSED = "document.activeElement.textContent"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Steg with its seeded month and Anna's grey blocks, served on a free port."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('browser') / 'steg.sqlite'}", [bytes(32)])
    steg = create_steg(store, now=Clock(), hasher=FAST)
    steg.seed(NOW.date())
    anna = steg.person("anna")
    assert anna is not None
    grey = FakeBlocks()
    grey.add(anna, Timed(berlin("2026-11-18 13:00"), berlin("2026-11-18 14:00")), "Zahnarzt", location="Rathausplatz 4")
    grey.add(anna, Timed(berlin("2026-11-19 17:00"), berlin("2026-11-19 18:00")), "Yoga")
    grey.add(anna, AllDay(date(2026, 11, 20), date(2026, 11, 23)), "Besuch Eltern")
    steg.connect(blocks=grey)
    with served(build_app(steg)) as url:
        yield url
    store.close()


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cookies(base: str, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anna, signed in through the page."""
    context = chromium.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{base}/calendar")
    page.get_by_label("E-Mail-Adresse").fill("anna.brandt@nordwerk.example")
    page.get_by_label("Passwort").fill("anna-demo")
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_url(f"{base}/calendar")
    path = tmp_path_factory.mktemp("cookies") / "anna.json"
    context.storage_state(path=path)
    context.close()
    return path


@pytest.fixture
def page(chromium: Browser, cookies: Path) -> Iterator[Page]:
    context = chromium.new_context(viewport=WIDE, storage_state=cookies)  # type: ignore[arg-type]  # a TypedDict of it
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
    context.close()


@pytest.fixture
def phone(chromium: Browser, cookies: Path) -> Iterator[Page]:
    context = chromium.new_context(
        viewport=NARROW,  # type: ignore[arg-type]  # a TypedDict of it
        has_touch=True,
        is_mobile=True,
        storage_state=cookies,
    )
    yield context.new_page()
    context.close()


def dentist(page: Page) -> Locator:
    return page.locator("[data-menu]", has_text="Zahnarzt")


def menu_is_open(page: Page) -> None:
    page.wait_for_selector("#ctx:popover-open")


@pytest.mark.parametrize("path", ["/calendar", "/calendar?view=day", "/calendar?view=month"])
def test_one_tab_stop_and_the_arrows_reach_all(base: str, page: Page, path: str) -> None:
    page.goto(base + path)
    count = page.evaluate(f"{EVENTS}.length")
    assert page.evaluate(f"{EVENTS}.filter(e => e.tabIndex === 0).length") == 1
    seen, todo = {0}, [0]
    while todo:
        at = todo.pop()
        for key in ("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"):
            page.evaluate(f"n => {EVENTS}[n].focus()", at)
            page.keyboard.press(key)
            there = page.evaluate(f"{EVENTS}.indexOf(document.activeElement)")
            if there not in seen:
                seen.add(there)
                todo.append(there)
    assert seen == set(range(count))
    assert page.evaluate(f"{EVENTS}.filter(e => e.tabIndex === 0).length") == 1


@pytest.mark.parametrize("how", ["right-click", "shift-f10", "menu-key", "button"])
def test_the_menu_opens_and_gives_the_focus_back(base: str, page: Page, how: str) -> None:
    page.goto(f"{base}/calendar")
    block = dentist(page)
    block.focus()
    match how:
        case "right-click":
            block.click(button="right")
        case "shift-f10":
            page.keyboard.press("Shift+F10")
        case "menu-key":
            page.keyboard.press("ContextMenu")
        case "button":
            block.hover()
            page.get_by_role("button", name="Aktionen: Zahnarzt").click()
    menu_is_open(page)
    assert "In sichtbaren Termin umwandeln" in page.evaluate(FOCUSED)
    page.keyboard.press("ArrowDown")
    assert "Details" in page.evaluate(FOCUSED)
    page.keyboard.press("End")
    assert "Nicht mehr importieren" in page.evaluate(FOCUSED)
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.textContent.includes('Zahnarzt')")
    assert not page.locator("#ctx").is_visible()


def test_each_block_has_its_own_menu(base: str, page: Page) -> None:
    page.goto(f"{base}/calendar")
    for title in ("Yoga", "Besuch Eltern", "Zahnarzt"):
        page.locator("[data-menu]", has_text=title).click(button="right")
        page.wait_for_selector(f"#ctx:popover-open[aria-label='Aktionen: {title}']")
        page.keyboard.press("Escape")


def test_converting_asks_once_with_the_safe_choice_first(base: str, page: Page) -> None:
    page.goto(f"{base}/calendar")
    dentist(page).focus()
    page.keyboard.press("Shift+F10")
    menu_is_open(page)
    page.keyboard.press("u")
    dialog = page.get_by_role("dialog", name="In sichtbaren Termin umwandeln?")
    assert "Mittwoch, 18. November, 13:00 bis 14:00 Uhr" in dialog.inner_text()
    assert page.evaluate(FOCUSED) == "Abbrechen"
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.textContent.includes('Zahnarzt')")
    page.keyboard.press("Shift+F10")
    menu_is_open(page)
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Umwandeln").click()
    page.wait_for_url("**/convert/link1")


def test_ones_own_events_keep_the_browsers_menu(base: str, page: Page) -> None:
    page.goto(f"{base}/calendar")
    page.locator(".ev", has_text="Jour fixe").first.click(button="right")
    assert page.locator("#ctx").count() == 0


def test_a_filter_is_in_the_address_and_keeps_the_focus(base: str, page: Page) -> None:
    page.goto(f"{base}/calendar")
    page.get_by_label("Vertrieb").uncheck()
    page.wait_for_url("**hide=sales**")
    assert page.locator(".ev", has_text="Pipeline").count() == 0
    assert page.evaluate("document.activeElement.id") == "f-sales"
    page.go_back()
    page.wait_for_url(f"{base}/calendar")


def test_the_form_shows_what_belongs_to_the_choice(base: str, page: Page) -> None:
    page.goto(f"{base}/calendar/new")
    assert page.get_by_label("Titel").evaluate("e => e === document.activeElement")
    assert not page.get_by_text("An diesen Tagen").is_visible()
    page.get_by_label("Wie oft").select_option("weekly")
    assert page.get_by_text("An diesen Tagen").is_visible()
    page.get_by_label("Endet").select_option("until")
    assert page.get_by_label("Letzter Tag der Wiederholung").is_visible()
    page.get_by_label("Ganztägig").check()
    assert not page.get_by_label("Zeitzone").is_visible()


def test_creating_and_deleting_by_hand(base: str, page: Page) -> None:
    page.goto(f"{base}/calendar?date=2026-11-23")
    page.get_by_role("link", name="Neuer Termin").click()
    page.get_by_label("Titel").fill("Von Hand")
    page.get_by_role("button", name="Speichern").click()
    page.get_by_text("Gespeichert.").wait_for()
    page.locator(".ev", has_text="Von Hand").click()
    page.get_by_role("button", name="Löschen").click()
    assert page.evaluate(FOCUSED) == "Abbrechen"
    page.get_by_role("dialog").get_by_role("button", name="Löschen").click()
    page.get_by_text("Gelöscht.").wait_for()
    assert page.locator(".ev", has_text="Von Hand").count() == 0


def test_touch_the_button_and_a_long_press(base: str, phone: Page) -> None:
    phone.goto(f"{base}/calendar?view=agenda")
    phone.get_by_role("button", name="Aktionen: Zahnarzt").tap()
    menu_is_open(phone)
    phone.keyboard.press("Escape")
    box = dentist(phone).bounding_box()
    assert box is not None
    finger = {"x": box["x"] + 20, "y": box["y"] + 8}
    session = phone.context.new_cdp_session(phone)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
    menu_is_open(phone)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.get_by_role("menuitem", name="Details anzeigen").wait_for()
    assert phone.url.endswith("view=agenda")  # the link under the finger was not followed
    shown = phone.locator("#ctx").bounding_box()
    assert shown is not None
    assert shown["x"] >= 0
    assert shown["x"] + shown["width"] <= NARROW["width"]
    phone.touchscreen.tap(20, 150)
    phone.wait_for_selector("#ctx", state="hidden")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(base: str, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/",
        "/calendar?with=jonas",
        "/calendar?view=day",
        "/calendar?view=month",
        "/calendar?view=agenda",
        "/calendar/of/jonas",
        "/calendar/new",
        "/tasks",
        "/calls/new",
        "/contacts",
    ):
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(base: str, page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    axe = Axe()

    def check(name: str) -> None:
        result = axe.run(page).response
        assert len(result["passes"]) > 10
        assert [(name, v["id"], v["nodes"][0]["target"]) for v in result["violations"]] == []

    for path in (
        "/",
        "/calendar",
        "/calendar?view=month",
        "/calendar?view=agenda",
        "/calendar/of/jonas",
        "/calendar/new",
    ):
        page.goto(base + path)
        check(path)
    page.goto(f"{base}/calendar")
    dentist(page).click(button="right")
    menu_is_open(page)
    check("menu")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    check("dialog")


def test_without_script_everything_is_a_link(base: str, chromium: Browser, cookies: Path) -> None:
    context = chromium.new_context(java_script_enabled=False, storage_state=cookies)
    page = context.new_page()
    page.goto(f"{base}/calendar")
    dentist(page).click()
    assert page.get_by_role("heading", name="Zahnarzt").is_visible()
    page.get_by_role("button", name="Umwandeln").click()
    assert page.url.endswith("/convert/link1")
    context.close()
