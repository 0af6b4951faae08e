"""Events: creating, reading, changing, deleting; times, bodies, versions, ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.seed import ANNA, FAMILY
from tests.sandbox.graph.conftest import IMMUTABLE, OUR_ID, ZONE, Api, all_day, timed
from tests.sandbox.running import ManualClock

Json = dict[str, Any]


def test_a_new_event_comes_back_in_utc_with_its_own_zone_named(anna: Api) -> None:
    reply = anna("POST", "me/events", timed())
    assert reply.status_code == 201
    made = reply.json()
    assert made["start"] == {"dateTime": "2026-11-20T08:00:00.0000000", "timeZone": "UTC"}
    assert made["originalStartTimeZone"] == ZONE
    assert (made["type"], made["isOrganizer"], made["recurrence"]) == ("singleInstance", True, None)
    assert reply.headers["Location"].endswith(made["id"])


def test_the_preferred_zone_is_written_as_it_was_asked_for(anna: Api) -> None:
    made = anna.create(timed(), prefer='outlook.timezone="Europe/Berlin"')
    assert made["start"] == {"dateTime": "2026-11-20T09:00:00.0000000", "timeZone": "Europe/Berlin"}
    reply = anna("GET", f"me/events/{made['id']}", prefer=f'outlook.timezone="{ZONE}"')
    assert reply.json()["start"]["timeZone"] == ZONE
    assert reply.headers["Preference-Applied"] == f'outlook.timezone="{ZONE}"'


def test_an_iana_name_becomes_the_windows_zone(anna: Api) -> None:
    body = timed(start={"dateTime": "2026-11-20T09:00:00", "timeZone": "Europe/Berlin"})
    assert anna.create(body)["originalStartTimeZone"] == ZONE


@pytest.mark.parametrize("name", ["Europe/Nowhere", "Mars Standard Time", "tzone://Microsoft/Custom", "CET"])
def test_an_unknown_zone_is_refused(anna: Api, name: str) -> None:
    body = timed(start={"dateTime": "2026-11-20T09:00:00", "timeZone": name})
    assert anna.refused("POST", "me/events", body) == (400, "TimeZoneNotSupportedException")
    assert anna.refused("GET", "me/events", prefer=f'outlook.timezone="{name}"')[0] == 400


def test_an_offset_wins_over_the_zone(anna: Api) -> None:
    body = timed(start={"dateTime": "2026-11-20T07:30:00.0000000Z", "timeZone": ZONE})
    made = anna.create(body)
    assert (made["start"]["dateTime"], made["originalStartTimeZone"]) == ("2026-11-20T07:30:00.0000000", ZONE)


def test_an_event_of_a_nameless_zone_shows_where_it_was(anna: Api, act: Callable[[str], Actor]) -> None:
    made = act(ANNA).insert(timed(), custom_zone=True)
    found = anna.ok("GET", f"me/events/{made['id']}")
    assert found["originalStartTimeZone"] == "tzone://Microsoft/Custom"
    assert found["start"]["dateTime"] == "2026-11-20T08:00:00.0000000"


def test_whole_days_stay_at_midnight_in_every_zone(anna: Api) -> None:
    made = anna.create(all_day(end="2026-11-22"))
    assert made["start"] == {"dateTime": "2026-11-20T00:00:00.0000000", "timeZone": "UTC"}
    found = anna.ok("GET", f"me/events/{made['id']}", prefer=f'outlook.timezone="{ZONE}"')
    assert (found["start"]["dateTime"][:16], found["end"]["dateTime"][:16]) == ("2026-11-20T00:00", "2026-11-22T00:00")


@pytest.mark.parametrize(
    "edges",
    [
        {"end": {"dateTime": "2026-11-20T00:00:00", "timeZone": ZONE}},
        {"end": {"dateTime": "2026-11-21T08:00:00", "timeZone": ZONE}},
        {"end": {"dateTime": "2026-11-21T00:00:00", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-11-22T00:00:00", "timeZone": ZONE}},
    ],
    ids=["no day", "no midnight", "two zones", "reversed"],
)
def test_whole_days_are_midnight_to_midnight_of_one_zone(anna: Api, edges: Json) -> None:
    assert anna.refused("POST", "me/events", {**all_day(), **edges}) == (400, "ErrorPropertyValidationFailure")


def test_a_timed_event_becomes_whole_days_only_with_its_times(anna: Api) -> None:
    made = anna.create(timed())
    path = f"me/events/{made['id']}"
    assert anna.refused("PATCH", path, {"isAllDay": True}) == (400, "ErrorPropertyValidationFailure")
    whole = {name: value for name, value in all_day().items() if name != "subject"}
    assert anna.ok("PATCH", path, whole)["isAllDay"] is True
    back = {name: value for name, value in timed(isAllDay=False).items() if name != "subject"}
    assert anna.ok("PATCH", path, back)["isAllDay"] is False


@pytest.mark.parametrize(
    "body, code",
    [
        ({"subject": "x"}, "ErrorPropertyValidationFailure"),
        (timed(start=None), "ErrorPropertyValidationFailure"),
        (timed(start={"dateTime": "gestern", "timeZone": ZONE}), "ErrorPropertyValidationFailure"),
        (timed(start={"dateTime": "2026-11-31T09:00:00", "timeZone": ZONE}), "ErrorPropertyValidationFailure"),
        (timed(reminderMinutesBeforeStart="15"), "RequestBodyRead"),
        (timed(reminderMinutesBeforeStart=-1), "ErrorPropertyValidationFailure"),
        (timed(attachments=[]), "ErrorInvalidRequest"),
        (timed(start={"dateTime": "2026-11-20T09:00:00", "timeZone": ZONE, "day": 1}), "RequestBodyRead"),
        (timed(start={"dateTime": "2026-11-20T10:30:00", "timeZone": ZONE}), "ErrorPropertyValidationFailure"),
        (timed(start={"date": "2026-11-20"}), "RequestBodyRead"),
        (timed(summary="x"), "RequestBodyRead"),
        (timed(showAs="perhaps"), "RequestBodyRead"),
        (timed(isAllDay="yes"), "RequestBodyRead"),
        (timed(attendees=[{"emailAddress": {"address": "no address"}}]), "ErrorInvalidRecipients"),
        (timed(body={"contentType": "markdown", "content": ""}), "RequestBodyRead"),
        ([], "RequestBodyRead"),
    ],
)
def test_bad_bodies_are_refused(anna: Api, body: Any, code: str) -> None:
    assert anna.refused("POST", "me/events", body) == (400, code)


def test_what_is_no_json_is_refused(anna: Api) -> None:
    reply = anna.session.post(f"{anna.root}/me/events", data=b"{", headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")


def test_the_body_is_rewritten_as_html_and_can_be_read_as_text(anna: Api) -> None:
    made = anna.create(timed(body={"contentType": "text", "content": "Erste <Zeile>\nZweite"}))
    assert made["body"]["contentType"] == "html"
    assert made["body"]["content"].startswith("<html>\r\n<head>")
    found = anna.ok("GET", f"me/events/{made['id']}", prefer='outlook.body-content-type="text"')
    assert found["body"] == {"contentType": "text", "content": "Erste <Zeile>\r\nZweite\r\n"}
    assert found["bodyPreview"] == "Erste <Zeile>\r\nZweite"


def test_html_loses_its_scripts(anna: Api) -> None:
    content = '<body><p onclick="x()">Text</p><script>alert(1)</script></body>'
    made = anna.create(timed(body={"contentType": "html", "content": content}))
    assert "script" not in made["body"]["content"]
    assert "onclick" not in made["body"]["content"]


def test_location_and_locations_go_together(anna: Api) -> None:
    made = anna.create(timed(location={"displayName": "Raum 2"}))
    assert [place["displayName"] for place in made["locations"]] == ["Raum 2"]
    many = anna.ok("PATCH", f"me/events/{made['id']}", {"locations": [{"displayName": "A"}, {"displayName": "B"}]})
    assert many["location"]["displayName"] == "A"
    assert anna.ok("PATCH", f"me/events/{made['id']}", {"location": {"displayName": ""}})["locations"] == []


def test_what_only_the_service_sets_is_read_over(anna: Api, contract: Any) -> None:
    made = anna.create(timed(iCalUId="mine", isCancelled=True))
    assert made["iCalUId"] != "mine"
    assert made["isCancelled"] is False
    assert [text.partition(": ")[2] for text in contract.requests] == ["sets iCalUId", "sets isCancelled"]


# --- versions -----------------------------------------------------------------------------------


def test_if_match_guards_changes_and_deletions(anna: Api) -> None:
    made = anna.create(timed())
    path, old = f"me/events/{made['id']}", {"If-Match": made["@odata.etag"]}
    changed = anna.ok("PATCH", path, {"subject": "Neu"}, headers=old)
    assert changed["@odata.etag"] == f'W/"{changed["changeKey"]}"'
    assert anna.refused("PATCH", path, {"subject": "Alt"}, headers=old) == (412, "ErrorIrresolvableConflict")
    assert anna.refused("DELETE", path, headers=old) == (412, "ErrorIrresolvableConflict")
    assert anna("DELETE", path, headers={"If-Match": changed["@odata.etag"]}).status_code == 204
    assert anna.refused("GET", path) == (404, "ErrorItemNotFound")


def test_the_version_can_move_after_the_answer(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.state.knobs.late_bump = True
    made = anna.create(timed())
    found = anna.ok("GET", f"me/events/{made['id']}")
    assert found["@odata.etag"] != made["@odata.etag"]
    assert found["subject"] == made["subject"]


# --- ids ----------------------------------------------------------------------------------------


def test_immutable_ids_survive_a_move_and_others_do_not(anna: Api, act: Callable[[str], Actor]) -> None:
    made = anna.create(timed(), prefer=IMMUTABLE)
    other = anna.ok("GET", f"me/events/{made['id']}")
    assert other["id"] != made["id"]
    act(ANNA).move(made["id"], FAMILY)
    assert anna.refused("GET", f"me/events/{other['id']}") == (404, "ErrorItemNotFound")
    moved = anna.ok("GET", f"me/events/{made['id']}", prefer=IMMUTABLE)
    assert (moved["id"], moved["iCalUId"]) == (made["id"], made["iCalUId"])


def test_ids_differ_in_case_alone(anna: Api) -> None:
    ids = [anna.create(timed(str(number)))["id"] for number in range(60)]
    assert len(set(ids)) == 60
    assert len({text.lower() for text in ids}) < 60
    folded = next(text for text in ids if sum(text.lower() == other.lower() for other in ids) > 1)
    twins = [text for text in ids if text.lower() == folded.lower()]
    assert [anna.ok("GET", f"me/events/{text}")["id"] for text in twins] == twins


def test_ids_of_other_kinds_and_mailboxes_lead_nowhere(anna: Api, connect: Callable[..., Api]) -> None:
    calendar = anna.calendars()[FAMILY]["id"]
    assert anna.refused("GET", "me/events/nonsense") == (400, "ErrorInvalidIdMalformed")
    assert anna.refused("GET", f"me/events/{calendar}") == (400, "ErrorInvalidIdMalformed")
    made = anna.create(timed(), prefer=IMMUTABLE)
    private = connect("anna.brandt@outlook.example")
    assert private.refused("GET", f"me/events/{made['id']}") == (404, "ErrorItemNotFound")


def test_an_id_is_answered_whatever_calendar_stands_before_it(anna: Api) -> None:
    """microsoft-graph-docs#391. What a calendar lists is what lies in it."""
    calendar, made = anna.calendars()[FAMILY]["id"], anna.create(timed(), prefer=IMMUTABLE)
    assert anna.ok("GET", f"me/calendars/{calendar}/events/{made['id']}", prefer=IMMUTABLE)["id"] == made["id"]
    uid = f"iCalUId eq '{made['iCalUId']}'"
    assert anna.items(f"me/calendars/{calendar}/events", filter=uid) == []
    assert [one["iCalUId"] for one in anna.items("me/calendar/events", filter=uid)] == [made["iCalUId"]]


