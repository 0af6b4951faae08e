"""What Office 365, Exchange, contacts, tasks and calls keep beside the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace_plugin.store.columns import Exact

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _requests()


def _requests() -> None:
    """Users ask an admin for more than an installation."""
    op.drop_index("uq_marketplace_request_open", "marketplace_request")
    with op.batch_alter_table("marketplace_request") as table:
        table.add_column(sa.Column("what", Exact, nullable=False, server_default="install"))
        table.add_column(sa.Column("subject", Exact, nullable=False, server_default=""))
        table.add_column(sa.Column("detail", Exact, nullable=False, server_default=""))
    op.create_index(
        "uq_marketplace_request_open",
        "marketplace_request",
        ["user", "integration", "what", "subject"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
