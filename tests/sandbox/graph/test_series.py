"""Series: rules, occurrences, exceptions, and what reshaping does to them."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace_plugin.sandbox.graph import GraphSandbox
from tests.sandbox.graph.conftest import IMMUTABLE, OUR_ID, ZONE, Api, all_day, recurrence, timed

Json = dict[str, Any]

WEEKLY = recurrence("2026-11-23", until="2026-12-21", daysOfWeek=["monday"], firstDayOfWeek="monday")
WINDOW = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2027-03-01T00:00:00Z"}


def series(anna: Api, rule: Json | None = None, **more: Any) -> Json:
    """A weekly meeting on Mondays, 23 November to 21 December 2026."""
    rule = rule or WEEKLY
    return anna.create(timed("Serie", rule["range"]["startDate"], recurrence=rule, **more))


def instances(anna: Api, master: Json, **more: Any) -> list[Json]:
    return anna.items(f"me/events/{master['id']}/instances", **WINDOW, **more)


def days(items: list[Json]) -> list[str]:
    return [item["start"]["dateTime"][:10] for item in items]


def master_with_exceptions(anna: Api, master: Json) -> Json:
    return anna.ok(
        "GET",
        f"me/events/{master['id']}",
        select="subject,attendees,cancelledOccurrences,exceptionOccurrences,recurrence",
        expand="exceptionOccurrences",
    )


def test_a_rule_comes_back_complete(anna: Api) -> None:
    master = series(anna)
    assert master["type"] == "seriesMaster"
    assert master["recurrence"] == {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "month": 0,
            "dayOfMonth": 0,
            "daysOfWeek": ["monday"],
            "firstDayOfWeek": "monday",
            "index": "first",
        },
        "range": {
            "type": "endDate",
            "startDate": "2026-11-23",
            "endDate": "2026-12-21",
            "recurrenceTimeZone": ZONE,
            "numberOfOccurrences": 0,
        },
    }


@pytest.mark.parametrize(
    "rule, expected",
    [
        (recurrence("2026-11-23", "daily", 3, interval=2), ["2026-11-23", "2026-11-25", "2026-11-27"]),
        (
            recurrence("2026-11-23", until=4, interval=2, daysOfWeek=["monday", "sunday"], firstDayOfWeek="sunday"),
            ["2026-11-23", "2026-12-06", "2026-12-07", "2026-12-20"],
        ),
        (
            recurrence("2026-11-23", until=4, interval=2, daysOfWeek=["monday", "sunday"], firstDayOfWeek="monday"),
            ["2026-11-23", "2026-11-29", "2026-12-07", "2026-12-13"],
        ),
        (
            recurrence("2026-12-31", "absoluteMonthly", 3, dayOfMonth=31),
            ["2026-12-31", "2027-01-31", "2027-02-28"],
        ),
        (
            recurrence("2026-11-27", "relativeMonthly", 3, daysOfWeek=["friday"], index="last"),
            ["2026-11-27", "2026-12-25", "2027-01-29"],
        ),
        (
            recurrence("2026-12-01", "relativeMonthly", 2, daysOfWeek=["tuesday", "thursday"], index="first"),
            ["2026-12-01", "2027-01-05"],
        ),
        (recurrence("2026-11-24", "absoluteYearly", 1, dayOfMonth=24, month=11), ["2026-11-24"]),
        (
            recurrence("2026-11-24", "relativeYearly", 1, daysOfWeek=["tuesday"], index="fourth", month=11),
            ["2026-11-24"],
        ),
    ],
    ids=lambda value: value["pattern"]["type"] if isinstance(value, dict) else "",
)
def test_patterns_and_ranges(anna: Api, rule: Json, expected: list[str]) -> None:
    assert days(instances(anna, series(anna, rule))) == expected


@pytest.mark.parametrize(
    "rule",
    [
        recurrence("2026-11-24", daysOfWeek=["tuesday"]),
        recurrence("2026-11-23", daysOfWeek=["tuesday"]),
        recurrence("2026-11-23"),
        recurrence("2026-11-23", "daily", 0),
        recurrence("2026-11-23", "daily", 1000),
        recurrence("2026-11-23", "daily", interval=0),
        recurrence("2026-11-23", "absoluteMonthly", dayOfMonth=32),
        recurrence("2026-11-23", "absoluteYearly", dayOfMonth=23),
        recurrence("2026-11-23", "daily", "2026-11-22"),
        {**WEEKLY, "range": {**WEEKLY["range"], "recurrenceTimeZone": "UTC"}},
        {"pattern": WEEKLY["pattern"]},
    ],
)
def test_rules_that_do_not_hold_are_refused(anna: Api, rule: Json) -> None:
    body = timed("Serie", "2026-11-23", recurrence=rule)
    assert anna.refused("POST", "me/events", body) == (400, "ErrorPropertyValidationFailure")


def test_unknown_names_in_a_rule_are_refused(anna: Api) -> None:
    rule = recurrence("2026-11-23", "hourly")
    assert anna.refused("POST", "me/events", timed(day="2026-11-23", recurrence=rule)) == (400, "RequestBodyRead")
    rule = recurrence("23.11.2026", "daily")
    assert anna.refused("POST", "me/events", timed(day="2026-11-23", recurrence=rule)) == (400, "RequestBodyRead")
    rule = recurrence("2026-11-23", "daily", byHour=3)
    assert anna.refused("POST", "me/events", timed(day="2026-11-23", recurrence=rule)) == (400, "RequestBodyRead")


def test_a_series_keeps_its_wall_time_over_the_change_of_the_clocks(anna: Api) -> None:
    rule = recurrence("2026-10-19", until=2, daysOfWeek=["monday"])
    master = series(anna, rule)
    window = {"startDateTime": "2026-10-01T00:00:00Z", "endDateTime": "2026-11-01T00:00:00Z"}
    found = anna.items(f"me/events/{master['id']}/instances", **window)
    assert [item["start"]["dateTime"][11:16] for item in found] == ["07:00", "08:00"]


def test_occurrences_name_their_master_and_original_start(anna: Api) -> None:
    master = series(anna)
    first = instances(anna, master)[0]
    assert (first["type"], first["seriesMasterId"]) == ("occurrence", master["id"])
    assert first["originalStart"] == "2026-11-23T08:00:00Z"
    assert (first["@odata.etag"], first["iCalUId"]) == (master["@odata.etag"], master["iCalUId"])
    assert anna.ok("GET", f"me/events/{first['id']}")["id"] == first["id"]


def test_a_changed_occurrence_is_an_exception_with_the_same_id(anna: Api) -> None:
    master = series(anna)
    second = instances(anna, master)[1]
    moved = timed("Anders", "2026-12-01", 15)
    changed = anna.ok("PATCH", f"me/events/{second['id']}", moved)
    assert (changed["type"], changed["id"], changed["originalStart"]) == (
        "exception",
        second["id"],
        "2026-11-30T08:00:00Z",
    )
    found = master_with_exceptions(anna, master)
    assert [(item["id"], item["subject"]) for item in found["exceptionOccurrences"]] == [(second["id"], "Anders")]
    assert found["cancelledOccurrences"] == []
    assert days(instances(anna, master)) == ["2026-11-23", "2026-12-01", "2026-12-07", "2026-12-14", "2026-12-21"]


def test_a_deleted_occurrence_is_named_by_master_and_day(anna: Api) -> None:
    master = series(anna)
    third = instances(anna, master, prefer=IMMUTABLE)[2]
    assert anna("DELETE", f"me/events/{third['id']}").status_code == 204
    assert anna.refused("GET", f"me/events/{third['id']}") == (404, "ErrorItemNotFound")
    found = master_with_exceptions(anna, master)
    assert found["cancelledOccurrences"] == [f"OID.{master['id']}.2026-12-07"]
    assert "cancelledOccurrences" not in anna.ok("GET", f"me/events/{master['id']}")


def with_edits(anna: Api) -> Json:
    """A series with one exception and one cancelled occurrence."""
    master = series(anna)
    items = instances(anna, master)
    anna.ok("PATCH", f"me/events/{items[1]['id']}", {"subject": "Ausnahme"})
    anna("DELETE", f"me/events/{items[2]['id']}")
    return master


def edits(anna: Api, master: Json) -> tuple[int, int]:
    found = master_with_exceptions(anna, master)
    return len(found["exceptionOccurrences"]), len(found["cancelledOccurrences"])


@pytest.mark.parametrize("body", [{"subject": "Neu"}, {"location": {"displayName": "Raum"}}, {"showAs": "free"}])
def test_a_change_of_the_text_keeps_the_exceptions(anna: Api, body: Json) -> None:
    master = with_edits(anna)
    anna.ok("PATCH", f"me/events/{master['id']}", body)
    assert edits(anna, master) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        {name: timed("", "2026-11-23", 14)[name] for name in ("start", "end")},
        {"recurrence": recurrence("2026-11-23", until="2026-12-14", daysOfWeek=["monday"])},
        {"recurrence": WEEKLY},
    ],
    ids=["times", "range", "the same rule"],
)
def test_reshaping_forgets_exceptions_and_cancellations(anna: Api, body: Json) -> None:
    master = with_edits(anna)
    anna.ok("PATCH", f"me/events/{master['id']}", body)
    assert edits(anna, master) == (0, 0)


def test_another_zone_or_day_needs_the_rule_with_it(anna: Api) -> None:
    master = series(anna)
    path = f"me/events/{master['id']}"
    london = {
        name: {"dateTime": f"2026-11-23T{hour}:00:00", "timeZone": "GMT Standard Time"}
        for name, hour in (("start", "09"), ("end", "10"))
    }
    assert anna.refused("PATCH", path, london) == (400, "ErrorPropertyValidationFailure")
    assert anna.refused("PATCH", path, {**london, "recurrence": master["recurrence"]})[0] == 400
    assert anna.ok("PATCH", path, {**london, "recurrence": WEEKLY})["originalStartTimeZone"] == "GMT Standard Time"
    tuesday = {name: timed("", "2026-11-24")[name] for name in ("start", "end")}
    assert anna.refused("PATCH", path, tuesday) == (400, "ErrorPropertyValidationFailure")


def test_a_series_becomes_a_single_event_and_back(anna: Api) -> None:
    master = series(anna)
    path = f"me/events/{master['id']}"
    assert anna.ok("PATCH", path, {"recurrence": None})["type"] == "singleInstance"
    assert anna.ok("PATCH", path, {"recurrence": WEEKLY})["type"] == "seriesMaster"


@pytest.mark.parametrize(
    "day, allowed",
    [("2026-11-23", False), ("2026-11-24", True), ("2026-12-06", True), ("2026-12-07", False), ("2026-12-20", False)],
)
def test_an_exception_stays_between_its_neighbours(anna: Api, day: str, allowed: bool) -> None:
    second = instances(anna, series(anna))[1]
    reply = anna("PATCH", f"me/events/{second['id']}", timed("", day, 20))
    assert reply.status_code == (200 if allowed else 400)
    if not allowed:
        assert reply.json()["error"]["code"] == "ErrorOccurrenceCrossingBoundary"


def test_neighbours_count_where_they_are_now(anna: Api) -> None:
    master = series(anna)
    items = instances(anna, master)
    anna("DELETE", f"me/events/{items[1]['id']}")
    moved = timed("", "2026-12-01", 20)
    assert anna.ok("PATCH", f"me/events/{items[2]['id']}", moved)["type"] == "exception"


def test_an_occurrence_has_no_rule_of_its_own(anna: Api) -> None:
    first = instances(anna, series(anna))[0]
    assert anna.refused("PATCH", f"me/events/{first['id']}", {"recurrence": WEEKLY}) == (400, "ErrorInvalidRequest")


def test_guests_of_one_occurrence_stand_there_alone_and_are_mailed(anna: Api, sandbox: GraphSandbox) -> None:
    """microsoft-graph-docs#1795"""
    master = series(anna)
    first = instances(anna, master)[0]
    guest = {"type": "required", "emailAddress": {"address": "guest@elsewhere.example"}}
    assert len(anna.ok("PATCH", f"me/events/{first['id']}", {"attendees": [guest]})["attendees"]) == 1
    found = master_with_exceptions(anna, master)
    assert (found["attendees"], len(found["exceptionOccurrences"][0]["attendees"])) == ([], 1)
    anna.ok("PATCH", f"me/events/{first['id']}", {"subject": "Anders"})
    anna.ok("PATCH", f"me/events/{master['id']}", {"location": {"displayName": "Raum"}})
    assert anna("DELETE", f"me/events/{master['id']}").status_code == 204
    assert [mail.kind for mail in sandbox.state.outbox] == ["invitation", "update", "update", "cancellation"]
    assert {mail.to for mail in sandbox.state.outbox} == {("guest@elsewhere.example",)}


