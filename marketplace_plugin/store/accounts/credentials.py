"""Credentials that a person has entered, sealed, and the tests that they passed on the way: short-lived, and bound to
his browser's session, to the connection and to exactly what was entered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from marketplace_plugin.store import clock, codec
from marketplace_plugin.store.credential_tables import credential, credential_test
from marketplace_plugin.store.database import upsert, vault_of


@dataclass(frozen=True, slots=True)
class Credentials:
    """``fields`` are secrets, by name. ``version`` grows each time they are replaced."""

    connection: str
    version: int
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CredentialTest:
    """``digest`` is what was entered, keyed. ``outcome`` is what is kept when the person saves, None where the server
    has refused it. Both instants: aware UTC."""

    id: str
    connection: str
    user: str
    digest: str
    outcome: Mapping[str, Any] | None = field(repr=False)
    created_at: datetime
    expires_at: datetime


def get(c: Connection, connection: str) -> Credentials | None:
    """Raises SealBroken where the keys do not open them."""
    row = c.execute(select(credential).where(credential.c.connection == connection)).one_or_none()
    if row is None:
        return None
    plain = vault_of(c).open("credential", "fields", connection, row.fields)
    return Credentials(connection, row.version, codec.decode(plain))


def version(c: Connection, connection: str) -> int:
    """0 where there are none."""
    query = select(credential.c.version).where(credential.c.connection == connection)
    return c.execute(query).scalar_one_or_none() or 0


def put(c: Connection, connection: str, fields: Mapping[str, str], now: datetime) -> int:
    """New credentials take the place of the old ones. Returns their version."""
    newer = version(c, connection) + 1
    row = {
        "connection": connection,
        "version": newer,
        "fields": vault_of(c).seal("credential", "fields", connection, codec.encode(dict(fields))),
        "changed_at": now,
    }
    upsert(c, credential, [row])
    return newer


def remove(c: Connection, connections: Iterable[str]) -> None:
    """Delete them, with all tests."""
    ids = list(connections)
    for table in (credential, credential_test):
        c.execute(delete(table).where(table.c.connection.in_(ids)))


# ---- tests -----------------------------------------------------------------------------------------


def add_test(c: Connection, test: CredentialTest, *, session: str) -> None:
    """``session`` is kept as a hash only. One that is passed takes the place of those that were passed before."""
    sealed = None
    if test.outcome is not None:
        passed = credential_test.c.connection == test.connection, credential_test.c.outcome.is_not(None)
        c.execute(delete(credential_test).where(*passed))
        sealed = vault_of(c).seal("credential_test", "outcome", test.id, codec.encode(dict(test.outcome)))
    c.execute(
        insert(credential_test).values(
            id=test.id,
            connection=test.connection,
            user=test.user,
            session_hash=_hash(session),
            digest=test.digest,
            outcome=sealed,
            created_at=test.created_at,
            expires_at=test.expires_at,
        )
    )


def begin_test(c: Connection, test: CredentialTest, *, session: str) -> bool:
    """Note an attempt before it is made; it counts as refused until it is removed. False, and nothing noted, where
    exactly this was refused a moment ago, or is being tried. ``test`` has no outcome."""
    sweep_tests(c, test.created_at)
    if is_refused(c, test.connection, test.digest, test.created_at):
        return False
    add_test(c, test, session=session)
    return True


def remove_test(c: Connection, test_id: str) -> None:
    c.execute(delete(credential_test).where(credential_test.c.id == test_id))


def passed_test(c: Connection, connection: str, *, user: str, session: str, now: datetime) -> CredentialTest | None:
    """The test of this connection that this person passed in this session of his browser, while it counts."""
    found = c.execute(
        select(credential_test).where(
            credential_test.c.connection == connection,
            credential_test.c.user == user,
            credential_test.c.session_hash == _hash(session),
            credential_test.c.outcome.is_not(None),
            credential_test.c.expires_at > now,
        )
    ).one_or_none()
    return None if found is None else _test(c, found)


def is_refused(c: Connection, connection: str, digest: str, now: datetime) -> bool:
    """Whether the server has refused exactly this a moment ago."""
    query = select(credential_test.c.id).where(
        credential_test.c.connection == connection,
        credential_test.c.digest == digest,
        credential_test.c.outcome.is_(None),
        credential_test.c.expires_at > now,
    )
    return c.execute(query.limit(1)).one_or_none() is not None


def remove_tests(c: Connection, connection: str) -> None:
    c.execute(delete(credential_test).where(credential_test.c.connection == connection))


def sweep_tests(c: Connection, now: datetime) -> None:
    """Delete what has expired, and what was entered while the clock was wrong (rule W13)."""
    c.execute(delete(credential_test).where(clock.is_over(credential_test.c.expires_at)), clock.asked(now))


def _test(c: Connection, row: Row[Any]) -> CredentialTest:
    outcome = codec.decode(vault_of(c).open("credential_test", "outcome", row.id, row.outcome))
    return CredentialTest(row.id, row.connection, row.user, row.digest, outcome, row.created_at, row.expires_at)


def _hash(secret: str) -> str:
    """Enough for values of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
