"""Indexes for what each pass asks: the targets of a user, and the conflicts of a connection."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_marketplace_collection_user", "marketplace_collection", ["user", "kind"])
    op.create_index("ix_marketplace_conflict_connection", "marketplace_conflict", ["connection", "state"])