def test_whole_days_began_at_the_mailboxs_midnight(anna: Api) -> None:
    """microsoft-graph-docs#2804"""
    days = {"start": {"dateTime": "2026-11-23T00:00:00", "timeZone": "UTC"}}
    days["end"] = {"dateTime": "2026-11-24T00:00:00", "timeZone": "UTC"}
    master = anna.create({"subject": "Tag", "isAllDay": True, "recurrence": WEEKLY, **days})
    first = instances(anna, master)[0]
    assert first["originalStart"] == "2026-11-22T23:00:00Z"
    assert (first["originalStartTimeZone"], first["start"]["dateTime"][:19]) == ("UTC", "2026-11-23T00:00:00")


def test_versions_of_occurrences(anna: Api) -> None:
    master = series(anna)
    items = instances(anna, master)
    old = {"If-Match": items[0]["@odata.etag"]}
    changed = anna.ok("PATCH", f"me/events/{items[0]['id']}", {"subject": "Anders"}, headers=old)
    assert anna.refused("PATCH", f"me/events/{items[1]['id']}", {"subject": "x"}, headers=old)[0] == 412
    again = {"If-Match": changed["@odata.etag"]}
    assert anna.ok("PATCH", f"me/events/{items[0]['id']}", {"subject": "y"}, headers=again)["subject"] == "y"


