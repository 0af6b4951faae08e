"""Expansion case by case: the RFC's own examples, daylight saving, overrides at the window's edge, hostile rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest

from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.expand import (
    is_original,
    occurrence_at,
    occurrences,
    originals,
    span_of,
    touches,
)
from marketplace_plugin.model.series.recurrence_set import recurrence_set
from marketplace_plugin.model.time import AllDay, Original, Timed, Window, Zoned

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def timed(start: str, hours: float = 1, zone: str = BERLIN) -> Timed:
    begin = Zoned(wall(start), zone)
    return Timed(begin, Zoned.at(begin.instant() + timedelta(hours=hours), zone))


def series(start: str, rule: str, *overrides: Override, hours: float = 1, zone: str = BERLIN) -> Series:
    return Series(Event(when=timed(start, hours, zone), title="x"), RecurrenceRule.parse(rule), overrides)


def days(start: str, length: int, rule: str, *overrides: Override) -> Series:
    first = date.fromisoformat(start)
    event = Event(when=AllDay(first, first + timedelta(days=length)), title="x")
    return Series(event, RecurrenceRule.parse(rule), overrides)


def window(start: str, end: str) -> Window:
    return Window(wall(start).replace(tzinfo=UTC), wall(end).replace(tzinfo=UTC))


def starts(item: Event | Series, within: Window, zone: str = BERLIN) -> list[str]:
    told = occurrences(item, within, zone)
    assert not told.truncated
    return [_text(o.event.when.start) for o in told.occurrences]


def _text(original: Original) -> str:
    return f"{original.wall:%Y-%m-%d %H:%M}" if isinstance(original, Zoned) else original.isoformat()


# ---- the examples of RFC 5545 3.8.5.3, DTSTART;TZID=America/New_York:19970902T090000 unless said otherwise ---------


@pytest.mark.parametrize(
    "start, rule, expected",
    [
        ("1997-09-02", "FREQ=DAILY;COUNT=10", "9/2 9/3 9/4 9/5 9/6 9/7 9/8 9/9 9/10 9/11"),
        ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5", "9/2 9/12 9/22 10/2 10/12"),
        ("1997-09-02", "FREQ=WEEKLY;COUNT=10", "9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4"),
        ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "9/2 9/16 9/30 10/14 10/28 11/11 11/25"),
        ("1997-09-02", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
         "9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2"),
        ("1997-09-01", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
         "9/1 9/3 9/5 9/15 9/17 9/19 9/29 10/1 10/3 10/13"),
        ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "9/2 9/4 9/16 9/18 9/30 10/2 10/14 10/16"),
        ("1997-09-05", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "9/5 10/3 11/7 12/5 1/2 2/6 3/6 4/3 5/1 6/5"),
        ("1997-09-07", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
         "9/7 9/28 11/2 11/30 1/4 1/25 3/1 3/29 5/3 5/31"),
        ("1997-09-22", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "9/22 10/20 11/17 12/22 1/19 2/16"),
        ("1997-09-28", "FREQ=MONTHLY;BYMONTHDAY=-3", "9/28 10/29 11/28 12/29 1/29 2/26"),
        ("1997-09-02", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "9/2 9/15 10/2 10/15 11/2 11/15 12/2 12/15 1/2 1/15"),
        ("1997-09-30", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
         "9/30 10/1 10/31 11/1 11/30 12/1 12/31 1/1 1/31 2/1"),
        ("1997-09-10", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
         "9/10 9/11 9/12 9/13 9/14 9/15 3/10 3/11 3/12 3/13"),
        ("1997-06-10", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "6/10 7/10 6/10 7/10 6/10 7/10 6/10 7/10 6/10 7/10"),
        ("1997-01-01", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
         "1/1 4/10 7/19 1/1 4/9 7/18 1/1 4/10 7/19 1/1"),
        ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", "5/19 5/18 5/17"),
        ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "5/12 5/11 5/17"),
        ("1997-03-13", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "3/13 3/20 3/27 3/5 3/12 3/19 3/26"),
        ("1998-02-13", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2/13 3/13 11/13 8/13 10/13"),
        ("1997-09-13", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "9/13 10/11 11/8 12/13 1/10 2/7 3/7"),
        ("1996-11-05", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "11/5 11/7 11/2"),
        ("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "9/4 10/7 11/6"),
        ("1997-09-29", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "9/29 10/30 11/27 12/30 1/29 2/26 3/30"),
        ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "8/5 8/10 8/19 8/24"),
        ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "8/5 8/17 8/19 8/31"),
        ("2007-01-15", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "1/15 1/30 2/15 3/15 3/30"),
    ],
)  # fmt: skip
def test_the_examples_of_the_rfc(start: str, rule: str, expected: str) -> None:
    item = series(f"{start} 09:00", rule, zone=NEW_YORK)
    forever = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC))
    wanted = expected.split()
    told = [o.wall for o in islice(originals(item, forever), len(wanted)) if isinstance(o, Zoned)]
    assert [f"{at.month}/{at.day}" for at in told] == wanted
    assert {(at.hour, at.minute) for at in told} == {(9, 0)}


@pytest.mark.parametrize(
    "rule, expected",
    [
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "09:00 12:00 15:00"),
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", "09:00 09:15 09:30 09:45 10:00 10:15"),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", "09:00 10:30 12:00 13:30"),
        ("FREQ=DAILY;BYHOUR=9,10,11;BYMINUTE=0,20,40;COUNT=5", "09:00 09:20 09:40 10:00 10:20"),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11;COUNT=5", "09:00 09:20 09:40 10:00 10:20"),
        ("FREQ=HOURLY;BYMINUTE=0,30;BYHOUR=9,12;COUNT=4", "09:00 09:30 12:00 12:30"),
        ("FREQ=SECONDLY;INTERVAL=1800;COUNT=3", "09:00 09:30 10:00"),
    ],
)
def test_rules_within_a_day(rule: str, expected: str) -> None:
    """The first one ends at 17:00 in New York, which the RFC writes as 17:00 UTC although it lists 15:00."""
    item = series("1997-09-02 09:00", rule, zone=NEW_YORK, hours=0.1)
    assert [start[-5:] for start in starts(item, window("1997-09-02", "1997-09-03"))] == expected.split()


# ---- where readers of the RFC differ ------------------------------------------------------------------------------


def test_dtstart_is_the_first_instance_even_where_the_rule_does_not_name_it() -> None:
    """3.8.5.3: DTSTART "defines the first instance in the recurrence set"; 3.3.10: it counts as the first occurrence of
    COUNT. What follows when the rule does not name it is undefined there; we show all that either of them names."""
    item = series("2026-11-23 09:00", "FREQ=WEEKLY;BYDAY=TU;COUNT=3")  # a Monday
    assert starts(item, window("2026-11-01", "2027-01-01")) == [
        "2026-11-23 09:00", "2026-11-24 09:00", "2026-12-01 09:00",
    ]  # fmt: skip


def test_what_a_week_number_leaves_open_comes_from_dtstart() -> None:
    """3.3.10: "Information, not contained in the rule, necessary to determine the various recurrence instance start
    time and dates are derived from the Start Time". dateutil gives all seven days."""
    item = series("2026-05-13 09:00", "FREQ=YEARLY;BYWEEKNO=20")  # a Wednesday
    assert starts(item, window("2026-01-01", "2029-01-01")) == [
        "2026-05-13 09:00", "2027-05-19 09:00", "2028-05-17 09:00",
    ]  # fmt: skip


