"""Edits of series: this one, all, this and following; and the patch that merges and hosts use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.form.canonical import changed_fields, same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.edit import (
    cancel_this,
    change_all,
    change_following,
    change_this,
    end_before,
    moved_to,
    patch,
    restore_this,
    start_at,
)
from marketplace_plugin.model.series.expand import occurrence_at, occurrences, originals
from marketplace_plugin.model.time import AllDay, Original, Timed, Window, Zoned
from tests.model import strategies

FOREVER = Window(datetime(2023, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))


def at(day: int, hour: int = 9, *, month: int = 11, zone: str = "Europe/Berlin") -> Zoned:
    return Zoned(datetime(2026, month, day, hour), zone)  # noqa: DTZ001 - a wall time


def meeting(title: str, day: int, hour: int = 9) -> Event:
    return Event(when=Timed(at(day, hour), at(day, hour + 1)), title=title)


def daily(rule: str = "FREQ=DAILY;COUNT=6", *overrides: Override) -> Series:
    return Series(meeting("Runde", 23), RecurrenceRule.parse(rule), overrides)


def told(item: Event | Series | None) -> list[tuple[str, str]]:
    """(start, title) of all occurrences."""
    if item is None:
        return []
    found = occurrences(item, FOREVER, "Europe/Berlin").occurrences
    return [
        (str(o.event.when.start.wall if isinstance(o.event.when, Timed) else o.event.when.start), str(o.event.title))
        for o in found
    ]


# ---- this one -----------------------------------------------------------------------------------------------------


def test_one_occurrence_changes_is_cancelled_and_comes_back() -> None:
    series = daily("FREQ=DAILY;COUNT=3")
    moved = change_this(series, at(24), meeting("verlegt", 24, 15))
    assert told(moved) == [
        ("2026-11-23 09:00:00", "Runde"), ("2026-11-24 15:00:00", "verlegt"), ("2026-11-25 09:00:00", "Runde"),
    ]  # fmt: skip
    gone = cancel_this(moved, at(24))
    assert told(gone) == [("2026-11-23 09:00:00", "Runde"), ("2026-11-25 09:00:00", "Runde")]
    assert restore_this(gone, at(24)) == series


@pytest.mark.parametrize("original", [at(29), at(24, 10), date(2026, 11, 24)])
def test_an_occurrence_that_is_none(original: Original) -> None:
    for edit in (cancel_this, lambda s, o: change_this(s, o, s.master), lambda s, o: change_following(s, o, s.master)):
        with pytest.raises(ValueError, match="no occurrence"):
            edit(daily(), original)


# ---- this and following -------------------------------------------------------------------------------------------


def test_count_is_shared_out_and_cancelled_ones_count() -> None:
    series = daily("FREQ=DAILY;COUNT=6", Override(at(24), None))
    before, after = change_following(series, at(26), meeting("neu", 26))
    assert before is not None
    assert before.rule is not None
    assert after.rule is not None
    assert (before.rule.count, after.rule.count) == (3, 3)
    assert [title for _, title in told(before)] == ["Runde"] * 2
    assert [title for _, title in told(after)] == ["neu"] * 3


def test_until_ends_the_first_part_just_before_the_split() -> None:
    before, after = change_following(daily("FREQ=DAILY"), at(26), meeting("neu", 26))
    assert before is not None
    assert str(before.rule) == "FREQ=DAILY;UNTIL=20261126T075959Z"
    assert str(after.rule) == "FREQ=DAILY"
    whole = Series(Event(when=AllDay(date(2026, 11, 23), date(2026, 11, 24))), RecurrenceRule.parse("FREQ=DAILY"))
    before = end_before(whole, date(2026, 11, 26))
    assert before is not None
    assert str(before.rule) == "FREQ=DAILY;UNTIL=20261125"


def test_until_is_right_on_the_other_side_of_the_date_line() -> None:
    """Eight in the evening in New York is the next day in UTC."""
    start = at(23, 20, zone="America/New_York")
    event = Event(when=Timed(start, replace(start, wall=start.wall + timedelta(hours=1))))
    before = end_before(Series(event, RecurrenceRule.parse("FREQ=DAILY")), at(26, 20, zone="America/New_York"))
    assert before is not None
    assert str(before.rule) == "FREQ=DAILY;UNTIL=20261127T005959Z"
    assert [start for start, _ in told(before)][-1] == "2026-11-25 20:00:00"


def test_overrides_and_extra_dates_go_to_their_side() -> None:
    series = replace(
        daily("FREQ=DAILY;COUNT=6", Override(at(24), meeting("x", 24, 15)), Override(at(27), None)),
        rdates=(at(23, 18), at(27, 18)),
    )
    before, after = change_following(series, at(26), replace(series.master, when=meeting("", 26).when))
    assert before is not None
    assert [o.original for o in before.overrides] == [at(24)]
    assert [o.original for o in after.overrides] == [at(27)]
    assert (before.rdates, after.rdates) == ((at(23, 18),), (at(27, 18),))


def test_at_the_first_occurrence_nothing_is_before() -> None:
    before, after = change_following(daily(), at(23), meeting("neu", 23))
    assert before is None
    assert len(told(after)) == 6


def test_a_series_of_dates_only() -> None:
    series = Series(meeting("Runde", 23), None, (), (at(25), at(27)))
    before, after = change_following(series, at(25), meeting("neu", 25))
    assert [start[:10] for start, _ in told(before)] == ["2026-11-23"]
    assert [start[:10] for start, _ in told(after)] == ["2026-11-25", "2026-11-27"]
    before, after = change_following(series, at(27), meeting("neu", 27))
    assert [start[:10] for start, _ in told(before)] == ["2026-11-23", "2026-11-25"]
    assert [start[:10] for start, _ in told(after)] == ["2026-11-27"]


@given(strategies.series(), st.data())
def test_a_split_loses_and_invents_nothing(series: Series, data: st.DataObject) -> None:
    named = list(dict.fromkeys(o for _, o in zip(range(30), originals(series, FOREVER), strict=False)))
    assume(len(named) > 1)
    original = data.draw(st.sampled_from(named))
    before, rest = end_before(series, original), start_at(series, original)
    assert sorted(told(before) + told(rest)) == sorted(told(series))


# ---- all ----------------------------------------------------------------------------------------------------------


def test_a_new_title_for_all_leaves_times_and_exceptions() -> None:
    series = daily("FREQ=DAILY;UNTIL=20261125T120000Z", Override(at(24), meeting("eigener", 24, 15)))
    changed = change_all(series, at(25), meeting("neu", 25))
    assert changed.rule == series.rule
    assert told(changed) == [
        ("2026-11-23 09:00:00", "neu"), ("2026-11-24 15:00:00", "eigener"), ("2026-11-25 09:00:00", "neu"),
    ]  # fmt: skip


def test_a_new_clock_time_moves_all_but_what_was_moved_before() -> None:
    series = daily(
        "FREQ=DAILY;UNTIL=20261126T080000Z",
        Override(at(24), meeting("verlegt", 24, 15)),
        Override(at(25), meeting("nur der Titel", 25)),
        Override(at(26), None),
    )
    changed = change_all(series, at(23), replace(meeting("Runde", 23, 11)))
    assert told(changed) == [
        ("2026-11-23 11:00:00", "Runde"), ("2026-11-24 15:00:00", "verlegt"), ("2026-11-25 11:00:00", "nur der Titel"),
    ]  # fmt: skip
    assert [o.original for o in changed.overrides] == [at(24, 11), at(25, 11), at(26, 11)]


@pytest.mark.parametrize(
    "rule, start, to, expected",
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE", 23, 24, "FREQ=WEEKLY;BYDAY=TU,TH"),
        ("FREQ=WEEKLY;BYDAY=MO,SU", 23, 24, "FREQ=WEEKLY;BYDAY=MO,TU"),
        ("FREQ=WEEKLY", 23, 24, "FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYDAY=4MO", 23, 24, "FREQ=MONTHLY;BYDAY=4TU"),
        ("FREQ=MONTHLY;BYDAY=4MO", 23, 30, "FREQ=MONTHLY;BYDAY=5MO"),
        ("FREQ=MONTHLY;BYDAY=-1MO", 30, 26, "FREQ=MONTHLY;BYDAY=-1TH"),
        ("FREQ=MONTHLY;BYDAY=-1MO", 30, 20, "FREQ=MONTHLY;BYDAY=3FR"),
        ("FREQ=MONTHLY;BYMONTHDAY=23", 23, 25, "FREQ=MONTHLY;BYMONTHDAY=25"),
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=23", 23, 25, "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=25"),
        ("FREQ=DAILY;UNTIL=20261201T080000Z", 23, 24, "FREQ=DAILY;UNTIL=20261202T225959Z"),
        ("FREQ=DAILY;UNTIL=20261201T070000Z", 23, 24, "FREQ=DAILY;UNTIL=20261201T225959Z"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 30, 27, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    ],
)
def test_the_rule_moves_with_the_days(rule: str, start: int, to: int, expected: str) -> None:
    series = Series(meeting("Runde", start), RecurrenceRule.parse(rule))
    changed = change_all(series, at(start), meeting("Runde", to))
    assert str(changed.rule) == expected
    assert changed.master.when == meeting("Runde", to).when


def test_moving_a_later_occurrence_moves_the_first_one_as_far() -> None:
    changed = change_all(daily(), at(26), meeting("Runde", 27, 8))
    assert [start for start, _ in told(changed)][:2] == ["2026-11-24 08:00:00", "2026-11-25 08:00:00"]
    assert len(told(changed)) == 6


def test_timed_becomes_all_day_and_back() -> None:
    series = daily("FREQ=DAILY;UNTIL=20261126T080000Z", Override(at(24), None), Override(at(25), meeting("x", 25)))
    day = Event(when=AllDay(date(2026, 11, 24), date(2026, 11, 25)), title="Runde")
    whole = change_all(series, at(24), day)
    assert str(whole.rule) == "FREQ=DAILY;UNTIL=20261126"
    assert told(whole) == [("2026-11-23", "Runde"), ("2026-11-25", "x"), ("2026-11-26", "Runde")]
    timed = change_all(whole, date(2026, 11, 23), meeting("Runde", 23, 14))
    assert told(timed) == [
        ("2026-11-23 14:00:00", "Runde"), ("2026-11-25 14:00:00", "x"), ("2026-11-26 14:00:00", "Runde"),
    ]  # fmt: skip


def test_another_zone_is_another_clock() -> None:
    event = Event(when=Timed(at(23, 9, zone="Asia/Kolkata"), at(23, 10, zone="Asia/Kolkata")))
    changed = change_all(daily("FREQ=DAILY;COUNT=2"), at(23), event)
    assert [o.event.when.start for o in occurrences(changed, FOREVER, "UTC").occurrences] == [
        at(23, 9, zone="Asia/Kolkata"), at(24, 9, zone="Asia/Kolkata"),
    ]  # fmt: skip


def test_a_new_rule_drops_the_exceptions_of_what_is_gone() -> None:
    series = daily("FREQ=DAILY;COUNT=6", Override(at(24), None), Override(at(25), meeting("x", 25, 15)))
    changed = change_all(series, at(23), series.master, RecurrenceRule.parse("FREQ=DAILY;INTERVAL=2;COUNT=3"))
    assert [o.original for o in changed.overrides] == [at(25)]


@given(strategies.series(), st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=-3, hours=2)]))
def test_a_shift_of_all_keeps_their_number(series: Series, by: timedelta) -> None:
    bare = replace(series, overrides=())
    when = bare.master.when
    assume(bare.rule is None or bare.rule.until is None or isinstance(when, Timed))
    named = [o for _, o in zip(range(5), originals(bare, FOREVER), strict=False)]
    last = named[-1]
    here = occurrence_at(bare, last)
    assert here is not None
    target = Zoned(last.wall + by, last.zone) if isinstance(last, Zoned) else last + timedelta(days=by.days or 1)
    changed = change_all(bare, last, replace(here, when=moved_to(here.when, target)))
    assume(len(told(bare)) < 500)
    assert len(told(changed)) == len(told(bare))


# ---- patch --------------------------------------------------------------------------------------------------------


@given(strategies.items, strategies.items)
def test_patching_what_changed_gives_the_new_one(before: Item, after: Item) -> None:
    assume(isinstance(before, Event | Series) is isinstance(after, Event | Series))
    assume(isinstance(before, Event | Series) or type(before) is type(after))
    assert same(patch(before, after, changed_fields(before, after)), after)


@given(strategies.series(), strategies.series())
def test_patching_one_field_touches_no_other(before: Series, after: Series) -> None:
    patched = patch(before, after, frozenset({"title"}))
    assert isinstance(patched, Series)
    assert patched == replace(before, master=replace(before.master, title=after.master.title))


def test_overrides_that_are_not_named_stay_where_they_fit() -> None:
    series = daily("FREQ=DAILY;COUNT=6", Override(at(24), None), Override(at(25), None))
    other = daily("FREQ=DAILY;INTERVAL=2;COUNT=3")
    patched = patch(series, other, frozenset({"rule"}))
    assert isinstance(patched, Series)
    assert [o.original for o in patched.overrides] == [at(25)]
