"""Exchange's recurrence patterns and RFC 5545: each said exactly, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable, Unencodable, element_of, rule_of
from marketplace_plugin.providers.ews.soap import xml
from tests.providers.ews.messages import element


def at(year: int, month: int, day: int, hour: int = 9, zone: str = "Europe/Berlin") -> Zoned:
    return Zoned(datetime(year, month, day, hour), zone)  # noqa: DTZ001  # a wall time


def series(rule: str, start: Zoned) -> Series:
    end = replace(start, wall=start.wall.replace(minute=30))
    return Series(Event(when=Timed(start, end), title="Runde"), RecurrenceRule.parse(rule))


def said(rule: str, start: Zoned) -> str:
    """Pattern and range without namespaces."""
    text = xml.written(element_of(series(rule, start))).decode()
    for prefix in (' xmlns:t="' + xml.TYPES + '"', ' xmlns:m="' + xml.MESSAGES + '"', "t:"):
        text = text.replace(prefix, "")
    return text.removeprefix("<Recurrence>").removesuffix("</Recurrence>")


NO_END = "<NoEndRecurrence><StartDate>{}</StartDate></NoEndRecurrence>"
MONDAY = at(2026, 11, 23)


@pytest.mark.parametrize(
    "rule, start, pattern",
    [
        ("FREQ=DAILY", MONDAY, "<DailyRecurrence><Interval>1</Interval></DailyRecurrence>"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=SU",
            MONDAY,
            (
                "<WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Monday Wednesday</DaysOfWeek>"
                "<FirstDayOfWeek>Sunday</FirstDayOfWeek></WeeklyRecurrence>"
            ),
        ),
        (
            "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=23",
            MONDAY,
            "<AbsoluteMonthlyRecurrence><Interval>3</Interval><DayOfMonth>23</DayOfMonth></AbsoluteMonthlyRecurrence>",
        ),
        (
            "FREQ=MONTHLY;BYDAY=4MO",
            MONDAY,
            (
                "<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Monday</DaysOfWeek>"
                "<DayOfWeekIndex>Fourth</DayOfWeekIndex></RelativeMonthlyRecurrence>"
            ),
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            at(2026, 11, 30),
            (
                "<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Weekday</DaysOfWeek>"
                "<DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>"
            ),
        ),
        (
            "FREQ=YEARLY",
            MONDAY,
            "<AbsoluteYearlyRecurrence><DayOfMonth>23</DayOfMonth><Month>November</Month></AbsoluteYearlyRecurrence>",
        ),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=-1MO",
            at(2026, 11, 30),
            (
                "<RelativeYearlyRecurrence><DaysOfWeek>Monday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex>"
                "<Month>November</Month></RelativeYearlyRecurrence>"
            ),
        ),
    ],
)
def test_each_pattern_is_said_and_understood_again(rule: str, start: Zoned, pattern: str) -> None:
    text = said(rule, start)
    assert text == pattern + NO_END.format(start.wall.date().isoformat())
    assert said(str(rule_of(element(f"<Recurrence>{text}</Recurrence>"), start)), start) == text


@pytest.mark.parametrize(
    "rule, start",
    [
        ("FREQ=YEARLY;INTERVAL=2", MONDAY),  # a yearly pattern has no interval
        ("FREQ=MONTHLY;BYMONTHDAY=31", at(2026, 12, 31)),  # Exchange clamps, RFC 5545 skips
        ("FREQ=MONTHLY;BYMONTHDAY=-1", at(2026, 11, 30)),
        ("FREQ=MONTHLY;BYDAY=5MO", at(2026, 11, 30)),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", at(2026, 11, 15)),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", at(2028, 2, 29)),
        ("FREQ=WEEKLY;BYDAY=TU", MONDAY),  # the start is no occurrence: Exchange would move it
        ("FREQ=HOURLY", MONDAY),
    ],
)
def test_what_exchange_cannot_say_is_refused(rule: str, start: Zoned) -> None:
    with pytest.raises(Unencodable):
        element_of(series(rule, start))


def test_a_clamped_day_is_read_as_what_it_means() -> None:
    text = "<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>31</DayOfMonth></AbsoluteMonthlyRecurrence>"
    start = at(2026, 10, 31)
    rule = rule_of(element(f"<Recurrence>{text}{NO_END.format('2026-10-31')}</Recurrence>"), start)
    assert str(rule) == "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"


def test_the_last_day_is_a_date_of_the_series_zone() -> None:
    """UNTIL is an instant: 08:00 UTC is nine o'clock in Berlin, so the 18th is the last day; before it the 17th."""
    for until, last in (("20261218T080000Z", "2026-12-18"), ("20261218T075959Z", "2026-12-17")):
        assert f"<EndDate>{last}</EndDate>" in said(f"FREQ=DAILY;UNTIL={until}", MONDAY)
    late = at(2026, 11, 23, 23, "America/New_York")
    assert "<EndDate>2026-12-18</EndDate>" in said("FREQ=DAILY;UNTIL=20261219T040000Z", late)


@pytest.mark.parametrize("text", ["2026-12-18", "2026-12-18Z", "2026-12-18+01:00"])
def test_dates_come_with_an_offset_that_says_nothing(text: str) -> None:
    given = element(
        "<Recurrence><DailyRecurrence><Interval>1</Interval></DailyRecurrence><EndDateRecurrence>"
        f"<StartDate>2026-11-23</StartDate><EndDate>{text}</EndDate></EndDateRecurrence></Recurrence>"
    )
    assert str(rule_of(given, MONDAY)) == "FREQ=DAILY;UNTIL=20261218T080000Z"
    assert str(rule_of(given, date(2026, 11, 23))) == "FREQ=DAILY;UNTIL=20261218"


def test_groups_of_days() -> None:
    given = element(
        "<Recurrence><WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Weekday</DaysOfWeek></WeeklyRecurrence>"
        "<NumberedRecurrence><StartDate>2026-11-23</StartDate><NumberOfOccurrences>10</NumberOfOccurrences>"
        "</NumberedRecurrence></Recurrence>"
    )
    assert str(rule_of(given, MONDAY)) == "FREQ=WEEKLY;COUNT=10;BYDAY=MO,TU,WE,TH,FR"


@pytest.mark.parametrize(
    "inside",
    [
        "<DailyRegeneration><Interval>1</Interval></DailyRegeneration>" + NO_END.format("2026-11-23"),
        "<DailyRecurrence><Interval>x</Interval></DailyRecurrence>" + NO_END.format("2026-11-23"),
        "<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>0</DayOfMonth></AbsoluteMonthlyRecurrence>"
        + NO_END.format("2026-11-23"),
        "<DailyRecurrence><Interval>1</Interval></DailyRecurrence><SomeRange/>",
        "<DailyRecurrence><Interval>1</Interval></DailyRecurrence>",
    ],
)
def test_what_cannot_be_understood_has_a_reason(inside: str) -> None:
    with pytest.raises(Undecodable) as caught:
        rule_of(element(f"<Recurrence>{inside}</Recurrence>"), MONDAY)
    assert caught.value.reason is UnreadableReason.UNSUPPORTED_RULE


def test_whole_days_repeat_by_dates() -> None:
    days = Series(
        Event(when=AllDay(date(2026, 11, 23), date(2026, 11, 24)), title="Urlaub"),
        RecurrenceRule.parse("FREQ=WEEKLY;UNTIL=20261207"),
    )
    text = xml.written(element_of(days)).decode()
    assert "<t:EndDate>2026-12-07</t:EndDate>" in text
    assert "<t:StartDate>2026-11-23</t:StartDate>" in text
