"""Rules as text: what is read, what is refused by its name, and that no rule that is read can break expansion."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import RecurrenceRule, format_until, parse_until
from marketplace_plugin.model.series.expand import occurrences, span_of
from marketplace_plugin.model.time import AllDay, Original, Timed, Window, Zoned
from tests.model import strategies

WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC))
START = Zoned(datetime(2026, 1, 30, 9), "Europe/Berlin")  # noqa: DTZ001 - a wall time


starts: st.SearchStrategy[Original] = st.sampled_from([START, date(2026, 1, 30)])


@given(starts.flatmap(strategies.rules))
def test_text_round_trips(rule: RecurrenceRule) -> None:
    assert RecurrenceRule.parse(str(rule)) == rule
    assert RecurrenceRule.parse(f"RRULE:{str(rule).lower()}") == rule


@pytest.mark.parametrize(
    "text, names",
    [
        ("", "FREQ"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=SOMETIMES", "SOMETIMES"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=x", "INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20261101", "COUNT and UNTIL"),
        ("FREQ=DAILY;UNTIL=20261101T090000", "UNTIL"),
        ("FREQ=DAILY;UNTIL=TOMORROW", "UNTIL"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=DAILY;COUNT", "COUNT"),
        ("FREQ=DAILY;BYEASTER=1", "BYEASTER"),
        ("FREQ=WEEKLY;BYDAY=XX", "XX"),
        ("FREQ=WEEKLY;BYDAY=54MO", "BYDAY"),
        ("FREQ=WEEKLY;WKST=FUNDAY", "FUNDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=a", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH"),
        ("FREQ=YEARLY;BYYEARDAY=-367", "BYYEARDAY"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE"),
        ("FREQ=DAILY;BYSECOND=61", "BYSECOND"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS"),
    ],
)
def test_what_is_no_rule_is_refused_by_name(text: str, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        RecurrenceRule.parse(text)


def test_until_is_a_date_or_an_instant() -> None:
    assert parse_until("20261224") == date(2026, 12, 24)
    assert parse_until("20261224T080000Z") == datetime(2026, 12, 24, 8, tzinfo=UTC)
    assert format_until(datetime(2026, 12, 24, 9, tzinfo=UTC)) == "20261224T090000Z"


numbers = st.lists(st.integers(-400, 400), min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))
parts = st.one_of(
    st.tuples(st.just("INTERVAL"), st.integers(1, 10**12).map(str)),
    st.tuples(st.just("COUNT"), st.integers(1, 10**12).map(str)),
    st.tuples(st.just("UNTIL"), st.sampled_from(["20261105", "20261105T080000Z", "99991231T235959Z", "00010101"])),
    st.tuples(st.sampled_from(["BYMONTH", "BYHOUR", "BYMINUTE", "BYSECOND"]), st.integers(0, 12).map(str)),
    st.tuples(st.sampled_from(["BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"]), numbers),
    st.tuples(st.just("BYDAY"), st.sampled_from(["MO", "5SU", "-53SA", "MO,TU,1WE", "SU,SA"])),
    st.tuples(st.just("WKST"), st.sampled_from(["SU", "TH"])),
)


@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "MINUTELY", "SECONDLY"]),
    st.lists(parts, max_size=4, unique_by=lambda part: part[0]),
    st.sampled_from([START, Zoned(datetime(1, 1, 1), "UTC"), date(2026, 1, 30), date(9999, 12, 30)]),  # noqa: DTZ001
)
def test_no_rule_breaks_expansion(freq: str, given_parts: list[tuple[str, str]], start: Zoned | date) -> None:
    """Whatever is read is expanded without an error and within bounds, or not read at all."""
    text = ";".join([f"FREQ={freq}", *(f"{name}={value}" for name, value in given_parts)])
    try:
        rule = RecurrenceRule.parse(text)
    except ValueError:
        return
    if isinstance(start, Zoned):
        event = Event(when=Timed(start, Zoned(start.wall + timedelta(minutes=5), start.zone)))
    else:
        event = Event(when=AllDay(start, start + timedelta(days=1)))
    series = Series(event, rule)
    told = occurrences(series, WINDOW, "Europe/Berlin", limit=50)
    assert len(told.occurrences) <= 50
    begin, end = span_of(series, "UTC")
    assert end is None or begin <= end
