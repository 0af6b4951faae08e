"""The sync button, its live progress, and the log of runs; for a person's own connections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.context import Engine, Phase, RunOutcome, Trigger
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.views import RunState, RunView, StepView
from marketplace_plugin.engine.work import announce
from marketplace_plugin.engine.work.jobs import BUTTON, SYNC
from marketplace_plugin.errors import NotFound
from marketplace_plugin.store import connections, journal, leases, runs
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.log.runs import Run

ABANDONED = "crashed"
QUEUED_AT_MOST = timedelta(minutes=15)
"""A run that waits longer was lost with the process that was to carry it out."""


def request_sync(engine: Engine, person: Person, trigger: Trigger = Trigger.BUTTON) -> list[RunView]:
    """Run all of the person's authorised connections. One that runs already is joined, and goes on once more for what
    changed since it began."""
    announce.requested(engine, person.id)
    now, shown, fresh = engine.now(), [], []
    with engine.store.begin() as unit:
        c = unit.connection
        mine = [row for row in connections.of_user(c, person.id) if row.state is ConnectionState.CONNECTED]
        for row in mine:
            run = _under_way(engine, c, row)
            if run is None:
                run = Run(engine.new_id(), row.id, person.id, trigger.value, now)
                runs.add(c, run)
                fresh.append(run)
            shown.append(_view(run, row))
        # Whatever becomes of the job, the row says that there is something to do.
        leases.mark_dirty(c, [row.id for row in mine], now)
    if engine.runner is not None:
        for run in fresh:
            payload = {"connection": run.connection, "run": run.id, "trigger": trigger.value}
            engine.runner.submit(SYNC, run.connection, payload, BUTTON)
    return shown


def progress(engine: Engine, person: Person) -> list[RunView]:
    """The newest run of each of the person's connections that has one."""
    with engine.store.read() as c:
        mine = {row.id: row for row in connections.of_user(c, person.id)}
        return [_view(run, mine[connection]) for connection, run in runs.latest(c, mine, engine.now()).items()]


def runs_of(engine: Engine, person: Person, connection_id: str, limit: int = 50) -> list[RunView]:
    """Newest first. Raises NotFound."""
    with engine.store.read() as c:
        row = own(c, person, connection_id)
        return [_view(run, row) for run in runs.of_connection(c, row.id, limit, now=engine.now())]


def run(engine: Engine, person: Person, run_id: str) -> RunView:
    """Raises NotFound."""
    with engine.store.read() as c:
        found, row = _own_run(c, person, run_id)
        return _view(found, row)


def steps(engine: Engine, person: Person, run_id: str) -> list[StepView]:
    """What the run did and why, the most frequent first. Raises NotFound."""
    with engine.store.read() as c:
        found, _ = _own_run(c, person, run_id)
        return [
            StepView(side.value, action.value, reason, count)
            for (side, action, reason), count in journal.summary(c, found.id).most_common()
        ]


def newest(engine: Engine, c: Database, rows: Mapping[str, Connection]) -> dict[str, RunView]:
    """The newest run of each of these connections that has one."""
    found = runs.latest(c, rows, engine.now())
    return {connection: _view(one, rows[connection]) for connection, one in found.items()}


def _own_run(c: Database, person: Person, run_id: str) -> tuple[Run, Connection]:
    found = runs.get(c, run_id)
    if found is None:
        raise NotFound("no such run")
    return found, own(c, person, found.connection)


def _under_way(engine: Engine, c: Database, row: Connection) -> Run | None:
    """The run to join. Those that a dead process left are closed here, so that nothing shows as running for ever."""
    now = engine.now()
    leased = leases.is_leased(row, now)
    joined = None
    for one in runs.unfinished(c, row.id):
        alive = leased if one.started_at is not None else one.queued_at > now - QUEUED_AT_MOST
        if alive:
            joined = one
        else:
            runs.finish(c, one.id, now, RunOutcome.FAILED, one.counts, error=ABANDONED)
    return joined


def _view(found: Run, row: Connection) -> RunView:
    if found.finished_at is not None:
        state = RunState.FINISHED
    else:
        state = RunState.QUEUED if found.started_at is None else RunState.RUNNING
    return RunView(
        id=found.id,
        connection=found.connection,
        integration=row.integration,
        trigger=Trigger(found.trigger),
        state=state,
        queued_at=found.queued_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        outcome=RunOutcome(found.outcome) if found.outcome else None,
        phase=Phase(found.phase) if found.phase else None,
        done=found.done,
        total=found.total,
        counts=found.counts,
        error=found.error,
        number=found.error_number,
        again_at=found.again_at,
    )
