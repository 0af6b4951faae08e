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
    _meetings()
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


def _meetings() -> None:
    """The UID of an organiser's copy, by which an invitation at another user's account is known as his event."""
    op.add_column("marketplace_link", sa.Column("meeting_key", Exact))
    op.create_index("ix_marketplace_link_meeting", "marketplace_link", ["meeting_key"])
    op.create_index("ix_marketplace_link_item", "marketplace_link", ["host_kind", "host_ref"])