def test_positions_count_in_the_whole_week_of_dtstart() -> None:
    """3.3.10: BYSETPOS "operates on a set of recurrence instances in one interval of the recurrence rule", which begins
    with WKST, not with DTSTART. dateutil begins with DTSTART."""
    item = series("2026-07-03 09:00", "FREQ=WEEKLY;BYDAY=WE,FR,SA;BYSETPOS=2;WKST=TH;COUNT=3")  # a Friday
    assert starts(item, window("2026-07-01", "2026-08-01")) == [
        "2026-07-03 09:00", "2026-07-04 09:00", "2026-07-11 09:00",
    ]  # fmt: skip


def test_the_exact_duration_is_kept_over_a_change_of_summer_time() -> None:
    """3.8.5.3: with DTEND, "the same exact duration will apply to all the members"; both oracles keep wall times."""
    item = series("2026-03-27 22:00", "FREQ=DAILY;COUNT=3", hours=8)
    told = occurrences(item, window("2026-03-27", "2026-04-02"), BERLIN).occurrences
    ends = [o.event.when.end.wall.hour for o in told if isinstance(o.event.when, Timed)]
    assert ends == [6, 7, 6]
    assert {o.event.when.duration for o in told if isinstance(o.event.when, Timed)} == {timedelta(hours=8)}