# --- transactionId and extended properties ------------------------------------------------------


def test_a_repeated_post_makes_no_second_event(anna: Api) -> None:
    first = anna.create(timed(transactionId="t-1"))
    again = anna("POST", "me/events", timed(transactionId="t-1"))
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    assert again.json()["transactionId"] == "t-1"


def test_a_transaction_id_of_another_event_is_refused_with_that_event(anna: Api, sandbox: GraphSandbox) -> None:
    first = anna.create(timed(transactionId="t-1"))
    reply = anna("POST", "me/events", timed("Anders", transactionId="t-1"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "ErrorDuplicateTransactionId")
    assert reply.json()["error"]["@event.existingEventId"] == first["id"]
    sandbox.state.knobs.duplicate_transaction_status = 409
    assert anna.refused("POST", "me/events", timed(transactionId="t-1")) == (409, "ErrorDuplicateTransactionId")


def test_a_transaction_id_never_changes_but_is_copied(anna: Api, act: Callable[[str], Actor]) -> None:
    mark = [{"id": OUR_ID, "value": "42"}]
    made = anna.create(timed(transactionId="t-1", singleValueExtendedProperties=mark), prefer=IMMUTABLE)
    assert anna.refused("PATCH", f"me/events/{made['id']}", {"transactionId": "t-2"})[0] == 400
    copied = act(ANNA).copy(made["id"])
    assert (copied["transactionId"], copied["id"] == made["id"]) == ("t-1", False)
    found = anna.items("me/events", filter=f"singleValueExtendedProperties/Any(p: p/id eq '{OUR_ID}')")
    assert len(found) == 2


def test_extended_properties_come_only_when_they_are_expanded(anna: Api) -> None:
    made = anna.create(timed(singleValueExtendedProperties=[{"id": OUR_ID, "value": "42"}]))
    assert "singleValueExtendedProperties" not in made
    path = f"me/events/{made['id']}"
    found = anna.ok("GET", path, expand=f"singleValueExtendedProperties($filter=id eq '{OUR_ID}')")
    guid = "8eccc264-6880-4ebe-992f-8888d2eeaa1d"
    assert found["singleValueExtendedProperties"] == [{"id": f"String {{{guid}}} Name StegLink", "value": "42"}]
    wrong = OUR_ID.replace("StegLink", "steglink")
    other = anna.ok("GET", path, expand=f"singleValueExtendedProperties($filter=id eq '{wrong}')")
    assert "singleValueExtendedProperties" not in other
    assert anna.refused("GET", path, expand="singleValueExtendedProperties")[0] == 400
    anna.ok("PATCH", path, {"singleValueExtendedProperties": [{"id": OUR_ID, "value": None}]})
    gone = anna.ok("GET", path, expand=f"singleValueExtendedProperties($filter=id eq '{OUR_ID}')")
    assert "singleValueExtendedProperties" not in gone
    bad = timed(singleValueExtendedProperties=[{"id": "StegLink", "value": "x"}])
    assert anna.refused("POST", "me/events", bad) == (400, "ErrorInvalidProperty")


# --- online meetings ----------------------------------------------------------------------------


def test_an_online_meeting_stays_one_until_its_blob_is_lost(anna: Api) -> None:
    made = anna.create(timed(isOnlineMeeting=True, body={"contentType": "text", "content": "Agenda"}))
    path, link = f"me/events/{made['id']}", made["onlineMeeting"]["joinUrl"]
    assert link in made["body"]["content"]
    assert anna.ok("PATCH", path, {"isOnlineMeeting": False})["isOnlineMeeting"] is True
    kept = {"contentType": "html", "content": made["body"]["content"].replace("Agenda", "Neue Agenda")}
    assert anna.ok("PATCH", path, {"body": kept})["onlineMeeting"] == {"joinUrl": link}
    lost = anna.ok("PATCH", path, {"body": {"contentType": "text", "content": "Neue Agenda"}})
    assert (lost["isOnlineMeeting"], lost["onlineMeeting"]) == (False, None)


def test_times_of_creation_and_change_follow_the_clock(anna: Api, clock: ManualClock) -> None:
    made = anna.create(timed())
    clock.advance(minutes=5)
    changed = anna.ok("PATCH", f"me/events/{made['id']}", {"categories": ["Kunde"]})
    assert changed["createdDateTime"] == "2026-11-18T09:30:00.0000000Z"
    assert changed["lastModifiedDateTime"] == "2026-11-18T09:35:00.0000000Z"
