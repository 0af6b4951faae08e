"""What an administrator has entered for an integration that reaches servers of his organisation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from marketplace_plugin.store.credential_tables import server_rules
from marketplace_plugin.store.database import upsert


@dataclass(frozen=True, slots=True)
class ServerRules:
    """``allowed`` are entries of ``contract.servers``, ``authorities`` PEM, ``contact`` who helps: shown to users."""

    allowed: tuple[str, ...] = ()
    authorities: str = ""
    contact: str = ""


def get(c: Connection, tenant: str, integration: str) -> ServerRules:
    """Empty ones where nothing was entered."""
    row = c.execute(
        select(server_rules).where(server_rules.c.tenant == tenant, server_rules.c.integration == integration)
    ).one_or_none()
    return ServerRules() if row is None else ServerRules(tuple(row.allowed), row.authorities, row.contact)


def put(c: Connection, tenant: str, integration: str, rules: ServerRules, *, person: str, now: datetime) -> None:
    known = select(server_rules.c.id).where(server_rules.c.tenant == tenant, server_rules.c.integration == integration)
    row = {
        "id": c.execute(known).scalar_one_or_none() or uuid.uuid4().hex,
        "tenant": tenant,
        "integration": integration,
        "allowed": list(rules.allowed),
        "authorities": rules.authorities,
        "contact": rules.contact,
        "changed_at": now,
        "changed_by": person,
    }
    upsert(c, server_rules, [row])
