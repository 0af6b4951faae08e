"""Every place in which a process can die, or somebody else can get in between, met one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.providers.memory.faults import WRITES, Faults
from marketplace_plugin.store import UnitOfWork
from tests.laws.scene import Scene


class Boundaries:
    """Counts the places that make a difference, and calls ``act`` at the chosen one. A death makes one after something
    was written: a transaction, a request, a host of its own. An edit makes one before somebody looks or writes."""

    def __init__(self, chosen: int, act: Callable[[], object], *, deaths: bool) -> None:
        self.chosen, self.act, self.deaths = chosen, act, deaths
        self.met = 0

    def meet(self, *, death: bool) -> None:
        if death is not self.deaths:
            return
        self.met += 1
        if self.met == self.chosen:
            self.act()

    @property
    def reached(self) -> bool:
        return self.met >= self.chosen


class _Watched(Faults):
    """A service's boundaries."""

    def __init__(self, boundaries: Boundaries) -> None:
        super().__init__()
        self._boundaries = boundaries

    def meet(self, moment: Moment, request: Request) -> None:
        if moment is Moment.BEFORE:
            self._boundaries.meet(death=False)
        elif request in WRITES:
            self._boundaries.meet(death=True)


def die() -> None:
    raise Crash("killed")


@contextmanager
def watched(scene: Scene, boundaries: Boundaries) -> Iterator[None]:
    """What runs inside meets them. A Crash ends it, and the lease that it leaves runs out."""
    store, host, account = scene.world.store, scene.world.host, scene.account
    begin, faults = store.begin, account.faults

    @contextmanager
    def counted() -> Iterator[UnitOfWork]:
        with begin() as unit:
            yield unit
        boundaries.meet(death=True)

    store.begin = counted  # type: ignore[method-assign]
    account.faults = _Watched(boundaries)
    if not host.shares_transaction:
        host.before_apply = lambda _: boundaries.meet(death=False)
        host.after_apply = lambda _: boundaries.meet(death=True)
    try:
        yield
    except Crash:
        scene.world.clock.forward(minutes=11)
    finally:
        store.begin = begin  # type: ignore[method-assign]
        host.before_apply = host.after_apply = None
        account.faults = faults
