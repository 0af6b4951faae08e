"""Roles and scopes: who sees what, and who may write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.oauth.scopes import BASE
from marketplace_plugin.sandbox.google.seed import ANNA, FAMILY, HOLIDAYS, JONAS, SALES
from tests.sandbox.conftest import Api, timed
from tests.sandbox.running import Json

HIDDEN = {"summary", "description", "location", "attendees", "creator", "organizer", "htmlLink", "reminders",
          "extendedProperties", "created", "updated"}  # fmt: skip


def by_summary(api: Api, calendar_id: str, summary: str) -> Json:
    return next(i for i in api.items(f"calendars/{calendar_id}/events") if i.get("summary") == summary)


def test_free_busy_readers_see_times_only(anna: Api) -> None:
    items = anna.items(f"calendars/{JONAS}/events")
    allowed = {
        "kind", "etag", "id", "status", "start", "end", "recurrence", "recurringEventId", "originalStartTime",
        "transparency",
    }  # fmt: skip
    assert len(items) > 2
    assert all(set(item) <= allowed for item in items)
    assert "Arzt" not in anna("GET", f"calendars/{JONAS}/events").text
    one = anna.ok("GET", f"calendars/{JONAS}/events/{items[0]['id']}")
    assert set(one) <= allowed
    assert anna.items(f"calendars/{JONAS}/events", q="Arzt") == []


@pytest.mark.parametrize("role,sees", [("reader", False), ("writerWithoutPrivateAccess", False), ("writer", True)])
def test_private_events_by_role(anna: Api, sandbox: GoogleSandbox, role: str, sees: bool) -> None:
    jonas_private = "Gehaltsgespräch"
    event_id = by_summary(anna, SALES, jonas_private)["id"]
    sandbox.state.set_role(SALES, ANNA, role)
    found = anna.ok("GET", f"calendars/{SALES}/events/{event_id}")
    assert (found.get("summary") == jonas_private) is sees
    assert (jonas_private in anna("GET", f"calendars/{SALES}/events").text) is sees
    if not sees:
        assert not HIDDEN & set(found)
        assert (found["visibility"], found["start"]["timeZone"]) == ("private", "Europe/Berlin")


def test_a_guest_sees_the_private_event_that_he_is_invited_to(
    anna: Api, connect: Callable[..., Api], sandbox: GoogleSandbox
) -> None:
    jonas = connect(JONAS)
    body = timed("vertraulich", visibility="confidential", attendees=[{"email": ANNA}])
    made = jonas.ok("POST", f"calendars/{SALES}/events", body)
    sandbox.state.set_role(SALES, ANNA, "reader")
    assert anna.ok("GET", f"calendars/{SALES}/events/{made['id']}")["summary"] == "vertraulich"


def test_masked_events_are_not_written(anna: Api, sandbox: GoogleSandbox) -> None:
    hidden, plain = (by_summary(anna, SALES, name)["id"] for name in ("Gehaltsgespräch", "Quartalsplanung"))
    sandbox.state.set_role(SALES, ANNA, "writerWithoutPrivateAccess")
    for verb, body in (("PATCH", {"summary": "x"}), ("DELETE", None)):
        refused = anna.refused(verb, f"calendars/{SALES}/events/{hidden}", body)
        assert refused == (403, "requiredAccessLevel")
    assert anna.ok("PATCH", f"calendars/{SALES}/events/{plain}", {"summary": "x"})["summary"] == "x"


@pytest.mark.parametrize("calendar_id", [HOLIDAYS.replace("#", "%23"), JONAS])
def test_readers_do_not_write(anna: Api, calendar_id: str) -> None:
    path = f"calendars/{calendar_id}/events"
    event_id = anna.items(path)[0]["id"]
    wanted = (403, "requiredAccessLevel")
    assert anna.refused("POST", path, timed()) == wanted
    assert anna.refused("PATCH", f"{path}/{event_id}", {"summary": "x"}) == wanted
    assert anna.refused("DELETE", f"{path}/{event_id}") == wanted


def test_a_calendar_without_access_is_not_found(anna: Api, sandbox: GoogleSandbox) -> None:
    sandbox.state.set_role(SALES, ANNA, None)
    assert anna.refused("GET", f"calendars/{SALES}/events") == (404, "notFound")
    assert anna.refused("POST", f"calendars/{SALES}/events", timed()) == (404, "notFound")


def test_the_reply_names_the_role(anna: Api) -> None:
    assert anna.ok("GET", f"calendars/{SALES}/events")["accessRole"] == "writer"
    assert anna.ok("GET", f"calendars/{JONAS}/events")["accessRole"] == "freeBusyReader"


def test_owned_scope_reaches_owned_calendars_only(connect: Callable[..., Api]) -> None:
    api = connect(scopes=(BASE + "calendar.events.owned",))
    assert api("POST", f"calendars/{FAMILY}/events", timed()).status_code == 200
    assert api.refused("GET", f"calendars/{SALES}/events") == (403, "insufficientPermissions")
    assert api.refused("GET", "users/me/calendarList") == (403, "insufficientPermissions")


def test_free_busy_scope_masks_everything(connect: Callable[..., Api]) -> None:
    api = connect(scopes=(BASE + "calendar.events.freebusy",))
    items = api.items("calendars/primary/events")
    assert items
    assert not any(HIDDEN & set(item) for item in items)
    assert api.refused("POST", "calendars/primary/events", timed()) == (403, "insufficientPermissions")


def test_read_only_scope_does_not_write(connect: Callable[..., Api]) -> None:
    api = connect(scopes=(BASE + "calendar.readonly",))
    assert api.items("calendars/primary/events")
    for verb, path in (("POST", "events"), ("PATCH", "events/x"), ("DELETE", "events/x"), ("POST", "events/x/move")):
        assert api.refused(verb, f"calendars/primary/{path}", {}) == (403, "insufficientPermissions")


def test_source_is_for_its_creator(anna: Api, connect: Callable[..., Api]) -> None:
    source = {"title": "CRM", "url": "https://crm.example/1"}
    made = anna.ok("POST", f"calendars/{SALES}/events", timed(source=source))
    seen = connect(JONAS).ok("GET", f"calendars/{SALES}/events/{made['id']}")
    assert (made["source"], seen.get("source")) == (source, None)


def test_reminders_are_each_users_own(anna: Api, connect: Callable[..., Api]) -> None:
    own = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]}
    made = anna.ok("POST", f"calendars/{SALES}/events", timed(reminders=own))
    path = f"calendars/{SALES}/events/{made['id']}"
    assert made["reminders"] == own
    jonas = connect(JONAS)
    assert jonas.ok("GET", path)["reminders"] == {"useDefault": True}
    jonas.ok("PATCH", path, {"summary": "neu"})
    assert anna.ok("GET", path)["reminders"] == own


def test_who_sees_free_busy_only_is_told_days_and_no_series(anna: Api, sandbox: GoogleSandbox) -> None:
    jonas = Actor(sandbox.state, JONAS)
    token = anna.pages(f"calendars/{JONAS}/events")[-1]["nextSyncToken"]
    master = jonas.insert(timed(recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))["id"]
    for asked in ({}, {"syncToken": token}):
        told = [one for one in anna.items(f"calendars/{JONAS}/events", **asked) if one["id"].startswith(master)]
        assert len(told) == 3
        assert all(one["recurringEventId"] == master and one["originalStartTime"] for one in told)
        assert not any(HIDDEN & set(one) or "recurrence" in one for one in told)
    assert anna.refused("GET", f"calendars/{JONAS}/events/{master}") == (404, "notFound")
    assert anna.ok("GET", f"calendars/{JONAS}/events/{told[0]['id']}")["start"] == told[0]["start"]
    token = anna.pages(f"calendars/{JONAS}/events")[-1]["nextSyncToken"]
    jonas.delete(master)
    told = anna.items(f"calendars/{JONAS}/events", syncToken=token)
    assert [one["status"] for one in told if one.get("recurringEventId") == master] == ["cancelled"] * 3
