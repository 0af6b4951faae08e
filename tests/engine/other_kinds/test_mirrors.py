"""Tasks and calls in the target calendar: shown there, moved there, done or deleted here, no longer mirrored there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marketplace_plugin.engine import kinds
from marketplace_plugin.model.event import Event, Sensitivity, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.providers.memory import MemoryAccount
from marketplace_plugin.store import host_positions
from marketplace_plugin.sync.link import LinkKind, LinkState
from marketplace_plugin.sync.plan.mirror import Manner, shown
from tests.engine.kinds import ADA, KindsWorld, call, span, task
from tests.laws.world import SOURCE, TARGET, event

BOTH = (Kind.TASK, Kind.CALL)


def only(items: object) -> Event:
    assert isinstance(items, dict)
    (item,) = items.values()
    assert isinstance(item, Event)
    return item


def test_a_task_and_a_call_are_shown(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task("Angebot", span(10, 9), notes="bis mittags"), kind=Kind.TASK)
    world.host.create(ADA, task("Reisekosten"), kind=Kind.TASK)
    world.host.create(ADA, call(), kind=Kind.CALL)
    world.host.create(ADA, task("irgendwann", None), kind=Kind.TASK)
    name = world.join(account, *BOTH)
    world.settle(name)
    shown = {e.title: e for e in world.there(account, TARGET).values() if isinstance(e, Event)}
    assert shown.keys() == {"Angebot", "Reisekosten", "Lindner KG"}
    assert (shown["Angebot"].when, shown["Angebot"].description) == (span(10, 9), "bis mittags")
    assert shown["Reisekosten"].when == AllDay(date(2026, 3, 10), date(2026, 3, 11))
    assert shown["Reisekosten"].show_as is ShowAs.FREE
    assert shown["Lindner KG"].description == "Telefon: +49 911 5550142"
    writes = len(account.writes)
    world.settle(name)
    assert len(account.writes) == writes
    assert {link.kind for link in world.links(name)} == {LinkKind.MIRROR}


def test_off_by_default_and_each_by_its_own(google: KindsWorld) -> None:
    account = google.account()
    google.host.create(ADA, task(), kind=Kind.TASK)
    google.host.create(ADA, call(), kind=Kind.CALL)
    name = google.join(account)
    google.settle(name)
    assert google.there(account, TARGET) == {}
    google.switch(name, Kind.CALL)
    google.approve(name)
    google.settle(name)
    assert only(google.there(account, TARGET)).title == "Lindner KG"


def test_tasks_without_a_time_can_be_left_out(google: KindsWorld) -> None:
    account = google.account()
    google.host.create(ADA, task(), kind=Kind.TASK)
    google.host.create(ADA, task("Angebot", span(10, 9)), kind=Kind.TASK)
    name = google.join(account, Kind.TASK, timed_only=True)
    google.settle(name)
    assert only(google.there(account, TARGET)).title == "Angebot"


def test_moving_the_entry_moves_the_task_and_the_call(world: KindsWorld) -> None:
    account = world.account()
    offer = world.host.create(ADA, task("Angebot", span(10, 9)), kind=Kind.TASK)
    planned = world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, *BOTH)
    world.settle(name)
    ids = {e.title: key for key, e in world.there(account, TARGET).items() if isinstance(e, Event)}
    account.user.edit(TARGET, ids["Angebot"], when=span(11, 14))
    account.user.edit(TARGET, ids["Lindner KG"], when=span(12, 8), title="dort umbenannt")
    world.settle(name)
    moved, called = world.here(Kind.TASK)[offer], world.here(Kind.CALL)[planned]
    assert moved == task("Angebot", span(11, 14))
    assert isinstance(called, Call)
    assert (called.when, called.title, called.phone) == (span(12, 8), "Lindner KG", "+49 911 5550142")
    world.host.edit(ADA, planned, title="Lindner AG")
    world.settle(name)
    titles = {e.title for e in world.there(account, TARGET).values() if isinstance(e, Event)}
    assert titles == {"Angebot", "Lindner AG"}


@pytest.mark.parametrize("how", ["done", "deleted", "no day"])
def test_done_or_deleted_here_is_removed_there(world: KindsWorld, how: str) -> None:
    account = world.account()
    ref = world.host.create(ADA, task(), kind=Kind.TASK)
    name = world.join(account, *BOTH)
    world.settle(name)
    match how:
        case "done":
            world.host.edit(ADA, ref, status=TaskStatus.COMPLETED)
        case "deleted":
            world.host.delete(ADA, ref)
        case _:
            world.host.edit(ADA, ref, due=None)
    world.settle(name)
    assert world.there(account, TARGET) == {}
    assert world.links(name) == []
    if how != "deleted":
        world.host.edit(ADA, ref, status=TaskStatus.NOT_STARTED, due=date(2026, 3, 12))
        world.settle(name)
        assert len(world.there(account, TARGET)) == 1


def test_deleted_there_it_is_only_mirrored_no_longer(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, *BOTH)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.delete(TARGET, there)
    world.settle(name)
    assert world.here(Kind.CALL)[ref] == call()
    (link,) = world.links(name)
    assert link.state is LinkState.DECLINED
    world.host.edit(ADA, ref, title="anders")
    world.host.edit(ADA, ref, done=True)
    world.settle(name)
    world.host.edit(ADA, ref, done=False)
    world.settle(name)
    assert world.there(account, TARGET) == {}  # for good, also after it was done and is to be done again


def test_a_mirror_is_never_a_block(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, *BOTH, sources=(TARGET,))
    world.settle(name)
    other = world.connect(ADA, account, target=None, sources=(TARGET, SOURCE))
    world.settle(name, other)
    assert world.blocks(name) == world.blocks(other) == []
    (there,) = world.there(account, TARGET)
    account.user.move(TARGET, there, SOURCE)
    world.settle(name, other)
    assert world.blocks(name) == world.blocks(other) == []
    assert len(world.there(account, TARGET)) + len(world.there(account, SOURCE)) == 1


def test_events_and_mirrors_live_side_by_side(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, event("Runde"))
    account.user.create(SOURCE, event("Arzt"))
    world.host.create(ADA, task(), kind=Kind.TASK)
    name = world.join(account, *BOTH)
    world.settle(name)
    assert len(world.there(account, TARGET)) == 2
    assert len(world.blocks(name)) == 1


def test_both_moved_it_and_it_is_told(google: KindsWorld) -> None:
    account = google.account()
    ref = google.host.create(ADA, call(), kind=Kind.CALL)
    name = google.join(account, *BOTH)
    google.settle(name)
    (there,) = google.there(account, TARGET)
    google.host.edit(ADA, ref, when=span(11, 9))
    google.clock.forward(minutes=5)
    account.user.edit(TARGET, there, when=span(12, 9))
    google.settle(name)
    moved = google.here(Kind.CALL)[ref]
    assert isinstance(moved, Call)
    assert moved.when == only(google.there(account, TARGET)).when == span(12, 9)


def test_what_was_before_the_account_came_stays_where_it_is(google: KindsWorld) -> None:
    account = google.account()
    google.host.create(ADA, replace(task(), due=date(2026, 2, 10)), kind=Kind.TASK)
    google.host.create(ADA, Task(title="x", due=date(2026, 3, 10), status=TaskStatus.COMPLETED), kind=Kind.TASK)
    name = google.join(account, *BOTH)
    google.settle(name)
    assert google.there(account, TARGET) == {}


def test_whoever_may_read_the_calendar_there_sees_a_busy_time_alone(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task("Angebot", span(10, 9), notes="bis mittags"), kind=Kind.TASK)
    world.host.create(ADA, task("Reisekosten"), kind=Kind.TASK)
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, *BOTH)
    world.settle(name)
    assert open_ones(world.there(account, TARGET)) == set()
    assert len(world.there(account, TARGET)) == 3


def test_an_entry_from_before_is_closed_once(world: KindsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    account, name = joined_before(world, monkeypatch)
    writes = len(account.writes)
    world.settle(name)
    assert open_ones(world.there(account, TARGET)) == set()
    assert len(account.writes) == writes + 2
    assert account.outbox == []
    world.settle(name)
    assert len(account.writes) == writes + 2


def test_what_she_wrote_into_an_entry_from_before_stays(world: KindsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    account, name = joined_before(world, monkeypatch)
    ids = {e.title: key for key, e in world.there(account, TARGET).items() if isinstance(e, Event)}
    account.user.edit(TARGET, ids["Angebot"], title="dort umbenannt")
    world.settle(name)
    assert {e.title for e in world.there(account, TARGET).values() if isinstance(e, Event)} == {
        "dort umbenannt",
        "Lindner KG",
    }
    assert open_ones(world.there(account, TARGET)) == set()


def test_what_she_opens_there_stays_open(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, *BOTH)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.edit(TARGET, there, sensitivity=Sensitivity.NORMAL)
    writes = len(account.writes)
    world.settle(name)
    assert len(account.writes) == writes
    world.host.edit(ADA, ref, title="Lindner AG")
    world.settle(name)
    entry = only(world.there(account, TARGET))
    assert (entry.title, entry.sensitivity) == ("Lindner AG", Sensitivity.NORMAL)


def open_ones(items: object) -> set[str]:
    """The titles of what is not private."""
    assert isinstance(items, dict)
    return {str(e.title) for e in items.values() if isinstance(e, Event) and e.sensitivity is not Sensitivity.PRIVATE}


def joined_before(world: KindsWorld, monkeypatch: pytest.MonkeyPatch) -> tuple[MemoryAccount, str]:
    """A task and a call that were mirrored by an earlier release, as open entries; and the new one, whose migration
    lets both modules be read from their beginning."""

    def in_the_open(item: Task | Call, manner: Manner) -> Event | None:
        entry = shown(item, manner)
        return None if entry is None else replace(entry, sensitivity=Sensitivity.NORMAL)

    account = world.account()
    world.host.create(ADA, task("Angebot", span(10, 9)), kind=Kind.TASK)
    world.host.create(ADA, call(), kind=Kind.CALL)
    with monkeypatch.context() as earlier:
        earlier.setattr(kinds, "shown", in_the_open)
        name = world.join(account, *BOTH)
        world.settle(name)
    assert open_ones(world.there(account, TARGET)) == {"Angebot", "Lindner KG"}
    with world.store.begin() as unit:
        for kind in BOTH:
            host_positions.drop(unit.connection, name, kind)
    return account, name
