"""Tasks with a to-do list in the place of the calendar: both ways, with what is richer here kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Priority, Task, TaskStatus
from marketplace_plugin.providers.memory import Moment, Request
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.reason import Reason
from tests.engine.kinds import ADA, LIST, KindsWorld, span, task
from tests.laws.world import TARGET

LISTED: dict[str, Any] = {"targets": (LIST,), "sources": (LIST,)}


def tasks(items: object) -> dict[str, Task]:
    assert isinstance(items, dict)
    return {item.title: item for item in items.values()}


def test_both_ways_and_never_in_the_calendar_too(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task("hier"), kind=Kind.TASK)
    account.user.create(LIST, task("dort"))
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    assert tasks(world.here(Kind.TASK)).keys() == tasks(world.there(account, LIST)).keys() == {"hier", "dort"}
    assert world.there(account, TARGET) == {}
    assert {link.kind for link in world.links(name)} == {LinkKind.PAIR}
    writes = len(account.writes)
    world.settle(name)
    assert len(account.writes) == writes


def test_done_on_either_side_is_done_on_both(world: KindsWorld) -> None:
    account = world.account()
    refs = {title: world.host.create(ADA, task(title), kind=Kind.TASK) for title in ("eins", "zwei")}
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    ids = {item.title: key for key, item in world.there(account, LIST).items() if isinstance(item, Task)}
    world.host.edit(ADA, refs["eins"], status=TaskStatus.COMPLETED)
    account.user.edit(LIST, ids["zwei"], status=TaskStatus.COMPLETED)
    world.settle(name)
    for side in (world.here(Kind.TASK), world.there(account, LIST)):
        assert {item.status for item in tasks(side).values()} == {TaskStatus.COMPLETED}


def test_the_richer_state_and_the_clock_stay_here(world: KindsWorld) -> None:
    account = world.account()
    ref = world.host.create(
        ADA,
        task("Angebot", span(10, 9), status=TaskStatus.WAITING, priority=Priority.HIGH),
        kind=Kind.TASK,
    )
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    ((there, copy),) = world.there(account, LIST).items()
    assert isinstance(copy, Task)
    assert copy.due == date(2026, 3, 10)
    account.user.edit(LIST, there, due=date(2026, 3, 12), notes="verschoben")
    world.settle(name)
    assert world.here(Kind.TASK)[ref] == task(
        "Angebot", span(12, 9), status=TaskStatus.WAITING, priority=Priority.HIGH, notes="verschoben"
    )


def test_equal_titles_and_days_are_asked_about(world: KindsWorld) -> None:
    account = world.account()
    world.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    account.user.create(LIST, task("Angebot"))
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    assert len(world.here(Kind.TASK)) == len(world.there(account, LIST)) == 1
    (link,) = world.links(name)
    assert link.reason is Reason.DOUBTFUL


def test_a_lost_answer_makes_no_second_task(world: KindsWorld) -> None:
    """Where the service holds our stamp it is found by it; where it does not, the user is asked."""
    account = world.account()
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    world.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    account.faults.add(Moment.AFTER, Request.INSERT, Unavailable("no answer"))
    for _ in range(4):
        world.clock.forward(minutes=31)
        world.sync(name)
    assert len(world.there(account, LIST)) == 1
    assert len(world.here(Kind.TASK)) == 1
    reasons = {link.reason for link in world.links(name)}
    assert reasons == ({None} if account.capabilities(LIST).stamps else {Reason.UNANSWERED, Reason.DOUBTFUL})


def test_an_answer_lost_before_it_arrived_is_made_up_for(world: KindsWorld) -> None:
    account = world.account()
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    world.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    account.faults.add(Moment.BEFORE, Request.INSERT, Unavailable("no answer"))
    for _ in range(4):
        world.clock.forward(minutes=31)
        world.sync(name)
    assert len(world.there(account, LIST)) == 1


def test_what_is_done_already_stays_here(google: KindsWorld) -> None:
    account = google.account()
    google.host.create(ADA, task("alt", status=TaskStatus.COMPLETED), kind=Kind.TASK)
    name = google.join(account, Kind.TASK, **LISTED)
    google.settle(name)
    assert google.there(account, LIST) == {}
