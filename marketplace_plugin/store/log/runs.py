"""Runs: one row per pass, from the moment it was asked for; a user reads them as the log of his connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select, update

from marketplace_plugin.store.clock import NEVER_AS_FAR
from marketplace_plugin.store.columns import Instant
from marketplace_plugin.store.tables import journal, run


@dataclass(frozen=True, slots=True)
class Run:
    """Instants are aware UTC. ``trigger``, ``phase`` and ``outcome`` are the engine's codes; ``outcome`` is None
    until it has finished. ``error`` is a stable code, ``error_number`` the one that the log carries."""

    id: str
    connection: str
    user: str
    trigger: str
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: str | None = None
    phase: str | None = None
    done: int = 0
    total: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    error_number: str = ""
    again_at: datetime | None = None


_INSERT = insert(run)


def add(c: Connection, new: Run) -> None:
    """A run that was asked for."""
    c.execute(
        _INSERT,
        {
            "id": new.id,
            "connection": new.connection,
            "user": new.user,
            "trigger": new.trigger,
            "queued_at": new.queued_at,
            "started_at": new.started_at,
            "counts": dict(new.counts),
        },
    )


_UPDATE = update(run).where(run.c.id == bindparam("one"))
_PROGRESS = _UPDATE.where(run.c.finished_at.is_(None))
_GET = select(run).where(run.c.id == bindparam("one"))


def start(c: Connection, run_id: str, now: datetime) -> None:
    c.execute(_UPDATE, {"one": run_id, "started_at": now})


def progress(c: Connection, run_id: str, phase: str, done: int, total: int | None) -> None:
    c.execute(_PROGRESS, {"one": run_id, "phase": phase, "done": done, "total": total})


_FINISH = _UPDATE.values(started_at=func.coalesce(run.c.started_at, bindparam("now", type_=Instant)))


def finish(
    c: Connection,
    run_id: str,
    now: datetime,
    outcome: str,
    counts: Mapping[str, int],
    *,
    error: str = "",
    error_number: str = "",
    again_at: datetime | None = None,
) -> None:
    c.execute(
        _FINISH,
        {
            "one": run_id,
            "now": now,
            "finished_at": now,
            "outcome": outcome,
            "phase": None,
            "counts": dict(counts),
            "error": error or None,
            "error_number": error_number or None,
            "again_at": again_at,
        },
    )


def get(c: Connection, run_id: str) -> Run | None:
    row = c.execute(_GET, {"one": run_id}).one_or_none()
    return None if row is None else _run(row)


def of_connection(c: Connection, connection: str, limit: int = 50, *, now: datetime | None = None) -> list[Run]:
    """Newest first; where ``now`` is given, those come last that ran while the clock was wrong (rule W13)."""
    query = select(run).where(run.c.connection == connection)
    if now is not None:
        query = query.order_by(run.c.queued_at > now + NEVER_AS_FAR)
    return [_run(row) for row in c.execute(query.order_by(run.c.queued_at.desc(), run.c.id).limit(limit))]


def latest(c: Connection, connections: Iterable[str], now: datetime) -> dict[str, Run]:
    """The newest run of each connection that has one, as ``of_connection`` orders them."""
    found = {}
    for connection in connections:
        for one in of_connection(c, connection, limit=1, now=now):
            found[connection] = one
    return found


def unfinished(c: Connection, connection: str | None = None) -> list[Run]:
    """Queued or running, oldest first."""
    query = select(run).where(run.c.finished_at.is_(None))
    if connection is not None:
        query = query.where(run.c.connection == connection)
    return [_run(row) for row in c.execute(query.order_by(run.c.queued_at, run.c.id))]


def forget(c: Connection, connection: str, before: datetime) -> int:
    """Delete runs from before an instant, those that died too: they never finished. Returns how many."""
    last = func.coalesce(run.c.finished_at, run.c.started_at, run.c.queued_at)
    return c.execute(delete(run).where(run.c.connection == connection, last < before)).rowcount


_FORGET_AHEAD = delete(run).where(
    run.c.connection == bindparam("of"),
    run.c.queued_at > bindparam("too_far", type_=Instant),
    run.c.finished_at.is_not(None),
    ~exists().where(journal.c.run == run.c.id),
)


def forget_ahead(c: Connection, connection: str, now: datetime) -> int:
    """Delete what ran while the clock was wrong (rule W13), but what did something: it can be taken back. Returns how
    many."""
    return c.execute(_FORGET_AHEAD, {"of": connection, "too_far": now + NEVER_AS_FAR}).rowcount


def remove_of(c: Connection, connection: str) -> None:
    c.execute(delete(run).where(run.c.connection == connection))


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        connection=row.connection,
        user=row.user,
        trigger=row.trigger,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        phase=row.phase,
        done=row.done,
        total=row.total,
        counts=row.counts,
        error=row.error or "",
        error_number=row.error_number or "",
        again_at=row.again_at,
    )
