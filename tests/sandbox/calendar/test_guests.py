"""Invitations: copies in guests' calendars, answers, what a guest may write, and mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.seed import ANNA, ANNA_PRIVATE, FAMILY, JONAS
from tests.sandbox.conftest import Api, timed
from tests.sandbox.running import Json

EVENTS = "calendars/primary/events"
PETRA = "petra@kunde.example"


@pytest.fixture
def jonas(connect: Callable[..., Api]) -> Api:
    return connect(JONAS)


def guests(*emails: str) -> list[Json]:
    return [{"email": email} for email in emails]


def invite(api: Api, *emails: str, **more: Any) -> Json:
    params = {name: more.pop(name) for name in ("sendUpdates", "sendNotifications") if name in more}
    return api.ok("POST", EVENTS, timed(attendees=guests(*(emails or (JONAS, PETRA))), **more), **params)


def shown(api: Api, event: Json) -> Json:
    return api.ok("GET", f"{EVENTS}/{event['id']}")


def answer(event: Json, email: str) -> str:
    return next(str(person["responseStatus"]) for person in event["attendees"] if person["email"] == email)


def test_a_guest_has_a_copy_with_the_same_id_and_uid(anna: Api, jonas: Api) -> None:
    properties = {"private": {"steg": "1"}, "shared": {"team": "x"}}
    made = invite(anna, extendedProperties=properties, colorId="3", reminders={"useDefault": False})
    copy = shown(jonas, made)
    assert (copy["id"], copy["iCalUID"], copy["summary"]) == (made["id"], made["iCalUID"], "Termin")
    assert copy["organizer"] == {"email": ANNA, "displayName": "Anna Brandt"}
    assert copy["attendees"] == [
        {"email": JONAS, "responseStatus": "needsAction", "self": True},
        {"email": PETRA, "responseStatus": "needsAction"},
    ]
    assert copy["extendedProperties"] == {"shared": {"team": "x"}}
    assert copy["reminders"] == {"useDefault": True}
    assert "colorId" not in copy


def test_the_organizer_among_the_attendees_is_marked(anna: Api) -> None:
    me = invite(anna, ANNA, JONAS)["attendees"][0]
    assert (me["organizer"], me["self"]) == (True, True)


def test_changes_and_deletion_reach_the_guest(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    token = jonas.ok("GET", EVENTS)["nextSyncToken"]
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"summary": "neu", "colorId": "2"})
    assert shown(jonas, made)["summary"] == "neu"
    anna.ok("DELETE", f"{EVENTS}/{made['id']}")
    page = jonas.ok("GET", EVENTS, syncToken=token)
    assert [(item["id"], item["status"]) for item in page["items"]] == [(made["id"], "cancelled")]
    assert set(shown(jonas, made)) == {"kind", "etag", "id", "status"}
    assert shown(anna, made)["summary"] == "neu"


def test_reminders_and_colours_touch_no_other_copy(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    before = shown(jonas, made)
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"colorId": "2", "reminders": {"useDefault": False}})
    assert shown(jonas, made) == before


def test_who_is_no_longer_invited_loses_his_copy_and_gets_it_back(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    path = f"{EVENTS}/{made['id']}"
    anna.ok("PATCH", path, {"attendees": guests(PETRA)})
    assert shown(jonas, made)["status"] == "cancelled"
    anna.ok("PATCH", path, {"attendees": guests(PETRA, JONAS)})
    assert shown(jonas, made)["status"] == "confirmed"


def test_a_taken_id_in_the_guests_calendar_gives_the_copy_another(anna: Api, jonas: Api) -> None:
    jonas.ok("POST", EVENTS, timed("eigen", id="abcdefgh"))
    made = invite(anna, id="abcdefgh")
    found = jonas.items(EVENTS, iCalUID=made["iCalUID"])
    assert [(item["summary"], item["id"] == made["id"]) for item in found] == [("eigen", True), ("Termin", False)]
    anna.ok("DELETE", f"{EVENTS}/{made['id']}")
    assert [item["summary"] for item in jonas.items(EVENTS, iCalUID=made["iCalUID"])] == ["eigen"]


def test_an_answer_reaches_the_organizer(anna: Api, jonas: Api) -> None:
    made = invite(anna, JONAS, ANNA_PRIVATE)
    mine = [{"email": JONAS, "responseStatus": "accepted", "comment": "gern"}, {"email": ANNA_PRIVATE}]
    jonas.ok("PATCH", f"{EVENTS}/{made['id']}", {"attendees": mine})
    found = shown(anna, made)
    assert answer(found, JONAS) == "accepted"
    assert found["attendees"][0]["comment"] == "gern"
    assert found["etag"] != made["etag"]


def test_attendees_omitted_changes_only_the_own_answer(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    body = {"attendeesOmitted": True, "attendees": [{"email": JONAS, "responseStatus": "tentative"}]}
    jonas.ok("PATCH", f"{EVENTS}/{made['id']}", body)
    found = shown(anna, made)
    assert [person["responseStatus"] for person in found["attendees"]] == ["tentative", "needsAction"]


@pytest.mark.parametrize(
    "body",
    [
        {"summary": "meins"},
        {"location": "hier"},
        {"description": None, "location": "da"},
        {"start": timed(hour=8)["start"]},
        {"recurrence": ["RRULE:FREQ=DAILY"]},
        {"attendees": [{"email": JONAS}]},
        {"attendees": [{"email": JONAS}, {"email": PETRA, "responseStatus": "declined"}]},
        {"guestsCanModify": True},
        {"extendedProperties": {"shared": {"team": "y"}}},
    ],
)
def test_a_guest_cannot_change_what_all_share(anna: Api, jonas: Api, body: Json) -> None:
    made = invite(anna)
    path = f"{EVENTS}/{made['id']}"
    assert jonas.refused("PATCH", path, body) == (403, "forbiddenForNonOrganizer")
    assert shown(anna, made) == made


def test_a_guest_changes_what_is_his_own(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    body = {
        "colorId": "4",
        "transparency": "transparent",
        "reminders": {"useDefault": False},
        "extendedProperties": {"private": {"steg": "2"}},
    }
    changed = jonas.ok("PATCH", f"{EVENTS}/{made['id']}", body)
    assert {name: changed[name] for name in body} == body
    assert shown(anna, made) == made


def test_a_guest_may_put_back_what_he_read(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    copy = shown(jonas, made)
    copy["attendees"][0]["responseStatus"] = "accepted"
    jonas.ok("PUT", f"{EVENTS}/{made['id']}", copy)
    assert answer(shown(anna, made), JONAS) == "accepted"


def test_guests_bring_guests_unless_it_is_forbidden(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    people = {"attendees": guests(JONAS, PETRA, ANNA_PRIVATE)}
    jonas.ok("PATCH", f"{EVENTS}/{made['id']}", people)
    assert len(shown(anna, made)["attendees"]) == 3
    closed = invite(anna, guestsCanInviteOthers=False)
    refused = jonas.refused("PATCH", f"{EVENTS}/{closed['id']}", people)
    assert refused == (403, "forbiddenForNonOrganizer")


def test_guests_who_may_modify_change_the_organizers_copy(anna: Api, jonas: Api) -> None:
    made = invite(anna, guestsCanModify=True)
    jonas.ok("PATCH", f"{EVENTS}/{made['id']}", {"summary": "von Jonas"})
    assert shown(anna, made)["summary"] == "von Jonas"


def test_guests_who_may_not_see_the_others(anna: Api, jonas: Api) -> None:
    made = invite(anna, guestsCanSeeOtherGuests=False)
    copy = shown(jonas, made)
    assert [person["email"] for person in copy["attendees"]] == [JONAS]
    assert copy["attendeesOmitted"] is True
    assert len(shown(anna, made)["attendees"]) == 2


def test_a_guests_deletion_is_his_own_and_declines(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    jonas.ok("DELETE", f"{EVENTS}/{made['id']}")
    found = shown(anna, made)
    assert (found["status"], answer(found, JONAS)) == ("confirmed", "declined")
    left = shown(jonas, made)
    assert (left["status"], left["summary"]) == ("cancelled", "Termin")
    anna.ok("PATCH", f"{EVENTS}/{made['id']}", {"summary": "neu"})
    assert shown(jonas, made)["status"] == "cancelled"


def test_a_guest_cannot_move_the_event(anna: Api, jonas: Api, sandbox: GoogleSandbox) -> None:
    made = invite(anna)
    other = sandbox.state.add_calendar(JONAS, calendar_id="zweiter@group.calendar.google.com", summary="Zweiter")
    refused = jonas.refused("POST", f"{EVENTS}/{made['id']}/move", destination=other.id)
    assert refused == (403, "forbiddenForNonOrganizer")


def test_a_move_tells_the_guests_copies_the_new_organizer(anna: Api, jonas: Api) -> None:
    made = invite(anna)
    anna.ok("POST", f"{EVENTS}/{made['id']}/move", destination=FAMILY)
    assert shown(jonas, made)["organizer"]["email"] == FAMILY


def test_a_series_with_guests(anna: Api, jonas: Api) -> None:
    made = invite(anna, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    changed, dropped, alone = (f"{made['id']}_202611{day}T080000Z" for day in (21, 22, 23))
    anna.ok("PATCH", f"{EVENTS}/{changed}", {"summary": "anders"})
    anna.ok("DELETE", f"{EVENTS}/{dropped}")
    anna.ok("PATCH", f"{EVENTS}/{alone}", {"attendees": guests(PETRA)})
    assert [item["summary"] for item in jonas.items(f"{EVENTS}/{made['id']}/instances")] == ["Termin", "anders"]
    listed = {item["id"]: item for item in jonas.items(EVENTS)}
    assert [listed[key]["status"] for key in (made["id"], changed, dropped, alone)] == [
        "confirmed",
        "confirmed",
        "cancelled",
        "cancelled",
    ]
    assert listed[alone]["recurringEventId"] == made["id"]
    anna.ok("DELETE", f"{EVENTS}/{made['id']}")
    assert not {made["id"], changed, dropped, alone} & {item["id"] for item in jonas.items(EVENTS)}


def test_an_invitation_to_one_occurrence_alone(anna: Api, jonas: Api) -> None:
    made = anna.ok("POST", EVENTS, timed(recurrence=["RRULE:FREQ=DAILY;COUNT=4"]))
    one = f"{made['id']}_20261121T080000Z"
    anna.ok("PATCH", f"{EVENTS}/{one}", {"attendees": guests(JONAS)})
    copy = jonas.ok("GET", f"{EVENTS}/{one}")
    assert (copy["recurringEventId"], copy["summary"]) == (made["id"], "Termin")
    assert jonas.refused("GET", f"{EVENTS}/{made['id']}") == (404, "notFound")
    anna.ok("DELETE", f"{EVENTS}/{one}")
    assert set(jonas.ok("GET", f"{EVENTS}/{one}")) == {"kind", "etag", "id", "status"}


def test_an_answer_to_one_occurrence(anna: Api, jonas: Api) -> None:
    made = invite(anna, JONAS, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    one = f"{EVENTS}/{made['id']}_20261121T080000Z"
    jonas.ok("PATCH", one, {"attendees": [{"email": JONAS, "responseStatus": "declined"}]})
    assert answer(anna.ok("GET", one), JONAS) == "declined"
    assert answer(shown(anna, made), JONAS) == "needsAction"
    jonas.ok("DELETE", f"{EVENTS}/{made['id']}_20261122T080000Z")
    assert answer(anna.ok("GET", f"{EVENTS}/{made['id']}_20261122T080000Z"), JONAS) == "declined"


# --- mail -----------------------------------------------------------------------------------------


def sent(sandbox: GoogleSandbox) -> list[tuple[str, tuple[str, ...]]]:
    found = [(mail.kind, tuple(sorted(mail.to))) for mail in sandbox.state.outbox]
    sandbox.state.outbox.clear()
    return found


@pytest.mark.parametrize("params", [{}, {"sendUpdates": "none"}, {"sendNotifications": False}])
def test_no_mail_without_being_asked(anna: Api, sandbox: GoogleSandbox, params: Json) -> None:
    made = invite(anna, **params)
    path = f"{EVENTS}/{made['id']}"
    anna.ok("PATCH", path, {"summary": "neu"}, **params)
    anna.ok("PUT", path, timed("ganz neu"), **params)
    anna.ok("POST", f"{path}/move", destination=FAMILY, **params)
    anna.ok("DELETE", f"calendars/{FAMILY}/events/{made['id']}", **params)
    assert sent(sandbox) == []


@pytest.mark.parametrize(
    "params,everybody",
    [({"sendUpdates": "all"}, True), ({"sendNotifications": True}, True), ({"sendUpdates": "externalOnly"}, False)],
)
def test_mail_that_was_asked_for(anna: Api, sandbox: GoogleSandbox, params: Json, everybody: bool) -> None:
    both = tuple(sorted((JONAS, PETRA))) if everybody else (PETRA,)
    made = invite(anna, **params)
    path = f"{EVENTS}/{made['id']}"
    assert sent(sandbox) == [("invitation", both)]
    anna.ok("PATCH", path, {"summary": "neu"}, **params)
    assert sent(sandbox) == [("update", both)]
    anna.ok("PATCH", path, {"colorId": "3"}, **params)
    assert sent(sandbox) == []
    anna.ok("PATCH", path, {"attendees": guests(JONAS)}, **params)
    assert sent(sandbox) == [("cancellation", (PETRA,))]
    anna.ok("DELETE", path, **params)
    assert sent(sandbox) == ([("cancellation", (JONAS,))] if everybody else [])


def test_an_answer_is_mailed_to_the_organizer(anna: Api, jonas: Api, sandbox: GoogleSandbox) -> None:
    made = invite(anna, JONAS)
    mine = {"attendees": [{"email": JONAS, "responseStatus": "accepted"}]}
    jonas.ok("PATCH", f"{EVENTS}/{made['id']}", mine, sendUpdates="all")
    assert sent(sandbox) == [("response", (ANNA,))]
    jonas.ok("DELETE", f"{EVENTS}/{made['id']}", sendUpdates="all")
    assert sent(sandbox) == [("response", (ANNA,))]


def test_events_without_guests_send_nothing(anna: Api, sandbox: GoogleSandbox) -> None:
    made = anna.ok("POST", EVENTS, timed(), sendUpdates="all")
    anna.ok("DELETE", f"{EVENTS}/{made['id']}", sendUpdates="all")
    assert sent(sandbox) == []


def test_the_seed_sent_nothing(sandbox: GoogleSandbox) -> None:
    assert sent(sandbox) == []
