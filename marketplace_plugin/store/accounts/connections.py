"""Connections: one user's account at one service. When its work is due, and who does it, is decided in leases.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection as Database
from sqlalchemy import (
    Row,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from marketplace_plugin.errors import Conflict
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
    return None if row is None else of_row(c, row)


def of_user(c: Database, user: str, *, removed: bool = False) -> list[Connection]:
    """Oldest first; without the removed ones unless ``removed``."""
    return [of_row(c, row) for row in c.execute(_OF_USER if removed else _ALIVE_OF_USER, {"of_user": user})]


def of_tenant(c: Database, tenant: str, integration: str | None = None) -> list[Connection]:
    """Without the removed ones, oldest first."""
    query = select(connection).where(connection.c.tenant == tenant, connection.c.state != ConnectionState.REMOVED)
    if integration is not None:
        query = query.where(connection.c.integration == integration)
    return [of_row(c, row) for row in c.execute(query.order_by(connection.c.created_at, connection.c.id))]


def everyone(c: Database) -> list[Connection]:
    """Of all tenants, without the removed ones, oldest first."""
    query = select(connection).where(connection.c.state != ConnectionState.REMOVED)
    return [of_row(c, row) for row in c.execute(query.order_by(connection.c.created_at, connection.c.id))]


def set_state(c: Database, connection_id: str, state: ConnectionState) -> None:
    """Without an error (``expire`` has one). An expired, paused or removed connection is not due any more."""
    values: dict[str, Any] = {"state": state, "error": None}
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


# ---- rows ------------------------------------------------------------------------------------------


def _at(instant: datetime | None) -> Any:
    """Inside CASE and COALESCE a value does not take the column's type by itself."""
    return literal(instant, Instant)


def _seal_label(c: Database, connection_id: str, label: str) -> bytes | None:
    if not label:
        return None
    return vault_of(c).seal("connection", "account_label", connection_id, codec.encode(label))


def of_row(c: Database, row: Row[Any]) -> Connection:
    """A row of the table, opened."""
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
