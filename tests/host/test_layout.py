"""Laws of the layout: what overlaps never shares a column, bars keep their rows, exclusive ends are exclusive."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.host.calendar.layout import SHORTEST, bar_rows, timed_lanes

MONDAY = date(2026, 11, 16)
spans = st.tuples(st.integers(0, 1400), st.integers(0, 240)).map(lambda s: (s[0], s[0] + s[1]))
days = st.tuples(st.integers(-10, 12), st.integers(1, 9)).map(
    lambda d: (MONDAY + timedelta(days=d[0]), MONDAY + timedelta(days=d[0] + d[1]))
)


@given(st.lists(spans, max_size=40))
def test_what_overlaps_never_shares_a_column(found: list[tuple[int, int]]) -> None:
    placed = timed_lanes([(n, start, end) for n, (start, end) in enumerate(found)])
    assert sorted(p.entry for p in placed) == list(range(len(found)))
    for a in placed:
        assert 0 <= a.k < a.n
        assert a.end - a.start >= SHORTEST
        for b in placed:
            if a.entry < b.entry and a.start < b.end and b.start < a.end:
                assert a.k != b.k
                assert a.n == b.n


@given(st.lists(days, max_size=30))
def test_bars_of_one_row_never_meet(found: list[tuple[date, date]]) -> None:
    bars = bar_rows([(n, start, end) for n, (start, end) in enumerate(found)], MONDAY, 7)
    taken = [(bar.row, column) for bar in bars for column in bar.columns]
    assert len(taken) == len(set(taken))
    assert all(1 <= column <= 7 for _row, column in taken)
    sunday = MONDAY + timedelta(days=7)
    assert {bar.entry for bar in bars} == {n for n, (start, end) in enumerate(found) if start < sunday and end > MONDAY}


@given(st.lists(days, max_size=30))
def test_no_bar_lies_lower_than_it_must(found: list[tuple[date, date]]) -> None:
    bars = bar_rows([(n, start, end) for n, (start, end) in enumerate(found)], MONDAY, 7)
    for bar in bars:
        for row in range(1, bar.row):
            assert any(other.row == row and set(other.columns) & set(bar.columns) for other in bars)


def test_what_touches_keeps_its_full_width() -> None:
    first, second = timed_lanes([("a", 540, 600), ("b", 600, 660)])
    assert (first.n, second.n) == (1, 1)


def test_an_empty_span_is_drawn_as_a_quarter_of_an_hour() -> None:
    (only,) = timed_lanes([("a", 540, 540)])
    assert only.end == 555


def test_bars_go_on_before_and_after_the_week() -> None:
    bars = bar_rows(
        [
            ("fair", date(2026, 11, 17), date(2026, 11, 20)),
            ("trip", date(2026, 11, 12), date(2026, 11, 18)),
            ("late", date(2026, 11, 20), date(2026, 11, 25)),
            ("over", date(2026, 11, 9), date(2026, 11, 16)),
        ],
        MONDAY,
        7,
    )
    found = {bar.entry: bar for bar in bars}
    assert set(found) == {"fair", "trip", "late"}  # the end is exclusive: the fourth was over on Sunday
    assert (found["trip"].column, found["trip"].span, found["trip"].from_before) == (1, 2, True)
    assert (found["fair"].column, found["fair"].span, found["fair"].row) == (2, 3, 2)
    assert (found["late"].column, found["late"].span, found["late"].row, found["late"].to_after) == (5, 3, 1, True)
