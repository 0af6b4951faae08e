"""Google's JSON and the model: goldens both ways, and what must not be understood."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from marketplace_plugin.model.change import Access, Stamp, UnreadableReason
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
    Unknown,
)
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed
from marketplace_plugin.providers.google.shape import decode, encode
from marketplace_plugin.providers.google.shape.encode import Unencodable
from marketplace_plugin.providers.google.shape.recurrence import Undecodable
from tests.providers.google.messages import BERLIN, OWN, Json, event, raw, span, wall

# --- times ---------------------------------------------------------------------------------------------------------


def test_the_offset_is_the_readers_and_the_zone_the_events() -> None:
    found = event(start={"dateTime": "2026-07-01T09:00:00Z", "timeZone": "America/New_York"})
    assert isinstance(found.when, Timed)
    assert found.when.start == wall("2026-07-01T05:00:00", "America/New_York")


def test_an_event_without_a_zone_has_its_calendars() -> None:
    found = event(start={"dateTime": "2026-11-21T09:00:00Z"})
    assert found.when.start == wall("2026-11-21T10:00:00")


def test_a_windows_zone_is_understood_and_an_unknown_one_is_not() -> None:
    found = event(start={"dateTime": "2026-11-21T09:00:00Z", "timeZone": "W. Europe Standard Time"})
    assert found.when.start == wall("2026-11-21T10:00:00")
    with pytest.raises(Undecodable) as finding:
        event(start={"dateTime": "2026-11-21T09:00:00Z", "timeZone": "Customized Time Zone"})
    assert finding.value.reason is UnreadableReason.UNKNOWN_ZONE


@pytest.mark.parametrize("name", ["Europe/Kyiv", "Europe/Kiev"])
def test_a_renamed_zone_comes_by_either_name_and_goes_by_the_older_one(name: str) -> None:
    """An older database knows no other: in 2022 Google refused Europe/Kyiv, "Invalid time zone definition"."""
    found = event(start={"dateTime": "2026-11-21T09:00:00Z", "timeZone": name})
    assert found.when.start == wall("2026-11-21T11:00:00", name)
    item = Series(found, RecurrenceRule.parse("FREQ=WEEKLY"), (Override(wall("2026-11-28T11:00", name), None),))
    body = encode.insertion(item, "op-1", Stamp("here", "link-1"))
    assert body["start"] == {"dateTime": "2026-11-21T11:00:00+02:00", "timeZone": "Europe/Kiev"}
    assert body["recurrence"][1] == "EXDATE;TZID=Europe/Kiev:20261128T110000"


def test_the_second_of_two_equal_wall_times_is_kept_apart() -> None:
    later = event(start={"dateTime": "2026-10-25T01:30:00Z", "timeZone": BERLIN})
    assert later.when.start == replace(wall("2026-10-25T02:30"), fold=1)
    body = encode.fields(later, {"when"}, patch=False)
    assert body["start"] == {"dateTime": "2026-10-25T02:30:00+01:00", "timeZone": BERLIN}


def test_whole_days_are_dates_with_an_exclusive_end() -> None:
    found = event(start={"date": "2026-11-21"}, end={"date": "2026-11-23"})
    assert found.when == AllDay(date(2026, 11, 21), date(2026, 11, 23))
    body = encode.fields(found, {"when"}, patch=False)
    assert (body["start"], body["end"]) == ({"date": "2026-11-21"}, {"date": "2026-11-23"})


def test_a_whole_day_that_ends_on_itself_is_one_day() -> None:
    assert event(start={"date": "2026-11-21"}, end={"date": "2026-11-21"}).when == AllDay(
        date(2026, 11, 21), date(2026, 11, 22)
    )


def test_a_change_of_kind_nulls_the_other_fields() -> None:
    day = Event(when=AllDay(date(2026, 11, 21), date(2026, 11, 22)))
    assert encode.fields(day, {"when"}, patch=True)["start"] == {
        "date": "2026-11-21",
        "dateTime": None,
        "timeZone": None,
    }
    hour = Event(when=span("2026-11-21T10:00", "2026-11-21T11:00"))
    assert encode.fields(hour, {"when"}, patch=True)["end"] == {
        "date": None,
        "dateTime": "2026-11-21T11:00:00+01:00",
        "timeZone": BERLIN,
    }


@pytest.mark.parametrize(
    "broken",
    [
        {"start": None},
        {"end": {}},
        {"start": {"dateTime": "yesterday"}},
        {"start": {"date": "2026-13-01"}},
        {"end": {"dateTime": "2026-11-21T09:00:00+01:00", "timeZone": BERLIN}},
        {"etag": 7},
        {"attendees": "everybody"},
        {"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": "soon"}]}},
        {"start": "now"},
    ],
)
def test_what_is_malformed_is_said_to_be(broken: Json) -> None:
    with pytest.raises(Undecodable) as finding:
        decode.single(raw(**broken), OWN)
    assert finding.value.reason is UnreadableReason.MALFORMED


# --- fields --------------------------------------------------------------------------------------------------------


def test_all_fields_of_an_invitation() -> None:
    found = decode.single(
        raw(
            description="Agenda: <b>one</b><br>two",
            location="Room 2",
            transparency="transparent",
            visibility="confidential",
            status="tentative",
            organizer={"email": "Jonas@Example.org", "displayName": "Jonas"},
            attendees=[
                {"email": "Anna@Example.org", "self": True, "responseStatus": "declined"},
                {"email": "petra@example.org", "displayName": "Petra", "optional": True},
            ],
            reminders={"useDefault": False, "overrides": [{"method": "email", "minutes": 5}, *_popups(60, 10)]},
            conferenceData={"entryPoints": [{"entryPointType": "video", "uri": "https://meet.example/x"}]},
            htmlLink="https://calendar.example/abc",
            extendedProperties={"private": {"marketplaceStamp": "here:link-1"}},
        ),
        OWN,
    )
    assert found.item == Event(
        when=span("2026-11-21T10:00", "2026-11-21T11:00"),
        title="Title",
        description="Agenda: one\ntwo",
        location="Room 2",
        show_as=ShowAs.FREE,
        sensitivity=Sensitivity.CONFIDENTIAL,
        status=Status.TENTATIVE,
        reminder=10,
        organizer=Attendee("jonas@example.org", "Jonas", Response.ACCEPTED),
        attendees=(
            Attendee("anna@example.org", "", Response.DECLINED),
            Attendee("petra@example.org", "Petra", optional=True),
        ),
        response=Response.DECLINED,
        conference="https://meet.example/x",
    )
    assert found.stamp == Stamp("here", "link-1")
    assert found.access is Access.ATTENDEE
    assert found.changed == datetime(2026, 11, 18, 9, 30, 0, 123000, tzinfo=UTC)
    assert found.href == "https://calendar.example/abc"


def _popups(*minutes: int) -> list[Json]:
    return [{"method": "popup", "minutes": each} for each in minutes]


def test_the_calendars_default_reminder_is_nothing_that_the_event_says() -> None:
    assert event().reminder is UNKNOWN
    assert event(reminders={"useDefault": False}).reminder is None


@pytest.mark.parametrize("kind", [ShowAs.FREE, ShowAs.BUSY, ShowAs.TENTATIVE, ShowAs.OUT_OF_OFFICE, ShowAs.ELSEWHERE])
def test_each_kind_of_busy_survives(kind: ShowAs) -> None:
    body = encode.fields(replace(event(), show_as=kind), {"show_as"}, patch=False)
    assert event(**body).show_as is kind


def test_freed_at_google_is_free_whatever_we_had_written() -> None:
    ours = {"private": {"marketplaceShowAs": "oof"}}
    assert event(extendedProperties=ours, transparency="transparent").show_as is ShowAs.FREE


def test_hidden_guests_are_unknown() -> None:
    guests = [{"email": "anna@example.org", "self": True, "responseStatus": "accepted"}]
    for hidden in (
        {"attendeesOmitted": True},
        {"guestsCanSeeOtherGuests": False, "organizer": {"email": "x@y.example"}},
    ):
        found = event(attendees=guests, **hidden)
        assert (found.attendees, found.response) == (UNKNOWN, Response.ACCEPTED)


# --- what may be seen and written ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "role, more, access",
    [
        (Role.OWNER, {}, Access.FULL),
        (Role.WRITER, {}, Access.FULL),
        (Role.MASKED_WRITER, {}, Access.FULL),
        (Role.READER, {}, Access.NONE),
        (Role.OWNER, {"organizer": {"email": "x@y.example"}}, Access.ATTENDEE),
        (Role.OWNER, {"organizer": {"email": "x@y.example"}, "guestsCanModify": True}, Access.FULL),
        (Role.OWNER, {"locked": True}, Access.NONE),
        (Role.OWNER, {"eventType": "outOfOffice"}, Access.NONE),
        (Role.OWNER, {"eventType": "focusTime"}, Access.NONE),
        (Role.OWNER, {"eventType": "fromGmail"}, Access.NONE),
        (Role.MASKED_WRITER, {"visibility": "private", "summary": None}, Access.NONE),
    ],
)
def test_access(role: Role, more: Json, access: Access) -> None:
    assert decode.single(raw(**more), replace(OWN, role=role)).access is access


def test_out_of_office_is_shown_as_such() -> None:
    assert event(eventType="outOfOffice").show_as is ShowAs.OUT_OF_OFFICE


def test_what_is_null_is_empty() -> None:
    nothing = {"summary": None, "description": None, "location": None, "iCalUID": None, "htmlLink": None}
    found = decode.single({**raw(), **nothing, "attendees": [{"email": None, "displayName": None}]}, OWN)
    item = found.item
    assert isinstance(item, Event)
    assert (item.title, item.description, item.location, found.uid, found.href) == ("", "", "", "", "")
    assert not isinstance(item.attendees, Unknown)
    assert [(guest.address, guest.name) for guest in item.attendees] == [("", "")]


@pytest.mark.parametrize("role", [Role.FREE_BUSY, Role.READER, Role.MASKED_WRITER])
def test_masked_is_unknown_and_never_empty(role: Role) -> None:
    found = event(
        replace(OWN, role=role), summary=None, organizer=None, reminders=None, visibility="private", iCalUID=None
    )
    assert found.title is found.description is found.location is found.attendees is found.reminder is UNKNOWN
    assert found.when == span("2026-11-21T10:00", "2026-11-21T11:00")
    masked = encode.fields(found, encode.COPIED - {"when", "show_as", "status", "sensitivity"}, patch=True)
    assert masked == {}


def test_a_private_event_that_is_shown_is_not_masked() -> None:
    assert event(replace(OWN, role=Role.READER), visibility="private").title == "Title"


# --- insertion -----------------------------------------------------------------------------------------------------


def test_the_body_of_an_insertion() -> None:
    ours = Event(
        when=span("2026-11-21T10:00", "2026-11-21T11:00"),
        title="Title",
        reminder=15,
        attendees=(Attendee("petra@example.org"),),
        organizer=Attendee("jonas@example.org"),
        conference="https://meet.example/x",
    )
    cancelled = Override(wall("2026-11-28T10:00"), None)
    item = Series(ours, RecurrenceRule.parse("FREQ=WEEKLY"), (cancelled,))
    assert encode.insertion(item, "op-1", Stamp("here", "link-1")) == {
        "id": encode.client_id("op-1", Stamp("here", "other")),
        "summary": "Title",
        "description": "",
        "location": "",
        "start": {"dateTime": "2026-11-21T10:00:00+01:00", "timeZone": BERLIN},
        "end": {"dateTime": "2026-11-21T11:00:00+01:00", "timeZone": BERLIN},
        "visibility": "default",
        "transparency": "opaque",
        "status": "confirmed",
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 15}]},
        "extendedProperties": {"private": {"marketplaceStamp": "here:link-1"}},
        "recurrence": ["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Berlin:20261128T100000"],
    }


def test_the_id_is_the_operations_and_fits_googles_alphabet() -> None:
    stamp = Stamp("here", "link-1")
    assert encode.client_id("op-1", stamp) == encode.client_id("op-1", stamp)
    assert encode.client_id("op-1", stamp) != encode.client_id("op-2", stamp)
    assert encode.client_id("op-1", stamp) != encode.client_id("op-1", Stamp("clone", "link-1"))
    assert set(encode.client_id("op-1", stamp)) <= set("0123456789abcdef")


def test_what_google_would_cut_or_delete_is_not_written() -> None:
    with pytest.raises(Unencodable):
        encode.stamped(Stamp("here", "x" * 1020))
    with pytest.raises(Unencodable):
        encode.fields(replace(event(), status=Status.CANCELLED), {"status"}, patch=True)


def test_other_reminders_stay() -> None:
    mail = {"method": "email", "minutes": 1440}
    now = {"useDefault": False, "overrides": [mail, *_popups(10, 60)]}
    assert encode.reminders(now, 10, 30)["overrides"] == [*_popups(30), mail, *_popups(60)]
    assert encode.reminders(now, 10, None)["overrides"] == [mail, *_popups(60)]
    assert encode.reminders({"useDefault": True}, UNKNOWN, 30) == {"useDefault": False, "overrides": _popups(30)}


def test_an_event_without_an_etag_has_a_revision_all_the_same() -> None:
    """The discovery document requires none; of a cancelled exception it promises that there may be none."""
    plain = raw(etag=None)
    assert "etag" not in plain
    before = decode.single(plain, OWN).revision
    assert decode.single({**plain, "unheardOf": 1}, OWN).revision == before
    assert decode.single({**plain, "summary": "another"}, OWN).revision != before
    assert before.master.startswith(decode.BY_CONTENT)
