"""Tasks and calls as entries of a calendar: what is shown of them, and what a move there means here."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.event import Event, Sensitivity, Series, ShowAs
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.sync.plan.mirror import MOMENT, Manner, moved, shown
from tests.model import strategies

MANNER = Manner("Telefon")
TIMED_ONLY = Manner("Telefon", whole_days=False)


def at(day: int, hour: int, minute: int = 0) -> Zoned:
    return Zoned(datetime(2026, 11, day, hour, minute), "Europe/Berlin")  # noqa: DTZ001 - a wall time


def day(n: int) -> AllDay:
    return AllDay(date(2026, 11, n), date(2026, 11, n + 1))


NINE = Timed(at(24, 9), at(24, 10))
OFFER = Task(title="Angebot", notes="bis mittags", due=NINE)
CALL = Call(title="Lindner KG", when=NINE, phone="+49 911 5550142", notes="Rückruf")


def test_a_task_with_a_time_is_an_appointment() -> None:
    assert shown(OFFER, MANNER) == Event(
        when=NINE, title="Angebot", description="bis mittags", sensitivity=Sensitivity.PRIVATE
    )


def test_a_task_without_a_time_is_a_whole_day_that_blocks_nobody() -> None:
    entry = shown(Task(title="Angebot", due=date(2026, 11, 24)), MANNER)
    assert entry == Event(when=day(24), title="Angebot", show_as=ShowAs.FREE, sensitivity=Sensitivity.PRIVATE)
    assert shown(Task(title="Angebot", due=date(2026, 11, 24)), TIMED_ONLY) is None


def test_a_call_has_its_number_in_the_text() -> None:
    entry = shown(CALL, MANNER)
    assert entry is not None
    assert entry.description == "Telefon: +49 911 5550142\n\nRückruf"
    assert entry.sensitivity is Sensitivity.PRIVATE


@pytest.mark.parametrize(
    "item",
    [
        Task(title="x"),
        Task(title="x", due=NINE, status=TaskStatus.COMPLETED),
        Call(title="x", when=NINE, done=True),
    ],
    ids=["no day", "done", "done call"],
)
def test_what_is_not_in_the_calendar(item: Task | Call) -> None:
    assert shown(item, MANNER) is None


def test_without_an_end_it_can_be_taken_hold_of_and_stays_without() -> None:
    item = Task(title="x", due=Timed(at(24, 9), at(24, 9)))
    entry = shown(item, MANNER)
    assert entry is not None
    assert isinstance(entry.when, Timed)
    assert entry.when.duration == MOMENT
    later = Event(when=Timed(at(25, 9), at(25, 9, 30)))
    assert moved(item, later, MANNER) == Task(title="x", due=Timed(at(25, 9), at(25, 9)))
    longer = Event(when=Timed(at(25, 9), at(25, 11)))
    assert moved(item, longer, MANNER) == Task(title="x", due=Timed(at(25, 9), at(25, 11)))


@given(strategies.tasks | strategies.calls, st.booleans())
def test_an_entry_that_was_not_moved_moves_nothing(item: Task | Call, whole_days: bool) -> None:
    manner = Manner("Telefon", whole_days)
    entry = shown(item, manner)
    if entry is not None:
        assert shown(moved(item, entry, manner), manner) == entry


@given(strategies.tasks | strategies.calls, strategies.whens)
def test_a_move_is_seen_as_made_and_touches_the_time_alone(item: Task | Call, when: Timed | AllDay) -> None:
    if shown(item, MANNER) is None:
        return
    after = moved(item, Event(when=when, title="dort geändert"), MANNER)
    entry = shown(after, MANNER)
    assert entry is not None
    start = entry.when.start.wall.date() if isinstance(entry.when, Timed) else entry.when.start
    assert start == (when.start.wall.date() if isinstance(when, Timed) else when.start)
    assert after.title == item.title
    assert after.notes == item.notes


def test_to_whole_days_and_back() -> None:
    assert moved(OFFER, Event(when=day(26)), MANNER) == Task(
        title="Angebot", notes="bis mittags", due=date(2026, 11, 26)
    )
    kept = moved(OFFER, Event(when=day(26)), TIMED_ONLY)
    assert isinstance(kept, Task)
    assert kept.due == Timed(at(26, 9), at(26, 10))
    call = moved(CALL, Event(when=AllDay(date(2026, 11, 26), date(2026, 11, 29))), MANNER)
    assert isinstance(call, Call)
    assert call.when == Timed(at(26, 9), at(26, 10))


def test_an_entry_that_repeats_now_counts_at_its_first() -> None:
    series = Series(Event(when=Timed(at(25, 9), at(25, 10))), RecurrenceRule.parse("FREQ=DAILY"))
    after = moved(OFFER, series, MANNER)
    assert isinstance(after, Task)
    assert after.due == Timed(at(25, 9), at(25, 10))
    assert timedelta(hours=1) == Timed(at(25, 9), at(25, 10)).duration
