"""Graph's JSON and the model, without any request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from marketplace_plugin.model.change import Access, Revision, Stamp, UnreadableReason
from marketplace_plugin.model.event import (
    UNKNOWN,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
)
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Original, Timed, Zoned
from marketplace_plugin.providers.graph.shape import decode, encode
from marketplace_plugin.providers.graph.shape.decode import Calendar, Whole
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable, Unencodable
from tests.providers.graph.messages import BERLIN, BUSY, DELEGATE, OWN, READ, WINDOWS, Json, at, raw, rule, single, utc

# --- reading -------------------------------------------------------------------------------------------------------


def test_an_event_with_everything() -> None:
    found = decode.found(Whole(raw()), OWN)
    assert found.item == Event(
        when=Timed(at(23), at(23, 10)),
        title="Runde",
        description="eins\nzwei",
        location="Raum 4",
        show_as=ShowAs.OUT_OF_OFFICE,
        reminder=15,
    )
    assert (found.id, found.uid, found.revision) == ("AAk=", "0400", Revision('W/"one"'))
    assert found.changed == datetime(2026, 11, 20, 8, 0, 0, 123456, UTC)
    assert found.access is Access.FULL
    assert found.stamp is None


def test_the_stamp_is_read_whatever_the_case_of_the_guid() -> None:
    mark = {"id": decode.STAMP.replace("6c0b", "6C0B"), "value": "instance:link"}
    assert decode.stamp_of(raw(singleValueExtendedProperties=[mark])) == Stamp("instance", "link")


def test_whole_days_are_dates_in_every_zone() -> None:
    given = raw(isAllDay=True, start=utc("2026-11-23T00:00:00"), end=utc("2026-11-25T00:00:00"))
    assert single(given).when == AllDay(date(2026, 11, 23), date(2026, 11, 25))


@pytest.mark.parametrize(
    "name, zone",
    [
        ("Eastern Standard Time", "America/New_York"),
        ("Europe/Madrid", "Europe/Madrid"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Custom", "UTC"),
        ("Nowhere Standard Time", "UTC"),
    ],
)
def test_a_single_event_keeps_its_instant_whatever_its_zone_is_called(name: str, zone: str) -> None:
    when = single(raw(originalStartTimeZone=name)).when
    assert isinstance(when, Timed)
    assert when.start.zone == zone
    assert when.start.instant() == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_series_without_a_known_zone_is_unreadable() -> None:
    given = raw(originalStartTimeZone="tzone://Microsoft/Custom", recurrence=rule("daily"))
    with pytest.raises(Undecodable) as caught:
        decode.found(Whole(given), OWN)
    assert caught.value.reason is UnreadableReason.UNKNOWN_ZONE


@pytest.mark.parametrize("missing", ["id", "start", "end"])
def test_what_misses_its_essentials_is_unreadable(missing: str) -> None:
    given = raw()
    del given[missing]
    with pytest.raises(Undecodable) as caught:
        decode.found(Whole(given), OWN)
    assert caught.value.reason is UnreadableReason.MALFORMED


def test_an_invitation() -> None:
    guests = [{"type": "optional", "emailAddress": {"address": "Me@x.org", "name": "Me"}, "status": {"response": "x"}}]
    answer = {"response": "tentativelyAccepted"}
    given = raw(isOrganizer=False, attendees=guests, responseStatus=answer, isCancelled=True)
    event = single(given)
    assert event.organizer is not None
    assert event.organizer.address == "anna@example.org"
    assert event.response is Response.TENTATIVE
    assert event.status is Status.CANCELLED
    assert decode.found(Whole(given), OWN).access is Access.ATTENDEE
    assert decode.has_guests(given)


def test_html_that_comes_all_the_same_is_not_taken_for_text() -> None:
    assert single(raw(body={"contentType": "html", "content": "<p>x</p>"})).description is UNKNOWN


@pytest.mark.parametrize(
    "calendar, more",
    [
        (BUSY, {"subject": "Busy", "organizer": None}),
        (READ, {"subject": "Private Appointment", "sensitivity": "private", "organizer": None}),
        (READ, {"sensitivity": "private"}),
        (DELEGATE, {"sensitivity": "confidential"}),
        (READ, {"subject": "Busy", "organizer": None}),
    ],
)
def test_what_is_masked_is_unknown_and_read_only(calendar: Calendar, more: Json) -> None:
    event = single(raw(**more), calendar)
    for name in ("title", "description", "location", "reminder", "attendees"):
        assert getattr(event, name) is UNKNOWN, name
    assert decode.found(Whole(raw(**more)), calendar).access is Access.NONE


def test_what_a_shared_calendar_may_withhold_is_not_empty() -> None:
    event = single(raw(body={"contentType": "text", "content": ""}), READ)
    assert event.title == "Runde"
    assert (event.description, event.attendees, event.reminder) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert single(raw(sensitivity="personal")).sensitivity is Sensitivity.PRIVATE


def test_a_series_with_what_became_of_its_occurrences() -> None:
    moved = raw(
        **{"@odata.etag": 'W/"two"'},
        originalStart="2026-11-24T08:00:00Z",
        subject="verlegt",
        start=utc("2026-11-24T14:00:00"),
        end=utc("2026-11-24T15:00:00"),
    )
    regular = raw(
        **{"@odata.etag": 'W/"three"'},
        originalStart="2026-11-25T08:00:00Z",
        start=utc("2026-11-25T08:00:00"),
        end=utc("2026-11-25T09:00:00"),
    )
    given = raw(
        recurrence=rule("daily", end=6),
        exceptionOccurrences=[regular, moved],
        cancelledOccurrences=["OID.AAk=.2026-11-26"],
    )
    found = decode.found(decode.whole(given), OWN)
    series = found.item
    assert isinstance(series, Series)
    assert [o.original for o in series.overrides] == [at(24), at(26)]
    assert series.overrides[1].event is None
    assert found.revision == Revision(
        'W/"one"',
        (
            ("2026-11-24T09:00:00", 'W/"two"'),
            ("2026-11-25T09:00:00", 'W/"three"'),
            ("2026-11-26T09:00:00", decode.CANCELLED),
        ),
    )


def test_the_original_of_whole_days_is_a_midnight_of_the_anchor() -> None:
    start: Original = date(2026, 11, 23)
    exception = {"originalStart": "2026-11-29T23:00:00Z"}
    for anchor in (WINDOWS, "tzone://Microsoft/Custom"):
        assert decode.original_of(exception, {"originalStartTimeZone": anchor}, start) == date(2026, 11, 30)


# --- writing -------------------------------------------------------------------------------------------------------


def test_a_new_event() -> None:
    event = Event(
        when=Timed(at(23), at(23, 10)),
        title="Neu",
        description="a\nb",
        location="Hier",
        show_as=ShowAs.ELSEWHERE,
        sensitivity=Sensitivity.CONFIDENTIAL,
        reminder=0,
    )
    body = encode.insertion(event, "op", Stamp("instance", "link"))
    assert body.pop("transactionId") == encode.transaction_id("op", Stamp("instance", "other"))
    assert body == {
        "subject": "Neu",
        "body": {"contentType": "text", "content": "a\nb"},
        "location": {"displayName": "Hier"},
        "start": {"dateTime": "2026-11-23T09:00:00", "timeZone": WINDOWS},
        "end": {"dateTime": "2026-11-23T10:00:00", "timeZone": WINDOWS},
        "isAllDay": False,
        "sensitivity": "confidential",
        "showAs": "workingElsewhere",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 0,
        "singleValueExtendedProperties": [
            {"id": decode.STAMP, "value": "instance:link"},
            {"id": decode.ZONES, "value": "Europe/Berlin Europe/Berlin"},
        ],
    }


def test_guests_and_organisers_are_never_written() -> None:
    event = single(raw(isOrganizer=False, attendees=[{"emailAddress": {"address": "x@y.org"}}]))
    assert not {"attendees", "organizer", "isOnlineMeeting"} & encode.fields(event, encode.FIELDS).keys()


def test_unknown_fields_are_left_out() -> None:
    event = Event(
        when=Timed(at(23), at(23, 10)),
        title=UNKNOWN,
        description=UNKNOWN,
        location=UNKNOWN,
        show_as=UNKNOWN,
        sensitivity=UNKNOWN,
        reminder=UNKNOWN,
    )
    assert encode.fields(event, encode.FIELDS).keys() == {"start", "end", "isAllDay"}


def test_whole_days_go_from_midnight_to_midnight() -> None:
    assert encode.times(AllDay(date(2026, 11, 23), date(2026, 11, 24))) == {
        "start": {"dateTime": "2026-11-23T00:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-24T00:00:00", "timeZone": "UTC"},
        "isAllDay": True,
    }


def test_the_second_of_two_equal_hours_is_said_in_utc() -> None:
    wall = datetime.fromisoformat("2026-10-25T02:30")
    second = Zoned(wall, BERLIN, fold=1)
    assert encode.times(Timed(second, second))["start"] == {"dateTime": "2026-10-25T01:30:00", "timeZone": "UTC"}
    with pytest.raises(Unencodable):
        encode.times(Timed(second, second), repeats=True)


def test_a_zone_that_windows_does_not_know_keeps_the_instant_of_one_event_only() -> None:
    there = Zoned(datetime.fromisoformat("2026-11-23T09:00"), "Antarctica/Troll")
    assert encode.times(Timed(there, there))["start"] == {"dateTime": "2026-11-23T09:00:00", "timeZone": "UTC"}
    with pytest.raises(Unencodable):
        encode.times(Timed(there, there), repeats=True)


def test_a_cancelled_event_cannot_be_made() -> None:
    with pytest.raises(Unencodable):
        encode.fields(replace(single(raw()), status=Status.CANCELLED), {"status"})


def test_an_override_that_says_nothing_is_none() -> None:
    series = Series(single(raw()), RecurrenceRule.parse("FREQ=DAILY"), (Override(at(24), None),))
    given = raw(recurrence=rule("daily"), cancelledOccurrences=["OID.AAk=.2026-11-24", "OID.AAk=.2026-11-01"])
    assert decode.found(decode.whole(given), OWN).item == series
