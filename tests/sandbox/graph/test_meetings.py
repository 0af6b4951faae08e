"""Meetings: mails, copies, answers; shared calendars and what they hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.seed import ANNA, JONAS, OUTSIDE, SALES
from tests.sandbox.graph.conftest import IMMUTABLE, OUR_ID, Api, guest, recurrence, timed

Json = dict[str, Any]


@pytest.fixture
def jonas(connect: Callable[..., Api]) -> Api:
    return connect(JONAS)


def mails(sandbox: GraphSandbox) -> list[tuple[str, tuple[str, ...]]]:
    """Kind and recipients of the mails so far; empties the outbox."""
    found = [(mail.kind, mail.to) for mail in sandbox.state.outbox]
    sandbox.state.outbox.clear()
    return found


def copy_of(api: Api, made: Json) -> Json:
    return api.items("me/events", filter=f"iCalUId eq '{made['iCalUId']}'")[0]


def test_the_seed_sent_no_mail(sandbox: GraphSandbox) -> None:
    assert mails(sandbox) == []


def test_guests_are_always_invited(anna: Api, jonas: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS), guest(OUTSIDE)]))
    assert mails(sandbox) == [("invitation", (JONAS, OUTSIDE))]
    mine = copy_of(jonas, made)
    assert (mine["isOrganizer"], mine["responseStatus"]["response"], mine["showAs"]) == (
        False,
        "notResponded",
        "tentative",
    )
    assert mine["organizer"]["emailAddress"]["address"] == ANNA


def test_an_event_without_guests_mails_nobody(anna: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed())
    anna.ok("PATCH", f"me/events/{made['id']}", {"subject": "Neu"})
    anna("DELETE", f"me/events/{made['id']}")
    assert mails(sandbox) == []


def test_a_draft_mails_nobody(anna: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)], isDraft=True))
    assert made["isDraft"] is True
    assert mails(sandbox) == []


def test_a_change_mails_all_guests(anna: Api, jonas: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS), guest(OUTSIDE)]))
    mails(sandbox)
    anna.ok("PATCH", f"me/events/{made['id']}", {"subject": "Neu"})
    assert mails(sandbox) == [("update", (JONAS, OUTSIDE))]
    assert copy_of(jonas, made)["subject"] == "Neu"


def test_what_is_personal_mails_nobody(anna: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    mark = [{"id": OUR_ID, "value": "42"}]
    anna.ok("PATCH", f"me/events/{made['id']}", {"categories": ["x"], "singleValueExtendedProperties": mark})
    assert mails(sandbox) == []


def test_a_change_of_the_guests_mails_those_alone(anna: Api, jonas: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    anna.ok("PATCH", f"me/events/{made['id']}", {"attendees": [guest(OUTSIDE)]})
    assert mails(sandbox) == [("cancellation", (JONAS,)), ("invitation", (OUTSIDE,))]
    gone = copy_of(jonas, made)
    assert (gone["isCancelled"], gone["subject"], gone["showAs"]) == (True, "Canceled: Termin", "free")


def test_deleting_cancels(anna: Api, jonas: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    anna("DELETE", f"me/events/{made['id']}")
    assert mails(sandbox) == [("cancellation", (JONAS,))]
    left = copy_of(jonas, made)
    assert left["isCancelled"] is True
    jonas("DELETE", f"me/events/{left['id']}")
    assert mails(sandbox) == []


def test_an_occurrence_is_cancelled_for_all(anna: Api, jonas: Api, sandbox: GraphSandbox) -> None:
    rule = recurrence("2026-11-23", until=3, daysOfWeek=["monday"])
    made = anna.create(timed(day="2026-11-23", recurrence=rule, attendees=[guest(JONAS)]))
    window = {"startDateTime": "2026-11-23T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
    items = anna.items(f"me/events/{made['id']}/instances", **window)
    mails(sandbox)
    anna("DELETE", f"me/events/{items[1]['id']}")
    assert mails(sandbox) == [("cancellation", (JONAS,))]
    mine = copy_of(jonas, made)
    assert len(jonas.items(f"me/events/{mine['id']}/instances", **window)) == 2


def test_an_answer_reaches_the_organizer(
    anna: Api, jonas: Api, act: Callable[[str], Actor], sandbox: GraphSandbox
) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    mine = copy_of(jonas, made)
    assert act(JONAS).respond(mine["id"], "accepted")["responseStatus"]["response"] == "accepted"
    assert mails(sandbox) == [("response", (ANNA,))]
    statuses = anna.ok("GET", f"me/events/{made['id']}")["attendees"]
    assert [item["status"]["response"] for item in statuses] == ["accepted"]
    again = anna.ok("PATCH", f"me/events/{made['id']}", timed(hour=15))
    assert copy_of(jonas, again)["responseStatus"]["response"] == "notResponded"


def test_an_attendee_changes_his_copy_alone(anna: Api, jonas: Api, sandbox: GraphSandbox) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    mine = copy_of(jonas, made)
    jonas.ok("PATCH", f"me/events/{mine['id']}", {"subject": "Meins"})
    assert mails(sandbox) == []
    assert anna.ok("GET", f"me/events/{made['id']}")["subject"] == "Termin"
    anna.ok("PATCH", f"me/events/{made['id']}", {"location": {"displayName": "Raum"}})
    assert copy_of(jonas, made)["subject"] == "Termin"


def test_there_is_a_limit_of_guests(anna: Api) -> None:
    guests = [guest(f"gast{number}@example.com") for number in range(501)]
    assert anna.refused("POST", "me/events", timed(attendees=guests)) == (400, "ErrorInvalidRequest")
    assert len(anna.create(timed(attendees=guests[:500]))["attendees"]) == 500


# --- shared calendars -----------------------------------------------------------------------------


def shared(anna: Api, name: str) -> str:
    return f"me/calendars/{anna.calendars()[name]['id']}"


def test_private_events_of_others_are_masked(anna: Api, sandbox: GraphSandbox) -> None:
    path = shared(anna, SALES)
    found = {item["subject"]: item for item in anna.items(f"{path}/events")}
    assert set(found) == {"Quartalsplanung", "Private Appointment"}
    private = found["Private Appointment"]
    assert (private["sensitivity"], private["bodyPreview"], private["attendees"]) == ("private", "", [])
    assert anna.refused("GET", f"me/events/{private['id']}") == (404, "ErrorItemNotFound")
    sandbox.state.share(sandbox.state.calendar_named(JONAS, SALES), ANNA, "delegateWithPrivateEventAccess")
    assert {item["subject"] for item in anna.items(f"{path}/events")} == {"Quartalsplanung", "Gehaltsgespräch"}
    assert anna.calendars()[SALES]["canViewPrivateItems"] is True


def test_free_busy_says_no_more_than_that(anna: Api, sandbox: GraphSandbox) -> None:
    path = shared(anna, "Jonas Weber")
    assert {item["subject"] for item in anna.items(f"{path}/events")} == {"Busy"}
    assert anna.refused("POST", f"{path}/events", timed()) == (403, "ErrorAccessDenied")
    sandbox.state.share(sandbox.state.default_calendar(JONAS), ANNA, "limitedRead")
    subjects = {item["subject"] for item in anna.items(f"{path}/events")}
    assert subjects == {"Kundentermin Ostsee", "Private Appointment", "Projektstart Leuchtturm", "Grillabend"}
    assert all(item["attendees"] == [] for item in anna.items(f"{path}/events"))


def test_writing_into_a_shared_calendar(anna: Api, jonas: Api) -> None:
    path = shared(anna, SALES)
    made = anna.ok("POST", f"{path}/events", timed("Gemeinsam"), prefer=IMMUTABLE)
    own = copy_of(jonas, made)
    assert (own["subject"], own["organizer"]["emailAddress"]["address"]) == ("Gemeinsam", JONAS)
    assert own["id"] != made["id"]
    anna.ok("PATCH", f"{path}/events/{made['id']}", {"subject": "Anders"})
    assert copy_of(jonas, made)["subject"] == "Anders"
    assert anna("DELETE", f"{path}/events/{made['id']}").status_code == 204


def test_roles_change_and_end(anna: Api, sandbox: GraphSandbox) -> None:
    path, calendar = shared(anna, SALES), sandbox.state.calendar_named(JONAS, SALES)
    sandbox.state.share(calendar, ANNA, "read")
    assert anna.refused("POST", f"{path}/events", timed()) == (403, "ErrorAccessDenied")
    sandbox.state.share(calendar, ANNA, None)
    assert anna.refused("GET", f"{path}/events") == (404, "ErrorItemNotFound")
    assert SALES not in anna.calendars()


def test_shared_calendars_need_their_own_permission(anna: Api, connect: Callable[..., Api]) -> None:
    path = shared(anna, SALES)
    plain = connect(scopes=("Calendars.ReadWrite",))
    assert SALES in plain.calendars()
    assert plain.refused("GET", f"{path}/events") == (403, "ErrorAccessDenied")
    reader = connect(scopes=("Calendars.ReadWrite", "Calendars.Read.Shared"))
    assert len(reader.items(f"{path}/events")) == 2
    assert reader.refused("POST", f"{path}/events", timed()) == (403, "ErrorAccessDenied")


def test_a_delta_of_a_shared_calendar(anna: Api, act: Callable[[str], Actor]) -> None:
    path = shared(anna, SALES)
    window = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
    items, link = anna.round(f"{path}/calendarView/delta", **window)
    assert {item["subject"] for item in items} == {"Quartalsplanung", "Private Appointment"}
    gone = next(item for item in act(JONAS).events(SALES) if item["subject"] == "Quartalsplanung")
    act(JONAS).delete(gone["id"])
    found, _ = anna.round(link)
    assert found[0]["id"] in {item["id"] for item in items}


# --- a guest's answer -------------------------------------------------------------------------------------------------

ANSWERS = [("accept", "accepted"), ("tentativelyAccept", "tentativelyAccepted"), ("decline", "declined")]


@pytest.mark.parametrize("action, response", ANSWERS)
@pytest.mark.parametrize("place", ["me/events", "me/calendar/events", "me/calendars/{calendar}/events"])
def test_an_answer_by_action(
    anna: Api, jonas: Api, sandbox: GraphSandbox, action: str, response: str, place: str
) -> None:
    sandbox.state.knobs.keep_declined = True
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    mine = copy_of(jonas, made)
    calendar = jonas.ok("GET", "me/calendar")["id"]
    reply = jonas("POST", f"{place.format(calendar=calendar)}/{mine['id']}/{action}", {"comment": "gern"})
    assert (reply.status_code, reply.content) == (202, b"")
    assert copy_of(jonas, made)["responseStatus"]["response"] == response
    assert mails(sandbox) == [("response", (ANNA,))]
    assert anna.ok("GET", f"me/events/{made['id']}")["attendees"][0]["status"]["response"] == response


@pytest.mark.parametrize("action, response", ANSWERS)
def test_an_answer_that_is_not_sent(anna: Api, jonas: Api, sandbox: GraphSandbox, action: str, response: str) -> None:
    """The organizer learns nothing of it, not even from his own copy."""
    sandbox.state.knobs.keep_declined = True
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mails(sandbox)
    mine = copy_of(jonas, made)
    assert jonas("POST", f"me/events/{mine['id']}/{action}", {"sendResponse": False}).status_code == 202
    assert copy_of(jonas, made)["responseStatus"]["response"] == response
    assert mails(sandbox) == []
    assert anna.ok("GET", f"me/events/{made['id']}")["attendees"][0]["status"]["response"] == "none"


def test_a_declined_event_is_thrown_away(anna: Api, jonas: Api) -> None:
    made = anna.create(timed(attendees=[guest(JONAS)]))
    mine = copy_of(jonas, made)
    assert jonas("POST", f"me/events/{mine['id']}/decline", {"sendResponse": False}).status_code == 202
    assert jonas.refused("GET", f"me/events/{mine['id']}") == (404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    "body, code",
    [
        ({"sendResponse": False, "comment": ""}, "ErrorInvalidRequest"),
        ({"sendResponse": "no"}, "RequestBodyRead"),
        ({"send": False}, "RequestBodyRead"),
        ([], "BadRequest"),
    ],
)
def test_answers_that_cannot_be_read(anna: Api, jonas: Api, body: Any, code: str) -> None:
    mine = copy_of(jonas, anna.create(timed(attendees=[guest(JONAS)])))
    assert jonas.refused("POST", f"me/events/{mine['id']}/accept", body) == (400, code)


def test_who_cannot_answer(anna: Api, jonas: Api) -> None:
    rule = recurrence("2026-11-23", until=3, daysOfWeek=["monday"])
    made = anna.create(timed(day="2026-11-23", recurrence=rule, attendees=[guest(JONAS)]))
    assert anna.refused("POST", f"me/events/{made['id']}/accept", {}) == (400, "ErrorInvalidRequest")
    mine = copy_of(jonas, made)
    window = {"startDateTime": "2026-11-23T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
    (first, *_) = jonas.items(f"me/events/{mine['id']}/instances", **window)
    assert jonas.refused("POST", f"me/events/{first['id']}/accept", {}) == (400, "ErrorInvalidRequest")
    anna("DELETE", f"me/events/{made['id']}")
    assert jonas.refused("POST", f"me/events/{mine['id']}/accept", {}) == (400, "ErrorInvalidRequest")
    assert jonas.refused("GET", f"me/events/{mine['id']}/accept") == (405, "Request_BadRequest")