@pytest.mark.parametrize(
    "rule, expected",
    [
        ("FREQ=MONTHLY", "01-31 03-31 05-31 07-31 08-31 10-31 12-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
         "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=30", "01-31 03-30 04-30 05-30 06-30 07-30 08-30 09-30 10-30 11-30 12-30"),
    ],
)  # fmt: skip
def test_short_months_are_skipped_never_clamped(rule: str, expected: str) -> None:
    """3.3.10: "Recurrence rules may generate recurrence instances with an invalid date [...] MUST be ignored". The 31
    January of the last one is DTSTART."""
    item = series("2026-01-31 09:00", rule)
    assert [start[5:10] for start in starts(item, window("2026-01-01", "2027-01-01"))] == expected.split()


def test_29_february_comes_every_four_years() -> None:
    item = days("2024-02-29", 1, "FREQ=YEARLY")
    assert starts(item, window("2024-01-01", "2033-01-01")) == ["2024-02-29", "2028-02-29", "2032-02-29"]


# ---- daylight saving ----------------------------------------------------------------------------------------------


def test_nine_stays_nine() -> None:
    item = series("2026-03-27 09:00", "FREQ=DAILY;COUNT=4")
    told = occurrences(item, window("2026-03-27", "2026-04-02"), BERLIN).occurrences
    instants = [o.event.when.start.instant() for o in told if isinstance(o.event.when, Timed)]
    assert [i.hour for i in instants] == [8, 8, 7, 7]


def test_in_the_gap_the_offset_before_it_holds() -> None:
    """3.3.10 says both: an instance at a local time that does not exist is ignored, and it is interpreted as in 3.3.5,
    with the UTC offset before the gap. We do the second, as calendars do: a meeting that vanishes for one day of the
    year is a loss. Its original start stays 02:30, which is the name of the occurrence."""
    item = series("2026-03-28 02:30", "FREQ=DAILY;COUNT=3")
    told = occurrences(item, window("2026-03-27", "2026-04-02"), BERLIN).occurrences
    assert [o.event.when.start.instant().hour for o in told if isinstance(o.event.when, Timed)] == [1, 1, 0]
    assert [_text(o.original) for o in told if o.original] == [
        "2026-03-28 02:30", "2026-03-29 02:30", "2026-03-30 02:30",
    ]  # fmt: skip


def test_in_the_overlap_it_is_the_first_of_the_two() -> None:
    """3.3.5: a local time that occurs twice "refers to the first occurrence of the referenced time"."""
    item = series("2026-10-24 02:30", "FREQ=DAILY;COUNT=3")
    told = occurrences(item, window("2026-10-23", "2026-10-28"), BERLIN).occurrences
    assert [o.event.when.start.instant().hour for o in told if isinstance(o.event.when, Timed)] == [0, 0, 1]


