"""What is listed as a deletion is missed at the service: not what stands outside of the window, nor what is back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from marketplace_plugin.engine.acts.waiting.held import approve, deletions
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.providers.memory import Crash, MemoryAccount, Moment, Request
from marketplace_plugin.store import held
from marketplace_plugin.store.tables import connection as connection_table
from marketplace_plugin.store.work.held import Held
from tests.laws.world import SOURCE, START, TARGET, World, event, occurrence, replace, series, timed
from tests.regressions.seeing import blocked, here, only, person

MANY = 14
"""More than the brake lets through in a day."""


def rare(number: int, rule: str = "FREQ=YEARLY;INTERVAL=5") -> Series:
    first = datetime(2026, 3, 10, 9) + timedelta(days=number)  # noqa: DTZ001  # a wall time
    return Series(Event(when=timed(first), title=f"jubilee {number:02}"), RecurrenceRule.parse(rule))


def rows(world: World, connection: str) -> list[Held]:
    with world.store.read() as c:
        return held.of_connection(c, connection)


def pass_days(world: World, connection: str, days: int, step: int = 1) -> None:
    for _ in range(0, days, step):
        world.clock.forward(days=step)
        world.sync(connection)


def empty_for_once(world: World, account: MemoryAccount, connection: str, calendar: str) -> None:
    """A complete read comes back without anything, by a fault of the service."""
    account.user.expire_cursors(calendar)
    hidden = {key: account.records.pop(key) for key in list(account.records) if key[0] == calendar}
    world.clock.forward(minutes=31)
    world.sync(connection)
    account.records.update(hidden)
    assert len(deletions(world.engine, person(world))) == MANY


@pytest.mark.parametrize("imported", [True, False])
def test_a_series_is_missed_only_where_it_has_a_day(world: World, imported: bool) -> None:
    """It went on for ever, so it counted as missing from each read between two of its days; with some dozens of such
    nobody was asked any more, and a real deletion among them waited too."""
    account = world.account()
    for number in range(MANY):
        if imported:
            account.user.create(SOURCE, rare(number))
        else:
            world.host.create("ada", rare(number))
    ada = world.connect("ada", account)
    world.settle(ada)
    for _ in range(20):
        world.clock.forward(days=8)
        world.sync(ada)
        assert rows(world, ada) == []
    assert len(account.items(SOURCE if imported else TARGET)) == MANY
    assert len(blocked(world, ada) if imported else here(world)) == MANY


@pytest.mark.parametrize("imported", [True, False])
def test_a_series_that_was_deleted_between_two_of_its_days_goes(world: World, imported: bool) -> None:
    """What has no day in the window is missed by nobody: it goes when its next day comes near, or in its turn."""
    account = world.account()
    if imported:
        account.user.create(SOURCE, rare(0, "FREQ=YEARLY"))
    else:
        world.host.create("ada", rare(0, "FREQ=YEARLY"))
    ada = world.connect("ada", account)
    with world.store.begin() as unit:
        unit.connection.execute(update(connection_table).values(future_days=60))
    world.settle(ada)
    pass_days(world, ada, 100, 10)
    calendar = SOURCE if imported else TARGET
    account.user.delete(calendar, only(account, calendar).id)
    account.user.expire_cursors(calendar)
    in_turn = world.personality.capabilities.windowed and not imported
    pass_days(world, ada, *((8, 1) if in_turn else (260, 10)))
    assert blocked(world, ada) == here(world) == []
    assert rows(world, ada) == []


@pytest.mark.parametrize("told", [True, False])
def test_a_series_without_days_that_was_deleted_goes(hosted: World, told: bool) -> None:
    """No window holds it, so no read missed it: it stood here for ever, and showed nothing."""
    account = hosted.account()
    ref = hosted.host.create("ada", series("weekly", count=2))
    ada = hosted.connect("ada", account)
    hosted.settle(ada)
    for week in range(2):
        hosted.host.change_occurrence("ada", ref, occurrence(week), None)
    hosted.settle(ada)
    account.user.delete(TARGET, only(account).id)
    if not told:
        account.user.expire_cursors(TARGET)
    pass_days(hosted, ada, 2)
    assert here(hosted) == []
    assert rows(hosted, ada) == []


@pytest.mark.parametrize("calendar", [SOURCE, TARGET])
def test_what_is_seen_again_is_no_deletion_any_more(hosted: World, calendar: str) -> None:
    """One empty answer, and what was back a minute later stood in the list of deletions for ever."""
    account = hosted.account()
    for number in range(MANY):
        if calendar == SOURCE:
            account.user.create(SOURCE, series(f"{number:02}", count=60))
        else:
            hosted.host.create("ada", series(f"{number:02}", count=60))
    ada = hosted.connect("ada", account)
    hosted.settle(ada)
    empty_for_once(hosted, account, ada, calendar)
    touched = min(account.items(calendar))
    account.user.edit(calendar, touched, title="edited")
    hosted.settle(ada)
    assert touched not in {one.remote_id for one in rows(hosted, ada)}
    pass_days(hosted, ada, 8)
    assert rows(hosted, ada) == []
    assert len(blocked(hosted, ada) if calendar == SOURCE else here(hosted)) == MANY


def test_what_its_owner_has_decided_stays_decided(world: World) -> None:
    """A pass that read the calendar and died has carried out nothing of what he let go."""
    account = world.account()
    for number in range(MANY):
        world.host.create("ada", series(f"{number:02}", count=60))
    ada = world.connect("ada", account)
    world.settle(ada)
    empty_for_once(world, account, ada, TARGET)
    gone, *others = sorted(rows(world, ada), key=lambda one: one.id)
    approve(world.engine, person(world), [gone.id])
    account.user.edit(TARGET, gone.remote_id or "", title="edited there")
    account.user.edit(TARGET, others[0].remote_id or "", title="edited there")
    world.host.create("ada", event("new"))
    account.faults.add(Moment.BEFORE, Request.INSERT, Crash("killed"))
    world.clock.forward(minutes=31)
    with pytest.raises(Crash):
        world.sync(ada)
    left = {one.id: one.detail for one in rows(world, ada)}
    assert left[gone.id] == "approved"
    assert others[0].id not in left
    world.clock.forward(minutes=11)
    world.settle(ada)
    assert here(world).count("edited there") == 2  # looked at again, it was there


def test_what_left_the_window_is_no_deletion_any_more(world: World) -> None:
    """The block went with its day, and its line in the list of what waits was never removed."""
    account = world.account()
    for number in range(MANY):
        ended = replace(event(f"{number:02}"), when=timed(START.replace(tzinfo=None) - timedelta(days=29)))
        account.user.create(SOURCE, ended)
    ada = world.connect("ada", account)
    world.settle(ada)
    empty_for_once(world, account, ada, SOURCE)
    pass_days(world, ada, 20)
    assert blocked(world, ada) == []
    assert rows(world, ada) == []
