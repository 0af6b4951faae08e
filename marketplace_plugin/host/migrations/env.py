"""Run by ``migrate`` with an open connection; there is no command line and no file of settings."""

from __future__ import annotations

from alembic import context

from marketplace_plugin.host.records.tables import VERSION_TABLE, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transaction_per_migration=False,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
