"""Mirrors that are asked for again, or left, in the wrong moment: nothing may stand in a calendar that nobody wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.engine.acts.chosen import mirroring
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import TaskStatus
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH
from marketplace_plugin.sync.link import LinkKind
from tests.engine.kinds import ADA, LIST, KindsWorld, call, span, task
from tests.laws.world import SOURCE, TARGET


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    world = KindsWorld(request.param)
    yield world
    world.close()


def again(world: KindsWorld, name: str) -> None:
    (link,) = world.of_kind(name, LinkKind.MIRROR)
    try:
        mirroring.mirror_again(world.engine, world.person(), link.id)
    except NotFound:
        return


def test_again_while_another_connection_syncs_tasks_with_a_list(world: KindsWorld) -> None:
    """The task would stand in the list of the one account and in the calendar of the other."""
    account, other = world.account(), world.account()
    world.host.create(ADA, task(due=span(10, 9)), kind=Kind.TASK)
    name = world.join(account, Kind.TASK)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.delete(TARGET, there)
    world.settle(name)
    second = world.connect(ADA, other, target=None)
    world.switch(second, Kind.TASK, calendar=None, targets=(LIST,), sources=(LIST,))
    world.approve(second)
    again(world, name)
    world.settle(name)
    assert world.there(account, TARGET) == {}


@pytest.mark.parametrize("kind", [Kind.CALL, Kind.TASK])
def test_again_after_the_switch_was_turned_off(world: KindsWorld, kind: Kind) -> None:
    """A page of yesterday offers to mirror a call again whose switch is off by now: it would stand in the calendar for
    good, or stop every sync of the connection."""
    account = world.account()
    world.host.create(ADA, call() if kind is Kind.CALL else task(due=span(10, 9)), kind=kind)
    name = world.join(account, kind)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.delete(TARGET, there)
    world.settle(name)
    world.switch(name)
    world.approve(name)
    again(world, name)
    world.settle(name)
    assert world.there(account, TARGET) == {}
    assert len(world.here(kind)) == 1


def test_again_while_tasks_are_synced_with_a_list(world: KindsWorld) -> None:
    """The task would stand in the list and in the calendar, or the sync would stop."""
    account = world.account()
    ref = world.host.create(ADA, task(due=span(10, 9)), kind=Kind.TASK)
    name = world.join(account, Kind.TASK)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.delete(TARGET, there)
    world.settle(name)
    world.switch(name, Kind.TASK, targets=(LIST,), sources=(LIST,))
    world.approve(name)
    again(world, name)
    world.settle(name)
    assert world.there(account, TARGET) == {}
    assert world.here(Kind.TASK).keys() == {ref}
    world.host.edit(ADA, ref, title="Neu")
    world.settle(name)
    assert world.there(account, TARGET) == {}


def test_again_when_it_is_done_by_now(world: KindsWorld) -> None:
    """What is done has no place in the calendar; taken up again it is mirrored once."""
    account = world.account()
    ref = world.host.create(ADA, task(due=span(10, 9)), kind=Kind.TASK)
    name = world.join(account, Kind.TASK)
    world.settle(name)
    (there,) = world.there(account, TARGET)
    account.user.delete(TARGET, there)
    world.settle(name)
    world.host.edit(ADA, ref, status=TaskStatus.COMPLETED)
    world.settle(name)
    again(world, name)
    world.settle(name)
    assert world.there(account, TARGET) == {}
    world.host.edit(ADA, ref, status=TaskStatus.NOT_STARTED)
    world.settle(name)
    assert len(world.there(account, TARGET)) == 1


def test_deleted_there_it_stays_here_and_is_nobodys_block(world: KindsWorld) -> None:
    """A user clears his calendar at the service: no task, no call may go with it, and none may come back as a block."""
    account = world.account()
    world.host.create(ADA, task(due=span(10, 9)), kind=Kind.TASK)
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.TASK, Kind.CALL)
    other = world.join(account, user="bob")
    world.settle(name)
    world.settle(other)
    for key in list(world.there(account, TARGET)):
        account.user.delete(TARGET, key)
    world.settle(name)
    world.settle(other)
    assert len(world.here(Kind.TASK)) == len(world.here(Kind.CALL)) == 1
    assert world.there(account, TARGET) == {}


def test_moved_to_a_source_it_is_no_block(world: KindsWorld) -> None:
    """The user drags a mirrored call into another of his calendars: colleagues must not see it a second time."""
    account = world.account()
    ref = world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.CALL)
    world.settle(name)
    ((key, item),) = world.there(account, TARGET).items()
    account.user.delete(TARGET, key)
    account.user.create(SOURCE, item)
    world.settle(name)
    assert world.here(Kind.CALL).keys() == {ref}
