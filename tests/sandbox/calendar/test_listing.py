"""events.list and events.get: parameters, windows, order, paging, partial replies, conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.seed import ANNA, FAMILY
from tests.sandbox.conftest import Api, all_day, timed
from tests.sandbox.running import ManualClock

EVENTS = "calendars/primary/events"
EMPTY = f"calendars/{FAMILY}/events"


@pytest.fixture
def family(sandbox: GoogleSandbox) -> Callable[[dict[str, Any]], str]:
    """Puts an event into Anna's emptied second calendar, gives its id."""
    actor = Actor(sandbox.state, ANNA)
    calendar = sandbox.state.calendars[FAMILY]
    calendar.events.clear()
    calendar.order.clear()
    calendar.changes.clear()
    return lambda body: str(actor.insert(body, FAMILY)["id"])


def summaries(api: Api, **params: Any) -> list[str]:
    return [item["summary"] for item in api.items(EMPTY, **params)]


def test_the_collection_describes_the_calendar(anna: Api) -> None:
    found = anna.ok("GET", f"calendars/{FAMILY}/events")
    assert found["kind"] == "calendar#events"
    assert (found["summary"], found["timeZone"], found["accessRole"]) == ("Familie", "Europe/Berlin", "owner")
    assert found["updated"].endswith("Z")
    assert found["defaultReminders"] == []


@pytest.mark.parametrize(
    "params",
    [
        {"pageSize": 3},
        {"maxResults": 0},
        {"maxResults": "many"},
        {"singleEvents": "yes"},
        {"orderBy": "summary"},
        {"orderBy": "startTime"},
        {"timeMin": "2026-11-20"},
        {"timeMin": "2026-11-20T09:00:00"},
        {"timeMin": "2026-13-20T09:00:00Z"},
        {"timeMin": "2026-11-20T09:00:00Z", "timeMax": "2026-11-20T09:00:00Z"},
        {"timeZone": "Mars/Olympus"},
        {"eventTypes": "meeting"},
        {"privateExtendedProperty": "name"},
        {"pageToken": "abc"},
        {"syncToken": "abc"},
        {"maxAttendees": 0},
        {"alt": "atom"},
        {"fields": "items(id"},
        {"fields": "items/titel"},
        {"showDeleted": ["true", "true"]},
    ],
)
def test_wrong_parameters_are_refused(anna: Api, params: dict[str, Any]) -> None:
    assert anna.refused("GET", EVENTS, **params)[0] == 400


def test_time_min_bounds_the_end_and_time_max_the_start(anna: Api, family: Callable[..., str]) -> None:
    family(timed("Termin", hour=9))
    before, start, end = "2026-11-20T07:00:00Z", "2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z"
    assert summaries(anna, timeMin=start) == ["Termin"]
    assert summaries(anna, timeMin="2026-11-20T08:59:59Z") == ["Termin"]
    assert summaries(anna, timeMin=end) == []
    assert summaries(anna, timeMax=start) == []
    assert summaries(anna, timeMax="2026-11-20T08:00:01Z") == ["Termin"]
    assert summaries(anna, timeMin=before, timeMax="2026-11-20T10:00:00+02:00") == []


def test_days_are_bounded_in_the_calendars_zone(anna: Api, family: Callable[..., str]) -> None:
    family(all_day("Tag"))
    assert summaries(anna, timeMin="2026-11-20T22:59:59Z") == ["Tag"]
    assert summaries(anna, timeMin="2026-11-20T23:00:00Z") == []
    assert summaries(anna, timeMax="2026-11-19T23:00:00Z") == []
    assert summaries(anna, timeMax="2026-11-19T23:00:01Z") == ["Tag"]


