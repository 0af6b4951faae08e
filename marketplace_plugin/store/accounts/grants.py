"""Grants: the tokens of a connection, sealed, with a version that grows each time they are replaced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from marketplace_plugin.store import clock, codec
from marketplace_plugin.store.database import upsert, vault_of
from marketplace_plugin.store.tables import grant


@dataclass(frozen=True, slots=True)
class Grant:
    """``access`` and ``refresh`` are tokens and do not show in repr. ``expires_at``: aware UTC, None where the service
    named no time. ``alive`` is False once the service has said that only the user can help."""

    connection: str
    integration: str
    account_key: str
    version: int
    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime | None
    scopes: frozenset[str]
    alive: bool = True


def get(c: Connection, connection: str) -> Grant | None:
    """Raises SealBroken where the keys do not open the tokens."""
    row = c.execute(select(grant).where(grant.c.connection == connection)).one_or_none()
    if row is None:
        return None
    vault = vault_of(c)
    return Grant(
        connection=row.connection,
        integration=row.integration,
        account_key=row.account_key,
        version=row.version,
        access=codec.decode(vault.open("grant", "access", connection, row.access)),
        refresh=None if row.refresh is None else codec.decode(vault.open("grant", "refresh", connection, row.refresh)),
        expires_at=row.expires_at,
        scopes=frozenset(row.scopes),
        alive=row.alive,
    )


def put(
    c: Connection,
    connection: str,
    integration: str,
    account_key: str,
    *,
    access: str,
    refresh: str | None,
    expires_at: datetime | None,
    scopes: Iterable[str],
    now: datetime,
) -> int:
    """A new authorisation takes the place of what was there. Returns its version."""
    version = _version(c, connection) + 1
    row = {
        "connection": connection,
        "integration": integration,
        "account_key": account_key,
        "version": version,
        **_sealed(c, connection, access, refresh),
        "expires_at": expires_at,
        "scopes": sorted(scopes),
        "alive": True,
        "lease_until": None,
        "lease_holder": None,
        "changed_at": now,
    }
    upsert(c, grant, [row])
    return version


def claim_refresh(c: Connection, connection: str, version: int, holder: str, now: datetime, until: datetime) -> bool:
    """The right to refresh the tokens of this version until ``until``. False where another holds it, or the tokens are
    newer already: then read them again. One that was taken while the clock was wrong holds nobody (rule W13)."""
    return bool(
        c.execute(
            update(grant)
            .where(grant.c.connection == connection, grant.c.version == version, clock.is_over(grant.c.lease_until))
            .values(lease_until=until, lease_holder=holder),
            clock.asked(now),
        ).rowcount
    )


def release_refresh(c: Connection, connection: str, holder: str) -> None:
    """Give the right back without new tokens."""
    c.execute(
        update(grant)
        .where(grant.c.connection == connection, grant.c.lease_holder == holder)
        .values(lease_until=None, lease_holder=None)
    )


def replace(
    c: Connection,
    connection: str,
    version: int,
    *,
    access: str,
    refresh: str | None,
    expires_at: datetime | None,
    scopes: Iterable[str],
    now: datetime,
) -> bool:
    """The refreshed tokens, where the grant is still at ``version``. A rotated refresh token is written with its access
    token in one row, so neither is ever lost without the other."""
    return bool(
        c.execute(
            update(grant)
            .where(grant.c.connection == connection, grant.c.version == version)
            .values(
                version=version + 1,
                **_sealed(c, connection, access, refresh),
                expires_at=expires_at,
                scopes=sorted(scopes),
                alive=True,
                lease_until=None,
                lease_holder=None,
                changed_at=now,
            )
        ).rowcount
    )


def expire(c: Connection, connection: str, version: int, now: datetime) -> bool:
    """The service refused the tokens of ``version`` for good. False, and nothing done, where they are newer already."""
    return bool(
        c.execute(
            update(grant)
            .where(grant.c.connection == connection, grant.c.version == version)
            .values(alive=False, lease_until=None, lease_holder=None, changed_at=now)
        ).rowcount
    )


def remove(c: Connection, connection: str) -> None:
    c.execute(delete(grant).where(grant.c.connection == connection))


def count_of_account(c: Connection, integration: str, account_key: str) -> int:
    """How many connections hold a grant of one account: a service that revokes all of a project's grants at once is
    asked to do so for the last one only."""
    return c.execute(
        select(func.count())
        .select_from(grant)
        .where(grant.c.integration == integration, grant.c.account_key == account_key)
    ).scalar_one()


def _version(c: Connection, connection: str) -> int:
    return c.execute(select(grant.c.version).where(grant.c.connection == connection)).scalar_one_or_none() or 0


def _sealed(c: Connection, connection: str, access: str, refresh: str | None) -> dict[str, bytes | None]:
    vault = vault_of(c)
    return {
        "access": vault.seal("grant", "access", connection, codec.encode(access)),
        "refresh": None if refresh is None else vault.seal("grant", "refresh", connection, codec.encode(refresh)),
    }
