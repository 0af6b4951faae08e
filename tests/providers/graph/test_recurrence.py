"""Graph's recurrence patterns and RFC 5545: each said exactly, or not at all."""

from __future__ import annotations

import pytest

from marketplace_plugin.model.change import Access, UnreadableReason
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed
from marketplace_plugin.providers.graph.shape import decode, recurrence
from marketplace_plugin.providers.graph.shape.decode import Whole
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable, Unencodable
from tests.providers.graph.messages import OWN, Json, at, raw, rule

BOTH_WAYS = [
    ("FREQ=DAILY;INTERVAL=3", rule("daily", interval=3)),
    ("FREQ=DAILY;COUNT=6", rule("daily", end=6)),
    ("FREQ=WEEKLY;UNTIL=20261221T080000Z", rule("weekly", end="2026-12-21", daysOfWeek=["monday"])),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=SU",
        rule("weekly", interval=2, daysOfWeek=["wednesday", "monday"]),
    ),
    ("FREQ=MONTHLY", rule("absoluteMonthly", dayOfMonth=23)),
    ("FREQ=MONTHLY;BYDAY=4MO", rule("relativeMonthly", daysOfWeek=["monday"], index="fourth")),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        rule(
            "relativeMonthly",
            daysOfWeek=["monday", "tuesday", "wednesday", "thursday", "friday"],
            index="last",
        ),
    ),
    ("FREQ=YEARLY", rule("absoluteYearly", month=11, dayOfMonth=23)),
    (
        "FREQ=YEARLY;BYDAY=4MO;BYMONTH=11",
        rule("relativeYearly", month=11, daysOfWeek=["monday"], index="fourth"),
    ),
]


@pytest.mark.parametrize("text, given", BOTH_WAYS, ids=[text for text, _ in BOTH_WAYS])
def test_rules_that_both_can_say(text: str, given: Json) -> None:
    assert str(recurrence.parse(given, at(23))) == text
    if "SETPOS" in text:
        return  # the 23rd is not the last workday
    series = Series(Event(when=Timed(at(23), at(23, 10))), RecurrenceRule.parse(text))
    written = recurrence.pattern_of(series)
    for part in ("pattern", "range"):
        for name, value in written[part].items():
            if name == "daysOfWeek":
                assert sorted(value) == sorted(given[part][name])
            elif name != "firstDayOfWeek" or "WKST" in text:
                assert value == given[part][name], name


CLAMPED = [
    (rule("absoluteMonthly", dayOfMonth=31), "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"),
    (rule("absoluteMonthly", dayOfMonth=29), "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"),
    (rule("absoluteYearly", month=2, dayOfMonth=29), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"),
]


@pytest.mark.parametrize("given, text", CLAMPED, ids=[text for _, text in CLAMPED])
def test_clamped_days_are_read_as_what_they_mean_and_left_alone(given: Json, text: str) -> None:
    assert str(recurrence.parse(given, at(23))) == text
    assert decode.found(Whole(raw(recurrence=given)), OWN).access is Access.NONE


@pytest.mark.parametrize(
    "given",
    [
        rule("weekly", daysOfWeek=[]),
        rule("sometimes"),
        rule("absoluteMonthly"),
        rule("daily", interval=0),
        {"pattern": {}},
        {"pattern": None, "range": None},
    ],
)
def test_rules_that_are_none(given: Json) -> None:
    with pytest.raises(Undecodable) as caught:
        decode.found(Whole(raw(recurrence=given)), OWN)
    assert caught.value.reason is UnreadableReason.UNSUPPORTED_RULE


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;BYDAY=TU",
        "FREQ=DAILY;UNTIL=20261123T075900Z",
    ],
)
def test_rules_that_graph_cannot_say_are_refused(text: str) -> None:
    with pytest.raises(Unencodable):
        recurrence.pattern_of(Series(Event(when=Timed(at(23), at(23, 10))), RecurrenceRule.parse(text)))


def test_until_before_the_time_of_day_ends_the_day_before() -> None:
    series = Series(Event(when=Timed(at(23), at(23, 10))), RecurrenceRule.parse("FREQ=DAILY;UNTIL=20261127T075959Z"))
    assert recurrence.pattern_of(series)["range"]["endDate"] == "2026-11-26"
