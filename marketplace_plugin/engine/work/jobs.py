"""Jobs are wake-up calls: what is to be done is in rows. The runner of one process is a pool of threads.

A job that is lost with its process loses nothing: the connection is due again a few minutes later, and a run that was
asked for waits in its row.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

import structlog

from marketplace_plugin.errors import MarketplaceError

SYNC: Final = "sync"
BUTTON, NOTIFICATION, SWEEP = 100, 50, 0  # priorities: who waits in front of a screen goes first
_log = structlog.get_logger(__name__)

Handler = Callable[[str, Mapping[str, str]], None]


@dataclass(slots=True)
class _Job:
    kind: str
    key: str
    payload: Mapping[str, str]
    priority: int
    number: int

    @property
    def order(self) -> tuple[int, int]:
        return -self.priority, self.number


class ThreadPool:
    """``contract``: see ``context.JobRunner``. Two jobs with one key never run at the same time; of those that wait,
    the one with the higher priority stays. What a handler raises is logged by its kind, and ends nothing else."""

    def __init__(self, handler: Handler, workers: int, limit: int = 5000) -> None:
        if workers < 1:
            raise ValueError("a pool needs a worker")
        self._handler, self._workers, self._limit = handler, workers, limit
        self._waiting: dict[str, _Job] = {}
        self._running: set[str] = set()
        self._numbers = itertools.count()
        self._changed = Condition()
        self._threads: list[Thread] = []
        self._stopping = False

    def start(self) -> None:
        for number in range(self._workers):
            thread = Thread(target=self._work, name=f"sync-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, kind: str, key: str, payload: Mapping[str, str], priority: int = 0) -> None:
        """Never blocks. Where ``limit`` jobs wait, one of no more than the sweeper's priority is dropped: its row is
        due again later."""
        with self._changed:
            known = self._waiting.get(key)
            if known is not None and known.priority >= priority:
                return
            if known is None and priority <= SWEEP and len(self._waiting) >= self._limit:
                return
            self._waiting[key] = _Job(kind, key, dict(payload), priority, next(self._numbers))
            self._changed.notify()

    def free(self) -> int:
        """How many more jobs of the sweeper are welcome."""
        with self._changed:
            return max(0, self._limit - len(self._waiting))

    def stop(self, seconds: float = 30.0) -> bool:
        """Take no more jobs, wait for those that run, and drop those that wait. False where some still run after
        ``seconds``; they end with the process, and lose nothing."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether nothing waits and nothing runs, at the latest after ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._running, seconds)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                self._handler(job.kind, job.payload)
            except Exception as error:  # noqa: BLE001  # a worker outlives every job
                code = error.code if isinstance(error, MarketplaceError) else "internal"
                _log.error("job failed", kind=job.kind, code=code, error=type(error).__name__)
            finally:
                with self._changed:
                    self._running.discard(job.key)
                    self._changed.notify_all()

    def _take(self) -> _Job | None:
        with self._changed:
            while True:
                if self._stopping:
                    return None
                ready = [job for job in self._waiting.values() if job.key not in self._running]
                if ready:
                    job = min(ready, key=lambda job: job.order)
                    del self._waiting[job.key]
                    self._running.add(job.key)
                    return job
                self._changed.wait()
