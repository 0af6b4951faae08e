"""Outlook's patterns: whatever can be said means the same again, occurrence by occurrence; nothing else is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import WEEKDAYS, RecurrenceRule
from marketplace_plugin.model.series.expand import originals
from marketplace_plugin.model.series.pattern import Extent, NoPattern, Pattern, PatternKind, pattern_of, rule_of
from marketplace_plugin.model.time import AllDay, Original, Timed, Window, Zoned

STARTS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
DAYS = st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(lambda days: tuple(d for d in WEEKDAYS if d in days))
PARTS = {
    "FREQ=DAILY": st.just(""),
    "FREQ=WEEKLY": st.tuples(DAYS, st.sampled_from(WEEKDAYS)).map(lambda p: f";BYDAY={','.join(p[0])};WKST={p[1]}"),
    "FREQ=MONTHLY": st.one_of(
        st.integers(1, 31).map(lambda day: f";BYMONTHDAY={day}"),
        st.tuples(st.sampled_from([1, 2, 3, 4, -1]), st.sampled_from(WEEKDAYS)).map(lambda p: f";BYDAY={p[0]}{p[1]}"),
        st.sampled_from([1, 2, 3, 4, -1]).map(lambda n: f";BYDAY=MO,TU,WE,TH,FR;BYSETPOS={n}"),
    ),
    "FREQ=YEARLY": st.tuples(st.integers(1, 12), st.integers(1, 31)).map(
        lambda p: f";BYMONTH={p[0]};BYMONTHDAY={p[1]}"
    ),
}
RULES = st.sampled_from(list(PARTS)).flatmap(
    lambda freq: st.tuples(st.just(freq), st.integers(1, 4), PARTS[freq]).map(lambda p: f"{p[0]};INTERVAL={p[1]}{p[2]}")
)
ENDS = st.one_of(st.just(""), st.integers(1, 20).map(lambda n: f";COUNT={n}"))


def series(rule: str, start: Original) -> Series:
    if isinstance(start, Zoned):
        end = replace(start, wall=start.wall + timedelta(hours=1))
        return Series(Event(when=Timed(start, end), title="x"), RecurrenceRule.parse(rule))
    return Series(Event(when=AllDay(start, start + timedelta(days=1)), title="x"), RecurrenceRule.parse(rule))


def first_days(item: Series, number: int = 12) -> list[Original]:
    start = item.master.when.start
    begin = start.wall.date() if isinstance(start, Zoned) else start
    noon = datetime(begin.year, begin.month, begin.day, 12, tzinfo=UTC)
    window = Window(noon - timedelta(days=2), noon + timedelta(days=365 * 60))
    return list(islice(originals(item, window), number))


@given(rule=RULES, end=ENDS, start=STARTS, timed=st.booleans())
@example(rule="FREQ=WEEKLY;WKST=TU", end="", start=date(2024, 1, 1), timed=False)  # every week: nothing follows from it
def test_what_is_said_means_the_same_again(rule: str, end: str, start: date, timed: bool) -> None:
    at: Original = Zoned(datetime(start.year, start.month, start.day, 9), "Europe/Berlin") if timed else start  # noqa: DTZ001  # a wall time
    given_series = series(rule + end, at)
    try:
        pattern, extent = pattern_of(given_series)
    except NoPattern:
        return
    again = replace(given_series, rule=rule_of(pattern, extent, at))
    assert first_days(again) == first_days(given_series)
    assert pattern_of(again) == (pattern, extent)


@given(day=st.integers(29, 31), start=STARTS)
def test_a_clamped_day_is_every_month_and_never_past_its_end(day: int, start: date) -> None:
    """Outlook's 31st is the 30th in April and the 28th in February, where RFC 5545 would skip the month."""
    rule = rule_of(Pattern(PatternKind.ABSOLUTE_MONTHLY, day_of_month=day), Extent(start), start)
    months = [(o.year, o.month) for o in first_days(series(str(rule), start), 14) if isinstance(o, date)][1:]
    assert len(set(months)) == 13
    assert all((b[0] - a[0]) * 12 + b[1] - a[1] == 1 for a, b in pairwise(months))
    with pytest.raises(NoPattern):
        pattern_of(series(f"FREQ=MONTHLY;BYMONTHDAY={day}", start.replace(month=1, day=day)))


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(PatternKind.WEEKLY),
        Pattern(PatternKind.WEEKLY, days=("XX",)),
        Pattern(PatternKind.RELATIVE_MONTHLY, days=("MO",), index=5),
        Pattern(PatternKind.RELATIVE_YEARLY, days=("MO",), index=1),
        Pattern(PatternKind.ABSOLUTE_MONTHLY),
        Pattern(PatternKind.ABSOLUTE_MONTHLY, day_of_month=32),
        Pattern(PatternKind.ABSOLUTE_YEARLY, day_of_month=1, month=13),
        Pattern(PatternKind.DAILY, interval=0),
    ],
)
def test_a_pattern_that_is_none(pattern: Pattern) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        rule_of(pattern, Extent(date(2026, 11, 23)), date(2026, 11, 23))
