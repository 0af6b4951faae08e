"""What she deletes here while the host is to be read from its beginning: a host tells of no deletion then. The copy
stayed at the service for good, and a converted event there had neither an event here nor a block."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine.account.settings import save, settings
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.preview import current_plan
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.engine.views import SettingsForm
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import connections, held, host_positions
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.store.work.held import What
from tests.laws.world import OTHER, SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, person, titles


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


def _forget_position(world: World, connection: str) -> None:
    with world.store.begin() as unit:
        host_positions.drop(unit.connection, connection)


def _planned_deletions(world: World, connection: str) -> int:
    plan = current_plan(world.engine, connection)
    assert plan is not None
    assert plan.waiting
    return plan.counts["remote.delete"]


def test_between_the_plan_and_its_approval_it_is_asked(world: World) -> None:
    account = world.account()
    deleted = world.host.create("ada", event("deleted here"))
    other = world.host.create("ada", event("other", day=12))
    ada = world.connect("ada", account)
    world.settle(ada)
    with world.store.begin() as unit:
        connections.save_settings(
            unit.connection, ada, 0, policy=Policy.HOST, past_days=30, future_days=365, switches={}
        )
    world.host.edit("ada", other, location="x")
    world.clock.forward(minutes=31)
    world.sync(ada)
    world.host.delete("ada", deleted)
    world.start(ada, "ada")
    assert titles(account) == ["deleted here", "other"]
    assert _planned_deletions(world, ada) == 1  # the plan that she approved did not name it
    world.start(ada, "ada")
    world.settle(ada)
    assert titles(account) == here(world) == ["other"]
    assert len(world.links(ada)) == 1


def test_before_invitations_are_switched_on_the_plan_names_it(world: World) -> None:
    account = world.account()
    deleted = world.host.create("ada", event("deleted here"))
    world.host.create("ada", event("other", day=12))
    ada = world.connect("ada", account)
    world.settle(ada)
    shown = settings(world.engine, person(world), ada, reload=False)
    ids = {one.title: one.id for one in shown.collections}
    form = SettingsForm(
        target=ids[TARGET], sources=frozenset({ids[SOURCE]}), switches=frozenset({Kind.EVENT}), invites=True
    )
    world.host.delete("ada", deleted)
    save(world.engine, person(world), ada, form, shown.version)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert _planned_deletions(world, ada) == 1
    world.start(ada, "ada")
    world.settle(ada)
    assert titles(account) == here(world) == ["other"]


def test_a_converted_event_before_another_target_is_chosen(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("hers", day=6))
    ada = world.connect("ada", account)
    world.settle(ada)
    (block,) = world.blocks(ada)
    ref = convert(world.engine, person(world), block.link)
    world.settle(ada)
    world.host.delete("ada", ref)
    with world.store.begin() as unit:
        choose(world.engine, unit, ada, OTHER, {SOURCE}, keep=True)
    world.settle(ada)
    assert here(world) == titles(account, SOURCE) == blocked(world, ada) == []
    assert world.links(ada) == []


def test_many_of_them_wait_for_the_brake(world: World) -> None:
    account = world.account()
    refs = [world.host.create("ada", event(f"{number}", day=5 + number)) for number in range(14)]
    ada = world.connect("ada", account)
    world.settle(ada)
    for ref in refs[:12]:
        world.host.delete("ada", ref)
    _forget_position(world, ada)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert len(titles(account)) == 14
    with world.store.read() as c:
        waiting = held.of_connection(c, ada, [What.REMOTE_DELETION])
    assert len(waiting) == 12


def test_a_host_that_does_not_answer_has_deleted_nothing(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("hers"))
    ada = world.connect("ada", account)
    world.settle(ada)
    _forget_position(world, ada)
    world.host.broken = True
    world.clock.forward(minutes=31)
    assert world.sync(ada).outcome is RunOutcome.FAILED
    assert titles(account) == ["hers"]
    world.host.broken = False
    world.settle(ada)
    assert titles(account) == here(world) == ["hers"]
    world.host.delete("ada", ref)
    _forget_position(world, ada)
    world.settle(ada)
    assert titles(account) == []


def test_what_others_have_of_it_stays_theirs(world: World) -> None:
    """He deletes his part of an event that she organises."""
    hers, his = world.account(), world.account()
    ref = world.host.create("ada", event("both"), ["bob"])
    ada, bob = world.connect("ada", hers), world.connect("bob", his)
    world.settle(ada, bob)
    assert titles(hers) == titles(his) == ["both"]
    world.host.delete("bob", ref)
    _forget_position(world, ada)
    _forget_position(world, bob)
    world.settle(ada, bob)
    assert titles(his) == []
    assert titles(hers) == here(world) == ["both"]
