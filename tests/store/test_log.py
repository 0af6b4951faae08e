"""Runs, the journal and plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.model.change import Tombstone
from marketplace_plugin.store import Store, journal, links, plans, runs
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.log.plans import Plan, PlanState
from marketplace_plugin.store.log.runs import Run
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.reason import Reason
from tests.store.conftest import NOW

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_run_from_queue_to_end(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        runs.add(c, Run("r1", "c1", "u1", "button", NOW))
        runs.add(c, Run("r2", "c1", "u1", "schedule", NOW + MINUTE))
        assert [one.id for one in runs.unfinished(c, "c1")] == ["r1", "r2"]
        runs.start(c, "r1", NOW + MINUTE)
        runs.progress(c, "r1", "read", 3, None)
        running = runs.get(c, "r1")
        assert running is not None
        assert (running.phase, running.done, running.total) == ("read", 3, None)
        runs.finish(
            c,
            "r1",
            NOW + 2 * MINUTE,
            "failed",
            {"block.create": 3},
            error="unavailable",
            error_number="E1",
            again_at=NOW,
        )
        runs.progress(c, "r1", "write", 9, 9)  # too late: says nothing any more
        ended = runs.get(c, "r1")
        assert ended == Run(
            "r1",
            "c1",
            "u1",
            "button",
            NOW,
            NOW + MINUTE,
            NOW + 2 * MINUTE,
            "failed",
            None,
            3,
            None,
            {"block.create": 3},
            "unavailable",
            "E1",
            NOW,
        )
        assert [one.id for one in runs.of_connection(c, "c1")] == ["r2", "r1"]
        assert {key: one.id for key, one in runs.latest(c, ["c1", "x"], NOW).items()} == {"c1": "r2"}
        runs.finish(c, "r2", NOW + 3 * MINUTE, "done", {})
        never_started = runs.get(c, "r2")
        assert never_started is not None
        assert never_started.started_at == NOW + 3 * MINUTE
        assert runs.forget(c, "c1", NOW + 3 * MINUTE) == 1
        runs.remove_of(c, "c1")
        assert runs.of_connection(c, "c1") == []


ENTRY = Entry(
    "j1",
    "r1",
    "c1",
    "u1",
    "l1",
    LinkKind.EXPORT,
    Side.REMOTE,
    Action.DELETE,
    Reason.DELETED_HOST,
    NOW,
    versions={"before": '"1"'},
    pre_image=Tombstone("x"),
)


def test_the_journal_counts_deletions_per_side(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        journal.add(
            c,
            [
                ENTRY,
                replace(ENTRY, id="j2", side=Side.HOST, pre_image=None),
                replace(ENTRY, id="j3", at=NOW - DAY - MINUTE),
                replace(ENTRY, id="j9", at=NOW + 365 * DAY, run="r9", link="l9"),
                replace(ENTRY, id="j4", action=Action.UPDATE),
            ],
        )
        assert journal.deletions(c, "c1", NOW) == Counter({Side.REMOTE: 1, Side.HOST: 1})
        assert journal.summary(c, "r1")[Side.REMOTE, Action.DELETE, Reason.DELETED_HOST] == 2
        assert [one.id for one in journal.of_run(c, "r1")] == ["j3", "j1", "j2", "j4"]
        assert journal.of_run(c, "r1")[1] == ENTRY
        journal.mark_undone(c, ["j1"], "r2")
        assert journal.of_link(c, "l1", limit=1) == [replace(ENTRY, undone_by="r2")]
        assert journal.forget(c, "c1", NOW) == 1
        journal.remove_for(c, ["l1"])
        assert journal.of_run(c, "r1") == []


def test_what_was_taken_back_is_known_while_its_link_lives(store: Store, new_link: Callable[..., Link]) -> None:
    back = replace(ENTRY, side=Side.HOST, action=Action.UPDATE, reason=Reason.UNDONE)
    others = [
        replace(back, id="j2", side=Side.REMOTE),
        replace(back, id="j3", reason=Reason.MERGED),
        replace(back, id="j4", action=Action.DELETE),
        replace(back, id="j5", link="gone"),
        replace(back, id="j6", at=NOW + MINUTE),
    ]
    with store.begin() as unit:
        c = unit.connection
        links.put(c, [new_link("l1")], NOW)
        journal.add(c, [back, *others])
        assert journal.forget(c, "c1", NOW + MINUTE) == 4
        assert journal.of_run(c, "r1") == [replace(back, pre_image=None), others[-1]]
        assert journal.taken_back(c, ["l1"], Side.HOST) == {"l1"}
        assert journal.forget(c, "c2", NOW + 2 * MINUTE) == 0
        assert journal.of_run(c, "r1")[1] == others[-1]
        links.remove(c, ["l1"], NOW)
        assert journal.forget(c, "c1", NOW + 2 * MINUTE) == 2


def test_runs_that_died_are_forgotten_too(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        for name in ("queued", "died", "runs", "done"):
            runs.add(c, Run(name, "c1", "u1", "schedule", NOW))
        runs.start(c, "died", NOW + MINUTE)
        runs.start(c, "runs", NOW + 2 * MINUTE)
        runs.finish(c, "done", NOW + 2 * MINUTE, "done", {})
        assert runs.forget(c, "c1", NOW + 2 * MINUTE) == 2
        assert {one.id for one in runs.of_connection(c, "c1")} == {"runs", "done"}


def test_a_new_plan_takes_the_place_of_one_that_waits(store: Store, connected: str) -> None:
    first = Plan("p1", "c1", 1, "f", {"remote.create": 2}, NOW, steps=(Tombstone("x"),))
    with store.begin() as unit:
        c = unit.connection
        plans.add(c, first)
        assert plans.current(c, "c1") == first
        plans.add(c, replace(first, id="p2", created_at=NOW + MINUTE))
        assert not plans.approve(c, "p1", "u1", "r1", NOW)
        assert plans.approve(c, "p2", "u1", "r1", NOW)
        assert not plans.approve(c, "p2", "u1", "r1", NOW)
        old, new = plans.get(c, "p1"), plans.current(c, "c1")
    assert old is not None
    assert old.state is PlanState.SUPERSEDED
    assert new is not None
    assert (new.id, new.state, new.decided_by, new.run) == ("p2", PlanState.APPROVED, "u1", "r1")


def test_plans_that_are_over_go_after_their_time(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        for number in range(3):
            plans.add(c, Plan(f"p{number}", "c1", 1, "f", {}, NOW + number * MINUTE))
        assert plans.forget(c, "c1", NOW + MINUTE) == 1
        assert plans.get(c, "p0") is None
        assert plans.forget(c, "c1", NOW + 9 * MINUTE) == 1
        assert plans.get(c, "p2") is not None  # it waits
        plans.remove_of(c, "c1")
        assert plans.get(c, "p2") is None


def test_a_unit_of_work_that_raises_leaves_nothing(store: Store, connected: str) -> None:
    def break_off() -> None:
        with store.begin() as unit:
            runs.add(unit.connection, Run("r1", "c1", "u1", "button", NOW))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    with store.read() as c:
        assert runs.get(c, "r1") is None


def test_a_unit_of_work_inside_another_is_a_mistake(store: Store) -> None:
    """It would wait for itself until the lock's time is over."""
    with store.begin(), pytest.raises(RuntimeError, match="open already"), store.begin():
        pass
    with store.begin():
        pass
