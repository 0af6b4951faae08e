"""When passes run: the sweeper takes due rows and hands them to the runner. It holds nothing that a crash could
lose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog

from marketplace_plugin.engine.context import Engine, JobRunner, Trigger
from marketplace_plugin.engine.work import announce
from marketplace_plugin.engine.work.jobs import NOTIFICATION, SWEEP, SYNC
from marketplace_plugin.store import leases
from marketplace_plugin.store.accounts.connections import Connection

LOST_AFTER = timedelta(minutes=5)
"""A job that was handed over and never ran is handed over again."""
BATCH = 500
LOOK_EVERY = 1.0  # seconds; another process may have marked a row
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """``free`` says how many jobs the runner would take."""

    engine: Engine
    runner: JobRunner
    free: Callable[[], int] = lambda: BATCH

    def tick(self, now: datetime) -> int:
        """Hand over what is due at ``now`` (aware UTC). Returns how many."""
        limit = min(BATCH, self.free())
        if limit < 1:
            return 0
        with self.engine.store.begin() as unit:
            taken = leases.claim_due(unit.connection, now, now + LOST_AFTER, limit)
        for owner in sorted({row.user for row in taken}):
            announce.due(self.engine, owner, now)
        for row in taken:
            trigger, priority = _why(row)
            self.runner.submit(SYNC, row.id, {"connection": row.id, "trigger": trigger.value}, priority)
        return len(taken)


def _why(row: Connection) -> tuple[Trigger, int]:
    if row.dirty:
        return Trigger.HOST_CHANGE, NOTIFICATION
    return (Trigger.RETRY if row.backoff_until is not None else Trigger.SCHEDULE), SWEEP


class Clockwork:
    """Drives a sweeper from a thread of its own, and what else wants to look at the clock (``also``)."""

    def __init__(
        self, sweeper: Sweeper, now: Callable[[], datetime], also: Sequence[Callable[[datetime], object]] = ()
    ) -> None:
        self._ticks = (sweeper.tick, *also)
        self._now = now
        self._stop = Event()
        self._woken = Event()
        self._thread = Thread(target=self._turn, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look now rather than in a second."""
        self._woken.set()

    def stop(self, seconds: float = 10.0) -> None:
        self._stop.set()
        self._woken.set()
        self._thread.join(seconds)

    def _turn(self) -> None:
        while not self._stop.is_set():
            self._woken.clear()
            for tick in self._ticks:
                try:
                    tick(self._now())
                except Exception as error:  # noqa: BLE001  # a locked or full database is no reason to stop for good
                    _log.error("sweep failed", error=type(error).__name__)
            self._woken.wait(LOOK_EVERY)
