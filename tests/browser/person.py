"""Somebody at a browser: what a person does, in the words of the pages, and what must hold for every page he sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from lxml import html
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.leaks import leaks
from tests.browser.world import ACCOUNTS, GOOGLE_ANNA, Answer, World

_STATUS = re.compile(r"the server responded with a status of (\d{3})")
DESKTOP = {"width": 1280, "height": 900}


class Watch:
    """What a browser complains about: scripts, policies, requests that fail, answers that nobody expects."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        self._expected: set[int] = set()
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("requestfailed", self._failed)

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """The browser notes each refusal in its console; these are meant to come."""
        before = set(self._expected)
        self._expected |= set(statuses)
        yield
        self._expected = before

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if message.location.get("url", "").endswith("/favicon.ico"):  # the service's pages have none
            return
        status = _STATUS.search(message.text)
        if status is None or int(status[1]) not in self._expected:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        # A page that is left drops what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"request: {request.method} {request.url}: {request.failure}")


class Someone:
    """One person, one browser. ``name`` is the part of his address before the dot: ``anna``."""

    def __init__(
        self,
        world: World,
        browser: Browser,
        name: str,
        *,
        language: str = "de",
        javascript: bool = True,
        width: int = DESKTOP["width"],
        dark: bool = False,
    ) -> None:
        self.world, self.name, self.language = world, name, language
        self.agent = f"browser of {name} {id(self)}"
        self.context = browser.new_context(
            user_agent=self.agent,
            locale=language,
            java_script_enabled=javascript,
            viewport={"width": width, "height": DESKTOP["height"]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self.watch = Watch(self.context)
        self.page: Page = self.context.new_page()

    # ---- what holds for every page ----------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises AssertionError with all that was wrong on the pages that were seen."""
        found = list(self.watch.complaints)
        for answer in self.world.answers_to(self.agent):
            if answer.kind == "text/html":
                found += [f"{answer.method} {answer.path}: {wrong}" for wrong in self._wrong(answer)]
        assert not found, "\n".join(dict.fromkeys(found))

    def _wrong(self, answer: Answer) -> Iterator[str]:
        if answer.text.strip():
            yield from (f"in the other language: {text!r}" for text in leaks(answer.text, self.language))
        if not answer.is_page:
            return
        root = html.document_fromstring(answer.text)
        if root.get("lang") != self.language:
            yield f"lang is {root.get('lang')!r}"
        if (headings := len(root.findall(".//h1"))) != 1:
            yield f"{headings} headings of the first level"
        if (ids := [str(i) for i in root.xpath("//@id")]) != list(dict.fromkeys(ids)):
            yield f"an id stands twice: {sorted({i for i in ids if ids.count(i) > 1})}"

    def saw(self) -> str:
        """All that this browser was sent, as one text."""
        return "\n".join(answer.text for answer in self.world.answers_to(self.agent))

    # ---- Steg ------------------------------------------------------------------------------------------------------

    def open(self, path: str) -> None:
        self.page.goto(self.world.url + path)

    def heading(self, text: str | re.Pattern[str]) -> None:
        """The page has this title."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def button(self, name: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def link(self, name: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_role("link", name=name, exact=exact)

    def sign_in(self) -> None:
        account = ACCOUNTS[self.name]
        self.open(f"/sign-in?lang={self.language}")
        self.page.locator("#email").fill(account.email)
        self.page.locator("#password").fill(account.password)
        self.page.locator("main button").click()
        self.heading(account.name.split()[0])

    def calendar(self, query: str = "", *, of: str = "") -> None:
        self.open(f"/calendar/of/{of}?{query}" if of else f"/calendar?{query}")
        expect(self.page.locator("#calview")).to_be_visible()

    def entry(self, title: str) -> Locator:
        """Entries of the calendar that is open."""
        return self.page.locator("#calview .ev", has_text=title)

    def told(self, text: str | re.Pattern[str]) -> Locator:
        """A note or a toast says this."""
        found = self.page.locator(".note, .toast", has_text=text).first
        expect(found).to_be_visible()
        return found

    # ---- an account ------------------------------------------------------------------------------------------------

    def add_integration(self, name: str = "Google Kalender", add: str = "Hinzufügen") -> None:
        self.open("/marketplace/google")
        self.heading(name)
        self.page.get_by_role("main").get_by_role("button", name=add, exact=True).click()

    def at_google(self, account: str = GOOGLE_ANNA) -> None:
        """Choose the account on the service's page."""
        self.page.locator(f'button[name="account"][value="{account}"]').click()

    def consent(self, *, without: str = "") -> None:
        for box in self.page.locator('input[name="scope"]').all():
            if without and without in (box.get_attribute("value") or ""):
                box.uncheck()
        self.page.locator('button[value="allow"]').click()

    def connect(self, account: str = GOOGLE_ANNA) -> None:
        """Add Google, authorise it, and land on what was found."""
        self.add_integration()
        self.button("Verknüpfen").click()
        self.at_google(account)
        self.consent()
        self.heading("Google Kalender ist verknüpft")

    def connect_again(self) -> None:
        """Authorise what was added before."""
        self.open("/profile/synchronisation")
        self.link("Authorisieren").click()
        self.button("Verknüpfen").click()
        self.at_google()
        self.consent()
        self.heading("Google Kalender ist verknüpft")

    def choose(self, *, target: str | None = None, sources: tuple[str, ...] = ()) -> None:
        """Fill in the settings that are open: these sources, and no others."""
        if target is not None:
            self.page.get_by_role("combobox", name="Zielkalender").select_option(label=target)
        for label in self.page.locator("label.check:has(input[name=sources]):visible").all():
            title = label.locator(".t > span").first.inner_text()
            label.locator("input").set_checked(any(title.startswith(source) for source in sources))
        self.page.locator("#switch_event").check()

    def save(self) -> None:
        self.button("Speichern").click()

    def start(self, name: str = "Google Kalender") -> None:
        """Approve the plan that is shown, and wait for the end of the first sync."""
        self.button("Starten").click()
        self.heading(name)
        live = self.page.locator("#live")
        if live.get_attribute("hx-get") is not None:  # else it ended before the page was made
            expect(live.locator(".livepanel")).to_be_attached()
        self.settled()

    def settled(self) -> None:
        """The live panel has stopped asking."""
        expect(self.page.locator(".livepanel[hx-get]")).to_have_count(0)

    def connected(self, *, target: str | None = None, sources: tuple[str, ...] = (), account: str = GOOGLE_ANNA) -> str:
        """Connect, choose, start. Returns the path of the connection's settings."""
        self.connect(account)
        self.link("Zu den Einstellungen").click()
        self.choose(target=target, sources=sources)
        self.save()
        self.start()
        return "/" + self.page.url.split("/", 3)[3]

    def sync(self) -> Locator:
        """By the icon at the calendar's right end; returns the panel, when all runs have ended."""
        self.page.locator("[data-syncbtn]").click()
        panel = self.page.locator("#syncpop-body .livepanel")
        expect(panel).to_be_visible()
        self.settled()
        return panel


class GooglePage:
    """Google's own calendar page, where the person of this browser edits by hand."""

    def __init__(self, who: Someone, account: str = GOOGLE_ANNA) -> None:
        self.page, self.account = who.page, account
        self.url = f"{who.world.google.url}/calendar/u/{account}/"

    def edit(self, title: str, on: date | None = None, **fields: str) -> None:
        """``fields`` by their names: summary, start, end."""
        self._row(title, on).get_by_role("link", name="Bearbeiten").click()
        for name, value in fields.items():
            self.page.locator(f'input[name="{name}"]').fill(value)
        self.page.get_by_role("button", name="Speichern").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.account)

    def delete(self, title: str, on: date | None = None) -> None:
        row = self._row(title, on)
        row.get_by_role("button", name="Löschen").click()
        expect(row).to_have_count(0)

    def _row(self, title: str, on: date | None) -> Locator:
        self.page.goto(self.url)
        return self.page.get_by_role("row").filter(has_text=title).filter(has_text=str(on) if on else "")
