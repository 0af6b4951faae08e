"""A pass over contacts, tasks and mirrors that dies at any place: the next ones lose nothing and double nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Crash, MemoryAccount, Moment, Personality, Request
from marketplace_plugin.providers.memory.faults import WRITES, Faults
from marketplace_plugin.store import UnitOfWork
from tests.engine.kinds import ADA, BOOK, LIST, KindsWorld, call, contact, span, task
from tests.laws.world import TARGET

PLACES = range(0, 200, 3)  # every third one; which ones falls differently with each service and host


class _Dies(Faults):
    """After a request that wrote something."""

    def __init__(self, meet: Callable[[], None]) -> None:
        super().__init__()
        self._meet = meet

    def meet(self, moment: Moment, request: Request) -> None:
        if moment is Moment.AFTER and request in WRITES:
            self._meet()


@contextmanager
def dying(world: KindsWorld, account: MemoryAccount, place: int) -> Iterator[Callable[[], bool]]:
    """Dies at the ``place``-th transaction, request that writes, or write of a host of its own."""
    met = count(1)
    died: list[bool] = []

    def meet() -> None:
        if next(met) == place:
            died.append(True)
            raise Crash("killed")

    begin, faults = world.store.begin, account.faults

    @contextmanager
    def counted() -> Iterator[UnitOfWork]:
        with begin() as unit:
            yield unit
        meet()

    world.store.begin = counted  # type: ignore[method-assign]
    account.faults = _Dies(meet)
    world.host.after_apply = lambda _: None if world.host.shares_transaction else meet()
    try:
        yield lambda: bool(died)
    except Crash:
        world.clock.forward(minutes=11)
    finally:
        world.store.begin = begin  # type: ignore[method-assign]
        world.host.after_apply = None
        account.faults = faults


def scene(personality: Personality, shared: bool) -> tuple[KindsWorld, MemoryAccount, str]:
    world = KindsWorld(personality, shared=shared)
    account = world.account()
    world.host.create(ADA, contact("Ada King", "ada@king.example", notes="hier"), kind=Kind.CONTACT)
    world.host.create(ADA, contact("Eva Klug", "eva@klug.example"), kind=Kind.CONTACT)
    account.user.create(BOOK, contact("Ada King", "ada@king.example", company="Nordwerk"))
    account.user.create(BOOK, contact("Grace Hopper", "grace@navy.example"))
    world.host.create(ADA, task("hier"), kind=Kind.TASK)
    account.user.create(LIST, task("dort"))
    world.host.create(ADA, call(), kind=Kind.CALL)
    name = world.join(account, Kind.CONTACT, Kind.TASK, Kind.CALL, targets=(BOOK, LIST), sources=(BOOK, LIST))
    return world, account, name


def check(world: KindsWorld, account: MemoryAccount, *, first: str = "Ada") -> None:
    people = {"Eva", "Grace", first}
    for side in (world.here(Kind.CONTACT), world.there(account, BOOK)):
        found = [item for item in side.values() if isinstance(item, Contact)]
        assert sorted(c.given_name for c in found) == sorted(people)
        (ada,) = (c for c in found if c.given_name == first)
        assert (ada.notes, ada.company) == ("hier", "Nordwerk")
    for side in (world.here(Kind.TASK), world.there(account, LIST)):
        assert sorted(item.title for item in side.values() if isinstance(item, Task)) == ["dort", "hier"]
    assert len(world.there(account, TARGET)) == len(world.here(Kind.CALL)) == 1


@pytest.mark.parametrize("shared", [True, False], ids=["same database", "own database"])
@pytest.mark.parametrize("personality", [GRAPH, EWS], ids=lambda personality: personality.name)
def test_a_first_sync_that_dies(personality: Personality, shared: bool) -> None:
    for place in PLACES:
        world, account, name = scene(personality, shared)
        with dying(world, account, place + 1) as died:
            world.sync(name)
        world.settle(name)
        check(world, account)
        world.close()
        if not died():
            return
    raise AssertionError("a pass has fewer places than that")


@pytest.mark.parametrize("shared", [True, False], ids=["same database", "own database"])
@pytest.mark.parametrize("personality", [GOOGLE, EWS], ids=lambda personality: personality.name)
def test_edits_on_both_sides_in_a_pass_that_dies(personality: Personality, shared: bool) -> None:
    for place in PLACES:
        world, account, name = scene(personality, shared)
        world.settle(name)
        (ref,) = (r for r, c in world.here(Kind.CONTACT).items() if isinstance(c, Contact) and c.given_name == "Ada")
        (there,) = (
            k for k, c in world.there(account, BOOK).items() if isinstance(c, Contact) and c.given_name == "Ada"
        )
        world.host.edit(ADA, ref, given_name="Augusta")
        account.user.edit(BOOK, there, job_title="Gräfin")
        (entry,) = world.there(account, TARGET)
        account.user.edit(TARGET, entry, when=span(12, 8))
        with dying(world, account, place + 1) as died:
            world.sync(name)
        world.settle(name)
        check(world, account, first="Augusta")
        (planned,) = world.here(Kind.CALL).values()
        assert isinstance(planned, Call)
        assert planned.when == span(12, 8)
        item = world.here(Kind.CONTACT)[ref]
        assert isinstance(item, Contact)
        assert item.job_title == "Gräfin"
        world.close()
        if not died():
            return
    raise AssertionError("a pass has fewer places than that")
