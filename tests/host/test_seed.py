"""The demonstration's tenant: the same each time, on any day, and complete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from marketplace_plugin.host.steg import Steg, create_steg
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.store import Store
from tests.host.conftest import FAST, Browser, Clock, build_app

DAYS = [date(2026, 11, 18), date(2026, 11, 16), date(2026, 11, 22), date(2027, 3, 31), date(2028, 2, 29)]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Steg]:
    store = Store.open(f"sqlite:///{tmp_path / 'empty.sqlite'}", [bytes(32)])
    yield create_steg(store, now=Clock(), hasher=FAST)
    store.close()


def everything(steg: Steg) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for who in ("anna", "jonas", "mira", "sabine"):
        for module in steg.modules.values():
            page = module.changes(who, None, 1000)
            found += [(c.ref, c.item) for c in page.changes if isinstance(c, HostItem)]
    return found


def test_four_people_sign_in(empty: Steg) -> None:
    accounts = empty.seed(DAYS[0])
    assert [(a.name, a.admin) for a in accounts] == [
        ("Sabine Keller", True),
        ("Anna Brandt", False),
        ("Jonas Weber", False),
        ("Mira Sommer", False),
    ]
    app = build_app(empty)
    for account in accounts:
        browser = Browser(app)
        assert browser.post("/sign-in", {"email": account.email, "password": account.password}).status_code == 303
        page = browser.page("/calendar")
        assert ("Verwaltung" in page) is account.admin


@pytest.mark.parametrize("today", DAYS)
def test_a_month_around_any_day(empty: Steg, today: date) -> None:
    empty.seed(today)
    found = everything(empty)
    items = [item for _ref, item in found]
    series = [item for item in items if isinstance(item, Series)]
    assert any(o.event is None for s in series for o in s.overrides)
    assert any(o.event is not None for s in series for o in s.overrides)
    assert any(isinstance(getattr(item, "when", None), AllDay) for item in items)
    assert {Kind.EVENT, Kind.CONTACT, Kind.TASK, Kind.CALL} == set(empty.modules)
    assert len(found) > 30
    page = empty_page(empty, today)
    for text in ("Fachmesse Nürnberg", "Erstgespräch Hafenbau Nord", "Jour fixe Einkauf", "Reisekosten", "Hr. Vogel"):
        assert text in page


def empty_page(steg: Steg, today: date) -> str:
    browser = Browser(build_app(steg))
    browser.post("/sign-in", {"email": "anna.brandt@nordwerk.example", "password": "anna-demo"})
    return browser.page(f"/calendar?date={today}")


def test_it_is_the_same_each_time_and_done_once(empty: Steg, tmp_path: Path) -> None:
    first = empty.seed(DAYS[0])
    before = everything(empty)
    assert empty.seed(DAYS[1]) == first
    assert everything(empty) == before
    store = Store.open(f"sqlite:///{tmp_path / 'other.sqlite'}", [bytes(32)])
    other = create_steg(store, now=Clock(), hasher=FAST)
    other.seed(DAYS[0])
    assert everything(other) == before
    store.close()
