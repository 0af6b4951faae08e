"""The pages by hand, the control over HTTP, the seed and the command."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.act import daily
from marketplace_plugin.sandbox.ews.seed import ANNA, JONAS, SALES
from tests.sandbox.ews.conftest import Ews
from tests.sandbox.running import START


@pytest.fixture
def browser(connect: Callable[..., Ews]) -> Any:
    """A session without a password."""
    session = connect().session
    session.auth = None
    return session


@pytest.fixture
def control(browser: Any, sandbox: EwsSandbox) -> Callable[..., Any]:
    """Calls of ``/_sandbox``."""

    def call(method: str, path: str, body: Any = None, **params: str) -> Any:
        headers = {"X-Sandbox-Token": sandbox.control_token}
        return browser.request(
            method, f"{sandbox.url}/_sandbox/{path}", json=body, params=params, headers=headers, timeout=10
        )

    return call


def test_a_calendar_is_viewed_and_edited_by_hand(
    browser: Any, sandbox: EwsSandbox, act: Callable[[str], Actor]
) -> None:
    accounts = browser.get(f"{sandbox.url}/calendar/", timeout=10).text
    assert r"NORDWERK\anna.brandt" in accounts
    page = f"{sandbox.url}/calendar/u/{ANNA}/"
    shown = browser.get(page, timeout=10).text
    assert "Zahnarzt Dr. Ebert" in shown
    assert f"{SALES} – {JONAS}" in shown
    assert "Gehaltsgespräch" not in shown
    form = {"subject": "Von Hand", "start": "2026-11-25T10:00", "end": "2026-11-25T11:00"}
    assert browser.post(f"{page}edit", data=form, timeout=10).status_code == 200
    identity = act(ANNA).named("Von Hand")
    again = {**form, "item": identity, "subject": "Zweimal"}
    browser.post(f"{page}edit", data=again, timeout=10)
    whole = {**form, "subject": "Tag", "start": "2026-11-25T00:00", "end": "2026-11-26T00:00", "all_day": "on"}
    browser.post(f"{page}edit", data=whole, timeout=10)
    assert act(ANNA).find(act(ANNA).named("Tag")).item.calendar.all_day
    shown = browser.get(page, timeout=10).text
    assert "Zweimal" in shown
    edit = re.findall(r'href="([^"]*edit[^"]*item=[^"]*)"', shown)[0].replace("&amp;", "&")
    assert browser.get(sandbox.url + edit, timeout=10).status_code == 200
    browser.post(f"{page}delete", data={"item": identity}, timeout=10)
    assert "Zweimal" not in browser.get(page, timeout=10).text


def test_another_site_s_form_does_not_edit(browser: Any, sandbox: EwsSandbox) -> None:
    reply = browser.post(
        f"{sandbox.url}/calendar/u/{ANNA}/delete",
        data={"item": "x"},
        headers={"Sec-Fetch-Site": "cross-site"},
        timeout=10,
    )
    assert reply.status_code == 403
    assert browser.post(f"{sandbox.url}/calendar/u/{ANNA}/delete", data={"item": "x"}, timeout=10).status_code == 400
    assert browser.get(f"{sandbox.url}/calendar/u/niemand@example.com/", timeout=10).status_code == 404


def test_the_control_wants_its_token(browser: Any, sandbox: EwsSandbox) -> None:
    assert browser.get(f"{sandbox.url}/_sandbox/faults", timeout=10).status_code == 403


def test_everything_can_be_steered_over_http(control: Callable[..., Any], sandbox: EwsSandbox, anna: Ews) -> None:
    assert control("POST", "faults", {"action": "status", "operation": "GetItem", "status": 503}).status_code == 201
    assert control("GET", "faults").json()[0]["operation"] == "GetItem"
    assert control("DELETE", "faults").status_code == 204
    assert control("POST", "faults", {"action": "quatsch"}).status_code == 400
    assert control("POST", "knobs", {"fractions": 7, "schemes": ["Basic"]}).json()["schemes"] == ["Basic"]
    assert control("POST", "knobs", {"unbekannt": 1}).status_code == 400
    until = control("POST", "knobs", {"throttled_until": "2026-11-18T09:00:00+00:00"})
    assert until.status_code == 200
    moved = control("POST", "clock", {"advance_seconds": 60}).json()["now"]
    assert moved == START.replace(minute=31).isoformat()
    assert control("POST", "expire-sync-states", {"mailbox": ANNA}).status_code == 204
    share = {"owner": JONAS, "folder": SALES, "account": ANNA, "level": "Reviewer"}
    assert control("POST", "share", share).status_code == 204
    assert control("POST", "folders", {"owner": ANNA, "name": "Neu"}).status_code == 201
    assert control("POST", f"accounts/{ANNA}", {"settings_url": "https://x.example/"}).status_code == 204
    assert control("POST", f"accounts/{ANNA}", {"quatsch": 1}).status_code == 400
    anna.sync()
    assert control("GET", "requests").json()[-1]["operation"] == "SyncFolderItems"
    assert control("GET", "sign-ins").json()[-1]["user"] == ANNA
    assert control("DELETE", "requests").status_code == 204
    assert control("GET", "outbox").json() == []


def test_items_can_be_edited_over_http(control: Callable[..., Any], sandbox: EwsSandbox) -> None:
    new = {"subject": "Fern", "start": "2026-11-25T10:00:00", "attendees": [ANNA]}
    identity = control("POST", "items", new, **{"as": JONAS}).json()["id"]
    assert control("GET", "outbox").json()[0]["kind"] == "invitation"
    assert control("DELETE", "outbox").status_code == 204
    change = {"id": identity, "start": "2026-11-26T10:00:00", "Subject": "Ferner"}
    assert control("POST", "items/update", change, **{"as": JONAS}).json()["id"] == identity
    assert "Ferner" in [row["subject"] for row in control("GET", "items", **{"as": JONAS}).json()]
    invited = Actor(sandbox.state, ANNA).named("Ferner")
    answer = {"id": invited, "response": "Tentative"}
    assert control("POST", "items/respond", answer, **{"as": ANNA}).status_code == 204
    moved = control("POST", "items/move", {"id": identity, "folder": SALES}, **{"as": JONAS}).json()["id"]
    assert moved != identity
    assert control("POST", "items/delete", {"id": moved, "send": False}, **{"as": JONAS}).status_code == 204
    series = Actor(sandbox.state, ANNA).create("Serie", START.date(), rule=daily(START.date()))
    day = {"id": series, "day": "2026-11-20"}
    assert control("POST", "items/occurrence", day, **{"as": ANNA}).json()["id"] != series
    whole = control("POST", "items", {"subject": "Tag", "start": "2026-11-25"}, **{"as": ANNA}).json()["id"]
    assert Actor(sandbox.state, ANNA).find(whole).item.calendar.all_day


def test_the_seed_has_what_a_demo_needs(sandbox: EwsSandbox, act: Callable[[str], Actor]) -> None:
    items = act(ANNA).items()
    masters = [found.item.calendar for found in items if found.item.calendar.recurrence is not None]
    assert any(event.overrides and event.deleted for event in masters)
    assert any(found.item.fields["Sensitivity"] == "Private" for found in items)
    assert any(found.item.calendar.response == "Decline" for found in items)
    assert not sandbox.state.outbox


def test_an_empty_sandbox_has_accounts_and_no_items() -> None:
    sandbox = EwsSandbox(seeded=False)
    assert Actor(sandbox.state, ANNA).items() == []
    sandbox.stop()
    assert not sandbox.ca_file.exists()
