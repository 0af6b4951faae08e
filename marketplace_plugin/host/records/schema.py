"""Bringing Steg's tables up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from marketplace_plugin.host.records import contacts, events
from marketplace_plugin.host.records.tables import Database

_LOCK = 5173003  # of the advisory lock; the store has its own


def migrate(database: Database) -> None:
    """To the newest revision, then the spans to the zone database in use. Of several processes, one does it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    with database.begin() as unit:
        if unit.connection.dialect.name == "postgresql":
            unit.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = unit.connection
        command.upgrade(config, "head")
        events.refresh_spans(unit.connection)
        contacts.complete(unit.connection)
