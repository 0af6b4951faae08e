"""calendarView/delta: rounds, windows, odd shapes, tokens that end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.seed import ANNA, FAMILY
from tests.sandbox.graph.conftest import IMMUTABLE, Api, recurrence, timed

Json = dict[str, Any]

WINDOW = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
WEEKLY = recurrence("2026-11-23", until=3, daysOfWeek=["monday"])
SLIM = {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}


@pytest.fixture
def family(anna: Api) -> str:
    """The path of an own calendar with two events."""
    return f"me/calendars/{anna.calendars()[FAMILY]['id']}"


def start(anna: Api, family: str, **more: Any) -> tuple[list[Json], str]:
    return anna.round(f"{family}/calendarView/delta", **WINDOW, **more)


def removed(items: list[Json]) -> list[tuple[str, str]]:
    return [(item["id"], item["@removed"]["reason"]) for item in items if "@removed" in item]


def test_a_first_round_brings_everything_in_the_window(anna: Api, family: str) -> None:
    items, _ = start(anna, family)
    assert {item["subject"] for item in items} == {"Elternabend", "Oma zu Besuch"}
    assert all(item["@odata.type"] == "#microsoft.graph.event" for item in items)
    assert all("body" in item for item in items)


def test_an_unchanged_round_is_one_empty_page(anna: Api, family: str, sandbox: GraphSandbox) -> None:
    _, link = start(anna, family)
    sandbox.log.clear()
    items, again = anna.round(link)
    assert (items, len(sandbox.requests()), again != link) == ([], 1, True)


def test_a_round_brings_what_has_changed_since(anna: Api, family: str) -> None:
    items, link = start(anna, family)
    made = anna.ok("POST", f"{family}/events", timed("Neu"))
    anna.ok("PATCH", f"me/events/{items[0]['id']}", {"subject": "Geändert"})
    anna("DELETE", f"me/events/{items[1]['id']}")
    found, following = anna.round(link)
    assert [item.get("subject") for item in found] == ["Neu", "Geändert", None]
    assert found[0]["id"] == made["id"]
    assert found[2] == {
        "@odata.type": "#microsoft.graph.event",
        "id": items[1]["id"],
        "@removed": {"reason": "deleted"},
    }
    assert anna.round(following)[0] == []


def test_a_link_can_be_followed_again(anna: Api, family: str) -> None:
    _, link = start(anna, family)
    anna.ok("POST", f"{family}/events", timed("Neu"))
    assert [item["subject"] for item in anna.round(link)[0]] == ["Neu"]
    assert [item["subject"] for item in anna.round(link)[0]] == ["Neu"]


def test_removed_also_means_outside_of_the_window(anna: Api, family: str, sandbox: GraphSandbox) -> None:
    items, link = start(anna, family)
    anna.ok("PATCH", f"me/events/{items[0]['id']}", timed("Verschoben", "2027-06-01"))
    far = anna.ok("POST", f"{family}/events", timed("Fern", "2028-01-01"))
    assert removed(anna.round(link)[0]) == [(items[0]["id"], "deleted"), (far["id"], "deleted")]
    assert anna.ok("GET", f"me/events/{items[0]['id']}")["subject"] == "Verschoben"
    sandbox.state.knobs.removed_reason = "changed"
    assert removed(anna.round(link)[0])[0] == (items[0]["id"], "changed")


def test_what_is_outside_may_not_be_told_at_all(anna: Api, family: str, sandbox: GraphSandbox) -> None:
    sandbox.state.knobs.outside_is_silent = True
    far = anna.ok("POST", f"{family}/events", timed("weit weg", "2031-01-06"))
    inside = anna.ok("POST", f"{family}/events", timed("nah", "2026-11-24"))
    _, link = start(anna, family)
    anna("DELETE", f"me/events/{far['id']}")
    anna.ok("POST", f"{family}/events", timed("auch weit weg", "2031-01-07"))
    anna("DELETE", f"me/events/{inside['id']}")
    items, _ = anna.round(link)
    assert [(item["id"], "@removed" in item) for item in items] == [(inside["id"], True)]


def test_the_window_is_fixed_in_the_token(anna: Api, family: str) -> None:
    _, link = start(anna, family)
    anna.ok("POST", f"{family}/events", timed("Fern", "2028-01-01"))
    later = "&startDateTime=2027-12-01T00:00:00Z&endDateTime=2028-02-01T00:00:00Z"
    assert len(removed(anna.round(link + later)[0])) == 1


def test_a_series_comes_as_master_and_bare_occurrences(anna: Api, family: str) -> None:
    master = anna.ok("POST", f"{family}/events", timed("Serie", "2026-11-23", recurrence=WEEKLY))
    items, _ = start(anna, family)
    found = [item for item in items if item.get("seriesMasterId") == master["id"]]
    assert [set(item) for item in found] == [SLIM] * 3
    assert [item["start"]["dateTime"][:10] for item in found] == ["2026-11-23", "2026-11-30", "2026-12-07"]
    place = items.index(found[0])
    assert (items[place - 1]["id"], items[place - 1]["type"]) == (master["id"], "seriesMaster")
    assert found[0]["@odata.etag"] == master["@odata.etag"]


def test_a_master_may_be_missing(anna: Api, family: str, sandbox: GraphSandbox) -> None:
    sandbox.state.knobs.delta_without_masters = True
    master = anna.ok("POST", f"{family}/events", timed("Serie", "2026-11-23", recurrence=WEEKLY))
    items, _ = start(anna, family)
    assert master["id"] not in {item["id"] for item in items}
    assert [item.get("seriesMasterId") for item in items].count(master["id"]) == 3


def test_a_deleted_occurrence_leaves_no_trace(anna: Api, family: str) -> None:
    master = anna.ok("POST", f"{family}/events", timed("Serie", "2026-11-23", recurrence=WEEKLY))
    items, link = start(anna, family)
    gone = next(item for item in items if item["start"]["dateTime"].startswith("2026-11-30"))
    anna("DELETE", f"me/events/{gone['id']}")
    found, _ = anna.round(link)
    assert removed(found) == []
    assert [item["type"] for item in found] == ["seriesMaster", "occurrence", "occurrence"]
    assert gone["id"] not in {item["id"] for item in found}
    assert found[0]["id"] == master["id"]


def test_an_exception_comes_whole(anna: Api, family: str) -> None:
    anna.ok("POST", f"{family}/events", timed("Serie", "2026-11-23", recurrence=WEEKLY))
    items, link = start(anna, family)
    second = next(item for item in items if item["start"]["dateTime"].startswith("2026-11-30"))
    anna.ok("PATCH", f"me/events/{second['id']}", {"subject": "Ausnahme"})
    found, _ = anna.round(link)
    assert [item["type"] for item in found] == ["seriesMaster", "occurrence", "exception", "occurrence"]
    assert (found[2]["subject"], found[2]["originalStart"]) == ("Ausnahme", "2026-11-30T08:00:00Z")


def test_a_series_outside_of_the_window_is_removed_by_its_master(anna: Api, family: str) -> None:
    master = anna.ok("POST", f"{family}/events", timed("Serie", "2026-11-23", recurrence=WEEKLY))
    _, link = start(anna, family)
    rule = recurrence("2027-11-22", until=3, daysOfWeek=["monday"])
    anna.ok("PATCH", f"me/events/{master['id']}", timed("Serie", "2027-11-22", recurrence=rule))
    assert removed(anna.round(link)[0]) == [(master["id"], "deleted")]
    old = recurrence("2025-11-24", until=3, daysOfWeek=["monday"])
    anna.ok("POST", f"{family}/events", timed("Alt", "2025-11-24", recurrence=old))
    assert "Alt" not in {item.get("subject") for item in start(anna, family)[0]}


def test_pages_hold_whole_series(anna: Api, family: str) -> None:
    anna.ok("POST", f"{family}/events", timed("Serie", "2026-11-23", recurrence=WEEKLY))
    first = anna.ok("GET", f"{family}/calendarView/delta", prefer="odata.maxpagesize=2", **WINDOW)
    assert (len(first["value"]), "@odata.deltaLink" in first) == (2, False)
    second = anna.ok("GET", first["@odata.nextLink"], prefer="odata.maxpagesize=2")
    assert [item["type"] for item in second["value"]] == ["seriesMaster", *["occurrence"] * 3]
    assert "@odata.deltaLink" in second


def test_changes_while_paging_come_in_the_next_round(anna: Api, family: str) -> None:
    first = anna.ok("GET", f"{family}/calendarView/delta", prefer="odata.maxpagesize=1", **WINDOW)
    anna.ok("POST", f"{family}/events", timed("Dazwischen"))
    items, link = anna.round(first["@odata.nextLink"])
    assert "Dazwischen" not in {item["subject"] for item in items}
    assert [item["subject"] for item in anna.round(link)[0]] == ["Dazwischen"]


def test_empty_pages_duplicates_and_replays(anna: Api, family: str, sandbox: GraphSandbox) -> None:
    sandbox.state.knobs.empty_delta_pages = 2
    first = anna.ok("GET", f"{family}/calendarView/delta", **WINDOW)
    assert (first["value"], "@odata.nextLink" in first) == ([], True)
    items, link = start(anna, family)
    assert len(items) == 2
    sandbox.state.knobs.empty_delta_pages = 0
    sandbox.state.knobs.delta_duplicates = True
    anna.ok("POST", f"{family}/events", timed("Neu"))
    items, link = anna.round(link)
    assert [item["subject"] for item in items] == ["Neu", "Neu"]
    sandbox.state.knobs.delta_duplicates = False
    sandbox.state.knobs.delta_replays = True
    items, link = anna.round(link)
    assert [item["subject"] for item in items] == ["Neu"]
    assert anna.round(link)[0] == []


def test_a_moved_event_leaves_one_calendar_and_enters_the_other(
    anna: Api, family: str, act: Callable[[str], Actor]
) -> None:
    items, link = start(anna, family, prefer=IMMUTABLE)
    _, default = anna.round("me/calendarView/delta", prefer=IMMUTABLE, **WINDOW)
    act(ANNA).move(items[0]["id"], "Kalender")
    assert removed(anna.round(link, prefer=IMMUTABLE)[0]) == [(items[0]["id"], "deleted")]
    assert [item["id"] for item in anna.round(default, prefer=IMMUTABLE)[0]] == [items[0]["id"]]


def test_ids_follow_the_header_of_each_request(anna: Api, family: str) -> None:
    items, link = start(anna, family, prefer=IMMUTABLE)
    anna("DELETE", f"me/events/{items[0]['id']}")
    assert removed(anna.round(link)[0])[0][0] != items[0]["id"]
    assert removed(anna.round(link, prefer=IMMUTABLE)[0])[0][0] == items[0]["id"]


# --- tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code, status",
    [("SyncStateNotFound", 410), ("syncStateInvalid", 400), ("resyncRequired", 410)],
)
def test_tokens_end(anna: Api, family: str, sandbox: GraphSandbox, code: str, status: int) -> None:
    _, link = start(anna, family)
    sandbox.state.expire_delta_tokens(ANNA, code, status)
    assert anna.refused("GET", link) == (status, code)
    _, fresh = start(anna, family)
    assert anna.round(fresh)[0] == []


def test_only_the_newest_generations_are_kept(anna: Api, family: str, sandbox: GraphSandbox) -> None:
    sandbox.state.knobs.delta_generations = 2
    _, oldest = start(anna, family)
    _, link = anna.round(oldest)
    anna.round(link)
    reply = anna("GET", oldest)
    assert reply.status_code == 410
    assert reply.json()["error"]["message"].startswith("The sync state generation is not found")
    assert reply.headers["Location"].endswith("/calendarView/delta?$deltatoken=")


def test_tokens_are_of_one_calendar(anna: Api, family: str) -> None:
    _, link = start(anna, family)
    token = link.partition("$deltatoken=")[2]
    assert anna.refused("GET", "me/calendarView/delta", deltatoken=token) == (400, "SyncStateInvalid")
    assert anna.refused("GET", "me/calendarView/delta", skiptoken="nonsense") == (400, "SyncStateInvalid")


@pytest.mark.parametrize("option", ["select", "filter", "expand", "orderby", "search"])
def test_query_options_are_refused(anna: Api, family: str, option: str) -> None:
    code = anna.refused("GET", f"{family}/calendarView/delta", **WINDOW, **{option: "subject"})
    assert code == (400, "ErrorInvalidUrlQuery")


def test_a_window_is_needed_and_limited(anna: Api, family: str) -> None:
    assert anna.refused("GET", f"{family}/calendarView/delta") == (400, "ErrorInvalidParameter")
    wide = {**WINDOW, "endDateTime": "2032-01-01T00:00:00Z"}
    assert anna.refused("GET", f"{family}/calendarView", **wide) == (400, "ErrorCalendarViewRangeTooBig")
    wrong = {**WINDOW, "endDateTime": "2020-01-01T00:00:00Z"}
    assert anna.refused("GET", f"{family}/calendarView", **wrong) == (400, "ErrorInvalidParameter")
    assert anna.refused("GET", f"{family}/calendarView", **{**WINDOW, "startDateTime": "gestern"})[0] == 400


@pytest.mark.parametrize("path", ["me/events/delta", "me/calendar/events/delta", "me/events/delta()"])
def test_there_is_no_delta_of_events(anna: Api, path: str) -> None:
    reply = anna("GET", path)
    assert reply.status_code == 400
    assert "Change tracking is not supported" in reply.json()["error"]["message"]
