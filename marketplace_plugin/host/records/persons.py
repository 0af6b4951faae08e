"""Who works in Steg, and who may sign in. Passwords are kept as argon2 hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records.tables import person


def by_id(c: sa.Connection, person_id: str) -> Person | None:
    row = c.execute(sa.select(person).where(person.c.id == person_id)).one_or_none()
    return None if row is None else _person(row)


def called(c: sa.Connection, text: str) -> Sequence[Person]:
    """Of all tenants: whose id, mail address or name is ``text``."""
    wanted = text.strip()
    fits = sa.or_(person.c.id == wanted, person.c.email == wanted.lower(), person.c.name == wanted)
    return [_person(row) for row in c.execute(sa.select(person).where(fits).order_by(person.c.name))]


def of_tenant(c: sa.Connection, tenant: str) -> Sequence[Person]:
    """Sorted by name."""
    return [
        _person(row) for row in c.execute(sa.select(person).where(person.c.tenant == tenant).order_by(person.c.name))
    ]


def add(c: sa.Connection, who: Person, password_hash: str, department: str = "") -> None:
    c.execute(
        sa.insert(person).values(
            id=who.id,
            tenant=who.tenant,
            name=who.name,
            email=who.email.strip().lower(),
            department=department,
            zone=who.zone,
            locale=who.locale,
            admin=who.admin,
            password=password_hash,
            log_seq=0,
        )
    )


def speak(c: sa.Connection, person_id: str, locale: str) -> None:
    """Keep the language that a person chose."""
    c.execute(sa.update(person).where(person.c.id == person_id).values(locale=locale))


def sign_in(c: sa.Connection, hasher: PasswordHasher, email: str, password: str) -> Person | None:
    """The person, or None where address or password is wrong; it takes as long for an unknown address."""
    row = c.execute(sa.select(person).where(person.c.email == email.strip().lower())).one_or_none()
    kept = _decoy(hasher) if row is None else row.password
    try:
        right = hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return None
    return _person(row) if row is not None and right else None


@lru_cache(maxsize=4)
def _decoy(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody's password")


def _person(row: sa.Row[Any]) -> Person:
    return Person(row.id, row.tenant, row.name, row.email, row.zone, row.locale, row.admin)
