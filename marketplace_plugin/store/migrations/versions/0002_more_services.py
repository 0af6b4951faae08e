"""What Office 365, Exchange, contacts, tasks and calls keep beside the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace_plugin.store.columns import Exact, Instant, Sealed

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _meetings()
    _plans()
    _requests()
    _credentials()
    _pairs()


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


def _pairs() -> None:
    """A contact or task here may be tied to several accounts, once to each; an event is tied to one."""
    op.drop_index("uq_marketplace_link_host", "marketplace_link")
    for name, columns, wanted in (
        ("host", ["user", "host_kind", "host_ref"], "host_ref IS NOT NULL AND kind NOT IN ('block', 'pair')"),
        ("pair", ["connection", "host_kind", "host_ref"], "host_ref IS NOT NULL AND kind = 'pair'"),
    ):
        live = sa.text(f"{wanted} AND state <> 'detached'")
        op.create_index(
            f"uq_marketplace_link_{name}",
            "marketplace_link",
            columns,
            unique=True,
            sqlite_where=live,
            postgresql_where=live,
        )


def _credentials() -> None:
    """Passwords, the tests that they passed, and which servers they may go to."""
    op.create_table(
        "marketplace_credential",
        sa.Column("connection", Exact, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("fields", Sealed, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_marketplace_credential"),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["marketplace_connection.id"],
            ondelete="CASCADE",
            name="fk_marketplace_credential_connection",
        ),
    )
    op.create_table(
        "marketplace_credential_test",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("session_hash", Exact, nullable=False),
        sa.Column("digest", Exact, nullable=False),
        sa.Column("outcome", Sealed),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_credential_test"),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["marketplace_connection.id"],
            ondelete="CASCADE",
            name="fk_marketplace_credential_test_connection",
        ),
    )
    for column in ("connection", "expires_at"):
        op.create_index(f"ix_marketplace_credential_test_{column}", "marketplace_credential_test", [column])
    op.create_table(
        "marketplace_server_rules",
        sa.Column("id", Exact, nullable=False),
        sa.Column("tenant", Exact, nullable=False),
        sa.Column("integration", Exact, nullable=False),
        sa.Column("allowed", sa.JSON, nullable=False),
        sa.Column("authorities", Exact, nullable=False),
        sa.Column("contact", Exact, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("changed_by", Exact, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_server_rules"),
        sa.UniqueConstraint("tenant", "integration", name="uq_marketplace_server_rules_tenant_integration"),
    )


def _plans() -> None:
    """A plan binds until a pass has carried it out; those of before have been."""
    op.execute("UPDATE marketplace_plan SET state = 'done' WHERE state = 'approved'")
