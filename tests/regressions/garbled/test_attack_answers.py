"""A guest has answered one occurrence, and then its organiser makes another series of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records import persons
from marketplace_plugin.host.steg import Steg, create_steg
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.edit import cancel_this, change_all, change_this, master_of
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import AllDay, Original, Window, Zoned, start_of
from marketplace_plugin.store import Store
from tests.laws.world import KEYS, START, replace, timed

ANNA = Person("anna", "acme", "Anna Brandt", "anna@acme.example", "Europe/Berlin")
JONAS = Person("jonas", "acme", "Jonas Weber", "jonas@acme.example", "Europe/Berlin")
NINE = timed(datetime(2026, 3, 11, 9))  # noqa: DTZ001  # a wall time
WEEKLY = Series(
    Event(when=NINE, title="Jour fixe", attendees=(Attendee(JONAS.email, JONAS.name),)),
    RecurrenceRule.parse("FREQ=WEEKLY;COUNT=4"),
)
SECOND = Zoned(datetime(2026, 3, 18, 9), "Europe/Berlin")  # noqa: DTZ001  # a wall time
SPRING = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
def steg(tmp_path: Path) -> Iterator[Steg]:
    store = Store.open(f"sqlite:///{tmp_path / 'steg.sqlite'}", KEYS)
    made = create_steg(store, now=lambda: START)
    with store.begin() as unit:
        for who in (ANNA, JONAS):
            persons.add(unit.connection, who, "", "")
    yield made
    store.close()


def seen(steg: Steg, who: Person, ref: str) -> HostItem:
    (shown,) = steg.modules[Kind.EVENT].get(who.id, [ref])
    assert isinstance(shown, HostItem)
    return shown


def series(steg: Steg, who: Person, ref: str) -> Series:
    return cast("Series", seen(steg, who, ref).item)


def answered(steg: Steg, *, left: bool = False) -> str:
    """Anna's series; Jonas has declined the second one, or left it."""
    ref = steg.acts.create_event(ANNA, WEEKLY, [JONAS.id], "events").ref
    his = series(steg, JONAS, ref)
    said = replace(his.master, when=timed(SECOND.wall), response=Response.DECLINED)
    steg.acts.answer_event(
        JONAS,
        ref,
        seen(steg, JONAS, ref).version,
        cancel_this(his, SECOND) if left else change_this(his, SECOND, said),
        frozenset({"overrides"}),
    )
    return ref


def make(steg: Steg, ref: str, change: Callable[[Series], Event | Series]) -> None:
    now = seen(steg, ANNA, ref)
    after = change(cast("Series", now.item))
    steg.acts.change_event(ANNA, ref, now.version, after)


def days(item: Event | Series) -> list[date]:
    shown = [start_of(one.event.when) for one in occurrences(item, SPRING, "Europe/Berlin").occurrences]
    return [at.wall.date() if isinstance(at, Zoned) else at for at in shown]


def declined(item: Series) -> list[Original]:
    return [o.original for o in item.overrides if o.event is not None and o.event.response is Response.DECLINED]


def whole_days(item: Series) -> Series:
    there = AllDay(date(2026, 3, 11), date(2026, 3, 12))
    return change_all(item, start_of(item.master.when), replace(item.master, when=there))


def timed_again(item: Series) -> Series:
    return change_all(item, start_of(item.master.when), replace(item.master, when=NINE))


def a_day_later(item: Series) -> Series:
    there = timed(datetime(2026, 3, 12, 9))  # noqa: DTZ001  # a wall time
    return change_all(item, start_of(item.master.when), replace(item.master, when=there))


def test_whole_days_and_back(steg: Steg) -> None:
    """His calendar could not be shown any more, and none of his passes came to its end."""
    ref = answered(steg)
    make(steg, ref, whole_days)
    assert declined(series(steg, JONAS, ref)) == [date(2026, 3, 18)]
    assert days(series(steg, JONAS, ref)) == days(series(steg, ANNA, ref))
    make(steg, ref, timed_again)
    assert declined(series(steg, JONAS, ref)) == [SECOND]


@pytest.mark.parametrize("left", [True, False])
def test_the_series_moves_and_the_answer_with_it(steg: Steg, *, left: bool) -> None:
    """The day that he had answered stayed in his calendar beside the one that it had moved to."""
    ref = answered(steg, left=left)
    make(steg, ref, a_day_later)
    hers, his = days(series(steg, ANNA, ref)), days(series(steg, JONAS, ref))
    assert hers == [date(2026, 3, day) for day in (12, 19, 26)] + [date(2026, 4, 2)]
    assert his == ([day for day in hers if day != date(2026, 3, 19)] if left else hers)


def test_what_the_series_has_no_more_is_not_in_his_calendar(steg: Steg) -> None:
    ref = answered(steg)
    make(
        steg,
        ref,
        lambda item: change_all(
            item, start_of(item.master.when), item.master, RecurrenceRule.parse("FREQ=MONTHLY;COUNT=2")
        ),
    )
    assert days(series(steg, JONAS, ref)) == days(series(steg, ANNA, ref)) == [date(2026, 3, 11), date(2026, 4, 11)]
    make(steg, ref, lambda item: change_all(item, start_of(item.master.when), item.master, WEEKLY.rule))
    assert declined(series(steg, JONAS, ref)) == [SECOND], "it is the same occurrence"


def test_one_event_and_a_series_again(steg: Steg) -> None:
    ref = answered(steg)
    make(steg, ref, master_of)
    assert isinstance(seen(steg, JONAS, ref).item, Event)
    now = seen(steg, ANNA, ref)
    moved = replace(WEEKLY, master=replace(WEEKLY.master, when=timed(datetime(2026, 3, 13, 9))))  # noqa: DTZ001
    steg.acts.change_event(ANNA, ref, now.version, moved)
    assert days(series(steg, JONAS, ref)) == days(moved)
