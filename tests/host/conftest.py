"""Steg on a database of its own, with a clock that stands still."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Blueprint, Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from werkzeug.test import TestResponse

from marketplace_plugin.contract.module import BlockDetail, BlockView, Person
from marketplace_plugin.host.records import persons
from marketplace_plugin.host.steg import TRANSLATIONS, Steg, create_steg
from marketplace_plugin.model.event import Event, Series, ShowAs, Status
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, When, Window, Zoned, span
from marketplace_plugin.store import Store

NOW = datetime(2026, 11, 18, 9, 42, tzinfo=UTC)  # a Wednesday, 10:42 in Berlin
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"

ANNA = Person("anna", "nordwerk", "Anna Brandt", "anna.brandt@nordwerk.example", "Europe/Berlin")
JONAS = Person("jonas", "nordwerk", "Jonas Weber", "jonas.weber@nordwerk.example", "Europe/Berlin")
MIRA = Person("mira", "nordwerk", "Mira Sommer", "mira.sommer@nordwerk.example", "Europe/Berlin", "en")
STRANGER = Person("otto", "suedwerk", "Otto Fremd", "otto@suedwerk.example", "Europe/Berlin")


def berlin(wall: str) -> Zoned:
    return Zoned(datetime.fromisoformat(wall), "Europe/Berlin")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


class Told:
    """What was announced."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Kind, tuple[str, ...]]] = []

    def __call__(self, owner: str, kind: Kind, refs: Sequence[str]) -> None:
        self.calls.append((owner, kind, tuple(refs)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and the people, which each test gets a copy of."""
    path = tmp_path_factory.mktemp("steg") / "prepared.sqlite"
    store = Store.open(f"sqlite:///{path}", [bytes(32)])
    create_steg(store, now=Clock(), hasher=FAST)
    kept = FAST.hash(PASSWORD)
    with store.begin() as unit:
        for who in (ANNA, JONAS, MIRA, STRANGER):
            persons.add(unit.connection, who, kept, "Vertrieb")
    store.scrub()
    store.close()
    return path


@pytest.fixture
def store(tmp_path: Path, prepared: Path) -> Iterator[Store]:
    path = shutil.copy(prepared, tmp_path / "steg.sqlite")
    store = Store.open(f"sqlite:///{path}", [bytes(32)])
    yield store
    store.close()


def numbered(prefix: str = "ref") -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{prefix}{next(numbers)}"


@pytest.fixture
def steg(store: Store, clock: Clock, told: Told) -> Steg:
    steg = create_steg(store, now=clock, hasher=FAST, new_ref=numbered())
    steg.connect(notify=told)
    return steg


# ---- pages ---------------------------------------------------------------------------------------------------------


class FakeBlocks:
    """Grey blocks without an engine, redacted by viewer as the engine does it."""

    def __init__(self) -> None:
        self.kept: dict[str, list[BlockView]] = {}
        self.changed: datetime | None = None

    def add(self, owner: Person, when: When, title: str, **detail: Any) -> str:
        link = f"link{sum(map(len, self.kept.values())) + 1}"
        shown = BlockDetail(
            link=link,
            title=title,
            location=detail.pop("location", ""),
            description=detail.pop("description", ""),
            integration="Fremdkalender",
            account="anna@fremd.example",
            calendar=detail.pop("calendar", "Privat"),
            href="https://fremd.example/1",
            convertible=True,
            private=detail.pop("private", False),
        )
        view = BlockView(
            key=f"k{link}",
            when=when,
            show_as=detail.pop("show_as", ShowAs.BUSY),
            status=detail.pop("status", Status.CONFIRMED),
            detail=shown,
        )
        self.kept.setdefault(owner.id, []).append(view)
        return link

    def blocks(self, viewer: str, owner: str, window: Window) -> Sequence[BlockView]:
        found = [b for b in self.kept.get(owner, []) if window.overlaps(span(b.when, "Europe/Berlin"))]
        if viewer != owner:
            found = [replace(b, detail=None) for b in found]
        return sorted(found, key=lambda b: span(b.when, "Europe/Berlin"))

    def changed_at(self, owner: str) -> datetime | None:
        return self.changed


@pytest.fixture
def grey() -> FakeBlocks:
    return FakeBlocks()


def marketplace_stub() -> Blueprint:
    """The marketplace's blueprint as far as Steg's pages name it: design system and addresses."""
    web = Path(__file__).parents[2] / "marketplace_plugin" / "web"
    stub = Blueprint(
        "marketplace",
        __name__,
        template_folder=str(web / "templates"),
        static_folder=str(web / "static"),
        static_url_path="/marketplace/static",
    )
    for rule, endpoint in (
        ("/marketplace", "market"),
        ("/profile/synchronisation", "profile"),
        ("/profile/integrations", "integrations"),
        ("/admin/connections", "admin"),
    ):
        stub.add_url_rule(rule, endpoint, lambda: "page")
    for rule, endpoint in (
        ("/convert/<link>", "convert"),
        ("/convert/<link>/undo", "undo"),
        ("/convert/<link>/stop", "stop_importing"),
        ("/mirror/<link>", "mirror_again"),
    ):
        stub.add_url_rule(rule, endpoint, lambda link: link, methods=["POST"])
    return stub


def build_app(steg: Steg) -> Flask:
    app = Flask("steg-for-tests")
    app.secret_key = "only for tests"
    app.config.update(BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS), TESTING=True)
    Babel(app, locale_selector=steg.language, timezone_selector=steg.time_zone)
    CSRFProtect(app)
    app.register_blueprint(marketplace_stub())
    steg.install(app)
    return app


@pytest.fixture
def app(steg: Steg, grey: FakeBlocks) -> Flask:
    steg.connect(blocks=grey)
    return build_app(steg)


class Browser:
    """A test client that fills in the CSRF token as a page's form would."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, url: str, **kwargs: Any) -> TestResponse:
        return self.client.get(url, **kwargs)

    def page(self, url: str, **kwargs: Any) -> str:
        response = self.get(url, **kwargs)
        assert response.status_code == 200, (response.status_code, response.headers)
        return response.text

    def post(self, url: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        return self.client.post(url, data={**(data or {}), "csrf_token": self.token()}, **kwargs)

    def token(self) -> str:
        found = re.search(
            r'name="csrf_token" value="([^"]+)"', self.client.get("/contacts", follow_redirects=True).text
        )
        assert found is not None
        return found[1]

    def sign_in(self, who: Person, password: str = PASSWORD) -> TestResponse:
        return self.post("/sign-in", {"email": who.email, "password": password})


@pytest.fixture
def nobody(app: Flask) -> Browser:
    return Browser(app)


def signed_in(app: Flask, who: Person) -> Browser:
    browser = Browser(app)
    assert browser.sign_in(who).status_code == 303
    return browser


@pytest.fixture
def anna(app: Flask) -> Browser:
    return signed_in(app, ANNA)


@pytest.fixture
def jonas(app: Flask) -> Browser:
    return signed_in(app, JONAS)


@pytest.fixture
def weekly(steg: Steg, app: Any) -> str:
    """Six Wednesdays at nine, organised by Anna; the ref."""
    nine = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))
    series = Series(Event(when=nine, title="Runde", location="Raum 1"), RecurrenceRule.parse("FREQ=WEEKLY;COUNT=6"))
    return steg.acts.create_event(ANNA, series, [], "sales").ref