def test_a_series_that_starts_in_the_second_of_two_equal_hours() -> None:
    begin = Zoned(wall("2026-10-25 02:30"), BERLIN, fold=1)
    event = Event(when=Timed(begin, Zoned.at(begin.instant() + timedelta(hours=1), BERLIN)))
    item = Series(event, RecurrenceRule.parse("FREQ=DAILY;COUNT=2"))
    told = occurrences(item, window("2026-10-24", "2026-10-28"), BERLIN).occurrences
    assert [o.event.when.start.instant().hour for o in told if isinstance(o.event.when, Timed)] == [1, 1]


def test_an_override_named_by_its_instant_hides_the_occurrence_in_the_gap() -> None:
    """Services tell an original start as an instant, so the 02:30 that does not exist comes as 03:30."""
    override = Override(Zoned(wall("2026-03-29 03:30"), BERLIN), None)
    item = series("2026-03-28 02:30", "FREQ=DAILY;COUNT=3", override)
    assert starts(item, window("2026-03-27", "2026-04-02")) == ["2026-03-28 02:30", "2026-03-30 02:30"]


# ---- ends of series -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "until, last",
    [("20261126T080000Z", "26"), ("20261126T075959Z", "25"), ("20261126T080001Z", "26")],
)
def test_until_is_an_inclusive_instant(until: str, last: str) -> None:
    item = series("2026-11-23 09:00", f"FREQ=DAILY;UNTIL={until}")
    assert starts(item, window("2026-11-01", "2027-01-01"))[-1] == f"2026-11-{last} 09:00"


def test_until_across_zones() -> None:
    """22:00 in New York on the 25th is the 26th in UTC: the instant decides, not the date."""
    item = series("2026-11-23 22:00", "FREQ=DAILY;UNTIL=20261126T030000Z", zone=NEW_YORK)
    assert starts(item, window("2026-11-01", "2027-01-01"))[-1] == "2026-11-25 22:00"


def test_until_of_whole_days_is_an_inclusive_date() -> None:
    item = days("2026-11-23", 1, "FREQ=DAILY;UNTIL=20261125")
    assert starts(item, window("2026-11-01", "2027-01-01")) == ["2026-11-23", "2026-11-24", "2026-11-25"]


def test_until_of_the_wrong_type_is_read_as_its_day() -> None:
    """3.3.10 forbids it; services send it all the same."""
    timed_ = series("2026-11-23 09:00", "FREQ=DAILY;UNTIL=20261125")
    assert starts(timed_, window("2026-11-01", "2027-01-01"))[-1] == "2026-11-25 09:00"
    whole = days("2026-11-23", 1, "FREQ=DAILY;UNTIL=20261125T000000Z")
    assert starts(whole, window("2026-11-01", "2027-01-01"))[-1] == "2026-11-25"


def test_a_series_that_ends_before_it_starts_is_empty() -> None:
    """3.3.10: UNTIL "bounds the recurrence rule in an inclusive manner". Who cuts a series off at its first occurrence
    leaves such a rule behind: ical shows nothing, recurring-ical-events shows DTSTART, which would be a ghost."""
    item = series("2026-11-23 09:00", "FREQ=DAILY;UNTIL=20261123T075959Z")
    assert starts(item, window("2026-11-01", "2027-01-01")) == []


def test_cancelled_occurrences_count() -> None:
    """3.3.10: COUNT bounds the rule; EXDATE takes away afterwards."""
    item = series("2026-11-23 09:00", "FREQ=DAILY;COUNT=3", Override(Zoned(wall("2026-11-24 09:00"), BERLIN), None))
    assert starts(item, window("2026-11-01", "2027-01-01")) == ["2026-11-23 09:00", "2026-11-25 09:00"]


# ---- the window ---------------------------------------------------------------------------------------------------


