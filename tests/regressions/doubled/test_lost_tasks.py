"""A list that holds no stamp: what may be the task whose making was not answered is asked about, not made again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import TaskStatus
from marketplace_plugin.providers.memory import GOOGLE, Crash, MemoryAccount, Moment, Request
from tests.engine.kinds import ADA, LIST, KindsWorld, task


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def office(request: pytest.FixtureRequest) -> Iterator[KindsWorld]:
    made = KindsWorld(GOOGLE, shared=request.param)
    yield made
    made.close()


def _unanswered(office: KindsWorld) -> tuple[MemoryAccount, str, str]:
    """The account, the connection and the ref of a task that stands in the list without our knowing."""
    account = office.account()
    ref = office.host.create(ADA, task("Angebot"), kind=Kind.TASK)
    name = office.join(account, Kind.TASK, targets=(LIST,), sources=(LIST,))
    account.faults.add(Moment.AFTER, Request.INSERT, Crash("killed"))
    with pytest.raises(Crash):
        office.sync(name)
    office.clock.forward(minutes=11)
    return account, name, ref


def test_what_was_done_meanwhile_may_still_be_the_one(office: KindsWorld) -> None:
    """A task that is done looked like no other: the one in the list was taken for a second task."""
    account, name, ref = _unanswered(office)
    office.host.edit(ADA, ref, status=TaskStatus.COMPLETED)
    office.settle(name)
    assert list(office.here(Kind.TASK)) == [ref]
    assert len(office.there(account, LIST)) == 1


def test_what_was_done_there_meanwhile_may_still_be_the_one(office: KindsWorld) -> None:
    """Done there, it was taken for a second task; and where the service knows the key of a create, no pass after it
    came to its end."""
    account, name, ref = _unanswered(office)
    (there,) = office.there(account, LIST)
    account.user.edit(LIST, there, status=TaskStatus.COMPLETED)
    office.settle(name)
    assert list(office.here(Kind.TASK)) == [ref]
    assert len(office.there(account, LIST)) == 1


def test_an_edit_while_it_is_asked_about_makes_no_second_one(office: KindsWorld) -> None:
    """The question stood from an earlier pass; the edit had the task made again, and where the service knows the key
    of a create, no pass after it came to its end."""
    account, name, ref = _unanswered(office)
    office.settle(name)
    office.host.edit(ADA, ref, notes="bis Freitag")
    office.settle(name)
    assert list(office.here(Kind.TASK)) == [ref]
    assert len(office.there(account, LIST)) == 1
