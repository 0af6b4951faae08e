"""The tables of credentials, and of the servers that they may go to. ``tables.py`` holds all others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Integer, Table, UniqueConstraint

from marketplace_plugin.store.columns import Exact, Instant, Sealed
from marketplace_plugin.store.tables import metadata


def _of_connection(**options: Any) -> Column[str]:
    return Column("connection", Exact, ForeignKey("marketplace_connection.id", ondelete="CASCADE"), **options)


credential = Table(
    "marketplace_credential",
    metadata,
    _of_connection(primary_key=True),
    Column("version", Integer, nullable=False),
    Column("fields", Sealed, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

credential_test = Table(
    "marketplace_credential_test",
    metadata,
    Column("id", Exact, primary_key=True),
    Column(
        "connection", Exact, ForeignKey("marketplace_connection.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("user", Exact, nullable=False),
    Column("session_hash", Exact, nullable=False),
    Column("digest", Exact, nullable=False),  # what was entered, keyed
    Column("outcome", Sealed),  # what is kept when the person saves; None: the server refused it
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

server_rules = Table(
    "marketplace_server_rules",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("tenant", Exact, nullable=False),
    Column("integration", Exact, nullable=False),
    Column("allowed", JSON, nullable=False),
    Column("authorities", Exact, nullable=False),  # PEM
    Column("contact", Exact, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Exact, nullable=False),
    UniqueConstraint("tenant", "integration"),
)
