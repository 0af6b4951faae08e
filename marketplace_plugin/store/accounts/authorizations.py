"""OAuth flows under way: single use, bound to a browser session, a person and a connection; hashed at rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from marketplace_plugin.store import clock, codec
from marketplace_plugin.store.database import vault_of
from marketplace_plugin.store.tables import authorization


@dataclass(frozen=True, slots=True)
class Authorization:
    """``verifier`` is PKCE's code_verifier. ``scopes`` are those that were asked for."""

    id: str
    connection: str
    user: str
    verifier: str = field(repr=False)
    scopes: frozenset[str]


def add(
    c: Connection,
    flow: Authorization,
    *,
    state: str,
    session: str,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """``state`` and ``session`` are kept as hashes only. Both instants: aware UTC."""
    c.execute(
        insert(authorization).values(
            id=flow.id,
            connection=flow.connection,
            user=flow.user,
            state_hash=_hash(state),
            session_hash=_hash(session),
            verifier=vault_of(c).seal("authorization", "verifier", flow.id, codec.encode(flow.verifier)),
            scopes=sorted(flow.scopes),
            created_at=created_at,
            expires_at=expires_at,
        )
    )


def use(c: Connection, *, state: str, session: str, user: str, now: datetime) -> Authorization | None:
    """Take the flow of this state, once; None where it is unknown, used, expired, or of another session or user.

    A state that comes from elsewhere is used up all the same: whoever has it cannot try again.
    """
    used = c.execute(
        update(authorization)
        .where(authorization.c.state_hash == _hash(state), authorization.c.used_at.is_(None))
        .values(used_at=now)
        .returning(authorization.c.id)
    ).scalar_one_or_none()
    if used is None:
        return None
    row = c.execute(select(authorization).where(authorization.c.id == used)).one()
    if row.expires_at <= now or row.user != user or row.session_hash != _hash(session):
        return None
    return Authorization(
        id=row.id,
        connection=row.connection,
        user=row.user,
        verifier=codec.decode(vault_of(c).open("authorization", "verifier", row.id, row.verifier)),
        scopes=frozenset(row.scopes),
    )


def sweep(c: Connection, now: datetime) -> None:
    """Delete what is used or expired, and what was begun while the clock was wrong (rule W13)."""
    over = or_(clock.is_over(authorization.c.expires_at), authorization.c.used_at.is_not(None))
    c.execute(delete(authorization).where(over), clock.asked(now))


def remove(c: Connection, connections: Iterable[str]) -> None:
    """Delete all flows of these connections."""
    c.execute(delete(authorization).where(authorization.c.connection.in_(list(connections))))


def _hash(secret: str) -> str:
    """Enough for values of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
