"""Plans that wait for their owner's approval. Counts in clear, steps sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from marketplace_plugin.store import codec
from marketplace_plugin.store.database import vault_of
from marketplace_plugin.store.tables import plan


class PlanState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"  # binds every pass until one has carried it out
    DONE = "done"  # a pass that was bound to it has come to its end
    SUPERSEDED = "superseded"  # the settings or the calendars changed: another plan took its place


@dataclass(frozen=True, slots=True)
class Plan:
    """``counts`` are steps by name. ``steps`` is any value of the model. ``fingerprint`` names what was planned
    from."""

    id: str
    connection: str
    settings_version: int
    fingerprint: str
    counts: Mapping[str, int]
    created_at: datetime
    steps: Any = None
    state: PlanState = PlanState.WAITING
    decided_at: datetime | None = None
    decided_by: str | None = None
    run: str | None = None


def add(c: Connection, new: Plan) -> None:
    """A new plan; those of the same connection that still wait are superseded."""
    supersede(c, new.connection, new.created_at)
    c.execute(
        insert(plan).values(
            id=new.id,
            connection=new.connection,
            settings_version=new.settings_version,
            fingerprint=new.fingerprint,
            state=new.state,
            counts=dict(new.counts),
            steps=vault_of(c).seal("plan", "steps", new.id, codec.encode(new.steps)),
            created_at=new.created_at,
        )
    )


def supersede(c: Connection, connection: str, now: datetime) -> None:
    c.execute(
        update(plan)
        .where(plan.c.connection == connection, plan.c.state == PlanState.WAITING)
        .values(state=PlanState.SUPERSEDED, decided_at=now)
    )


def approve(c: Connection, plan_id: str, person: str, run: str, now: datetime) -> bool:
    """It takes the place of one that was approved before and never carried out. False where the plan no longer
    waits."""
    approved = c.execute(
        update(plan)
        .where(plan.c.id == plan_id, plan.c.state == PlanState.WAITING)
        .values(state=PlanState.APPROVED, decided_at=now, decided_by=person, run=run)
        .returning(plan.c.connection)
    ).scalar_one_or_none()
    if approved is None:
        return False
    former = (plan.c.connection == approved, plan.c.state == PlanState.APPROVED, plan.c.id != plan_id)
    c.execute(update(plan).where(*former).values(state=PlanState.SUPERSEDED))
    return True


def finish(c: Connection, plan_id: str) -> None:
    """It was carried out; what did not succeed waits in its own rows."""
    c.execute(update(plan).where(plan.c.id == plan_id, plan.c.state == PlanState.APPROVED).values(state=PlanState.DONE))


_IN_FORCE = (
    select(plan)
    .where(plan.c.connection == bindparam("connection"), plan.c.state.in_((PlanState.WAITING, PlanState.APPROVED)))
    .order_by(plan.c.decided_at, plan.c.created_at, plan.c.id)
)


def in_force(c: Connection, connection: str) -> tuple[Plan | None, Plan | None]:
    """The plan that waits for its owner, and the one that was approved last and that no pass has carried out yet."""
    found = {PlanState(row.state): row for row in c.execute(_IN_FORCE, {"connection": connection})}
    waiting, approved = (found.get(state) for state in (PlanState.WAITING, PlanState.APPROVED))
    return (None if waiting is None else _plan(c, waiting)), (None if approved is None else _plan(c, approved))


def get(c: Connection, plan_id: str) -> Plan | None:
    row = c.execute(select(plan).where(plan.c.id == plan_id)).one_or_none()
    return None if row is None else _plan(c, row)


def current(c: Connection, connection: str) -> Plan | None:
    """The plan that waits for its owner, else the newest that was not superseded. One that was made while a clock was
    ahead hides none that waits."""
    row = c.execute(
        select(plan)
        .where(plan.c.connection == connection, plan.c.state != PlanState.SUPERSEDED)
        .order_by((plan.c.state == PlanState.WAITING).desc(), plan.c.created_at.desc(), plan.c.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else _plan(c, row)


def forget(c: Connection, connection: str, before: datetime) -> int:
    """Delete what is over, of the plans that were made before an instant. Returns how many."""
    over = plan.c.state.in_((PlanState.DONE, PlanState.SUPERSEDED))
    return c.execute(delete(plan).where(plan.c.connection == connection, over, plan.c.created_at < before)).rowcount


def remove_of(c: Connection, connection: str) -> None:
    c.execute(delete(plan).where(plan.c.connection == connection))


def _plan(c: Connection, row: Row[Any]) -> Plan:
    return Plan(
        id=row.id,
        connection=row.connection,
        settings_version=row.settings_version,
        fingerprint=row.fingerprint,
        counts=row.counts,
        created_at=row.created_at,
        steps=codec.decode(vault_of(c).open("plan", "steps", row.id, row.steps)),
        state=PlanState(row.state),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        run=row.run,
    )
