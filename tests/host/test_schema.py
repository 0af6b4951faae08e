"""The migrations make what the tables say, and can run again."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from marketplace_plugin.host.records import tables
from marketplace_plugin.host.records.schema import migrate
from marketplace_plugin.host.steg import Steg


def test_migrations_make_the_tables(steg: Steg) -> None:
    migrate(steg.database)
    with steg.database.read() as c:
        context = MigrationContext.configure(
            c,
            opts={
                "version_table": tables.VERSION_TABLE,
                "include_name": lambda name, kind, _: kind != "table" or (name or "").startswith("steg_"),
                "compare_type": True,
            },
        )
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() is not None
