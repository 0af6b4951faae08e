"""Run by `database.migrate` with an open connection; there is no command line and no file of settings."""

from __future__ import annotations

from alembic import context

from marketplace_plugin.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="marketplace_version",
    transaction_per_migration=False,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
