"""Exchange's XML and the model, without any request."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from marketplace_plugin.model.change import Access, Revision, Stamp, UnreadableReason
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
)
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.providers.ews.shape import decode, encode
from marketplace_plugin.providers.ews.shape.decode import Calendar, Whole
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable, Unencodable
from marketplace_plugin.providers.ews.soap import xml
from tests.providers.ews.messages import BERLIN, OWN, STAMP, item

READ = Calendar("read", Role.READER, shared=True, private=False)
DELEGATE = Calendar("delegate", Role.MASKED_WRITER, shared=True, private=False)
ALL_DAY = "<IsAllDayEvent>true</IsAllDayEvent>"
DAILY = (
    "<Recurrence><DailyRecurrence><Interval>1</Interval></DailyRecurrence><NumberedRecurrence>"
    "<StartDate>2026-11-23+01:00</StartDate><NumberOfOccurrences>6</NumberOfOccurrences></NumberedRecurrence></Recurrence>"
)


def at(day: int, hour: int, minute: int = 0, zone: str = "Europe/Berlin") -> Zoned:
    return Zoned(datetime(2026, 11, day, hour, minute), zone)  # noqa: DTZ001  # a wall time


@pytest.fixture(params=["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def machine_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The zone of the machine, which says nothing about anybody's calendar."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


# ---- reading ------------------------------------------------------------------------------------------------------


def test_an_appointment() -> None:
    found = decode.found(
        Whole(
            item(
                "<ParentFolderId Id='calendar'/><Subject>Straße &amp; Café</Subject><Sensitivity>Personal</Sensitivity>"
                "<Body BodyType='Text'>eins\r\nzwei\r\n</Body><ReminderIsSet>true</ReminderIsSet>"
                f"<ReminderMinutesBeforeStart>15</ReminderMinutesBeforeStart>{STAMP}"
                "<LastModifiedTime>2026-11-20T08:00:00.1234567Z</LastModifiedTime><UID>0400</UID>"
                "<LegacyFreeBusyStatus>OOF</LegacyFreeBusyStatus><Location>Raum 4</Location>"
            )
        ),
        OWN,
    )
    assert found.item == Event(
        when=Timed(at(23, 9), at(23, 10)),
        title="Straße & Café",
        description="eins\nzwei",
        location="Raum 4",
        show_as=ShowAs.OUT_OF_OFFICE,
        sensitivity=Sensitivity.PRIVATE,
        reminder=15,
    )
    assert (found.id, found.revision, found.uid) == ("AAMk=", Revision("CQ=="), "0400")
    assert found.stamp == Stamp("instance-1", "link-1")
    assert found.access is Access.FULL
    assert found.changed == datetime(2026, 11, 20, 8, 0, 0, 123456, tzinfo=UTC)


def test_times_have_digits_of_a_second_and_offsets() -> None:
    for start in ("2026-11-23T08:00:00.0000000Z", "2026-11-23T08:00:00.000Z", "2026-11-23T09:00:00+01:00"):
        event = decode.event_of(item(start=start), OWN)
        assert event.when == Timed(at(23, 9), at(23, 10))


def test_start_and_end_keep_their_own_zones() -> None:
    given = item(zone=None)
    for name, zone in (("StartTimeZone", BERLIN), ("EndTimeZone", "Eastern Standard Time")):
        given.append(xml.make(f"t:{name}", Id=zone))
    when = decode.event_of(given, OWN).when
    assert when == Timed(at(23, 9), at(23, 4, zone="America/New_York"))


@pytest.mark.parametrize(
    "start, end, zone",
    [
        ("2026-11-22T23:00:00Z", "2026-11-24T23:00:00Z", BERLIN),
        ("2026-11-23T00:00:00+01:00", "2026-11-25T00:00:00+01:00", BERLIN),
        ("2026-11-23T08:00:00Z", "2026-11-25T08:00:00Z", "Pacific Standard Time"),
        ("2026-11-22T11:00:00Z", "2026-11-24T11:00:00Z", "New Zealand Standard Time"),  # UTC+13
        ("2026-11-22T22:00:00Z", "2026-11-24T22:00:00Z", BERLIN),  # by a server with older rules of the zone
    ],
)
def test_whole_days_are_dates_wherever_the_machine_stands(machine_zone: None, start: str, end: str, zone: str) -> None:
    when = decode.event_of(item(ALL_DAY, start=start, end=end, zone=zone), OWN).when
    assert when == AllDay(date(2026, 11, 23), date(2026, 11, 25))


@pytest.mark.parametrize("zone", [None, "Customized Time Zone", "(UTC+01:00) Amsterdam, Berlin, Rom"])
def test_an_unknown_zone_is_never_guessed(machine_zone: None, zone: str | None) -> None:
    event = decode.event_of(item(zone=zone), OWN)
    assert event.when == Timed(at(23, 8, zone="UTC"), at(23, 9, zone="UTC"))  # an instant is exact without it
    for more in (ALL_DAY, DAILY):  # a date and a series are not
        with pytest.raises(Undecodable) as caught:
            decode.found(Whole(item(more, zone=zone)), OWN)
        assert caught.value.reason is UnreadableReason.UNKNOWN_ZONE


@pytest.mark.parametrize("start", ["", "2026-11-23T08:00:00", "yesterday"])
def test_a_time_without_an_offset_is_no_instant(start: str) -> None:
    with pytest.raises(Undecodable) as caught:
        decode.event_of(item(start=start), OWN)
    assert caught.value.reason is UnreadableReason.MALFORMED


def exception(day: int, start: str, end: str, title: str = "verlegt", identity: str = "EXC=") -> xml.Element:
    return item(
        f"<Subject>{title}</Subject><OriginalStart>2026-11-{day}T08:00:00Z</OriginalStart>",
        start=start,
        end=end,
        identity=identity,
        key=f"K{day}",
    )


def master(*days: int, deleted: tuple[int, ...] = ()) -> xml.Element:
    several = "".join(
        f'<Occurrence><ItemId Id="EXC="/><Start>2026-11-{day}T08:00:00Z</Start><End>2026-11-{day}T09:00:00Z</End>'
        f"<OriginalStart>2026-11-{day}T08:00:00Z</OriginalStart></Occurrence>"
        for day in days
    )
    gone = "".join(f"<DeletedOccurrence><Start>2026-11-{day}T08:00:00Z</Start></DeletedOccurrence>" for day in deleted)
    return item(
        "<Subject>Stand-up</Subject>",
        DAILY,
        f"<ModifiedOccurrences>{several}</ModifiedOccurrences>" if days else "",
        f"<DeletedOccurrences>{gone}</DeletedOccurrences>" if deleted else "",
    )


def test_a_series_with_what_became_of_its_occurrences() -> None:
    whole = Whole(master(24, deleted=(26,)), (exception(24, "2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z"),))
    found = decode.found(whole, OWN)
    assert isinstance(found.item, Series)
    assert str(found.item.rule) == "FREQ=DAILY;COUNT=6"
    first, second = found.item.overrides
    assert first.original == at(24, 9)
    assert first.event is not None
    assert (first.event.title, first.event.when) == ("verlegt", Timed(at(24, 15), at(24, 16)))
    assert second == Override(at(26, 9), None)
    assert found.revision == Revision(
        "CQ==", (("2026-11-24T09:00:00", "K24"), ("2026-11-26T09:00:00", decode.CANCELLED))
    )


def test_an_exception_that_says_nothing_is_none_but_counts_in_the_revision() -> None:
    whole = Whole(master(24), (exception(24, "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z", "Stand-up"),))
    found = decode.found(whole, OWN)
    assert isinstance(found.item, Series)
    assert found.item.overrides == ()
    assert found.revision.overrides == (("2026-11-24T09:00:00", "K24"),)


def test_a_series_whose_exception_was_not_read_is_not_known() -> None:
    with pytest.raises(Undecodable):
        decode.found(Whole(master(24)), OWN)


def test_a_clamped_series_can_be_read_and_not_written() -> None:
    late = (
        "<Recurrence><AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>31</DayOfMonth>"
        "</AbsoluteMonthlyRecurrence><NoEndRecurrence><StartDate>2026-12-31</StartDate></NoEndRecurrence></Recurrence>"
    )
    found = decode.found(Whole(item(late, start="2026-12-31T08:00:00Z", end="2026-12-31T09:00:00Z")), OWN)
    assert found.access is Access.NONE
    assert isinstance(found.item, Series)


GUESTS = (
    "<Organizer><Mailbox><Name>Boss</Name><EmailAddress>Boss@Nordwerk.example</EmailAddress></Mailbox></Organizer>"
    "<RequiredAttendees><Attendee><Mailbox><Name>Anna</Name><EmailAddress>anna@nordwerk.example</EmailAddress>"
    "</Mailbox><ResponseType>Tentative</ResponseType></Attendee></RequiredAttendees><OptionalAttendees><Attendee>"
    "<Mailbox><EmailAddress>jonas@nordwerk.example</EmailAddress></Mailbox></Attendee></OptionalAttendees>"
)


def test_an_invitation() -> None:
    given = item(
        "<IsMeeting>true</IsMeeting><IsCancelled>true</IsCancelled><MyResponseType>Tentative</MyResponseType>",
        GUESTS,
        "<AppointmentState>3</AppointmentState>",
    )
    found = decode.found(Whole(given), OWN)
    assert isinstance(found.item, Event)
    assert found.access is Access.ATTENDEE
    assert found.item.status is Status.CANCELLED
    assert found.item.response is Response.TENTATIVE
    assert found.item.organizer == Attendee("boss@nordwerk.example", "Boss", Response.ACCEPTED)
    assert found.item.attendees == (
        Attendee("anna@nordwerk.example", "Anna", Response.TENTATIVE),
        Attendee("jonas@nordwerk.example", optional=True),
    )


@pytest.mark.parametrize(
    "parts, own",
    [
        ("<AppointmentState>0</AppointmentState>", True),
        ("<IsMeeting>true</IsMeeting><AppointmentState>1</AppointmentState>", True),
        ("<IsMeeting>true</IsMeeting><MyResponseType>Organizer</MyResponseType>", True),
        ("<IsMeeting>true</IsMeeting><MyResponseType>NoResponseReceived</MyResponseType>", False),
        ("<AppointmentState>7</AppointmentState>", False),
        ("", True),
    ],
)
def test_who_organises(parts: str, own: bool) -> None:
    assert decode.is_own(item(parts)) is own


SECRET = (
    "<Subject>GEHEIM</Subject><Sensitivity>{}</Sensitivity><Body BodyType='Text'>GEHEIM</Body>"
    "<Location>GEHEIM</Location>"
)


def test_private_items_of_others_are_masked() -> None:
    for calendar in (READ, DELEGATE):
        found = decode.found(Whole(item(SECRET.format("Private"))), calendar)
        assert isinstance(found.item, Event)
        assert found.access is Access.NONE
        assert found.item.title is UNKNOWN
        assert "GEHEIM" not in repr(found)
    assert decode.found(Whole(item(SECRET.format("Normal"))), DELEGATE).access is Access.FULL


def test_the_reminder_of_a_calendar_to_read_is_its_owners() -> None:
    event = decode.event_of(item("<ReminderIsSet>true</ReminderIsSet>"), READ)
    assert event.reminder is UNKNOWN


@pytest.mark.parametrize("attributes", ["BodyType='HTML'", "BodyType='Text' IsTruncated='true'"])
def test_a_body_that_is_no_whole_text_is_not_known(attributes: str) -> None:
    assert decode.event_of(item(f"<Body {attributes}>Text</Body>"), OWN).description is UNKNOWN
    assert decode.event_of(item(f"<Body {attributes}/>"), OWN).description == ""


def test_stamps_of_others_are_none() -> None:
    assert decode.stamp_of(item(STAMP.replace("6c0b5e0d", "00000000"))) is None
    assert decode.stamp_of(item(STAMP.replace("MarketplaceStamp", "marketplacestamp"))) is None
    assert decode.stamp_of(item(STAMP.replace("6c0b5e0d-4a2f-4f0c", "6C0B5E0D-4A2F-4F0C"))) is not None


# ---- writing ------------------------------------------------------------------------------------------------------


def written(event: Event, *names: str, home: str = "Europe/Berlin", schema: str = "Exchange2016") -> dict[str, str]:
    parts = encode.fields(event, names or encode.COPIED, home=home, schema=schema)
    return {xml.local(part): part.get("Id") or part.text or "" for part in parts}


def test_a_timed_event_is_instants_with_the_names_of_their_zones() -> None:
    event = Event(when=Timed(at(23, 9), at(23, 6, zone="America/New_York")), title="Flug")
    assert written(event, "when") == {
        "Start": "2026-11-23T08:00:00Z",
        "End": "2026-11-23T11:00:00Z",
        "IsAllDayEvent": "false",
        "StartTimeZone": BERLIN,
        "EndTimeZone": "Eastern Standard Time",
    }


def test_whole_days_are_midnights_at_home(machine_zone: None) -> None:
    event = Event(when=AllDay(date(2026, 11, 23), date(2026, 11, 24)), title="Messe")
    assert written(event, "when") == {
        "Start": "2026-11-23T00:00:00",
        "End": "2026-11-24T00:00:00",
        "IsAllDayEvent": "true",
        "StartTimeZone": BERLIN,
        "EndTimeZone": BERLIN,
    }
    assert written(event, "when", home="Nowhere/Else")["StartTimeZone"] == "UTC"


def test_a_series_needs_a_zone_that_windows_knows() -> None:
    strange = Timed(at(23, 9, zone="Antarctica/Troll"), at(23, 10, zone="Antarctica/Troll"))
    assert {xml.local(p): p.get("Id") for p in encode.times(strange, home="UTC")}["StartTimeZone"] == "UTC"
    with pytest.raises(Unencodable):
        encode.times(strange, home="UTC", repeats=True)


def test_only_what_is_named_and_known_is_written() -> None:
    event = Event(when=Timed(at(23, 9), at(23, 10)), title="neu", location=UNKNOWN, reminder=None)
    assert written(event, "title", "location", "reminder") == {"Subject": "neu", "ReminderIsSet": "false"}
    assert written(replace(event, reminder=30), "reminder")["ReminderMinutesBeforeStart"] == "30"


def test_what_exchange_cannot_hold_is_refused() -> None:
    event = Event(when=Timed(at(23, 9), at(23, 10)), title="x")
    with pytest.raises(Unencodable):
        written(replace(event, status=Status.CANCELLED), "status")
    elsewhere = replace(event, show_as=ShowAs.ELSEWHERE)
    assert written(elsewhere, "show_as") == {"LegacyFreeBusyStatus": "WorkingElsewhere"}
    with pytest.raises(Unencodable):
        written(elsewhere, "show_as", schema="Exchange2010_SP2")


def test_a_new_item_keeps_the_order_of_the_schema() -> None:
    series = Series(
        Event(when=Timed(at(23, 9), at(23, 10)), title="x", description="y", location="z", reminder=5),
        RecurrenceRule.parse("FREQ=DAILY"),
    )
    made = encode.insertion(series, "op", Stamp("i", "l"), home="UTC", schema="Exchange2010")
    names = [xml.local(part) for part in made]
    assert names == sorted(names, key=list(encode.PATHS).index)
    assert {"UID", "ExtendedProperty", "Recurrence"} <= set(names)
    again = encode.insertion(series, "op", Stamp("i", "l"), home="UTC", schema="Exchange2010")
    assert xml.written(made) == xml.written(again)


def test_forbidden_characters_are_left_out() -> None:
    assert written(Event(when=Timed(at(23, 9), at(23, 10)), title="a\x0bb\x00c"), "title") == {"Subject": "abc"}
    assert xml.parse(b"<x>a&#x1F;b&#31;c&#65;</x>").text == "abcA"


@pytest.mark.parametrize(
    "content",
    [b"", b"<x>", b"<x/><y/>", b"no xml", b'<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>', b"<x>&e;</x>"],
)
def test_only_whole_documents_without_surprises_are_parsed(content: bytes) -> None:
    with pytest.raises(xml.Unparsable):
        xml.parse(content)
