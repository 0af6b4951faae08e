"""Incremental synchronisation of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.seed import ANNA, FAMILY, SALES
from tests.sandbox.conftest import Api, timed
from tests.sandbox.running import Json, ManualClock

EVENTS = "calendars/primary/events"


def start(api: Api, path: str = EVENTS, **params: Any) -> str:
    """A full round; its sync token."""
    return str(api.pages(path, **params)[-1]["nextSyncToken"])


def delta(api: Api, token: str, path: str = EVENTS, **params: Any) -> tuple[list[Json], str]:
    pages = api.pages(path, syncToken=token, **params)
    return [item for page in pages for item in page["items"]], str(pages[-1]["nextSyncToken"])


def test_a_delta_has_what_changed_and_nothing_else(anna: Api) -> None:
    token = start(anna)
    assert delta(anna, token)[0] == []
    made = anna.ok("POST", EVENTS, timed("Neu"))
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"summary": "Anders"})
    items, token = delta(anna, token)
    assert [item["summary"] for item in items] == ["Anders"]
    assert delta(anna, token)[0] == []


def test_a_deletion_is_a_bare_tombstone(anna: Api) -> None:
    made = anna.ok("POST", EVENTS, timed("Geheim"))
    token = start(anna)
    anna.ok("DELETE", f"{EVENTS}/{made['id']}")
    items, _ = delta(anna, token)
    assert [set(item) for item in items] == [{"kind", "etag", "id", "status"}]
    assert items[0]["status"] == "cancelled"
    assert made["id"] not in {item["id"] for item in anna.items(EVENTS)}
    shown = [item for item in anna.items(EVENTS, showDeleted=True) if item["id"] == made["id"]]
    assert [(item["status"], item["summary"]) for item in shown] == [("cancelled", "Geheim")]
    assert anna.ok("GET", f"{EVENTS}/{made['id']}")["status"] == "cancelled"


def test_show_deleted_from_the_first_round_keeps_details_in_deltas(anna: Api) -> None:
    made = anna.ok("POST", EVENTS, timed("Weg"))
    token = start(anna, showDeleted=True)
    anna.ok("DELETE", f"{EVENTS}/{made['id']}")
    items, _ = delta(anna, token, showDeleted=True)
    assert [item["summary"] for item in items] == ["Weg"]


def test_deltas_have_pages(anna: Api) -> None:
    token = start(anna, maxResults=2)
    ids = [anna.ok("POST", EVENTS, timed(str(number)))["id"] for number in range(5)]
    pages = anna.pages(EVENTS, syncToken=token, maxResults=2)
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [item["id"] for page in pages for item in page["items"]] == ids
    assert ["nextSyncToken" in page for page in pages] == [False, False, True]


def test_a_change_while_a_round_is_read_comes_with_the_next(anna: Api) -> None:
    token = start(anna, maxResults=2)
    ids = [anna.ok("POST", EVENTS, timed(str(number)))["id"] for number in range(3)]
    first = anna.ok("GET", EVENTS, syncToken=token, maxResults=2)
    anna.ok("PATCH", f"{EVENTS}/{ids[0]}", {"summary": "spät"})
    params = {"syncToken": token, "maxResults": 2, "pageToken": first["nextPageToken"]}
    second = anna.ok("GET", EVENTS, **params)
    assert ids[2] in {item["id"] for item in second["items"]}
    items, _ = delta(anna, second["nextSyncToken"], maxResults=2)
    assert "spät" in {item["summary"] for item in items}


def test_a_bounded_first_round_is_followed_by_unbounded_deltas(anna: Api) -> None:
    token = start(anna, timeMin="2026-11-18T00:00:00Z", timeMax="2026-11-25T00:00:00Z")
    made = anna.ok("POST", EVENTS, timed(day="2020-01-01"))
    items, _ = delta(anna, token)
    assert [item["id"] for item in items] == [made["id"]]


@pytest.mark.parametrize(
    "params",
    [
        {"timeMin": "2026-11-18T00:00:00Z"},
        {"timeMax": "2026-11-18T00:00:00Z"},
        {"q": "x"},
        {"iCalUID": "x"},
        {"orderBy": "updated"},
        {"updatedMin": "2026-11-18T00:00:00Z"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"showDeleted": False},
        {"singleEvents": True},
        {"showDeleted": True},
        {"eventTypes": "default"},
        {"timeZone": "UTC"},
        {"maxResults": 10},
    ],
)
def test_what_does_not_go_with_a_sync_token(anna: Api, params: dict[str, Any]) -> None:
    assert anna.refused("GET", EVENTS, syncToken=start(anna), **params)[0] == 400


@pytest.mark.parametrize("params", [{"q": "x"}, {"orderBy": "updated"}, {"iCalUID": "x"}])
def test_filtered_lists_give_no_sync_token(anna: Api, params: dict[str, Any]) -> None:
    assert "nextSyncToken" not in anna.ok("GET", EVENTS, **params)


def test_a_token_is_good_for_its_calendar_and_user(anna: Api, connect: Callable[..., Api]) -> None:
    token = start(anna)
    assert anna.refused("GET", f"calendars/{FAMILY}/events", syncToken=token)[0] == 400
    token = start(anna, f"calendars/{SALES}/events")
    jonas = connect("jonas.weber@gmail.example")
    assert jonas.refused("GET", f"calendars/{SALES}/events", syncToken=token)[0] == 400


def test_tokens_end_by_age_on_demand_and_with_the_access_list(
    anna: Api, connect: Callable[..., Api], sandbox: GoogleSandbox, clock: ManualClock
) -> None:
    sandbox.state.knobs.access_token_seconds = 365 * 86400
    api = connect()
    token = start(api)
    clock.advance(days=27)
    assert api("GET", EVENTS, syncToken=token).status_code == 200
    clock.advance(days=2)
    assert api.refused("GET", EVENTS, syncToken=token) == (410, "fullSyncRequired")
    token, other = start(api), start(api, f"calendars/{FAMILY}/events")
    sandbox.state.expire_sync_tokens(ANNA)
    assert api.refused("GET", EVENTS, syncToken=token) == (410, "fullSyncRequired")
    assert api("GET", f"calendars/{FAMILY}/events", syncToken=other).status_code == 200
    token = start(api, f"calendars/{SALES}/events")
    sandbox.state.set_role(SALES, ANNA, "reader")
    refused = api.refused("GET", f"calendars/{SALES}/events", syncToken=token)
    assert refused == (410, "fullSyncRequired")


def test_cancelled_exceptions_stay_for_the_life_of_the_series(anna: Api) -> None:
    series = anna.ok("POST", EVENTS, timed(recurrence=["RRULE:FREQ=DAILY;COUNT=5"]))
    token = start(anna)
    instance = f"{series['id']}_20261121T080000Z"
    anna.ok("DELETE", f"{EVENTS}/{instance}")
    items, token = delta(anna, token)
    assert items == [
        {
            "kind": "calendar#event",
            "etag": items[0]["etag"],
            "id": instance,
            "status": "cancelled",
            "recurringEventId": series["id"],
            "originalStartTime": {"dateTime": "2026-11-21T09:00:00+01:00", "timeZone": "Europe/Berlin"},
        }
    ]
    assert items[0] in anna.items(EVENTS)
    anna.ok("DELETE", f"{EVENTS}/{series['id']}")
    items, _ = delta(anna, token)
    assert {item["id"]: item["status"] for item in items} == {
        series["id"]: "cancelled",
        instance: "cancelled",
    }
    assert instance not in {item["id"] for item in anna.items(EVENTS)}


def test_single_events_deltas_are_the_trap_that_they_are(anna: Api) -> None:
    """A touched endless series comes as all its instances; a deleted one as none of them."""
    series = anna.ok("POST", EVENTS, timed(recurrence=["RRULE:FREQ=WEEKLY"]))
    token = start(anna, singleEvents=True, maxResults=2500)
    anna.ok("PATCH", f"{EVENTS}/{series['id']}", {"summary": "x"})
    items, token = delta(anna, token, singleEvents=True, maxResults=2500)
    assert len(items) > 700
    assert items[-1]["start"]["dateTime"] > "2040"
    anna.ok("DELETE", f"{EVENTS}/{series['id']}")
    assert delta(anna, token, singleEvents=True, maxResults=2500)[0] == []


def test_a_full_round_after_410_has_the_same_events(anna: Api, sandbox: GoogleSandbox) -> None:
    before = anna.items(EVENTS)
    sandbox.state.expire_sync_tokens()
    assert anna.items(EVENTS) == before


def test_another_clients_edits_arrive(anna: Api, act: Callable[[str], Actor]) -> None:
    token = start(anna)
    made = act(ANNA).insert(timed("von Hand"))
    act(ANNA).move(made["id"], "primary", FAMILY)
    items, _ = delta(anna, token)
    assert [(item["id"], item["status"], "summary" in item) for item in items] == [(made["id"], "cancelled", False)]
