"""The JSON API: who may ask, what is answered, in which language; and the description holds what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import BlockDetail, BlockView
from marketplace_plugin.engine.views import Audience, ConnectionState, SettingsForm
from marketplace_plugin.errors import AuthorizationExpired, Conflict, MarketplaceError, NotAllowed, Throttled
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Event, Sensitivity, Series, ShowAs, Status
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.web.api import METHODS, PREFIX
from tests.web.conftest import Site
from tests.web.fakes import ANNA, connected, run_view, running_view

ANNAS = {"Authorization": "Bearer anna-token"}
WINDOW: dict[str, Any] = {"start": "2026-11-16T00:00:00+00:00", "end": "2026-11-23T00:00:00+00:00"}


@pytest.fixture
def client(site: Site) -> Any:
    site.actions.connections["c1"] = (ANNA.id, connected())
    site.actions.installed["google"] = Audience.ALL
    site.actions.history = [run_view(), run_view("run2", error="unavailable", number="7F3-C21")]
    return site.app.test_client()


def get(client: Any, path: str, token: dict[str, str] | None = None, **query: Any) -> Any:
    return client.get(PREFIX + path, headers=token or ANNAS, query_string=query)


# ---- who may ask ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic anna-token", "anna-token"])
def test_without_a_token_nothing_is_told(client: Any, site: Site, header: str) -> None:
    site.host.signed_in = ANNA  # a session's cookie is no token
    answer = client.get(f"{PREFIX}/connections", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="marketplace"'
    assert answer.json["code"] == "sign-in"
    assert client.delete(f"{PREFIX}/connections/c1").status_code == 401
    assert site.actions.connections


def test_somebody_elses_connection_does_not_exist(client: Any) -> None:
    for token in ("jonas-token", "admin-token"):
        theirs = {"Authorization": f"Bearer {token}"}
        for path in ("", "/settings", "/plan"):
            if path != "/plan":
                assert get(client, f"/connections/c1{path}", theirs).status_code == 404
        assert client.delete(f"{PREFIX}/connections/c1", headers=theirs).status_code == 404
        assert get(client, "/connections", theirs).json == []
        assert get(client, "/runs/run1", theirs).status_code == 404


# ---- answers -------------------------------------------------------------------------------------------------------


def test_integrations_in_the_language_asked_for(client: Any) -> None:
    found = {i["id"]: i for i in get(client, "/integrations").json}
    assert found["google"]["name"] == "Google Kalender"
    assert (found["google"]["permission"], found["google"]["connections"]) == ("added", ["c1"])
    assert found["exchange"]["available"] is True
    english = get(client, "/integrations/google", {**ANNAS, "Accept-Language": "en-GB,en;q=0.9"})
    assert english.json["name"] == "Google Calendar"
    assert get(client, "/integrations/caldav").status_code == 404


def test_a_connection_is_added_and_ended(client: Any, site: Site) -> None:
    site.actions.connections.clear()
    added = client.post(f"{PREFIX}/connections", json={"integration": "google"}, headers=ANNAS)
    assert added.status_code == 201
    assert added.json == {"id": "c1", "authorize": "http://localhost/profile/connections/c1/connect"}
    assert get(client, "/connections/c1").json["state"] == ConnectionState.ADDED
    gone = client.delete(f"{PREFIX}/connections/c1?delete_remote=true", headers=ANNAS)
    assert (gone.status_code, gone.data) == (204, b"")
    assert ("disconnect", "anna", "c1", True) in site.actions.called


def test_settings_are_read_saved_and_guarded_by_their_version(client: Any, site: Site) -> None:
    shown = get(client, "/connections/c1/settings").json
    assert [c["title"] for c in shown["collections"]][:2] == ["Anna Brandt", "Vertrieb"]
    assert ("settings", "anna", "c1", False) in site.actions.called
    new = {"version": 0, "target": "k1", "sources": ["k1", "k3"], "switches": ["event"], "past_days": 60}
    saved = client.put(f"{PREFIX}/connections/c1/settings", json=new, headers=ANNAS)
    assert (saved.status_code, saved.json) == (200, {"version": 1})
    form = SettingsForm("k1", frozenset({"k1", "k3"}), frozenset({Kind.EVENT}), 60, 365)
    assert site.actions.stored["c1"] == form
    again = client.put(f"{PREFIX}/connections/c1/settings", json=new, headers=ANNAS)
    assert (again.status_code, again.json["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "change, field",
    [
        ({"target": "k4"}, "target"),
        ({"target": "k9"}, "target"),
        ({"sources": ["k9"]}, "sources"),
        ({"past_days": 9999}, "past_days"),
        ({"switches": ["mail"]}, "switches"),
        ({"version": None}, "version"),
        ({"extra": 1}, "extra"),
    ],
)
def test_wrong_settings_are_refused_by_field(client: Any, change: dict[str, Any], field: str) -> None:
    new = {"version": 0, "target": None, "sources": [], **change}
    answer = client.put(f"{PREFIX}/connections/c1/settings", json=new, headers=ANNAS)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert field in answer.json["errors"]["json"]


def test_another_target_asks_what_becomes_of_the_copies(client: Any, site: Site) -> None:
    site.actions.stored["c1"] = SettingsForm("k1", frozenset(), frozenset())
    site.actions.copies = 7
    new: dict[str, Any] = {"version": 1, "target": "k3", "sources": []}
    asked = client.put(f"{PREFIX}/connections/c1/settings", json=new, headers=ANNAS)
    assert (asked.status_code, asked.json["code"]) == (409, "target-change")
    said = client.put(f"{PREFIX}/connections/c1/settings", json={**new, "target_change": "move"}, headers=ANNAS)
    assert said.status_code == 200


def test_a_plan_is_made_shown_and_approved_once(client: Any) -> None:
    assert get(client, "/connections/c1/plan").status_code == 404
    made = client.post(f"{PREFIX}/connections/c1/plan", headers=ANNAS)
    assert made.json["blocks"] == 233
    assert made.json["remote"] == {"create": 5, "update": 0, "delete": 0}
    assert made.json["mails"] == 0
    assert get(client, "/connections/c1/plan").json == made.json
    approve = f"{PREFIX}/connections/c1/plan/approve"
    assert client.post(approve, json={"plan": "p1"}, headers=ANNAS).json == {"run": "run1"}
    assert client.post(approve, json={"plan": "p1"}, headers=ANNAS).status_code == 409


def test_sync_returns_runs_and_a_run_says_why(client: Any, site: Site) -> None:
    site.actions.history = [running_view()]
    started = client.post(f"{PREFIX}/sync", headers=ANNAS)
    assert started.status_code == 202
    assert [(run["id"], run["state"], run["done"], run["total"]) for run in started.json] == [
        ("run1", "running", 144, 233)
    ]
    run = get(client, "/runs/run1", {**ANNAS, "Accept-Language": "en"}).json
    assert run["steps"][0] == {
        "side": "block",
        "action": "create",
        "reason": "new-remote",
        "message": "New in the connected calendar.",
        "count": 3,
    }
    assert get(client, "/runs/run1").json["steps"][0]["message"] == "Neu im verbundenen Kalender."
    assert len(get(client, "/runs", connection="c1", limit=1).json) == 1
    assert get(client, "/runs", connection="c1", limit=0).status_code == 422


# ---- events --------------------------------------------------------------------------------------------------------


def at(day: int, hour: int) -> Zoned:
    return Zoned(datetime.fromisoformat(f"2026-11-{day:02}T{hour:02}:00"), "Europe/Berlin")


def calendar(site: Site) -> None:
    mine = BlockDetail("l1", "Zahnarzt", "Fürth", "Füllung", "google", "anna@gmail.example", "Privat", "", True)
    block = BlockView("b1", Timed(at(18, 13), at(18, 14)), ShowAs.BUSY, Status.CONFIRMED, mine)
    standup = Event(when=Timed(at(16, 9), at(16, 10)), title="Runde", location="Raum 2", description="Gehälter")
    secret = Event(when=AllDay(at(17, 0).wall.date(), at(18, 0).wall.date()), title="Probezeit",
                   sensitivity=Sensitivity.PRIVATE)  # fmt: skip
    items = [
        HostItem("e1", 1, Series(standup, RecurrenceRule.parse("FREQ=DAILY;COUNT=3"))),
        HostItem("e2", 1, secret),
        HostItem("e3", 1, replace(standup, when=Timed(at(1, 9), at(1, 10)))),
    ]
    site.actions.blocks = lambda person, owner, window: [  # type: ignore[method-assign]  # a calendar for these tests
        block if person.id == owner else replace(block, detail=None)
    ]
    site.actions.host_events = lambda owner: items  # type: ignore[method-assign]  # likewise


def test_your_own_events(client: Any, site: Site) -> None:
    calendar(site)
    answer = get(client, "/events", **WINDOW).json
    assert [(e["id"], e["start"], e.get("title")) for e in answer["entries"]] == [
        ("e1:2026-11-16T09:00:00", "2026-11-16T09:00:00", "Runde"),
        ("e2", "2026-11-17", "Probezeit"),
        ("e1:2026-11-17T09:00:00", "2026-11-17T09:00:00", "Runde"),
        ("e1:2026-11-18T09:00:00", "2026-11-18T09:00:00", "Runde"),
        ("b1", "2026-11-18T13:00:00", "Zahnarzt"),
    ]
    assert answer["entries"][-1]["link"] == "l1"
    assert answer["entries"][1]["all_day"] is True
    assert answer["owner"] == "anna"


def test_a_colleague_sees_busy_and_nothing_else(client: Any, site: Site) -> None:
    calendar(site)
    answer = get(client, "/events", {"Authorization": "Bearer jonas-token"}, owner="anna", **WINDOW)
    for planted in ("Zahnarzt", "Fürth", "Füllung", "google", "gmail", "Privat", "l1", "Probezeit", "Gehälter"):
        assert planted not in answer.get_data(as_text=True)
    block = next(e for e in answer.json["entries"] if e["type"] == "block")
    assert set(block) == {"id", "type", "all_day", "start", "end", "zone", "end_zone", "show_as", "status"}
    assert [e["title"] for e in answer.json["entries"] if "title" in e] == ["Runde"] * 3


def test_events_of_nobody_and_of_too_long_a_time(client: Any) -> None:
    assert get(client, "/events", owner="nobody", **WINDOW).status_code == 404
    assert get(client, "/events", start=WINDOW["start"], end=WINDOW["start"]).status_code == 422
    assert get(client, "/events", start=WINDOW["start"], end="2028-01-01T00:00:00Z").status_code == 422
    assert get(client, "/events", start="2026-11-16T00:00:00", end=WINDOW["end"]).status_code == 422


def test_events_of_another_tenant_are_nobodys(client: Any, site: Site) -> None:
    """Not 403, which it was: that told which names another tenant has. Pages answer alike."""
    nobody = get(client, "/events", owner="nobody", **WINDOW)
    site.host.may_see = lambda viewer, owner: False  # type: ignore[method-assign]  # a host that says no
    answer = get(client, "/events", owner="jonas", **WINDOW)
    assert (answer.status_code, answer.json) == (nobody.status_code, nobody.json) == (404, nobody.json)


@pytest.mark.parametrize(
    "start, end",
    [
        ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
        ("9998-12-30T00:00:00Z", "9999-01-02T00:00:00Z"),
        ("9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z"),
        ("9999-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_the_ends_of_time_are_refused(client: Any, start: str, end: str) -> None:
    answer = get(client, "/events", start=start, end=end)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


def test_no_answer_is_kept_on_the_way(client: Any) -> None:
    theirs = {"Authorization": "Bearer jonas-token"}
    for answer in (
        get(client, "/connections"),
        get(client, "/events", **WINDOW),
        get(client, "/connections/c1", theirs),
        get(client, "/nothing"),
        client.get(f"{PREFIX}/connections"),
        client.delete(f"{PREFIX}/connections/c1", headers=ANNAS),
    ):
        assert answer.headers["Cache-Control"] == "no-store", answer.status_code


# ---- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error, status, code",
    [
        (Conflict, 409, "conflict"),
        (NotAllowed, 403, "forbidden"),
        (AuthorizationExpired, 409, "authorization-expired"),
        (Throttled, 502, "throttled"),
        (MarketplaceError, 500, "error"),
    ],
)
def test_an_error_has_a_code_a_sentence_and_no_content(
    client: Any,
    site: Site,
    caplog: pytest.LogCaptureFixture,
    error: type[MarketplaceError],
    status: int,
    code: str,
) -> None:
    site.actions.fail["preview"] = error("Zahnarzt")
    answer = client.post(f"{PREFIX}/connections/c1/plan", headers={**ANNAS, "Accept-Language": "en"})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["message"].endswith(".")
    assert "Zahnarzt" not in answer.get_data(as_text=True) + caplog.text
    if status >= 500:
        assert re.fullmatch(r"[0-9A-F]{3}-[0-9A-F]{3}", answer.json["number"])
        assert answer.json["number"] in caplog.text
    german = client.post(f"{PREFIX}/connections/c1/plan", headers={**ANNAS, "Accept-Language": "de"})
    assert german.json["message"] != answer.json["message"]


def test_paths_methods_and_bodies_that_do_not_exist_are_answered_in_json(client: Any) -> None:
    assert get(client, "/nothing").json["code"] == "not-found"
    refused = client.patch(f"{PREFIX}/connections", headers=ANNAS)
    assert (refused.status_code, refused.json["code"]) == (405, "method")
    assert "GET" in refused.headers["Allow"]
    broken = client.post(f"{PREFIX}/connections", data="{", headers=ANNAS, content_type="application/json")
    assert (broken.status_code, broken.json["code"]) == (400, "invalid")


# ---- the description -----------------------------------------------------------------------------------------------


def described() -> Site:
    """A site for schemathesis, which wants its schema before any fixture runs."""
    import tempfile
    from pathlib import Path

    from tests.web.conftest import bundle_for_tests

    site = Site(Registry.of(bundle_for_tests(Path(tempfile.mkdtemp()))))
    site.actions.connections["c1"] = (ANNA.id, connected())
    site.actions.history = [run_view()]
    return site


SITE = described()
schema = schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", SITE.app)


@schema.auth()
class Token:
    """Anna's; schemathesis leaves it out where it tests that it is asked for."""

    def get(self, case: Any, context: Any) -> str:
        return "anna-token"

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schema.parametrize()
@settings(max_examples=15)
def test_the_api_keeps_its_description(case: Any) -> None:
    """Generated requests, right and wrong: status, shape and headers are those of openapi.json."""
    if not SITE.actions.connections:
        SITE.actions.connections["c1"] = (ANNA.id, connected())
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # end after start: no schema can say it


def test_the_description_names_every_route(client: Any) -> None:
    paths = client.get(f"{PREFIX}/openapi.json").json["paths"]
    assert sorted(paths) == sorted(
        f"{PREFIX}{path}"
        for path in (
            "/connections",
            "/connections/{connection}",
            "/connections/{connection}/plan",
            "/connections/{connection}/plan/approve",
            "/connections/{connection}/settings",
            "/events",
            "/integrations",
            "/integrations/{integration}",
            "/runs",
            "/runs/{run}",
            "/sync",
        )
    )
    assert all(
        "401" in operation["responses"]
        for path in paths.values()
        for name, operation in path.items()
        if name in METHODS
    )


def test_a_window_is_in_utc_for_the_engine(client: Any, site: Site) -> None:
    get(client, "/events", start="2026-11-16T00:00:00+01:00", end=WINDOW["end"])
    (window,) = [call[3] for call in site.actions.called if call[0] == "blocks"]
    assert window.start.utcoffset() == timedelta(0)
    assert window.start.hour == 23
