"""Google's recurrence lines and exceptions, and the series that they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from marketplace_plugin.model.change import UnreadableReason
from marketplace_plugin.model.event import (
    Override,
    Series,
)
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.providers.google.shape import decode, recurrence
from marketplace_plugin.providers.google.shape.recurrence import Undecodable
from tests.providers.google.messages import BERLIN, OWN, Json, exception, raw, series, wall

# --- series --------------------------------------------------------------------------------------------------------


def test_exceptions_exdates_and_extra_dates_are_one_series() -> None:
    found = decode.series(
        raw(
            recurrence=[
                "EXDATE;TZID=Europe/Berlin:20261205T100000",
                "RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=SA",
                "RDATE:20261224T160000Z",
            ]
        ),
        [
            exception({"dateTime": "2026-11-28T09:00:00Z"}, summary="moved", updated="2026-11-19T09:30:00.000Z"),
            {
                "id": "abc_y",
                "etag": '"9"',
                "status": "cancelled",
                "recurringEventId": "abc",
                "originalStartTime": {"dateTime": "2026-12-12T09:00:00Z"},
            },
        ],
        OWN,
    )
    item = found.item
    assert isinstance(item, Series)
    assert item.rule == RecurrenceRule.parse("FREQ=WEEKLY;BYDAY=SA")
    assert item.rdates == (wall("2026-12-24T17:00"),)
    assert [(o.original, o.event is None) for o in item.overrides] == [
        (wall("2026-11-28T10:00"), False),
        (wall("2026-12-05T10:00"), True),
        (wall("2026-12-12T10:00"), True),
    ]
    assert found.revision.overrides == (("2026-11-28T10:00:00", '"7"'), ("2026-12-12T10:00:00", '"9"'))
    assert found.changed == datetime(2026, 11, 19, 9, 30, tzinfo=UTC)


def test_an_exception_that_changes_nothing_and_a_cancellation_of_nothing_are_left_out() -> None:
    regular = exception({"dateTime": "2026-11-28T09:00:00Z"}, start=_at("2026-11-28T10"), end=_at("2026-11-28T11"))
    stray = exception({"dateTime": "2026-11-27T09:00:00Z"}, status="cancelled")
    assert series([regular, stray], recurrence=["RRULE:FREQ=WEEKLY"]).overrides == ()


def test_an_exception_outside_the_rule_is_kept() -> None:
    stray = exception({"dateTime": "2026-11-27T09:00:00Z"}, start=_at("2026-11-27T10"), end=_at("2026-11-27T11"))
    assert len(series([stray], recurrence=["RRULE:FREQ=WEEKLY"]).overrides) == 1


def _at(hour: str) -> Json:
    return {"dateTime": f"{hour}:00:00+01:00", "timeZone": BERLIN}


def test_whole_day_exceptions_are_dates() -> None:
    days: Json = {"start": {"date": "2026-11-21"}, "end": {"date": "2026-11-22"}, "recurrence": ["RRULE:FREQ=DAILY"]}
    cancelled = {"id": "e", "etag": '"2"', "status": "cancelled", "recurringEventId": "abc"}
    for original in ({"date": "2026-11-23"}, {"dateTime": "2026-11-23T00:00:00Z"}):  # the second: once it was timed
        found = series([{**cancelled, "originalStartTime": original}], **days)
        assert found.overrides == (Override(date(2026, 11, 23), None),)


@pytest.mark.parametrize(
    "original",
    [
        {"dateTime": "2026-11-23T00:30:00+01:00", "timeZone": BERLIN},
        {"dateTime": "2026-11-22T23:30:00Z", "timeZone": BERLIN},
        {"dateTime": "2026-11-23T08:00:00+09:00"},
        {"dateTime": "2026-11-23T08:00:00+09:00", "timeZone": "Mars/Base"},
        {"dateTime": "2026-11-23T00:30:00"},
    ],
)
def test_an_exception_of_a_series_that_was_timed_once_keeps_its_date(original: Json) -> None:
    start = date(2026, 11, 21)
    assert decode.original_of({"originalStartTime": original}, start) == date(2026, 11, 23)


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE;VALUE=DATE:20261123",
        "EXDATE;TZID=Europe/Berlin:20261123T000000",
        "EXDATE;TZID=Europe/Berlin:20261122T230000Z",
        "EXDATE:20261123T000000",
        "EXDATE:20261123T000000Z",
    ],
)
def test_a_cancelled_whole_day_is_a_date_in_its_own_zone(line: str) -> None:
    assert recurrence.parse(["RRULE:FREQ=DAILY", line], date(2026, 11, 21)).exdates == (date(2026, 11, 23),)


@pytest.mark.parametrize(
    "original",
    [
        {"dateTime": "2026-11-28T10:00:00"},
        {"dateTime": "2026-11-28T10:00:00", "timeZone": BERLIN},
        {"dateTime": "2026-11-28T04:00:00", "timeZone": "America/New_York"},
        {"dateTime": "2026-11-28T09:00:00Z", "timeZone": "Mars/Base"},
    ],
)
def test_an_original_start_without_an_offset_is_in_the_zone_of_its_series(original: Json) -> None:
    assert decode.original_of({"originalStartTime": original}, wall("2026-11-21T10:00")) == wall("2026-11-28T10:00")


def test_an_original_start_without_an_offset_in_an_unknown_zone_is_not_guessed() -> None:
    with pytest.raises(Undecodable):
        decode.original_of(
            {"originalStartTime": {"dateTime": "2026-11-28T10:00:00", "timeZone": "Mars/Base"}},
            wall("2026-11-21T10:00"),
        )


def test_one_unreadable_exception_makes_the_series_unreadable_not_shorter() -> None:
    with pytest.raises(Undecodable):
        series([exception({"dateTime": "2026-11-28T09:00:00Z"}, start={})], recurrence=["RRULE:FREQ=WEEKLY"])


@pytest.mark.parametrize(
    "lines, reason",
    [
        (["RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY"], UnreadableReason.UNSUPPORTED_RULE),
        (["RRULE:FREQ=WEEKLY", "EXRULE:FREQ=DAILY"], UnreadableReason.UNSUPPORTED_RULE),
        (["RRULE:FREQ=FORTNIGHTLY"], UnreadableReason.UNSUPPORTED_RULE),
        (["RRULE:FREQ=WEEKLY;SKIP=FORWARD"], UnreadableReason.UNSUPPORTED_RULE),
        (["RDATE;VALUE=PERIOD:20261121T090000Z/PT1H"], UnreadableReason.UNSUPPORTED_RULE),
        (["RRULE:FREQ=WEEKLY", "EXDATE:soon"], UnreadableReason.UNSUPPORTED_RULE),
        (["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Mars/Base:20261205T100000"], UnreadableReason.UNKNOWN_ZONE),
        (["DTSTART:20261121T090000Z"], UnreadableReason.UNSUPPORTED_RULE),
    ],
)
def test_rules_that_we_cannot_hold_are_never_approximated(lines: list[str], reason: UnreadableReason) -> None:
    with pytest.raises(Undecodable) as finding:
        series(recurrence=lines)
    assert finding.value.reason is reason


@pytest.mark.parametrize(
    "until, read",
    [
        ("20261231T220000Z", datetime(2026, 12, 31, 22, tzinfo=UTC)),
        ("20261231", datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)),
        ("20261231T100000", datetime(2026, 12, 31, 9, tzinfo=UTC)),
    ],
)
def test_until_of_a_timed_series_is_an_instant(until: str, read: datetime) -> None:
    rule = series(recurrence=[f"RRULE:FREQ=WEEKLY;UNTIL={until}"]).rule
    assert rule is not None
    assert rule.until == read


def test_until_of_whole_days_is_a_date() -> None:
    days: Json = {"start": {"date": "2026-11-21"}, "end": {"date": "2026-11-22"}}
    rule = series(recurrence=["RRULE:FREQ=DAILY;UNTIL=20261231T230000Z"], **days).rule
    assert rule is not None
    assert rule.until == date(2026, 12, 31)


def test_recurrence_lines() -> None:
    dates = [wall("2026-12-05T10:00"), replace(wall("2026-10-25T02:30"), fold=1)]
    assert recurrence.lines(RecurrenceRule.parse("FREQ=WEEKLY"), [], dates) == [
        "RRULE:FREQ=WEEKLY",
        "EXDATE:20261025T013000Z",
        "EXDATE;TZID=Europe/Berlin:20261205T100000",
    ]
    assert recurrence.lines(None, [date(2026, 12, 5), date(2026, 12, 4)], []) == ["RDATE;VALUE=DATE:20261204,20261205"]
