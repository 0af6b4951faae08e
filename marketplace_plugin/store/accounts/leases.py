"""When the work of a connection is due, and who does it: decided in the connection's row alone, by its database.

A worker's lease carries a fence that grows with each of them, so a late one writes nothing more (rule W1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection as Database
from sqlalchemy import and_, bindparam, case, literal, or_, select, update

from marketplace_plugin.errors import LeaseLost
from marketplace_plugin.store import clock
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState, of_row
from marketplace_plugin.store.columns import Instant
from marketplace_plugin.store.tables import connection


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for a connection until ``until`` (aware UTC), or until another takes over: ``fence`` tells."""

    connection: str
    fence: int
    until: datetime


def is_paused(row: Connection, now: datetime) -> bool:
    """The service wants to be left alone at ``now`` (aware UTC)."""
    return clock.holds(row.backoff_until, now)


def is_leased(row: Connection, now: datetime) -> bool:
    """A worker has it at ``now`` (aware UTC)."""
    return clock.holds(row.lease_until, now)


_CLAIM = (
    update(connection)
    .where(connection.c.id == bindparam("one"), clock.is_over(connection.c.lease_until))
    .values(fence=connection.c.fence + 1, lease_until=bindparam("until"), dirty=False)
    .returning(connection.c.fence)
)


def claim(c: Database, connection_id: str, now: datetime, ttl_until: datetime) -> Lease | None:
    """Take the connection until ``ttl_until``; None where another worker holds it. Clears ``dirty``: a change that
    comes while the pass runs sets it again. Both instants: aware UTC."""
    asked = {"one": connection_id, "until": ttl_until, **clock.asked(now)}
    fence = c.execute(_CLAIM, asked).scalar_one_or_none()
    return None if fence is None else Lease(connection_id, fence, ttl_until)


def extend(c: Database, lease: Lease, ttl_until: datetime) -> Lease:
    """Raises LeaseLost."""
    check_fence(c, lease)
    c.execute(update(connection).where(connection.c.id == lease.connection).values(lease_until=ttl_until))
    return Lease(lease.connection, lease.fence, ttl_until)


_FENCE = select(connection.c.fence).where(connection.c.id == bindparam("one")).with_for_update()


def check_fence(c: Database, lease: Lease) -> None:
    """Call it first in each transaction of a pass. Raises LeaseLost where another worker has taken over.

    A lease whose time is over still counts while nobody else has claimed: the row stays locked until the commit.
    """
    fence = c.execute(_FENCE, {"one": lease.connection}).scalar_one_or_none()
    if fence != lease.fence:
        raise LeaseLost(f"connection {lease.connection}: fence {lease.fence} is no longer the newest")


def seize(c: Database, connection_id: str, due: datetime) -> None:
    """The user changes what a pass may be working on: a running one loses its lease and writes nothing more. Due again
    at ``due`` (aware UTC)."""
    c.execute(
        update(connection)
        .where(connection.c.id == connection_id)
        .values(fence=connection.c.fence + 1, lease_until=None)
    )
    mark_dirty(c, [connection_id], due)


_RELEASE = (
    update(connection)
    .where(connection.c.id == bindparam("one"))
    .values(
        lease_until=None,
        next_due=case(
            (connection.c.state != ConnectionState.CONNECTED, None),
            (connection.c.dirty, bindparam("at_once", type_=Instant)),
            else_=bindparam("in_turn", type_=Instant),
        ),
    )
    .returning(connection.c.dirty)
)


def release(
    c: Database,
    lease: Lease,
    now: datetime,
    next_due: datetime | None,
    *,
    backoff_until: datetime | None = None,
    failures: int = 0,
    error: str = "",
    error_number: str = "",
) -> bool:
    """End the lease and say when the connection is due again. Where a change came meanwhile (``dirty``) it is due at
    once, after ``backoff_until`` all the same. Returns whether it is dirty. Raises LeaseLost.
    """
    check_fence(c, lease)
    ended = {
        "one": lease.connection,
        "at_once": now,
        "in_turn": next_due,
        "backoff_until": backoff_until,
        "failures": failures,
        "error": error or None,
        "error_number": error_number or None,
        "last_run_at": now,
    }
    return bool(c.execute(_RELEASE, ended).scalar_one())


def mark_dirty(c: Database, connection_ids: Iterable[str], due: datetime) -> None:
    """Something changed: due at ``due`` (aware UTC) at the latest, also where a pass is running now."""
    c.execute(
        update(connection)
        .where(connection.c.id.in_(list(connection_ids)), connection.c.state == ConnectionState.CONNECTED)
        .values(
            dirty=True,
            next_due=case(
                (or_(connection.c.next_due.is_(None), connection.c.next_due > due), literal(due, Instant)),
                else_=connection.c.next_due,
            ),
        )
    )


def claim_due(c: Database, now: datetime, again: datetime, limit: int) -> list[Connection]:
    """Take up to ``limit`` due connections for the queue, longest due first. They are due again at ``again`` unless a
    pass says otherwise, so a job that is lost comes back. Leased ones and those with a pause are left. Aware UTC."""
    ready = and_(
        connection.c.state == ConnectionState.CONNECTED,
        connection.c.next_due.is_not(None),
        *(clock.is_over(at) for at in (connection.c.next_due, connection.c.lease_until, connection.c.backoff_until)),
    )
    rows = c.execute(
        select(connection)
        .where(ready)
        .order_by(connection.c.next_due, connection.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True),
        clock.asked(now),
    ).all()
    ids = [row.id for row in rows]
    if ids:
        c.execute(update(connection).where(connection.c.id.in_(ids)).values(next_due=again))
    return [of_row(c, row) for row in rows]
