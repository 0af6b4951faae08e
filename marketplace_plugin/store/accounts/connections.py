"""Connections: one user's account at one service. When work is due, and who does it, is decided in this table alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import Connection as Database

from marketplace_plugin.errors import Conflict, LeaseLost
from marketplace_plugin.store import codec
from marketplace_plugin.store.columns import Instant
from marketplace_plugin.store.database import vault_of
from marketplace_plugin.store.tables import connection


class ConnectionState(StrEnum):
    ADDED = "added"  # in the profile, not authorised yet
    CONNECTED = "connected"  # authorised
    EXPIRED = "expired"  # the grant is gone; only the user can help
    PAUSED = "paused"  # the integration was uninstalled, or may no longer be used
    REMOVED = "removed"  # disconnected and purged; kept without content, so that what was exported is known again


class Policy(StrEnum):
    """Who wins where both sides changed the same field."""

    NEWEST = "newest"
    HOST = "host"
    REMOTE = "remote"
    ASK = "ask"


INVITES = "invites"
"""The switch: who takes part in the user's own events is asked to their copies too (docs/decisions/0007)."""


@dataclass(frozen=True, slots=True)
class Connection:
    """All instants are aware UTC. ``account_key`` is the service's account id, keyed; ``account`` what the owner
    knows it by. ``switches`` are named settings with JSON scalars (``tasks``, ``calls`` ...). ``approved_version`` is
    the version of the settings whose plan was approved; while it is None nothing is pushed. ``fence`` grows with each
    lease."""

    id: str
    tenant: str
    user: str
    integration: str
    state: ConnectionState
    created_at: datetime
    account: str = ""
    account_key: str | None = None
    connected_at: datetime | None = None
    settings_version: int = 0
    approved_version: int | None = None
    policy: Policy = Policy.NEWEST
    past_days: int = 30
    future_days: int = 365
    switches: Mapping[str, Any] = field(default_factory=dict)
    next_due: datetime | None = None
    lease_until: datetime | None = None
    fence: int = 0
    dirty: bool = False
    backoff_until: datetime | None = None
    failures: int = 0
    error: str | None = None
    error_number: str | None = None
    last_run_at: datetime | None = None

    @property
    def invites(self) -> bool:
        return self.switches.get(INVITES) is True


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for a connection until ``until`` (aware UTC), or until another takes over: ``fence`` tells."""

    connection: str
    fence: int
    until: datetime


def add(c: Database, new: Connection) -> None:
    c.execute(
        insert(connection).values(
            id=new.id,
            tenant=new.tenant,
            user=new.user,
            integration=new.integration,
            state=new.state,
            account_key=new.account_key,
            account_label=_seal_label(c, new.id, new.account),
            created_at=new.created_at,
            connected_at=new.connected_at,
            settings_version=new.settings_version,
            approved_version=new.approved_version,
            policy=new.policy,
            past_days=new.past_days,
            future_days=new.future_days,
            switches=dict(new.switches),
            next_due=new.next_due,
        )
    )


_ONE = select(connection).where(connection.c.id == bindparam("one"))
_OF_USER = (
    select(connection)
    .where(connection.c.user == bindparam("of_user"))
    .order_by(connection.c.created_at, connection.c.id)
)
_ALIVE_OF_USER = _OF_USER.where(connection.c.state != ConnectionState.REMOVED)


def get(c: Database, connection_id: str) -> Connection | None:
    row = c.execute(_ONE, {"one": connection_id}).one_or_none()
    return None if row is None else _connection(c, row)


def of_user(c: Database, user: str, *, removed: bool = False) -> list[Connection]:
    """Oldest first; without the removed ones unless ``removed``."""
    return [_connection(c, row) for row in c.execute(_OF_USER if removed else _ALIVE_OF_USER, {"of_user": user})]


def of_tenant(c: Database, tenant: str, integration: str | None = None) -> list[Connection]:
    """Without the removed ones, oldest first."""
    query = select(connection).where(connection.c.tenant == tenant, connection.c.state != ConnectionState.REMOVED)
    if integration is not None:
        query = query.where(connection.c.integration == integration)
    return [_connection(c, row) for row in c.execute(query.order_by(connection.c.created_at, connection.c.id))]


def everyone(c: Database) -> list[Connection]:
    """Of all tenants, without the removed ones, oldest first."""
    query = select(connection).where(connection.c.state != ConnectionState.REMOVED)
    return [_connection(c, row) for row in c.execute(query.order_by(connection.c.created_at, connection.c.id))]


def set_state(c: Database, connection_id: str, state: ConnectionState, *, error: str = "") -> None:
    """``error`` is a stable code, empty for none. An expired, paused or removed connection is not due any more."""
    values: dict[str, Any] = {"state": state, "error": error or None}
    if state is not ConnectionState.CONNECTED:
        values["next_due"] = None
    c.execute(update(connection).where(connection.c.id == connection_id).values(values))


def expire(c: Database, connection_id: str, error: str) -> None:
    """The service refuses its grant. What is paused or removed stays so, whoever still asks the service."""
    working = connection.c.id == connection_id, connection.c.state == ConnectionState.CONNECTED
    c.execute(update(connection).where(*working).values(state=ConnectionState.EXPIRED, error=error, next_due=None))


def authorised(c: Database, connection_id: str, account_key: str, label: str, now: datetime) -> None:
    """The grant is there: the connection is active and due at once. ``connected_at`` keeps its first value."""
    c.execute(
        update(connection)
        .where(connection.c.id == connection_id)
        .values(
            state=ConnectionState.CONNECTED,
            account_key=account_key,
            account_label=_seal_label(c, connection_id, label),
            connected_at=func.coalesce(connection.c.connected_at, _at(now)),
            next_due=now,
            backoff_until=None,
            failures=0,
            error=None,
            error_number=None,
        )
    )


def save_settings(
    c: Database,
    connection_id: str,
    expected_version: int,
    *,
    policy: Policy,
    past_days: int,
    future_days: int,
    switches: Mapping[str, Any],
) -> int:
    """Returns the new version. Raises Conflict where somebody saved since ``expected_version``."""
    row = c.execute(
        update(connection)
        .where(connection.c.id == connection_id, connection.c.settings_version == expected_version)
        .values(
            settings_version=expected_version + 1,
            policy=policy,
            past_days=past_days,
            future_days=future_days,
            switches=dict(switches),
        )
        .returning(connection.c.settings_version)
    ).scalar_one_or_none()
    if row is None:
        raise Conflict("the settings were changed meanwhile")
    return int(row)


def approve(c: Database, connection_id: str, settings_version: int | None) -> None:
    """These settings may push from now on; None stops that."""
    c.execute(update(connection).where(connection.c.id == connection_id).values(approved_version=settings_version))


def forget_account(c: Database, connection_id: str) -> None:
    """Disconnected: REMOVED, without label, errors and settings; the keyed account stays."""
    c.execute(
        update(connection)
        .where(connection.c.id == connection_id)
        .values(
            state=ConnectionState.REMOVED,
            account_label=None,
            switches={},
            approved_version=None,
            next_due=None,
            backoff_until=None,
            dirty=False,
            error=None,
            error_number=None,
        )
    )


def erase(c: Database, connection_id: str) -> None:
    """Delete the row, and with it everything that belongs to the connection."""
    c.execute(delete(connection).where(connection.c.id == connection_id))


# ---- leases ----------------------------------------------------------------------------------------

NEVER_AS_FAR = timedelta(days=2)
"""No lease, no pause and no period is as long: what is further ahead was written while the clock was wrong."""


def _is_over(at: Column[Any]) -> ColumnElement[bool]:
    """Filled in by ``_clock``."""
    return or_(at.is_(None), at <= bindparam("now"), at > bindparam("too_far"))


def _clock(now: datetime) -> dict[str, datetime]:
    return {"now": now, "too_far": now + NEVER_AS_FAR}


def is_paused(row: Connection, now: datetime) -> bool:
    """The service wants to be left alone at ``now`` (aware UTC)."""
    return _holds(row.backoff_until, now)


def is_leased(row: Connection, now: datetime) -> bool:
    """A worker has it at ``now`` (aware UTC)."""
    return _holds(row.lease_until, now)


def _holds(until: datetime | None, now: datetime) -> bool:
    return until is not None and now < until <= now + NEVER_AS_FAR


_CLAIM = (
    update(connection)
    .where(connection.c.id == bindparam("one"), _is_over(connection.c.lease_until))
    .values(fence=connection.c.fence + 1, lease_until=bindparam("until"), dirty=False)
    .returning(connection.c.fence)
)


def claim(c: Database, connection_id: str, now: datetime, ttl_until: datetime) -> Lease | None:
    """Take the connection until ``ttl_until``; None where another worker holds it. Clears ``dirty``: a change that
    comes while the pass runs sets it again. Both instants: aware UTC."""
    asked = {"one": connection_id, "until": ttl_until, **_clock(now)}
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
                (or_(connection.c.next_due.is_(None), connection.c.next_due > due), _at(due)),
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
        *(_is_over(at) for at in (connection.c.next_due, connection.c.lease_until, connection.c.backoff_until)),
    )
    rows = c.execute(
        select(connection)
        .where(ready)
        .order_by(connection.c.next_due, connection.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True),
        _clock(now),
    ).all()
    ids = [row.id for row in rows]
    if ids:
        c.execute(update(connection).where(connection.c.id.in_(ids)).values(next_due=again))
    return [_connection(c, row) for row in rows]


# ---- rows ------------------------------------------------------------------------------------------


def _at(instant: datetime | None) -> Any:
    """Inside CASE and COALESCE a value does not take the column's type by itself."""
    return literal(instant, Instant)


def _seal_label(c: Database, connection_id: str, label: str) -> bytes | None:
    if not label:
        return None
    return vault_of(c).seal("connection", "account_label", connection_id, codec.encode(label))


def _connection(c: Database, row: Row[Any]) -> Connection:
    label = ""
    if row.account_label is not None:
        label = codec.decode(vault_of(c).open("connection", "account_label", row.id, row.account_label))
    return Connection(
        id=row.id,
        tenant=row.tenant,
        user=row.user,
        integration=row.integration,
        state=ConnectionState(row.state),
        created_at=row.created_at,
        account=label,
        account_key=row.account_key,
        connected_at=row.connected_at,
        settings_version=row.settings_version,
        approved_version=row.approved_version,
        policy=Policy(row.policy),
        past_days=row.past_days,
        future_days=row.future_days,
        switches=row.switches,
        next_due=row.next_due,
        lease_until=row.lease_until,
        fence=row.fence,
        dirty=row.dirty,
        backoff_until=row.backoff_until,
        failures=row.failures,
        error=row.error,
        error_number=row.error_number,
        last_run_at=row.last_run_at,
    )