def test_whole_days_are_days_of_who_looks() -> None:
    item = days("2026-11-23", 1, "FREQ=WEEKLY;COUNT=2")
    evening = Window(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), datetime(2026, 11, 24, 4, 30, tzinfo=UTC))
    assert starts(item, evening, BERLIN) == []
    assert starts(item, evening, NEW_YORK) == ["2026-11-23"]


def test_what_began_before_and_lasts_into_the_window_is_there() -> None:
    item = series("2026-11-20 09:00", "FREQ=WEEKLY", hours=24 * 4)
    assert starts(item, window("2026-11-23", "2026-11-24")) == ["2026-11-20 09:00"]
    assert starts(item, window("2026-11-24T08:00", "2026-11-25")) == []


def test_an_override_counts_where_it_is_now() -> None:
    original = Zoned(wall("2026-11-24 09:00"), BERLIN)
    moved_out = series(
        "2026-11-23 09:00", "FREQ=DAILY;COUNT=3", Override(original, Event(when=timed("2027-02-01 09:00")))
    )
    assert starts(moved_out, window("2026-11-01", "2026-12-01")) == ["2026-11-23 09:00", "2026-11-25 09:00"]
    assert starts(moved_out, window("2027-02-01", "2027-02-02")) == ["2027-02-01 09:00"]
    assert span_of(moved_out, BERLIN)[1] == datetime(2027, 2, 1, 9, tzinfo=UTC)
    before = series("2026-11-23 09:00", "FREQ=DAILY;COUNT=3", Override(original, Event(when=timed("2026-01-01 09:00"))))
    assert span_of(before, BERLIN)[0] == datetime(2026, 1, 1, 8, tzinfo=UTC)


def test_an_override_may_be_of_the_other_kind() -> None:
    original = Zoned(wall("2026-11-24 09:00"), BERLIN)
    day = Event(when=AllDay(date(2026, 11, 24), date(2026, 11, 25)))
    item = series("2026-11-23 09:00", "FREQ=DAILY;COUNT=3", Override(original, day))
    assert sorted(starts(item, window("2026-11-01", "2027-01-01"))) == [
        "2026-11-23 09:00", "2026-11-24", "2026-11-25 09:00",
    ]  # fmt: skip


def test_extra_dates_are_occurrences_and_doubles_are_one() -> None:
    extra = tuple(Zoned(wall(text), BERLIN) for text in ("2026-11-24 09:00", "2026-12-24 14:00"))
    item = replace(series("2026-11-23 09:00", "FREQ=DAILY;COUNT=2"), rdates=extra)
    assert starts(item, window("2026-11-01", "2027-01-01")) == [
        "2026-11-23 09:00", "2026-11-24 09:00", "2026-12-24 14:00",
    ]  # fmt: skip
    only = Series(Event(when=timed("2026-11-23 09:00")), None, (), extra)
    assert starts(only, window("2026-11-01", "2027-01-01")) == [
        "2026-11-23 09:00", "2026-11-24 09:00", "2026-12-24 14:00",
    ]  # fmt: skip
    assert span_of(only, BERLIN)[1] == datetime(2026, 12, 24, 14, tzinfo=UTC)


