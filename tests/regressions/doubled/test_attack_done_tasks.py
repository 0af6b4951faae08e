"""Tasks of lists that are done, or renamed, just when the sync has to recognise them: none may come twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketplace_plugin.engine.acts.waiting.matches import doubtful, same
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import TaskStatus
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Moment, Request
from tests.engine.kinds import ADA, LIST, KindsWorld, task

LISTED: dict[str, Any] = {"targets": (LIST,), "sources": (LIST,)}


@pytest.fixture(params=(GOOGLE, GRAPH, EWS), ids=lambda personality: personality.name)
def world(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    world = KindsWorld(request.param)
    yield world
    world.close()


def test_who_comes_back_does_not_find_his_finished_tasks_twice(world: KindsWorld) -> None:
    """A user disconnects and connects the same account again: each task that was done would stand there twice."""
    account = world.account()
    account.user.create(LIST, task("fertig"))
    account.user.create(LIST, task("offen"))
    first = world.join(account, Kind.TASK, **LISTED)
    world.settle(first)
    (done,) = [key for key, item in world.there(account, LIST).items() if getattr(item, "title", "") == "fertig"]
    account.user.edit(LIST, done, status=TaskStatus.COMPLETED)
    world.settle(first)
    world.disconnect(first)
    second = world.join(account, Kind.TASK, **LISTED)
    world.settle(second)
    for side in (world.here(Kind.TASK), world.there(account, LIST)):
        assert sorted(str(getattr(item, "title", "")) for item in side.values()) == ["fertig", "offen"]


@pytest.mark.parametrize("side", ["here", "there", "both"])
def test_said_to_be_the_same_and_done_before_the_next_pass(world: KindsWorld, side: str) -> None:
    """A user says that two tasks are one and ticks it off at once: it would come a second time."""
    account = world.account()
    ref = world.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    account.user.create(LIST, task("Angebot", notes="dort"))
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    (view,) = doubtful(world.engine, world.person())
    same(world.engine, world.person(), view.link, view.candidates[0].ref)
    if side in ("here", "both"):
        world.host.edit(ADA, ref, status=TaskStatus.COMPLETED)
    if side in ("there", "both"):
        (there,) = world.there(account, LIST)
        account.user.edit(LIST, there, status=TaskStatus.COMPLETED)
    world.settle(name)
    assert len(world.here(Kind.TASK)) == len(world.there(account, LIST)) == 1
    world.settle(name)
    assert len(world.here(Kind.TASK)) == len(world.there(account, LIST)) == 1


@pytest.mark.parametrize("act", ["done", "renamed", "done there", "renamed there"])
def test_a_lost_answer_and_an_edit_before_the_next_pass(world: KindsWorld, act: str) -> None:
    """A task's answer was lost and its user goes on working: here or there it would stand twice."""
    account = world.account()
    name = world.join(account, Kind.TASK, **LISTED)
    world.settle(name)
    ref = world.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    account.faults.add(Moment.AFTER, Request.INSERT, Unavailable("no answer"))
    world.sync(name)
    ((there, _),) = world.there(account, LIST).items()
    if act == "done":
        world.host.edit(ADA, ref, status=TaskStatus.COMPLETED)
    elif act == "renamed":
        world.host.edit(ADA, ref, title="Angebot an Lindner")
    elif act == "done there":
        account.user.edit(LIST, there, status=TaskStatus.COMPLETED)
    else:
        account.user.edit(LIST, there, title="Angebot an Lindner")
    for _ in range(4):
        world.clock.forward(minutes=31)
        world.sync(name)
    assert len(world.there(account, LIST)) == 1
    assert len(world.here(Kind.TASK)) == 1
