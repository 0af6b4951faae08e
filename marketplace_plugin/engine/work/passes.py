"""The handler of ``sync`` jobs: which run a wake-up call carries out is said by rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from marketplace_plugin.engine.context import Engine, RunOutcome, RunResult, Trigger
from marketplace_plugin.engine.run import run_pass
from marketplace_plugin.engine.work.jobs import BUTTON, SYNC
from marketplace_plugin.store import runs
from marketplace_plugin.store.log.runs import Run

_OWN_WORK = frozenset({Trigger.START, Trigger.UNDO})


@dataclass(frozen=True, slots=True)
class Passes:
    """The handler of ``sync`` jobs: ``payload`` names the ``connection`` and the ``trigger``.

    The run that is carried out is one that was asked for and waits in its row, where there is one; the others that
    wait are joined to it. ``run`` is ``run_pass``.
    """

    engine: Engine
    run: Callable[[Engine, str, Trigger, str], RunResult] = field(default=run_pass, repr=False)

    def __call__(self, kind: str, payload: Mapping[str, str]) -> None:
        if kind != SYNC:
            raise ValueError(f"no job is of the kind {kind}")
        connection = payload["connection"]
        with self.engine.store.read() as c:
            asked = [one for one in runs.unfinished(c, connection) if one.started_at is None]
        first = min(asked, key=_eagerness, default=None)
        if first is None:
            self._run_unasked(connection, payload)
            return
        result = self.run(self.engine, connection, Trigger(first.trigger), first.id)
        if result.outcome is not RunOutcome.BUSY:
            left = [one for one in asked if one.id != first.id]
            self._join([one for one in left if one.trigger not in _OWN_WORK], result)
            self._go_on([one for one in left if one.trigger in _OWN_WORK])

    def _run_unasked(self, connection: str, payload: Mapping[str, str]) -> None:
        """The sweeper's own; a job whose run was carried out by another one has nothing left to do."""
        named = payload.get("run", "")
        with self.engine.store.read() as c:
            known = runs.get(c, named) if named else None
        if known is None:
            self.run(self.engine, connection, Trigger(payload["trigger"]), named or self.engine.new_id())

    def _go_on(self, others: list[Run]) -> None:
        """Each of them does what no other run does."""
        if others and self.engine.runner is not None:
            payload = {"connection": others[0].connection, "run": others[0].id, "trigger": others[0].trigger}
            self.engine.runner.submit(SYNC, others[0].connection, payload, BUTTON)

    def _join(self, others: list[Run], result: RunResult) -> None:
        """Who asked before the pass began has got what he asked for."""
        if not others:
            return
        with self.engine.store.begin() as unit:
            for one in others:
                runs.finish(
                    unit.connection,
                    one.id,
                    self.engine.now(),
                    result.outcome,
                    {},
                    error=result.error,
                    error_number=result.number,
                    again_at=result.again_at,
                )


def _eagerness(run: Run) -> tuple[bool, bool, object]:
    """An approved plan or an undo first: only its own run may carry it out."""
    return run.trigger not in _OWN_WORK, run.trigger != Trigger.BUTTON, run.queued_at