def test_a_series_is_in_the_window_of_any_of_its_occurrences(anna: Api, family: Callable[..., str]) -> None:
    family(timed("Reihe", day="2026-11-02", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"]))
    assert summaries(anna, timeMin="2026-11-10T00:00:00Z", timeMax="2026-11-17T00:00:00Z") == ["Reihe"]
    assert summaries(anna, timeMin="2026-11-03T00:00:00Z", timeMax="2026-11-09T00:00:00Z") == []
    assert summaries(anna, timeMin="2026-11-17T00:00:00Z") == []


def test_order_by_start_and_by_update(anna: Api, family: Callable[..., str], clock: ManualClock) -> None:
    first = family(timed("b", day="2026-11-22"))
    clock.advance(seconds=1)
    family(timed("a", day="2026-11-21"))
    clock.advance(seconds=1)
    family(all_day("ganz", "2026-11-21", "2026-11-22"))
    assert summaries(anna, singleEvents=True, orderBy="startTime") == ["ganz", "a", "b"]
    clock.advance(seconds=1)
    anna.ok("PATCH", f"{EMPTY}/{first}", {"location": "x"})
    assert summaries(anna, orderBy="updated") == ["a", "ganz", "b"]
    assert summaries(anna) == ["b", "a", "ganz"]


@pytest.mark.parametrize("params", [{}, {"singleEvents": True, "orderBy": "startTime"}, {"orderBy": "updated"}])
def test_pages_hold_everything_once(anna: Api, family: Callable[..., str], params: dict[str, Any]) -> None:
    wanted = [f"Termin {number}" for number in range(7)]
    for number, text in enumerate(wanted):
        family(timed(text, hour=8 + number))
    pages = anna.pages(EMPTY, maxResults=3, **params)
    assert [len(page["items"]) for page in pages] == [3, 3, 1]
    assert [item["summary"] for page in pages for item in page["items"]] == wanted


def test_pages_may_be_short_and_empty(anna: Api, family: Callable[..., str], sandbox: GoogleSandbox) -> None:
    for number in range(5):
        family(timed(str(number)))
    sandbox.state.knobs.max_page_size = 2
    sandbox.state.knobs.empty_first_pages = 2
    pages = anna.pages(EMPTY, maxResults=2500)
    assert [len(page["items"]) for page in pages] == [0, 0, 2, 2, 1]
    assert ["nextSyncToken" in page for page in pages] == [False] * 4 + [True]


def test_the_default_page_and_the_largest(anna: Api, family: Callable[..., str], sandbox: GoogleSandbox) -> None:
    for number in range(251):
        family(timed(str(number)))
    assert [len(page["items"]) for page in anna.pages(EMPTY)] == [250, 1]
    assert len(anna.ok("GET", EMPTY, maxResults=99999)["items"]) == 251


def test_a_page_token_belongs_to_its_request(anna: Api, family: Callable[..., str]) -> None:
    for number in range(3):
        family(timed(str(number)))
    token = anna.ok("GET", EMPTY, maxResults=1)["nextPageToken"]
    assert anna.refused("GET", EMPTY, maxResults=2, pageToken=token)[0] == 400
    assert anna.refused("GET", EVENTS, maxResults=1, pageToken=token)[0] == 400
    assert anna("GET", EMPTY, maxResults=1, pageToken=token, fields="items(id)").status_code == 200


def test_an_event_that_goes_while_pages_are_read_hides_no_other(anna: Api, family: Callable[..., str]) -> None:
    ids = [family(timed(str(number))) for number in range(4)]
    first = anna.ok("GET", EMPTY, maxResults=2)
    anna.ok("DELETE", f"{EMPTY}/{ids[0]}")
    second = anna.ok("GET", EMPTY, maxResults=2, pageToken=first["nextPageToken"])
    assert [item["id"] for item in second["items"]] == ids[2:]
    delta = anna.ok("GET", EMPTY, maxResults=2, syncToken=second["nextSyncToken"])
    assert [(item["id"], item["status"]) for item in delta["items"]] == [(ids[0], "cancelled")]


def test_search_and_filters(anna: Api, family: Callable[..., str]) -> None:
    stamped = {"private": {"steg": "1"}, "shared": {"team": "x"}}
    family(timed("Angebot Nord", description="Zwei Seiten", extendedProperties=stamped))
    family(timed("Angebot", location="Halle", attendees=[{"email": "petra@kunde.example"}]))
    family(timed("Ruhe", eventType="focusTime", focusTimeProperties={}))
    assert summaries(anna, q="angebot nord") == ["Angebot Nord"]
    assert summaries(anna, q="PETRA halle") == ["Angebot"]
    assert summaries(anna, privateExtendedProperty="steg=1") == ["Angebot Nord"]
    assert summaries(anna, privateExtendedProperty=["steg=1", "steg=2"]) == []
    assert summaries(anna, sharedExtendedProperty="team=x") == ["Angebot Nord"]
    assert summaries(anna, privateExtendedProperty="team=x") == []
    assert summaries(anna, eventTypes=["focusTime", "birthday"]) == ["Ruhe"]
    uid = anna.items(EMPTY)[0]["iCalUID"]
    assert summaries(anna, iCalUID=uid) == ["Angebot Nord"]


def test_updated_min_shows_deletions_and_refuses_the_far_past(
    anna: Api, family: Callable[..., str], clock: ManualClock
) -> None:
    old, gone = family(timed("alt")), family(timed("weg"))
    clock.advance(minutes=30)
    anna.ok("DELETE", f"{EMPTY}/{gone}")
    items = anna.items(EMPTY, updatedMin="2026-11-18T09:45:00Z")
    assert [(item["id"], item["status"]) for item in items] == [(gone, "cancelled")]
    assert old in {item["id"] for item in anna.items(EMPTY, updatedMin="2026-11-18T09:00:00Z")}
    reply = anna.refused("GET", EMPTY, updatedMin="2026-09-01T00:00:00Z")
    assert reply == (410, "updatedMinTooLongAgo")


def test_times_are_shown_in_the_readers_zone_beside_the_events_own(anna: Api, family: Callable[..., str]) -> None:
    body = {
        "start": {"dateTime": "2026-11-20T09:00:00", "timeZone": "America/New_York"},
        "end": {"dateTime": "2026-11-20T10:00:00.500-05:00"},
    }
    event_id = family(body)
    found = anna.ok("GET", f"{EMPTY}/{event_id}")
    assert found["start"] == {"dateTime": "2026-11-20T15:00:00+01:00", "timeZone": "America/New_York"}
    assert found["end"] == {"dateTime": "2026-11-20T16:00:00+01:00", "timeZone": "Europe/Berlin"}
    in_utc = anna.ok("GET", f"{EMPTY}/{event_id}", timeZone="UTC")
    assert in_utc["start"]["dateTime"] == "2026-11-20T14:00:00Z"


@pytest.mark.parametrize(
    "fields,keys",
    [
        ("items(id,etag),nextSyncToken", {"items", "nextSyncToken"}),
        ("items/id,kind", {"items", "kind"}),
        ("*", {"items", "kind", "summary", "updated", "etag", "timeZone", "accessRole", "defaultReminders"}),
        ("nextPageToken,nextSyncToken", {"nextSyncToken"}),
    ],
)
def test_partial_replies(anna: Api, fields: str, keys: set[str]) -> None:
    found = anna.ok("GET", EVENTS, fields=fields, prettyPrint=False)
    assert set(found) - {"nextSyncToken"} == keys - {"nextSyncToken"}


def test_partial_replies_go_deep(anna: Api, family: Callable[..., str]) -> None:
    family(timed("Termin", extendedProperties={"private": {"steg": "1", "x": "2"}}))
    fields = "items(start/dateTime,end(timeZone),extendedProperties/private/steg,start/timeZone)"
    assert anna.ok("GET", EMPTY, fields=fields)["items"] == [
        {
            "start": {"dateTime": "2026-11-20T09:00:00+01:00", "timeZone": "Europe/Berlin"},
            "end": {"timeZone": "Europe/Berlin"},
            "extendedProperties": {"private": {"steg": "1"}},
        }
    ]


def test_pretty_print(anna: Api) -> None:
    assert anna("GET", EVENTS).text.startswith("{\n ")
    assert "\n" not in anna("GET", EVENTS, prettyPrint=False).text


def test_if_none_match(anna: Api, family: Callable[..., str]) -> None:
    event_id = family(timed())
    for path in (f"{EMPTY}/{event_id}", EMPTY):
        first = anna("GET", path)
        assert first.headers["ETag"] == first.json()["etag"]
        assert anna("GET", path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    anna.ok("PATCH", f"{EMPTY}/{event_id}", {"summary": "anders"})
    assert anna("GET", EMPTY, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_unknown_things_are_not_found(anna: Api) -> None:
    assert anna.refused("GET", f"{EVENTS}/unknown") == (404, "notFound")
    assert anna.refused("GET", "calendars/unknown/events") == (404, "notFound")
    assert anna.refused("GET", "somewhere") == (404, "notFound")
    assert anna("DELETE", "calendars/primary/events").status_code == 405


def test_max_attendees_leaves_only_the_reader(anna: Api, family: Callable[..., str]) -> None:
    guests = [{"email": f"{name}@kunde.example"} for name in "abc"] + [{"email": FAMILY}]
    event_id = family(timed(attendees=guests))
    found = anna.ok("GET", f"{EMPTY}/{event_id}", maxAttendees=3)
    assert [person["email"] for person in found["attendees"]] == [FAMILY]
    assert found["attendeesOmitted"] is True
    assert "attendeesOmitted" not in anna.ok("GET", f"{EMPTY}/{event_id}", maxAttendees=4)
