"""One Chromium for a module, a world for each test, and people in front of it.

Playwright allows one session of its synchronous kind at a time in a process; other folders have theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.person import Someone
from tests.browser.world import Seed, World, seeded, world

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 10_000  # ms until what should be there is missed: the machine may be busy

People = Callable[..., Someone]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Seed:
    return seeded(tmp_path_factory.mktemp("tenant"))


@pytest.fixture
def steg(tenant: Seed, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Passes run when a person asks for them; with ``@background`` also by themselves, as in production."""
    with world(tenant, tmp_path, sweep=getattr(request, "param", False)) as one:
        yield one
        one.assert_kept()


background = pytest.mark.parametrize("steg", [True], indirect=True, ids=["background"])


@pytest.fixture
def someone(steg: World, browser: Browser) -> Iterator[People]:
    """``someone("anna")`` opens a browser; at the end all its pages are checked."""
    people: list[Someone] = []

    def open_browser(name: str, *, signed_in: bool = True, **options: Any) -> Someone:
        person = Someone(steg, browser, name, **options)
        person.page.set_default_timeout(PATIENCE)
        people.append(person)
        if signed_in:
            person.sign_in()
        return person

    yield open_browser
    for person in people:
        person.context.close()
        person.check()


@pytest.fixture
def anna(someone: People) -> Someone:
    return someone("anna")
