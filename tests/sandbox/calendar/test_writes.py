"""Insert, patch, update, delete, import and move of single events; the rules of their bodies."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.seed import ANNA, FAMILY, HOLIDAYS, SALES
from tests.sandbox.conftest import Api, all_day, timed
from tests.sandbox.running import Json, ManualClock

EVENTS = "calendars/primary/events"


def add(api: Api, body: Json | None = None, **params: Any) -> Json:
    return api.ok("POST", EVENTS, timed() if body is None else body, **params)


def patch(api: Api, event: Json, body: Json, **params: Any) -> Json:
    return api.ok("PATCH", f"{EVENTS}/{event['id']}", body, **params)


def put(api: Api, event: Json, body: Json, **params: Any) -> Json:
    return api.ok("PUT", f"{EVENTS}/{event['id']}", body, **params)


# --- identity -------------------------------------------------------------------------------------


def test_a_new_event(anna: Api) -> None:
    made = add(anna)
    assert made["iCalUID"] == f"{made['id']}@google.com"
    assert made["organizer"] == {"email": ANNA, "displayName": "Anna Brandt", "self": True}
    assert made["creator"]["email"] == ANNA
    assert (made["status"], made["sequence"], made["eventType"]) == ("confirmed", 0, "default")
    assert made["reminders"] == {"useDefault": True}
    assert made["created"] == "2026-11-18T09:30:00.000Z"
    assert made["updated"] == "2026-11-18T09:30:00.000Z"
    assert not {"visibility", "transparency", "attendees", "colorId", "guestsCanModify"} & set(made)


def test_in_a_secondary_calendar_the_calendar_is_the_organizer(anna: Api) -> None:
    made = anna.ok("POST", f"calendars/{SALES}/events", timed())
    assert made["organizer"] == {"email": SALES, "displayName": "Vertrieb", "self": True}
    assert made["creator"] == {"email": ANNA, "displayName": "Anna Brandt"}


@pytest.mark.parametrize("event_id", ["abcd", "ABCDE", "abcdw", "abc-def", "a" * 1025, "äbcdef"])
def test_a_bad_id_is_refused(anna: Api, event_id: str) -> None:
    assert anna.refused("POST", EVENTS, timed(id=event_id)) == (400, "invalid")


def test_an_own_id_is_good_once_even_after_deletion(anna: Api) -> None:
    event_id = "0123456789abcdefv"
    assert add(anna, timed(id=event_id))["id"] == event_id
    assert anna.refused("POST", EVENTS, timed(id=event_id)) == (409, "duplicate")
    assert anna.ok("POST", f"calendars/{FAMILY}/events", timed(id=event_id))["id"] == event_id
    anna.ok("DELETE", f"{EVENTS}/{event_id}")
    assert anna.refused("POST", EVENTS, timed(id=event_id)) == (409, "duplicate")


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_a_deleted_event_comes_back_with_status_confirmed(anna: Api, verb: str) -> None:
    made = add(anna, timed("alt"))
    path = f"{EVENTS}/{made['id']}"
    anna.ok("DELETE", path)
    assert anna.refused("DELETE", path) == (410, "deleted")
    assert anna.refused(verb, path, timed("neu")) == (403, "forbidden")
    back = anna.ok(verb, path, timed("neu", status="confirmed"))
    assert (back["status"], back["summary"], back["id"]) == ("confirmed", "neu", made["id"])
    assert back["etag"] != made["etag"]


def test_id_and_uid_exclude_each_other_and_uids_are_single(anna: Api) -> None:
    assert anna.refused("POST", EVENTS, timed(id="abcdef", iCalUID="x@y"))[0] == 400
    assert add(anna, timed(iCalUID="x@y"))["iCalUID"] == "x@y"
    assert anna.refused("POST", EVENTS, timed(iCalUID="x@y")) == (409, "duplicate")


def test_identity_does_not_change(anna: Api) -> None:
    made = add(anna)
    path = f"{EVENTS}/{made['id']}"
    assert anna.refused("PATCH", path, {"id": "abcdefg"})[0] == 400
    assert anna.refused("PATCH", path, {"iCalUID": "x@y"})[0] == 400
    assert anna.refused("PATCH", path, {"eventType": "focusTime"}) == (400, "eventTypeRestriction")
    same = anna.ok("PUT", path, made)
    assert {**same, "etag": "", "updated": ""} == {**made, "etag": "", "updated": ""}


# --- conditions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["PATCH", "PUT", "DELETE"])
def test_if_match(anna: Api, verb: str) -> None:
    made = add(anna)
    path = f"{EVENTS}/{made['id']}"
    changed = anna.ok("PATCH", path, {"location": "Halle"})
    body = None if verb == "DELETE" else timed("neu")
    stale = anna.refused(verb, path, body, headers={"If-Match": made["etag"]})
    assert stale == (412, "conditionNotMet")
    assert anna.ok("GET", path)["etag"] == changed["etag"]
    assert anna(verb, path, body, headers={"If-Match": changed["etag"]}).status_code in (200, 204)


def test_if_match_star(anna: Api) -> None:
    made = add(anna)
    assert anna("PATCH", f"{EVENTS}/{made['id']}", {"summary": "x"}, headers={"If-Match": "*"}).ok


def test_updated_moves_with_the_content_and_not_with_reminders(anna: Api, clock: ManualClock) -> None:
    made = add(anna)
    clock.advance(minutes=1)
    reminded = patch(anna, made, {"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}})
    assert reminded["updated"] == made["updated"]
    assert reminded["etag"] != made["etag"]
    changed = patch(anna, made, {"summary": "neu"})
    assert changed["updated"] == "2026-11-18T09:31:00.000Z"
    assert changed["reminders"] == reminded["reminders"]
    assert changed["created"] == made["created"]


def test_sequence_follows_the_time(anna: Api) -> None:
    made = add(anna)
    assert patch(anna, made, {"summary": "x"})["sequence"] == 0
    later = timed(hour=12)
    assert patch(anna, made, {"start": later["start"], "end": later["end"]})["sequence"] == 1
    assert anna.refused("PATCH", f"{EVENTS}/{made['id']}", {"sequence": 0}) == (400, "invalid")
    assert patch(anna, made, {"sequence": 5})["sequence"] == 5


# --- times ----------------------------------------------------------------------------------------

BERLIN = {"dateTime": "2026-11-20T09:00:00", "timeZone": "Europe/Berlin"}


@pytest.mark.parametrize(
    "start,end,reason",
    [
        (None, BERLIN, "required"),
        (BERLIN, None, "required"),
        ({}, BERLIN, "required"),
        ({"date": "2026-11-20", "dateTime": "2026-11-20T09:00:00Z"}, BERLIN, "invalid"),
        ({"dateTime": "2026-11-20T09:00:00"}, BERLIN, "required"),
        ({"dateTime": "2026-11-20 09:00:00Z"}, BERLIN, "invalid"),
        ({"dateTime": "2026-11-31T09:00:00Z"}, BERLIN, "invalid"),
        ({"dateTime": "2026-11-20T09:00Z"}, BERLIN, "invalid"),
        ({**BERLIN, "timeZone": "W. Europe Standard Time"}, BERLIN, "invalid"),
        ({"date": "2026-11-20"}, BERLIN, "invalid"),
        ({"date": "20261120"}, {"date": "2026-11-21"}, "invalid"),
        ({"date": "2026-11-20"}, {"date": "2026-11-20"}, "timeRangeEmpty"),
        ({"date": "2026-11-20"}, {"date": "2026-11-19"}, "timeRangeEmpty"),
        ({"dateTime": "2026-11-20T09:00:00Z"}, BERLIN, "timeRangeEmpty"),
    ],
)
def test_wrong_times_are_refused(anna: Api, start: Json | None, end: Json | None, reason: str) -> None:
    body = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    assert anna.refused("POST", EVENTS, {"summary": "x", **body}) == (400, reason)


def test_from_timed_to_all_day_needs_the_other_field_nulled(anna: Api) -> None:
    made = add(anna)
    path = f"{EVENTS}/{made['id']}"
    days = all_day()
    assert anna.refused("PATCH", path, {"start": days["start"], "end": days["end"]}) == (400, "invalid")
    nulled = {name: {**days[name], "dateTime": None} for name in ("start", "end")}
    assert anna.ok("PATCH", path, nulled)["start"] == {"date": "2026-11-20"}
    back = timed()
    assert anna.refused("PATCH", path, {"start": back["start"], "end": back["end"]}) == (400, "invalid")
    nulled = {name: {**back[name], "date": None} for name in ("start", "end")}
    assert anna.ok("PATCH", path, nulled)["start"]["dateTime"] == "2026-11-20T09:00:00+01:00"
    assert anna.ok("PUT", path, days)["start"] == {"date": "2026-11-20"}


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"titel": "x"},
        {"summary": 3},
        {"start": {"datum": "2026-11-20"}},
        {"attendees": [{"mail": "x@y.example"}]},
        {"attendees": {"email": "x@y.example"}},
        {"attendees": [None]},
        {"sequence": True},
        {"status": "open"},
        {"status": "cancelled"},
        {"visibility": "secret"},
        {"transparency": "glass"},
        {"colorId": "12"},
        {"eventType": "meeting"},
        {"eventType": "fromGmail"},
        {"eventType": "outOfOffice", **all_day()},
        {"eventType": "workingLocation"},
        {"eventType": "birthday"},
        {"focusTimeProperties": {}},
        {"attendees": [{"displayName": "ohne Adresse"}]},
        {"attendees": [{"email": "keine Adresse"}]},
        {"attendees": [{"email": "x@y.example"}, {"email": "X@y.example"}]},
        {"attendees": [{"email": "x@y.example", "responseStatus": "maybe"}]},
        {"reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}},
        {"reminders": {"overrides": [{"method": "sms", "minutes": 5}]}},
        {"reminders": {"overrides": [{"method": "popup", "minutes": 40321}]}},
        {"reminders": {"overrides": [{"method": "popup", "minutes": 5}] * 6}},
        {"extendedProperties": {"private": {f"k{number}": "v" for number in range(301)}}},
        {"extendedProperties": {"private": {f"k{number}": "v" * 1024 for number in range(40)}}},
        {"extendedProperties": {"private": {"k": 1}}},
        {"source": {"url": "ftp://x"}},
    ],
)
def test_wrong_bodies_are_refused(anna: Api, more: Json) -> None:
    before = len(anna.items(EVENTS))
    assert anna.refused("POST", EVENTS, {**timed(), **more})[0] == 400
    assert len(anna.items(EVENTS)) == before


def test_what_is_no_json_object_is_refused(anna: Api) -> None:
    url, session = f"{anna.root}/{EVENTS}", anna.session
    for data, kind in (("{", "application/json"), ("[]", "application/json"), ("a=b", "text/plain")):
        reply = session.post(url, data=data, headers={"Content-Type": kind})
        assert (reply.status_code, reply.json()["error"]["errors"][0]["reason"]) == (400, "parseError")


def test_extended_properties_lose_long_keys_and_the_end_of_long_values(anna: Api) -> None:
    properties = {"private": {"k" * 44: "v" * 1025, "k" * 45: "dropped"}, "shared": {"a": "b"}}
    made = add(anna, timed(extendedProperties=properties))
    assert made["extendedProperties"] == {"private": {"k" * 44: "v" * 1024}, "shared": {"a": "b"}}


def test_patch_merges_objects_replaces_arrays_and_deletes_with_null(anna: Api) -> None:
    made = add(
        anna,
        timed(
            location="Halle",
            attendees=[{"email": "a@kunde.example"}, {"email": "b@kunde.example"}],
            extendedProperties={"private": {"a": "1", "b": "2"}},
        ),
    )
    body = {
        "location": None,
        "attendees": [{"email": "c@kunde.example"}],
        "extendedProperties": {"private": {"a": None, "c": "3"}},
    }
    changed = patch(anna, made, body)
    assert "location" not in changed
    assert [person["email"] for person in changed["attendees"]] == ["c@kunde.example"]
    assert changed["extendedProperties"] == {"private": {"b": "2", "c": "3"}}
    assert changed["summary"] == "Termin"


def test_put_replaces_everything(anna: Api) -> None:
    more: Json = {"location": "Halle", "colorId": "5", "extendedProperties": {"private": {"a": "1"}}}
    made = add(anna, timed(**more, reminders={"useDefault": False}))
    replaced = put(anna, made, timed("neu"))
    assert not {"location", "colorId", "extendedProperties"} & set(replaced)
    assert replaced["reminders"] == {"useDefault": True}
    assert replaced["iCalUID"] == made["iCalUID"]
    assert anna.refused("PUT", f"{EVENTS}/{made['id']}", {"summary": "x"}) == (400, "required")


def test_what_is_kept_as_it_is(anna: Api) -> None:
    more: Json = {
        "description": "<b>HTML</b> &amp; <a href='https://x.example'>mehr</a>",
        "visibility": "private",
        "transparency": "transparent",
        "colorId": "11",
        "guestsCanModify": True,
        "guestsCanSeeOtherGuests": False,
        "source": {"title": "CRM", "url": "https://crm.example/1"},
        "status": "tentative",
    }
    made = add(anna, timed(**more))
    assert {name: made[name] for name in more} == more
    assert "visibility" not in patch(anna, made, {"visibility": "default"})


def test_read_only_fields_are_ignored(anna: Api) -> None:
    made = add(anna, timed(creator={"email": "x@y.example"}, organizer={"email": "x@y.example"}, locked=True))
    assert (made["creator"]["email"], made["organizer"]["email"], "locked" in made) == (ANNA, ANNA, False)


# --- versions -------------------------------------------------------------------------------------

MEET = {"createRequest": {"requestId": "r1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}


def test_conference_data_needs_its_version(anna: Api) -> None:
    assert "conferenceData" not in add(anna, timed(conferenceData=MEET))
    made = add(anna, timed(conferenceData=MEET), conferenceDataVersion=1)
    assert made["hangoutLink"].startswith("https://meet.google.com/")
    assert made["conferenceData"]["createRequest"]["status"] == {"statusCode": "success"}
    for changed in (
        patch(anna, made, {"summary": "x"}),
        patch(anna, made, {"conferenceData": None}),
        put(anna, made, timed()),
        patch(anna, made, {"summary": "y"}, conferenceDataVersion=1),
    ):
        assert changed["conferenceData"] == made["conferenceData"]
    gone = patch(anna, made, {"conferenceData": None}, conferenceDataVersion=1)
    assert not {"conferenceData", "hangoutLink"} & set(gone)
    wrong = {"createRequest": {"requestId": "r2", "conferenceSolutionKey": {"type": "skype"}}}
    assert anna.refused("POST", EVENTS, timed(conferenceData=wrong), conferenceDataVersion=1)[0] == 400


def test_attachments_need_their_parameter(anna: Api) -> None:
    files = [{"fileUrl": "https://drive.example/1", "title": "Plan"}]
    assert "attachments" not in add(anna, timed(attachments=files))
    made = add(anna, timed(attachments=files), supportsAttachments=True)
    assert made["attachments"] == files
    assert put(anna, made, timed())["attachments"] == files
    assert "attachments" not in put(anna, made, timed(), supportsAttachments=True)
    many = timed(attachments=files * 26)
    assert anna.refused("POST", EVENTS, many, supportsAttachments=True)[0] == 400
    assert anna.refused("POST", EVENTS, timed(attachments=[{}]), supportsAttachments=True)[0] == 400


def test_labels_with_their_version_take_the_place_of_colours(anna: Api) -> None:
    path = f"calendars/{SALES}/events"
    body = timed(eventLabelId="kunde", colorId="3")
    old = anna.ok("POST", path, body)
    assert (old.get("eventLabelId"), old["colorId"]) == (None, "3")
    made = anna.ok("POST", path, body, eventLabelVersion=1)
    assert (made["eventLabelId"], made.get("colorId")) == ("kunde", None)
    kept = anna.ok("PATCH", f"{path}/{made['id']}", {"summary": "x"})
    assert kept["eventLabelId"] == "kunde"
    gone = anna.ok("PATCH", f"{path}/{made['id']}", {"summary": "y"}, eventLabelVersion=1)
    assert "eventLabelId" not in gone
    assert anna.refused("POST", path, timed(eventLabelId="x"), eventLabelVersion=1)[0] == 400


# --- import and move ------------------------------------------------------------------------------


def test_import_is_a_private_copy(anna: Api, sandbox: GoogleSandbox) -> None:
    people = [{"email": ANNA}, {"email": "jonas.weber@gmail.example"}]
    body = timed(iCalUID="fremd@firma.example", organizer={"email": "chef@firma.example"}, attendees=people)
    made = anna.ok("POST", f"{EVENTS}/import", body)
    assert made["organizer"] == {"email": "chef@firma.example"}
    assert made["privateCopy"] is True
    assert not sandbox.state.calendars["jonas.weber@gmail.example"].uids.get("fremd@firma.example")
    assert anna.refused("POST", f"{EVENTS}/import", body) == (409, "duplicate")
    assert anna.refused("POST", f"{EVENTS}/import", timed()) == (400, "required")
    typed = timed(iCalUID="a@b", eventType="focusTime")
    assert anna.refused("POST", f"{EVENTS}/import", typed) == (400, "eventTypeRestriction")
    assert patch(anna, made, {"summary": "meins"})["summary"] == "meins"


def test_a_moved_event_keeps_its_id_and_leaves_a_tombstone(anna: Api) -> None:
    made = add(anna, timed("Umzug", extendedProperties={"private": {"steg": "1"}}))
    path = f"{EVENTS}/{made['id']}"
    moved = anna.ok("POST", f"{path}/move", destination=FAMILY)
    assert (moved["id"], moved["iCalUID"]) == (made["id"], made["iCalUID"])
    assert moved["organizer"] == {"email": FAMILY, "displayName": "Familie", "self": True}
    assert moved["extendedProperties"] == made["extendedProperties"]
    left = anna.ok("GET", path)
    assert set(left) == {"kind", "etag", "id", "status"}
    assert anna.refused("PATCH", path, {"status": "confirmed"}) == (403, "forbidden")
    assert anna.refused("POST", EVENTS, timed(id=made["id"])) == (409, "duplicate")
    assert anna.refused("POST", f"{path}/move", destination=FAMILY) == (410, "deleted")
    back = anna.ok("POST", f"calendars/{FAMILY}/events/{made['id']}/move", destination="primary")
    assert (back["id"], back["status"], back["organizer"]["email"]) == (made["id"], "confirmed", ANNA)


def test_what_cannot_be_moved(anna: Api) -> None:
    made = add(anna)
    path = f"{EVENTS}/{made['id']}/move"
    assert anna.refused("POST", path) == (400, "required")
    assert anna.refused("POST", path, destination="primary")[0] == 400
    assert anna.refused("POST", path, destination="unknown") == (404, "notFound")
    assert anna.refused("POST", path, destination=HOLIDAYS) == (403, "requiredAccessLevel")
    assert anna.refused("POST", path, destination=FAMILY, headers={"If-Match": '"1"'})[0] == 412
    focus = add(anna, timed(eventType="focusTime", focusTimeProperties={}))
    refused = anna.refused("POST", f"{EVENTS}/{focus['id']}/move", destination=FAMILY)
    assert refused == (400, "eventTypeRestriction")


def test_the_order_of_fields_and_headers_of_a_write(anna: Api) -> None:
    reply = anna("POST", EVENTS, timed())
    assert reply.status_code == 200
    assert reply.headers["ETag"] == reply.json()["etag"]
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    gone = anna("DELETE", f"{EVENTS}/{reply.json()['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
