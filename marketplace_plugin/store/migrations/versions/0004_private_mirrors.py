"""Mirrored tasks and calls are private entries since: the next pass reads both modules from their beginning, so that
the entries which it made before are closed too, each once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    position = sa.table("marketplace_host_position", sa.column("kind"))
    op.execute(position.delete().where(position.c.kind.in_(("task", "call"))))
