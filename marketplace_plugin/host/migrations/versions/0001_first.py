"""Persons, events, tasks and calls, contacts, and the change log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "steg_applied",
        sa.Column("op", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Text(), nullable=True),
        sa.Column("organised", sa.Boolean(name="organised"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("op", name="pk_steg_applied"),
    )
    op.create_index("ix_steg_applied_at", "steg_applied", ["at"])
    op.create_index("ix_steg_applied_ref", "steg_applied", ["ref"])
    op.create_table(
        "steg_contact",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_steg_contact"),
    )
    op.create_index("ix_steg_contact_tenant", "steg_contact", ["tenant"])
    op.create_table(
        "steg_person",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("department", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("admin", sa.Boolean(name="admin"), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("log_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_steg_person"),
        sa.UniqueConstraint("email", name="uq_steg_person_email"),
    )
    op.create_index("ix_steg_person_tenant", "steg_person", ["tenant"])
    op.create_table(
        "steg_change",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.String(length=9), server_default="", nullable=False),
        sa.Column("op", sa.String(length=255), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["steg_person.id"], name="fk_steg_change_owner"),
        sa.PrimaryKeyConstraint("owner", "kind", "ref", name="pk_steg_change"),
    )
    op.create_index("ix_steg_change_owner_kind_seq", "steg_change", ["owner", "kind", "seq"], unique=True)
    op.create_table(
        "steg_event",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("calendar", sa.String(length=16), server_default="events", nullable=False),
        sa.Column("converted", sa.Boolean(name="converted"), server_default=sa.false(), nullable=False),
        sa.Column("span_start", sa.BigInteger(), nullable=False),
        sa.Column("span_end", sa.BigInteger(), nullable=True),
        sa.Column("tz_version", sa.String(length=32), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["steg_person.id"], name="fk_steg_event_owner"),
        sa.PrimaryKeyConstraint("ref", name="pk_steg_event"),
    )
    op.create_index("ix_steg_event_owner_span_start", "steg_event", ["owner", "span_start"])
    op.create_index("ix_steg_event_tz_version", "steg_event", ["tz_version"])
    op.create_table(
        "steg_todo",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["steg_person.id"], name="fk_steg_todo_owner"),
        sa.PrimaryKeyConstraint("ref", name="pk_steg_todo"),
    )
    op.create_index("ix_steg_todo_owner_kind", "steg_todo", ["owner", "kind"])
    op.create_table(
        "steg_event_uid",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ref"], ["steg_event.ref"], name="fk_steg_event_uid_ref", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ref", "uid", name="pk_steg_event_uid"),
    )
    op.create_table(
        "steg_participant",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("own", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["steg_person.id"], name="fk_steg_participant_person"),
        sa.ForeignKeyConstraint(["ref"], ["steg_event.ref"], name="fk_steg_participant_ref", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ref", "person", name="pk_steg_participant"),
    )
    op.create_index("ix_steg_participant_person", "steg_participant", ["person"])
