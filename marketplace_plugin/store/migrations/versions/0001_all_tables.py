"""All tables: every kind of link, intents, journal, fencing and each side's last showing from the start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace_plugin.store.columns import Exact, Instant, Sealed

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "marketplace_api_token",
        sa.Column("id", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("name", Exact, nullable=False),
        sa.Column("hash", Exact, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
        sa.Column("expires_at", Instant),
        sa.Column("revoked_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_api_token"),
        sa.UniqueConstraint("hash", name="uq_marketplace_api_token_hash"),
    )
    op.create_index("ix_marketplace_api_token_user", "marketplace_api_token", ["user"])
    op.create_table(
        "marketplace_block_mark",
        sa.Column("user", Exact, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("user", name="pk_marketplace_block_mark"),
    )
    op.create_table(
        "marketplace_connection",
        sa.Column("id", Exact, nullable=False),
        sa.Column("tenant", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("integration", Exact, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("account_key", Exact),
        sa.Column("account_label", Sealed),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("connected_at", Instant),
        sa.Column("settings_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("approved_version", sa.Integer()),
        sa.Column("policy", Exact, nullable=False),
        sa.Column("past_days", sa.Integer(), nullable=False),
        sa.Column("future_days", sa.Integer(), nullable=False),
        sa.Column("switches", sa.JSON(), nullable=False),
        sa.Column("next_due", Instant),
        sa.Column("lease_until", Instant),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dirty", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("backoff_until", Instant),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", Exact),
        sa.Column("error_number", Exact),
        sa.Column("last_run_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_connection"),
    )
    op.create_index("ix_marketplace_connection_account", "marketplace_connection", ["integration", "account_key"])
    op.create_index("ix_marketplace_connection_due", "marketplace_connection", ["state", "next_due"])
    op.create_index("ix_marketplace_connection_user", "marketplace_connection", ["user"])
    op.create_table(
        "marketplace_installation",
        sa.Column("id", Exact, nullable=False),
        sa.Column("tenant", Exact, nullable=False),
        sa.Column("integration", Exact, nullable=False),
        sa.Column("audience", Exact, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("version", Exact, nullable=False),
        sa.Column("installed_by", Exact, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_installation"),
        sa.UniqueConstraint("tenant", "integration", name="uq_marketplace_installation_tenant_integration"),
    )
    op.create_table(
        "marketplace_instance",
        sa.Column("id", Exact, nullable=False),
        sa.Column("index_secret", Sealed, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_instance"),
    )
    op.create_table(
        "marketplace_request",
        sa.Column("id", Exact, nullable=False),
        sa.Column("tenant", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("integration", Exact, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("settled_at", Instant),
        sa.Column("settled_by", Exact),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_request"),
    )
    op.create_index("ix_marketplace_request_tenant", "marketplace_request", ["tenant"])
    op.create_index(
        "uq_marketplace_request_open",
        "marketplace_request",
        ["user", "integration"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "marketplace_authorization",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("state_hash", Exact, nullable=False),
        sa.Column("session_hash", Exact, nullable=False),
        sa.Column("verifier", Sealed, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["marketplace_connection.id"],
            name="fk_marketplace_authorization_connection",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_authorization"),
        sa.UniqueConstraint("state_hash", name="uq_marketplace_authorization_state_hash"),
    )
    op.create_index("ix_marketplace_authorization_expires_at", "marketplace_authorization", ["expires_at"])
    op.create_table(
        "marketplace_collection",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("remote_id", Exact, nullable=False),
        sa.Column("kind", Exact, nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("info", Sealed, nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("is_source", sa.Boolean(), nullable=False),
        sa.Column("is_target", sa.Boolean(), nullable=False),
        sa.Column("cursor", Sealed),
        sa.Column("checkpoint", Sealed),
        sa.Column("round", Exact),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("read_at", Instant),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["marketplace_connection.id"],
            name="fk_marketplace_collection_connection",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_collection"),
        sa.UniqueConstraint("connection", "remote_id", name="uq_marketplace_collection_connection_remote_id"),
    )
    op.create_index(
        "uq_marketplace_collection_target",
        "marketplace_collection",
        ["user", "kind"],
        unique=True,
        sqlite_where=sa.text("is_target"),
        postgresql_where=sa.text("is_target"),
    )
    op.create_table(
        "marketplace_conflict",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("link", Exact, nullable=False),
        sa.Column("run", Exact, nullable=False),
        sa.Column("field", Exact, nullable=False),
        sa.Column("winner", Exact, nullable=False),
        sa.Column("reason", Exact, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("sides", Sealed, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("settled_at", Instant),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_conflict_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_conflict"),
    )
    op.create_index("ix_marketplace_conflict_link", "marketplace_conflict", ["link"])
    op.create_index("ix_marketplace_conflict_user", "marketplace_conflict", ["user", "state"])
    op.create_table(
        "marketplace_grant",
        sa.Column("connection", Exact, nullable=False),
        sa.Column("integration", Exact, nullable=False),
        sa.Column("account_key", Exact, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("access", Sealed, nullable=False),
        sa.Column("refresh", Sealed),
        sa.Column("expires_at", Instant),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("alive", sa.Boolean(), nullable=False),
        sa.Column("lease_until", Instant),
        sa.Column("lease_holder", Exact),
        sa.Column("changed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_grant_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection", name="pk_marketplace_grant"),
    )
    op.create_index("ix_marketplace_grant_account", "marketplace_grant", ["integration", "account_key"])
    op.create_table(
        "marketplace_held",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("collection", Exact, nullable=False),
        sa.Column("link", Exact),
        sa.Column("remote_id", Exact),
        sa.Column("host_ref", Exact),
        sa.Column("what", Exact, nullable=False),
        sa.Column("reason", Exact, nullable=False),
        sa.Column("detail", Exact, server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("body", Sealed),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("again_at", Instant),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_held_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_held"),
    )
    op.create_index("ix_marketplace_held_link", "marketplace_held", ["link"])
    op.create_index("ix_marketplace_held_remote", "marketplace_held", ["connection", "collection", "remote_id"])
    op.create_table(
        "marketplace_host_position",
        sa.Column("connection", Exact, nullable=False),
        sa.Column("kind", Exact, nullable=False),
        sa.Column("token", Exact, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["marketplace_connection.id"],
            name="fk_marketplace_host_position_connection",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection", "kind", name="pk_marketplace_host_position"),
    )
    op.create_table(
        "marketplace_intent",
        sa.Column("op", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("collection", Exact, nullable=False),
        sa.Column("link", Exact, nullable=False),
        sa.Column("run", Exact, nullable=False),
        sa.Column("action", Exact, nullable=False),
        sa.Column("reason", Exact, nullable=False),
        sa.Column("write", Sealed, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("settled_at", Instant),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_intent_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("op", name="pk_marketplace_intent"),
    )
    op.create_index("ix_marketplace_intent_link", "marketplace_intent", ["link"])
    op.create_index("ix_marketplace_intent_open", "marketplace_intent", ["connection", "state"])
    op.create_table(
        "marketplace_journal",
        sa.Column("id", Exact, nullable=False),
        sa.Column("run", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("link", Exact, nullable=False),
        sa.Column("link_kind", Exact, nullable=False),
        sa.Column("side", Exact, nullable=False),
        sa.Column("action", Exact, nullable=False),
        sa.Column("reason", Exact, nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("pre_image", Sealed),
        sa.Column("at", Instant, nullable=False),
        sa.Column("undone_by", Exact),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_journal_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_journal"),
    )
    op.create_index("ix_marketplace_journal_brake", "marketplace_journal", ["connection", "action", "at"])
    op.create_index("ix_marketplace_journal_link", "marketplace_journal", ["link"])
    op.create_index("ix_marketplace_journal_run", "marketplace_journal", ["run"])
    op.create_table(
        "marketplace_link",
        sa.Column("id", Exact, nullable=False),
        sa.Column("kind", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("collection", Exact, nullable=False),
        sa.Column("remote_id", Exact),
        sa.Column("host_kind", Exact, nullable=False),
        sa.Column("host_ref", Exact),
        sa.Column("uid_key", Exact),
        sa.Column("organised", sa.Boolean(), nullable=False),
        sa.Column("access", Exact, nullable=False),
        sa.Column("revision", sa.JSON()),
        sa.Column("host_version", sa.Integer()),
        sa.Column("sealed", Sealed, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("reason", Exact),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("automatic", sa.Integer(), nullable=False),
        sa.Column("seen_round", Exact),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_link_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_link"),
    )
    op.create_index("ix_marketplace_link_collection", "marketplace_link", ["connection", "collection", "kind"])
    op.create_index("ix_marketplace_link_host", "marketplace_link", ["user", "host_kind", "host_ref"])
    op.create_index("ix_marketplace_link_remote", "marketplace_link", ["connection", "remote_id"])
    op.create_index("ix_marketplace_link_state", "marketplace_link", ["connection", "state", "kind"])
    op.create_index("ix_marketplace_link_uid", "marketplace_link", ["user", "uid_key"])
    op.create_index(
        "ix_marketplace_link_unseen",
        "marketplace_link",
        ["connection", "collection"],
        sqlite_where=sa.text("seen_round IS NULL"),
        postgresql_where=sa.text("seen_round IS NULL"),
    )
    op.create_index(
        "uq_marketplace_link_host",
        "marketplace_link",
        ["user", "host_kind", "host_ref"],
        unique=True,
        sqlite_where=sa.text("host_ref IS NOT NULL AND kind <> 'block' AND state <> 'detached'"),
        postgresql_where=sa.text("host_ref IS NOT NULL AND kind <> 'block' AND state <> 'detached'"),
    )
    op.create_index(
        "uq_marketplace_link_remote",
        "marketplace_link",
        ["connection", "collection", "remote_id"],
        unique=True,
        sqlite_where=sa.text("remote_id IS NOT NULL AND state <> 'detached'"),
        postgresql_where=sa.text("remote_id IS NOT NULL AND state <> 'detached'"),
    )
    op.create_table(
        "marketplace_plan",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", Exact, nullable=False),
        sa.Column("state", Exact, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("steps", Sealed, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("decided_at", Instant),
        sa.Column("decided_by", Exact),
        sa.Column("run", Exact),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_plan_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_plan"),
    )
    op.create_index("ix_marketplace_plan_connection", "marketplace_plan", ["connection", "state"])
    op.create_table(
        "marketplace_round_change",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("collection", Exact, nullable=False),
        sa.Column("round", Exact, nullable=False),
        sa.Column("remote_id", Exact, nullable=False),
        sa.Column("change", Sealed, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["marketplace_connection.id"],
            name="fk_marketplace_round_change_connection",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_round_change"),
        sa.UniqueConstraint(
            "connection",
            "collection",
            "round",
            "remote_id",
            name=op.f("uq_marketplace_round_change_connection_collection_round_remote_id"),  # PostgreSQL shortens it
        ),
    )
    op.create_table(
        "marketplace_run",
        sa.Column("id", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("trigger", Exact, nullable=False),
        sa.Column("queued_at", Instant, nullable=False),
        sa.Column("started_at", Instant),
        sa.Column("finished_at", Instant),
        sa.Column("outcome", Exact),
        sa.Column("phase", Exact),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer()),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("error", Exact),
        sa.Column("error_number", Exact),
        sa.Column("again_at", Instant),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_run_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_run"),
    )
    op.create_index("ix_marketplace_run_connection", "marketplace_run", ["connection", "queued_at"])
    op.create_index("ix_marketplace_run_user", "marketplace_run", ["user", "queued_at"])
    op.create_table(
        "marketplace_block",
        sa.Column("link", Exact, nullable=False),
        sa.Column("user", Exact, nullable=False),
        sa.Column("connection", Exact, nullable=False),
        sa.Column("collection", Exact, nullable=False),
        sa.Column("span_start", Instant, nullable=False),
        sa.Column("span_end", Instant),
        sa.Column("shape", sa.JSON(), nullable=False),
        sa.Column("identity", Exact, nullable=False),
        sa.Column("content", Sealed, nullable=False),
        sa.Column("zones", Exact, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["marketplace_connection.id"], name="fk_marketplace_block_connection", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["link"], ["marketplace_link.id"], name="fk_marketplace_block_link", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("link", name="pk_marketplace_block"),
    )
    op.create_index("ix_marketplace_block_changed", "marketplace_block", ["user", "changed_at"])
    op.create_index("ix_marketplace_block_collection", "marketplace_block", ["connection", "collection"])
    op.create_index("ix_marketplace_block_left", "marketplace_block", ["connection", "span_end"])
    op.create_index("ix_marketplace_block_span", "marketplace_block", ["user", "span_start"])