def test_an_exception_can_carry_our_mark(anna: Api) -> None:
    master = series(anna, singleValueExtendedProperties=[{"id": OUR_ID, "value": "master"}])
    first = instances(anna, master)[0]
    mark = {"subject": "x", "singleValueExtendedProperties": [{"id": OUR_ID, "value": "exception"}]}
    anna.ok("PATCH", f"me/events/{first['id']}", mark)
    wanted = f"exceptionOccurrences($select=subject;$expand=singleValueExtendedProperties($filter=id eq '{OUR_ID}'))"
    found = anna.ok("GET", f"me/events/{master['id']}", expand=wanted)["exceptionOccurrences"][0]
    assert found["singleValueExtendedProperties"][0]["value"] == "exception"
    assert set(found) == {"@odata.etag", "id", "subject", "singleValueExtendedProperties"}


def test_instances_are_of_masters_only(anna: Api) -> None:
    made = anna.create(timed())
    assert anna.refused("GET", f"me/events/{made['id']}/instances", **WINDOW) == (400, "ErrorInvalidRequest")


def test_a_series_of_whole_days(anna: Api) -> None:
    rule = recurrence("2026-11-20", "daily", 2)
    master = anna.create(all_day(recurrence=rule))
    assert days(instances(anna, master)) == ["2026-11-20", "2026-11-21"]
    assert instances(anna, master)[0]["isAllDay"] is True


def test_an_exception_far_into_an_endless_series_is_in_its_window(anna: Api) -> None:
    master = series(anna, recurrence("2026-11-23", daysOfWeek=["monday"]))
    later = {"startDateTime": "2027-05-01T00:00:00Z", "endDateTime": "2027-05-09T00:00:00Z"}
    item = anna.items(f"me/events/{master['id']}/instances", **later)[0]
    anna.ok("PATCH", f"me/events/{item['id']}", timed("Spät", "2027-05-08", 20))
    narrow = {"startDateTime": "2027-05-08T00:00:00Z", "endDateTime": "2027-05-09T00:00:00Z"}
    assert [event["subject"] for event in anna.items("me/calendarView", **narrow)] == ["Spät"]
