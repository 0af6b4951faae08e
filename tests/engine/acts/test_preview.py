"""A plan before anything is written, and what its approval binds (docs/sync.md, W7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from marketplace_plugin.engine.acts.preview import PlanSummary, approve, current_plan, preview
from marketplace_plugin.engine.context import RunOutcome, RunResult, Trigger
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.event import Event
from marketplace_plugin.providers.memory import MemoryAccount
from marketplace_plugin.providers.memory.faults import Crash, Moment, Request
from marketplace_plugin.store import connections, held, leases
from marketplace_plugin.sync.link import LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(shared=request.param)
    yield made
    made.close()


def test_blocks_come_in_and_nothing_is_pushed_while_a_plan_waits(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    world.host.create("ada", event("public"))
    ada = world.connect("ada", account, approved=False)
    plan = preview(world.engine, ada)
    assert isinstance(plan, PlanSummary)
    assert (plan.counts["remote.create"], plan.blocks, plan.mails, plan.waiting) == (1, 1, 0, True)
    account.user.create(SOURCE, event("another"))
    assert world.sync(ada).outcome is RunOutcome.WAITS
    assert len(world.blocks(ada)) == 2
    assert account.items(TARGET) == {}
    assert account.writes == []
    again = current_plan(world.engine, ada)
    assert again is not None
    assert again.id == plan.id, "the same plan is not asked for twice"


def test_start_does_what_was_shown(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("public"))
    ada = world.connect("ada", account, approved=False)
    preview(world.engine, ada)
    assert world.start(ada, "ada").outcome is RunOutcome.DONE
    assert len(account.items(TARGET)) == 1
    later = current_plan(world.engine, ada)
    assert later is not None
    assert not later.waiting


def test_what_was_not_shown_is_asked_again(world: World) -> None:
    account = world.account()
    shown = world.host.create("ada", event("shown"))
    ada = world.connect("ada", account, approved=False)
    preview(world.engine, ada)
    world.host.edit("ada", shown, title="edited since")
    world.host.create("ada", event("new since"))
    world.start(ada, "ada")
    assert [one.item.title for one in account.items(TARGET).values()] == ["edited since"]  # type: ignore[union-attr]
    waiting = [k for k in world.links(ada) if k.state is LinkState.PENDING]
    assert [k.reason for k in waiting] == [Reason.AWAITS_APPROVAL]
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert len(account.items(TARGET)) == 1, "it waits until it is approved"
    world.start(ada, "ada")
    assert len(account.items(TARGET)) == 2


def test_only_the_owner_approves_and_only_once(world: World) -> None:
    account = world.account()
    ada = world.connect("ada", account, approved=False)
    plan = preview(world.engine, ada)
    owner, other = world.host.person("ada"), world.host.person("bob")
    assert isinstance(plan, PlanSummary)
    assert owner is not None
    assert other is not None
    with pytest.raises(Conflict):
        approve(world.engine, plan.id, other)
    run = approve(world.engine, plan.id, owner)
    with pytest.raises(Conflict):
        approve(world.engine, plan.id, owner)
    assert world.sync(ada, Trigger.START, run).outcome is RunOutcome.DONE


def test_a_run_that_takes_over_is_bound_to_the_plan_too(world: World) -> None:
    """The run that the approval started died: what the user never saw must not go out with the next one."""
    account = world.account()
    shown = [world.host.create("ada", event(title)) for title in ("one", "two")]
    ada = world.connect("ada", account, approved=False)
    preview(world.engine, ada)
    account.faults.add(Moment.AFTER, Request.INSERT, Crash())
    with pytest.raises(Crash):
        world.start(ada, "ada")
    world.host.create("ada", event("never shown"))
    world.host.edit("ada", shown[1], title="edited since")
    world.clock.forward(minutes=31)
    world.sync(ada, Trigger.SCHEDULE)
    assert _titles(account) == ["edited since", "one"]
    plan = current_plan(world.engine, ada)
    assert plan is not None
    assert (plan.waiting, plan.counts["remote.create"]) == (True, 1)
    world.clock.forward(minutes=31)
    world.sync(ada, Trigger.SCHEDULE)
    assert len(account.items(TARGET)) == 2, "it goes on waiting"
    world.host.create("ada", event("a day later"))
    world.sync(ada, Trigger.HOST_CHANGE)
    assert _titles(account) == ["a day later", "edited since", "one"], "the plan was carried out, and binds no more"
    world.start(ada, "ada")
    assert _titles(account) == ["a day later", "edited since", "never shown", "one"]


def test_what_was_asked_before_the_crash_is_asked_after_it(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account, approved=False)
    preview(world.engine, ada)
    world.host.create("ada", event("never shown"))
    account.faults.add(Moment.BEFORE, Request.INSERT, Crash())
    with pytest.raises(Crash):
        world.start(ada, "ada")
    world.host.create("ada", event("nor this"))
    for _ in range(2):
        world.clock.forward(minutes=31)
        world.sync(ada, Trigger.SCHEDULE)
        assert _titles(account) == ["one"]
        plan = current_plan(world.engine, ada)
        assert plan is not None
        assert (plan.waiting, plan.counts["remote.create"]) == (True, 2)
    world.start(ada, "ada")
    assert len(account.items(TARGET)) == 3


def test_deletions_that_were_approved_with_the_plan_are_not_held_again(world: World) -> None:
    account = world.account()
    refs = [world.host.create("ada", event(f"{number}", day=10 + number)) for number in range(15)]
    ada = world.connect("ada", account)
    world.settle(ada)
    with world.store.begin() as unit:
        connections.approve(unit.connection, ada, None)  # as after a new policy: a plan comes first
    for ref in refs:
        world.host.delete("ada", ref)
    plan = preview(world.engine, ada)
    assert isinstance(plan, PlanSummary)
    assert plan.counts["remote.delete"] == 15
    assert len(account.items(TARGET)) == 15
    world.start(ada, "ada")
    assert _titles(account) == []
    with world.store.read() as c:
        assert held.of_connection(c, ada) == []


def test_an_old_plan_is_not_shown_for_new_settings_while_another_pass_runs(world: World) -> None:
    world.host.create("ada", event("one"))
    ada = world.connect("ada", world.account())
    world.settle(ada)
    with world.store.begin() as unit:
        connections.approve(unit.connection, ada, None)  # as after a new policy: a plan comes first
        now = world.clock()
        assert leases.claim(unit.connection, ada, now, now + timedelta(minutes=10)) is not None
    found = preview(world.engine, ada)
    assert isinstance(found, RunResult)
    assert found.outcome is RunOutcome.BUSY


def _titles(account: MemoryAccount) -> list[str]:
    return sorted(str(one.item.title) for one in account.items(TARGET).values() if isinstance(one.item, Event))


def test_a_plan_that_was_never_carried_out_binds_nothing_once_another_one_is_approved(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("one"))
    ada = world.connect("ada", account, approved=False)
    preview(world.engine, ada)
    account.faults.add(Moment.BEFORE, Request.INSERT, Crash())
    with pytest.raises(Crash):
        world.start(ada, "ada")
    with world.store.begin() as unit:
        connections.approve(unit.connection, ada, None)  # other settings, so another plan
    world.host.create("ada", event("two"))
    world.clock.forward(minutes=31)
    preview(world.engine, ada)
    world.start(ada, "ada")
    assert _titles(account) == ["one", "two"]
    world.host.create("ada", event("three"))
    world.clock.forward(minutes=31)
    world.sync(ada, Trigger.SCHEDULE)
    assert _titles(account) == ["one", "three", "two"]
