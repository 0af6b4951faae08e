"""Every place in which a process can die, or somebody else can get in between, met one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from marketplace_plugin.providers.memory import Crash, Moment, Request
from marketplace_plugin.providers.memory.faults import Faults
from marketplace_plugin.store import UnitOfWork
from tests.laws.scene import Scene


class Boundaries:
    """Counts what is met, and calls ``act`` at the one that was chosen. ``open``: nobody holds a transaction there."""

    def __init__(self, chosen: int, act: Callable[[], object], *, only_open: bool) -> None:
        self.chosen, self.act, self.only_open = chosen, act, only_open
        self.met = 0

    def meet(self, *, is_open: bool = True) -> None:
        if self.only_open and not is_open:
            return
        self.met += 1
        if self.met == self.chosen:
            self.act()

    @property
    def reached(self) -> bool:
        return self.met >= self.chosen


class _Watched(Faults):
    """A service's boundaries: before it acts, and after it acted."""

    def __init__(self, boundaries: Boundaries) -> None:
        super().__init__()
        self._boundaries = boundaries

    def meet(self, moment: Moment, request: Request) -> None:
        self._boundaries.meet()
        super().meet(moment, request)


def die() -> None:
    raise Crash("killed")


@contextmanager
def watched(scene: Scene, boundaries: Boundaries) -> Iterator[None]:
    """What runs inside meets them: requests, transactions of the store, and writes of the host. A Crash ends it, and
    the lease that it leaves runs out."""
    store, host, account = scene.world.store, scene.world.host, scene.account
    begin, faults = store.begin, account.faults

    @contextmanager
    def counted() -> Iterator[UnitOfWork]:
        with begin() as unit:
            yield unit
            boundaries.meet(is_open=False)
        boundaries.meet()

    def met(_: object) -> None:
        boundaries.meet(is_open=not host.shares_transaction)

    store.begin = counted  # type: ignore[method-assign]
    host.before_apply = host.after_apply = met
    account.faults = _Watched(boundaries)
    try:
        yield
    except Crash:
        scene.world.clock.forward(minutes=11)
    finally:
        store.begin = begin  # type: ignore[method-assign]
        host.before_apply = host.after_apply = None
        account.faults = faults
