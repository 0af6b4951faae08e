"""Rules and the form: what the form says comes back, and what it cannot say is kept untouched."""

from __future__ import annotations

from datetime import date

import pytest

from marketplace_plugin.host.forms import repetition
from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.host.forms.repetition import End, Repeat
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed
from tests.host.conftest import berlin

NINE = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))  # the third Wednesday
DAY = AllDay(date(2026, 11, 18), date(2026, 11, 19))


def fields(**values: str | list[str]) -> Fields:
    return Fields({name: [value] if isinstance(value, str) else value for name, value in values.items()})


def said(repeat: str, **more: str | list[str]) -> Fields:
    return fields(**{"repeat": repeat, "interval": "1", "end": "never", **more})


@pytest.mark.parametrize(
    "form, rule",
    [
        (said("daily"), "FREQ=DAILY"),
        (said("daily", interval="3", end="count", count="5"), "FREQ=DAILY;INTERVAL=3;COUNT=5"),
        (said("weekly"), "FREQ=WEEKLY"),
        (said("weekly", weekdays=["WE"]), "FREQ=WEEKLY"),
        (said("weekly", weekdays=["MO", "FR"]), "FREQ=WEEKLY;BYDAY=MO,WE,FR"),  # the day it starts on is one of them
        (said("monthly-date"), "FREQ=MONTHLY"),
        (said("monthly-weekday"), "FREQ=MONTHLY;BYDAY=3WE"),
        (said("yearly", end="until", until="2030-11-18"), "FREQ=YEARLY;UNTIL=20301118T225959Z"),
    ],
)
def test_the_form_says_a_rule_and_shows_it_again(form: Fields, rule: str) -> None:
    read = repetition.read(form, NINE, None, NINE)
    assert str(read) == rule
    assert not form.errors
    shown = repetition.of_rule(read, NINE)
    assert shown.repeat.value == form.raw("repeat")
    assert repetition.to_rule(shown, NINE) == read


def test_no_repetition() -> None:
    assert repetition.read(said("none"), NINE, None, NINE) is None
    assert repetition.of_rule(None, NINE).repeat is Repeat.NONE


def test_whole_days_end_on_a_day() -> None:
    rule = repetition.read(said("daily", end="until", until="2026-11-30"), DAY, None, DAY)
    assert rule is not None
    assert rule.until == date(2026, 11, 30)


def test_the_fifth_weekday_is_the_last_one() -> None:
    last = Timed(berlin("2026-09-30 09:00"), berlin("2026-09-30 10:00"))
    rule = repetition.read(said("monthly-weekday"), last, None, last)
    assert str(rule) == "FREQ=MONTHLY;BYDAY=-1WE"


@pytest.mark.parametrize(
    "rule, repeat, end",
    [
        ("FREQ=WEEKLY;BYDAY=WE", Repeat.WEEKLY, End.NEVER),
        ("FREQ=MONTHLY;BYMONTHDAY=18;COUNT=3", Repeat.MONTHLY_DATE, End.COUNT),
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=18", Repeat.YEARLY, End.NEVER),
        ("FREQ=DAILY;UNTIL=20261130T080000Z", Repeat.DAILY, End.UNTIL),
        ("FREQ=MONTHLY;BYMONTHDAY=20", Repeat.KEPT, End.NEVER),  # not the day that it starts on
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", Repeat.KEPT, End.NEVER),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,SU;WKST=SU", Repeat.KEPT, End.NEVER),
        ("FREQ=HOURLY", Repeat.KEPT, End.NEVER),
    ],
)
def test_a_rule_from_elsewhere_is_shown_and_left_as_it_is(rule: str, repeat: Repeat, end: End) -> None:
    known = RecurrenceRule.parse(rule)
    shown = repetition.of_rule(known, NINE)
    assert (shown.repeat, shown.end) == (repeat, end)
    values = {name: value if isinstance(value, list) else [str(value)] for name, value in shown.values().items()}
    untouched = Fields(values)
    assert repetition.read(untouched, NINE, known, NINE) is known
    assert not untouched.errors


def test_moving_the_day_without_touching_the_rule_leaves_the_rule_to_the_move() -> None:
    thursday = Timed(berlin("2026-11-19 09:00"), berlin("2026-11-19 10:00"))
    known = RecurrenceRule.parse("FREQ=WEEKLY")
    assert repetition.read(said("weekly", weekdays=["WE"]), thursday, known, NINE) is known


@pytest.mark.parametrize(
    "form, wrong",
    [
        (said("daily", interval="0"), "interval"),
        (said("daily", interval="x"), "interval"),
        (said("daily", interval="²"), "interval"),
        (said("daily", end="count", count="-1"), "count"),
        (said("daily", end="until", until="tomorrow"), "until"),
        (said("daily", end="until", until="2026-11-17"), "until"),
        (said("hourly"), "repeat"),
        (said("daily", end="sometime"), "end"),
    ],
)
def test_bad_input_names_its_field(form: Fields, wrong: str) -> None:
    repetition.read(form, NINE, None, NINE)
    assert set(form.errors) == {wrong}
