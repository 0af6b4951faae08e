"""Recurring events: rules, expansion, instances, exceptions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from marketplace_plugin.sandbox.google.seed import FAMILY
from tests.sandbox.conftest import Api, all_day, timed
from tests.sandbox.running import Json

EVENTS = "calendars/primary/events"


def series(api: Api, *lines: str, **more: Any) -> Json:
    return api.ok("POST", EVENTS, timed(recurrence=list(lines or ("RRULE:FREQ=DAILY;COUNT=4",)), **more))


def starts(api: Api, master: Json, **params: Any) -> list[str]:
    found = api.items(f"{EVENTS}/{master['id']}/instances", **params)
    return [item["start"].get("dateTime") or item["start"]["date"] for item in found]


@pytest.mark.parametrize(
    "lines",
    [
        ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU;INTERVAL=2;WKST=MO"],
        ["RRULE:FREQ=MONTHLY;BYDAY=-1FR"],
        ["RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"],
        ["RRULE:FREQ=YEARLY;UNTIL=20300101T000000Z"],
        ["RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Berlin:20261121T090000,20261122T090000"],
        ["RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY", "RDATE:20261201T120000Z"],
        ["RDATE;TZID=Europe/Berlin:20261122T090000"],
    ],
)
def test_rules_that_are_accepted(anna: Api, lines: list[str]) -> None:
    assert series(anna, *lines)["recurrence"] == lines


@pytest.mark.parametrize(
    "lines",
    [
        ["FREQ=DAILY"],
        ["RRULE:INTERVAL=2"],
        ["RRULE:FREQ=SOMETIMES"],
        ["RRULE:FREQ=DAILY;COUNT=2;UNTIL=20300101T000000Z"],
        ["RRULE:FREQ=DAILY;UNTIL=20300101"],
        ["RRULE:FREQ=DAILY;UNTIL=20300101T000000"],
        ["RRULE:FREQ=DAILY;COUNT=0"],
        ["RRULE:FREQ=DAILY;FREQ=DAILY"],
        ["RRULE:FREQ=DAILY;COLOUR=RED"],
        ["DTSTART:20261120T090000Z", "RRULE:FREQ=DAILY"],
        ["EXDATE:20261121T080000Z"],
        ["RRULE:FREQ=DAILY", "EXDATE:20261121"],
        ["RRULE:FREQ=DAILY", "EXDATE:20261121T090000"],
        ["RRULE:FREQ=DAILY", "EXDATE;TZID=Nowhere:20261121T090000"],
        ["RRULE:FREQ=DAILY", "RDATE;VALUE=PERIOD:20261121T090000Z/PT1H"],
        ["RRULE:FREQ=DAILY;UNTIL=20200101T000000Z"],
    ],
)
def test_rules_that_are_refused(anna: Api, lines: list[str]) -> None:
    assert anna.refused("POST", EVENTS, timed(recurrence=lines)) == (400, "invalid")


def test_until_of_an_all_day_series_is_a_date(anna: Api) -> None:
    good = all_day(recurrence=["RRULE:FREQ=DAILY;UNTIL=20261122"])
    made = anna.ok("POST", EVENTS, good)
    assert starts(anna, made) == ["2026-11-20", "2026-11-21", "2026-11-22"]
    bad = all_day(recurrence=["RRULE:FREQ=DAILY;UNTIL=20261122T000000Z"])
    assert anna.refused("POST", EVENTS, bad) == (400, "invalid")


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_timed_series_needs_a_zone(anna: Api, name: str) -> None:
    body = timed(recurrence=["RRULE:FREQ=DAILY"])
    body[name] = {"dateTime": "2026-11-20T09:30:00+01:00"}
    assert anna.refused("POST", EVENTS, body) == (400, "required")


def test_occurrences_keep_the_wall_time_over_the_change_of_the_clocks(anna: Api) -> None:
    made = series(anna, "RRULE:FREQ=WEEKLY;COUNT=3", day="2027-03-20")
    assert starts(anna, made) == [
        "2027-03-20T09:00:00+01:00",
        "2027-03-27T09:00:00+01:00",
        "2027-04-03T09:00:00+02:00",
    ]


def test_until_is_an_instant(anna: Api) -> None:
    made = series(anna, "RRULE:FREQ=DAILY;UNTIL=20261122T075959Z")
    assert len(starts(anna, made)) == 2
    made = series(anna, "RRULE:FREQ=DAILY;UNTIL=20261122T080000Z")
    assert len(starts(anna, made)) == 3


def test_instances_have_ids_of_their_original_start(anna: Api) -> None:
    made = series(anna)
    found = anna.items(f"{EVENTS}/{made['id']}/instances", maxResults=3)
    assert [item["id"] for item in found] == [f"{made['id']}_202611{day}T080000Z" for day in (20, 21, 22, 23)]
    one = anna.ok("GET", f"{EVENTS}/{found[1]['id']}")
    assert one == found[1]
    assert one["recurringEventId"] == made["id"]
    assert one["originalStartTime"] == one["start"]
    assert (one["iCalUID"], one["etag"], "recurrence" in one) == (made["iCalUID"], made["etag"], False)
    assert anna.refused("GET", f"{EVENTS}/{made['id']}_20261124T080000Z") == (404, "notFound")
    assert anna.refused("GET", f"{EVENTS}/{made['id']}_20261121") == (404, "notFound")
    days = anna.ok("POST", EVENTS, all_day(recurrence=["RRULE:FREQ=DAILY;COUNT=2"]))
    assert anna.ok("GET", f"{EVENTS}/{days['id']}_20261121")["end"] == {"date": "2026-11-22"}
    assert anna.refused("GET", f"{EVENTS}/{made['id']}_99999999") == (404, "notFound")


def test_instances_filters(anna: Api) -> None:
    made = series(anna)
    original = "2026-11-21T09:00:00+01:00"
    assert starts(anna, made, originalStart=original) == [original]
    assert starts(anna, made, timeMin="2026-11-22T00:00:00Z", timeMax="2026-11-23T00:00:00Z") == [
        "2026-11-22T09:00:00+01:00"
    ]
    single = anna.ok("POST", EVENTS, timed())
    assert anna.refused("GET", f"{EVENTS}/{single['id']}/instances") == (404, "notFound")


def test_a_changed_instance_is_an_exception_with_an_etag_of_its_own(anna: Api) -> None:
    made = series(anna)
    instance = f"{made['id']}_20261121T080000Z"
    body = {**timed("verschoben", day="2026-11-25"), "location": "Halle"}
    changed = anna.ok("PATCH", f"{EVENTS}/{instance}", body, headers={"If-Match": made["etag"]})
    assert changed["etag"] != made["etag"]
    assert (changed["id"], changed["recurringEventId"]) == (instance, made["id"])
    assert changed["originalStartTime"]["dateTime"] == "2026-11-21T09:00:00+01:00"
    assert anna.ok("GET", f"{EVENTS}/{made['id']}")["etag"] == made["etag"]
    assert starts(anna, made) == [f"2026-11-{day}T09:00:00+01:00" for day in (20, 22, 23, 25)]
    again = anna.refused("PATCH", f"{EVENTS}/{instance}", {"summary": "x"}, headers={"If-Match": made["etag"]})
    assert again == (412, "conditionNotMet")
    listed = [item["id"] for item in anna.items(EVENTS) if item.get("iCalUID") == made["iCalUID"]]
    assert listed == [made["id"], instance]


def test_an_instance_cannot_have_a_rule(anna: Api) -> None:
    made = series(anna)
    path = f"{EVENTS}/{made['id']}_20261121T080000Z"
    assert anna.refused("PATCH", path, {"recurrence": ["RRULE:FREQ=DAILY"]})[0] == 400


def test_a_deleted_instance(anna: Api) -> None:
    made = series(anna)
    path = f"{EVENTS}/{made['id']}_20261121T080000Z"
    anna.ok("DELETE", path)
    assert anna.refused("DELETE", path) == (410, "deleted")
    assert len(starts(anna, made)) == 3
    cancelled = anna.ok("GET", path)
    assert set(cancelled) == {"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}
    assert len(anna.items(EVENTS, singleEvents=True, iCalUID=made["iCalUID"])) == 3
    back = anna.ok("PATCH", path, {"status": "confirmed"})
    assert back["summary"] == "Termin"
    assert len(starts(anna, made)) == 4


def test_patching_an_instance_to_cancelled_deletes_it(anna: Api) -> None:
    made = series(anna)
    path = f"{EVENTS}/{made['id']}_20261121T080000Z"
    assert anna.ok("PATCH", path, {"status": "cancelled"})["status"] == "cancelled"
    assert len(starts(anna, made)) == 3


def test_content_of_the_series_leaves_exceptions_alone(anna: Api) -> None:
    made = series(anna)
    anna.ok("PATCH", f"{EVENTS}/{made['id']}_20261121T080000Z", {"summary": "anders"})
    anna.ok("DELETE", f"{EVENTS}/{made['id']}_20261122T080000Z")
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"summary": "neu"})
    found = anna.items(f"{EVENTS}/{made['id']}/instances")
    assert [item["summary"] for item in found] == ["neu", "anders", "neu"]


def test_a_new_time_of_the_series_takes_exceptions_away(anna: Api) -> None:
    made = series(anna)
    token = anna.ok("GET", EVENTS)["nextSyncToken"]
    instance = f"{made['id']}_20261121T080000Z"
    anna.ok("PATCH", f"{EVENTS}/{instance}", {"summary": "anders"})
    later = timed(hour=11)
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"start": later["start"], "end": later["end"]})
    assert starts(anna, made) == [f"2026-11-{day}T11:00:00+01:00" for day in (20, 21, 22, 23)]
    items = {item["id"]: item["status"] for item in anna.items(EVENTS, syncToken=token)}
    assert items == {made["id"]: "confirmed", instance: "cancelled"}
    assert set(anna.ok("GET", f"{EVENTS}/{instance}")) == {"kind", "etag", "id", "status"}
    assert anna.refused("PATCH", f"{EVENTS}/{instance}", {"status": "confirmed"}) == (403, "forbidden")
    assert anna.refused("DELETE", f"{EVENTS}/{instance}") == (410, "deleted")
    back = timed()
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"start": back["start"], "end": back["end"]})
    assert len(starts(anna, made)) == 4
    assert anna.ok("PATCH", f"{EVENTS}/{instance}", {"summary": "wieder"})["summary"] == "wieder"
    assert len(starts(anna, made)) == 4


def test_a_shortened_series_keeps_the_exceptions_that_still_fit(anna: Api) -> None:
    made = series(anna)
    for day in (21, 23):
        anna.ok("PATCH", f"{EVENTS}/{made['id']}_202611{day}T080000Z", {"summary": str(day)})
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]})
    found = anna.items(f"{EVENTS}/{made['id']}/instances")
    assert [item["summary"] for item in found] == ["Termin", "21", "Termin"]


def test_from_series_to_single_and_back(anna: Api) -> None:
    made = series(anna)
    anna.ok("DELETE", f"{EVENTS}/{made['id']}_20261121T080000Z")
    single = anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"recurrence": None})
    assert "recurrence" not in single
    assert [item["id"] for item in anna.items(EVENTS) if item.get("iCalUID") == made["iCalUID"]] == [made["id"]]
    again = anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})
    assert len(starts(anna, again)) == 2


def test_a_stricter_visibility_of_one_instance_holds_for_all(anna: Api) -> None:
    made = series(anna)
    path = f"{EVENTS}/{made['id']}_20261121T080000Z"
    anna.ok("PATCH", path, {"visibility": "private"})
    assert anna.ok("GET", f"{EVENTS}/{made['id']}")["visibility"] == "private"
    assert anna.ok("PATCH", path, {"visibility": "public"})["visibility"] == "private"


def test_a_series_moves_with_its_exceptions(anna: Api) -> None:
    made = series(anna)
    changed, dropped = (f"{made['id']}_202611{day}T080000Z" for day in (21, 22))
    anna.ok("PATCH", f"{EVENTS}/{changed}", {"summary": "anders"})
    anna.ok("DELETE", f"{EVENTS}/{dropped}")
    assert anna.refused("POST", f"{EVENTS}/{changed}/move", destination=FAMILY)[0] == 400
    anna.ok("POST", f"{EVENTS}/{made['id']}/move", destination=FAMILY)
    there = f"calendars/{FAMILY}/events"
    found = anna.items(f"{there}/{made['id']}/instances")
    assert [item["summary"] for item in found] == ["Termin", "anders", "Termin"]
    assert anna.ok("GET", f"{there}/{dropped}")["status"] == "cancelled"
    assert anna.ok("GET", f"{EVENTS}/{changed}")["status"] == "cancelled"


def test_single_events_put_exceptions_in_their_place(anna: Api) -> None:
    made = series(anna)
    anna.ok("PATCH", f"{EVENTS}/{made['id']}_20261121T080000Z", timed("verschoben", hour=6))
    window = {"timeMin": "2026-11-20T00:00:00Z", "timeMax": "2026-11-22T00:00:00Z", "iCalUID": made["iCalUID"]}
    found = anna.items(EVENTS, singleEvents=True, orderBy="startTime", **window)
    assert [item["summary"] for item in found] == ["verschoben", "Termin"]
    assert not any("recurrence" in item for item in found)


@pytest.mark.parametrize("day", ["2026-10-22", "2027-03-26"])
@pytest.mark.parametrize(
    "lines",
    [
        ["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=40"],
        ["RRULE:FREQ=WEEKLY;BYDAY=MO,TH,FR;UNTIL=20270601T080000Z"],
        ["RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TH,FR"],
        ["RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"],
        ["RRULE:FREQ=MONTHLY;BYDAY=-1FR"],
        ["RRULE:FREQ=MONTHLY;BYMONTHDAY=31"],
        ["RRULE:FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU"],
    ],
)
def test_expansion_agrees_with_recurring_ical_events(anna: Api, lines: list[str], day: str) -> None:
    """Only occurrences that the rule hits: the oracle adds a start that it does not."""
    made = series(anna, *lines, day=day)
    text = "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z",
            f"DTSTART;TZID=Europe/Berlin:{day.replace('-', '')}T090000",
            f"DTEND;TZID=Europe/Berlin:{day.replace('-', '')}T100000",
            *lines, "END:VEVENT", "END:VCALENDAR", "",
        ]
    )  # fmt: skip
    first = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(first, first + timedelta(days=700))
    wanted = {event["DTSTART"].dt.isoformat() for event in found} - {first.isoformat()}
    window = {"timeMin": first.isoformat(), "timeMax": (first + timedelta(days=700)).isoformat(), "maxResults": 2500}
    assert set(starts(anna, made, **window)) - {first.isoformat()} == wanted
