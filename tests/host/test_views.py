"""Where entries lie in day, week, month and agenda, across midnight and the change of summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace_plugin.host.calendar import views
from marketplace_plugin.host.calendar.asked import Asked, View
from marketplace_plugin.host.calendar.entries import Entry, Sort, shown_at
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from tests.host.conftest import NOW, berlin

BERLIN = "Europe/Berlin"
MONDAY, WEDNESDAY = date(2026, 11, 16), date(2026, 11, 18)


def timed(start: str, end: str, title: str = "x", sort: Sort = Sort.EVENT, zone: str = BERLIN) -> Entry:
    return Entry(sort, "c1", shown_at(Timed(berlin(start), berlin(end)), zone), title)


def whole(first: date, last: date, title: str = "x", sort: Sort = Sort.EVENT) -> Entry:
    return Entry(sort, "c1", AllDay(first, last + timedelta(days=1)), title)


def week(*entries: Entry) -> views.Grid:
    return views.grid(entries, MONDAY, 7, NOW, BERLIN)


def test_an_event_over_midnight_has_a_part_in_each_day() -> None:
    shown = week(timed("2026-11-17 22:00", "2026-11-18 02:00"))
    assert [(i.start, i.end) for i in shown.columns[1].items] == [(22 * 60, 24 * 60)]
    assert [(i.start, i.end) for i in shown.columns[2].items] == [(0, 120)]
    assert (shown.first_hour, shown.last_hour) == (0, 24)
    assert shown.lanes[0].bars == ()


def test_one_that_ends_at_midnight_has_no_part_in_the_next_day() -> None:
    shown = week(timed("2026-11-17 22:00", "2026-11-18 00:00"))
    assert [len(c.items) for c in shown.columns] == [0, 1, 0, 0, 0, 0, 0]


def test_what_lasts_a_day_or_longer_is_a_bar() -> None:
    shown = week(timed("2026-11-17 08:00", "2026-11-19 08:00"), whole(MONDAY, MONDAY))
    assert [(b.column, b.span) for b in shown.lanes[0].bars] == [(1, 1), (2, 3)]
    assert all(not c.items for c in shown.columns)


def test_lanes_of_tasks_and_calls_appear_where_there_are_some() -> None:
    assert [lane.name for lane in week().lanes] == ["all-day"]
    shown = week(
        whole(WEDNESDAY, WEDNESDAY, "task", Sort.TASK), timed("2026-11-18 11:30", "2026-11-18 11:45", "c", Sort.CALL)
    )
    assert [(lane.name, len(lane.bars)) for lane in shown.lanes] == [("all-day", 0), ("tasks", 1), ("calls", 1)]


def test_the_hours_grow_with_what_is_there() -> None:
    assert (week().first_hour, week().last_hour) == (7, 18)
    shown = week(timed("2026-11-18 05:30", "2026-11-18 06:00"), timed("2026-11-18 19:00", "2026-11-18 20:15"))
    assert (shown.first_hour, shown.last_hour) == (5, 21)


def test_the_line_of_now_stands_today_alone() -> None:
    assert week().now == 10 * 60 + 42
    assert views.grid((), date(2026, 11, 23), 7, NOW, BERLIN).now is None


def test_the_day_of_summer_time_has_all_its_hours() -> None:
    """25 October 2026: 3:00 becomes 2:00. Both events at 2:30 lie at 2:30 of the wall clock."""
    first, second = (
        Zoned(datetime.fromisoformat("2026-10-25 02:30"), BERLIN),
        Zoned(datetime.fromisoformat("2026-10-25 02:30"), BERLIN, 1),
    )
    assert second.instant() - first.instant() == timedelta(hours=1)
    entry = Entry(Sort.EVENT, "c1", shown_at(Timed(first, second), BERLIN))
    shown = views.grid([entry], date(2026, 10, 25), 1, NOW, BERLIN)
    assert [(i.start, i.end) for i in shown.columns[0].items] == [(150, 165)]
    window = views.window_of(date(2026, 10, 25), 1, BERLIN)
    assert window.end - window.start == timedelta(hours=25)


def test_times_are_the_viewers() -> None:
    shown = views.grid(
        [timed("2026-11-18 09:00", "2026-11-18 10:00", zone="America/New_York")],
        WEDNESDAY,
        1,
        NOW,
        "America/New_York",
    )
    assert [i.start for i in shown.columns[0].items] == [3 * 60]


def test_a_month_shows_three_rows_and_counts_the_rest() -> None:
    entries = [timed(f"2026-11-18 {hour:02}:00", f"2026-11-18 {hour:02}:30", str(hour)) for hour in range(8, 13)]
    shown = views.month([*entries, whole(MONDAY, WEDNESDAY, "fair")], WEDNESDAY, WEDNESDAY)
    third = shown.weeks[3]
    assert [c.day for c in third.cells] == [MONDAY + timedelta(days=n) for n in range(7)]
    assert [c.more for c in third.cells] == [0, 0, 3, 0, 0, 0, 0]
    assert [b.entry.title for b in third.bars] == ["fair", "8", "9"]
    assert [(c.day.day, c.other) for c in shown.weeks[0].cells][:2] == [(26, True), (27, True)]


@pytest.mark.parametrize(
    "day, first, weeks",
    [
        (date(2026, 11, 18), date(2026, 10, 26), 6),
        (date(2027, 2, 10), date(2027, 2, 1), 4),  # a February of exactly four weeks
        (date(2026, 12, 31), date(2026, 11, 30), 5),
    ],
)
def test_a_month_is_whole_weeks(day: date, first: date, weeks: int) -> None:
    assert views.month_days(day) == (first, weeks * 7)


def test_the_agenda_shows_the_next_days_that_have_something() -> None:
    entries = [
        timed("2026-11-18 09:00", "2026-11-18 10:00", "later"),
        whole(WEDNESDAY, date(2026, 11, 19), "fair"),
        whole(WEDNESDAY, WEDNESDAY, "task", Sort.TASK),
        timed("2026-11-25 09:00", "2026-11-25 10:00", "next week"),
        timed("2026-11-30 09:00", "2026-11-30 10:00", "too far"),
    ]
    shown = views.agenda(entries, WEDNESDAY)
    assert [(d.day.day, [e.title for e in d.entries]) for d in shown.days] == [
        (18, ["fair", "task", "later"]),
        (19, ["fair"]),
        (25, ["next week"]),
    ]
    assert shown.following == date(2026, 11, 26)
    assert views.agenda((), WEDNESDAY).days == ()


def test_addresses_hold_what_is_asked() -> None:
    args = {"view": ["month"], "date": ["2026-02-10"], "hide": ["sales"], "with": ["jonas", "mira", "jonas"]}
    asked = Asked.parse(args, WEDNESDAY)
    assert asked.params() == {"view": "month", "date": "2026-02-10", "hide": ["sales"], "with": ["jonas", "mira"]}
    assert (asked.previous, asked.following) == (date(2026, 1, 1), date(2026, 3, 1))
    assert asked.params(view=View.DAY, day=WEDNESDAY)["date"] == "2026-11-18"


@pytest.mark.parametrize("args", [{}, {"view": ["year"], "date": ["soon"]}, {"view": [], "date": [""]}])
def test_what_cannot_be_read_is_this_week(args: dict[str, list[str]]) -> None:
    asked = Asked.parse(args, WEDNESDAY)
    assert (asked.view, asked.day, asked.first, asked.days) == (View.WEEK, WEDNESDAY, MONDAY, 7)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_date_is_too_far(day: str) -> None:
    asked = Asked.parse({"view": ["month"], "date": [day]}, WEDNESDAY)
    assert views.window_of(asked.first, asked.days, BERLIN).start < datetime(2200, 1, 1, tzinfo=UTC)
    assert asked.previous < asked.following
