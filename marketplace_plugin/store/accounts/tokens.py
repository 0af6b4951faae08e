"""Personal bearer tokens of the JSON API; only their hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from marketplace_plugin.store.tables import api_token

PREFIX = "mkt_"  # so that a scanner of secrets recognises one


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Instants are aware UTC."""

    id: str
    user: str
    name: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


def create(c: Connection, user: str, name: str, now: datetime, expires_at: datetime | None = None) -> tuple[str, str]:
    """Returns (id, token); the token is told this once."""
    token_id, token = uuid.uuid4().hex[:12], PREFIX + secrets.token_urlsafe(32)
    c.execute(
        insert(api_token).values(
            id=token_id, user=user, name=name, hash=_hash(token), created_at=now, expires_at=expires_at
        )
    )
    return token_id, token


def valid(c: Connection, token: str, now: datetime) -> ApiToken | None:
    """None for an unknown, expired or revoked one."""
    row = c.execute(
        select(api_token).where(
            api_token.c.hash == _hash(token),
            api_token.c.revoked_at.is_(None),
            or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > now),
        )
    ).one_or_none()
    return _token(row) if row is not None else None


def touch(c: Connection, token: str, now: datetime) -> None:
    """It was used."""
    c.execute(update(api_token).where(api_token.c.hash == _hash(token)).values(used_at=now))


def of_user(c: Connection, user: str | None = None) -> list[ApiToken]:
    """Newest first; of everybody where ``user`` is None."""
    query = select(api_token).order_by(api_token.c.created_at.desc(), api_token.c.id)
    if user is not None:
        query = query.where(api_token.c.user == user)
    return [_token(row) for row in c.execute(query)]


def revoke(c: Connection, token_id: str, now: datetime) -> bool:
    """False where there is no such token that still counts."""
    return bool(
        c.execute(
            update(api_token).where(api_token.c.id == token_id, api_token.c.revoked_at.is_(None)).values(revoked_at=now)
        ).rowcount
    )


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(row.id, row.user, row.name, row.created_at, row.used_at, row.expires_at, row.revoked_at)


def _hash(token: str) -> str:
    """Enough for a token of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
