"""Our Google provider against emulate's Calendar API: a server that nobody here wrote.

emulate lists, inserts and deletes events. It names neither roles nor sync tokens in its lists of events, makes ids of
its own, knows no zones or private properties and cannot get or patch an event: so what is tested is reading, and that
writing ends with an outcome and without a second event.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.change import Stamp, Upsert
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.time import AllDay, Timed, Window, Zoned
from marketplace_plugin.model.write import Create
from marketplace_plugin.providers.google import GoogleAccount
from tests.peers.test_google_sign_in import connected, endpoints

__all__ = ["endpoints"]  # the fixture

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=30), NOW + timedelta(days=365))
BERLIN = {"timeZone": "Europe/Berlin"}


@pytest.fixture
def token(endpoints: dict[str, str]) -> str:
    return str(connected(endpoints).token["access_token"])


@pytest.fixture
def account(token: str) -> Iterator[GoogleAccount]:
    made = GoogleAccount(
        Session("c", "anna@example.com", "i", lambda: NOW, lambda refused=None: token, settings={"api_root": root()})
    )
    yield made
    made.close()


def root() -> str:
    return os.environ["EMULATE_URL"]


def ask(method: str, token: str, path: str, body: Any = None) -> Any:
    url = f"{root()}/calendar/v3/{path}"
    answer = requests.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def titles(account: GoogleAccount, calendar: str) -> dict[str, Event]:
    found = {}
    for page in account.pull(calendar, None, WINDOW):
        for change in page.changes:
            assert isinstance(change, Upsert), change
            assert isinstance(change.found.item, Event)
            found[str(change.found.item.title)] = change.found.item
    return found


def test_calendars_are_listed_with_their_roles(account: GoogleAccount) -> None:
    calendars = account.collections()
    assert [info.primary for info in calendars].count(True) == 1
    assert {info.role for info in calendars} <= set(Role) - {Role.NONE}


def test_events_are_read_again_as_they_stand(account: GoogleAccount, token: str) -> None:
    (calendar,) = (info.id for info in account.collections() if info.primary)
    timed = {"dateTime": "2026-11-23T09:00:00+01:00", **BERLIN}
    until = {"dateTime": "2026-11-23T10:00:00+01:00", **BERLIN}
    ask("POST", token, f"calendars/{calendar}/events", {"summary": "Runde", "start": timed, "end": until})
    days = {"summary": "Messe", "start": {"date": "2026-11-24"}, "end": {"date": "2026-11-26"}}
    made = ask("POST", token, f"calendars/{calendar}/events", days)
    found = titles(account, calendar)
    when = found["Runde"].when
    assert isinstance(when, Timed)
    assert (when.start.instant(), when.end.instant()) == (at(8), at(9))
    assert isinstance(found["Messe"].when, AllDay)
    cursors = [page.cursor for page in account.pull(calendar, None, WINDOW) if page.cursor is not None]
    ask("DELETE", token, f"calendars/{calendar}/events/{made['id']}")
    (page,) = account.pull(calendar, cursors[-1], WINDOW)
    assert page.snapshot  # there is no token to go on with
    assert "Messe" not in titles(account, calendar)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 23, hour, tzinfo=UTC)


def test_a_creation_ends_with_an_outcome_and_one_event(account: GoogleAccount) -> None:
    (calendar,) = (info.id for info in account.collections() if info.primary)
    when = Timed(Zoned.at(at(12), "Europe/Berlin"), Zoned.at(at(13), "Europe/Berlin"))
    outcomes = list(account.push(calendar, [Create("op", Stamp("i", "link"), Event(when=when, title="Neu"))]))
    assert len(outcomes) == 1
    assert list(titles(account, calendar)).count("Neu") == 1
