"""What Office 365, Exchange, contacts, tasks and calls keep beside the first tables."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