def test_a_single_event() -> None:
    event = Event(when=timed("2026-11-23 09:00"))
    assert starts(event, window("2026-11-23", "2026-11-24")) == ["2026-11-23 09:00"]
    assert starts(event, window("2026-11-24", "2026-11-25")) == []
    assert span_of(event, BERLIN) == (datetime(2026, 11, 23, 8, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert touches(event, window("2026-11-23", "2026-11-24"), BERLIN)


def test_an_event_without_length_counts_at_its_instant() -> None:
    item = series("2026-11-23 09:00", "FREQ=DAILY", hours=0)
    assert starts(item, window("2026-11-24T08:00", "2026-11-24T08:01")) == ["2026-11-24 09:00"]
    assert starts(item, window("2026-11-24T07:59", "2026-11-24T08:00")) == []


def test_originals_by_name() -> None:
    item = series("2026-11-23 09:00", "FREQ=DAILY;COUNT=3", Override(Zoned(wall("2026-11-24 09:00"), BERLIN), None))
    assert is_original(item, Zoned(wall("2026-11-25 09:00"), BERLIN))
    assert is_original(item, Zoned(wall("2026-11-25 08:00"), "UTC"))
    assert not is_original(item, Zoned(wall("2026-11-26 09:00"), BERLIN))
    assert not is_original(item, Zoned(wall("2026-11-25 10:00"), BERLIN))
    assert not is_original(item, date(2026, 11, 25))
    assert occurrence_at(item, Zoned(wall("2026-11-24 09:00"), BERLIN)) is None
    third = occurrence_at(item, Zoned(wall("2026-11-25 09:00"), BERLIN))
    assert third is not None
    assert third.when == timed("2026-11-25 09:00")


# ---- hostile rules: bounded, and flagged where something was left out ----------------------------------------------


@pytest.mark.parametrize(
    "rule, number, truncated",
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 0, False),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", 0, False),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=4", 0, False),
        ("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", 0, False),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=40", 0, False),
        ("FREQ=SECONDLY", 10_000, True),
        (f"FREQ=DAILY;INTERVAL={10**30}", 0, False),
        (f"FREQ=HOURLY;INTERVAL={10**30};BYDAY=MO", 0, False),
        (f"FREQ=MONTHLY;INTERVAL={10**30};BYDAY=MO", 0, False),
        ("FREQ=MINUTELY", 10_000, True),
        ("FREQ=DAILY;COUNT=2000000000", 366, False),
        ("FREQ=MINUTELY;BYHOUR=3;BYMINUTE=7;COUNT=99999", 0, True),
        ("FREQ=DAILY;BYHOUR=0,6,12,18;BYMINUTE=0,15,30,45;BYSECOND=0,10,20,30,40,50;COUNT=2000000000", 0, True),
    ],
)
def test_hostile_rules_end(rule: str, number: int, truncated: bool) -> None:
    item = series("1970-01-01 02:30", rule, hours=0.01)
    told = occurrences(item, window("2026-01-01", "2027-01-01T12:00"), BERLIN)
    assert (len(told.occurrences), told.truncated) == (number, truncated)
    span_of(item, BERLIN)


@pytest.mark.parametrize("start", ["0001-01-01 00:00", "9999-12-30 23:00"])
@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY", "FREQ=YEARLY;COUNT=20000", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=WEEKLY;WKST=SU"]
)
def test_the_calendar_has_two_ends(start: str, rule: str) -> None:
    item = series(start, rule, zone="UTC", hours=0.5)
    for within in (
        window("2026-01-01", "2026-02-01"),
        window("0001-01-01", "0001-02-01"),
        window("9999-12-01", "9999-12-31"),
    ):
        occurrences(item, within, BERLIN)
    span_of(item, "UTC")


def test_the_limit_keeps_the_earliest() -> None:
    item = series("2026-11-23 09:00", "FREQ=DAILY")
    told = occurrences(item, window("2026-11-01", "2027-11-01"), BERLIN, limit=3)
    assert told.truncated
    assert [o.event.when.start.wall.day for o in told.occurrences if isinstance(o.event.when, Timed)] == [23, 24, 25]


def test_a_far_window_is_reached_without_walking() -> None:
    """Counted in steps, not in seconds: a daily rule of a hundred years is asked for one day's time only."""
    rule = RecurrenceRule.parse("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR")
    day = wall("2026-11-23 00:00")
    assert list(recurrence_set(rule, wall("1926-01-01 09:00"), day, day + timedelta(days=2))) == [
        wall("2026-11-23 09:00"), wall("2026-11-24 09:00"),
    ]  # fmt: skip
