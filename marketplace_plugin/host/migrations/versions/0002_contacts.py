"""Contacts belong to a person, who may share them; they have a version and can be searched.

Those that were there belonged to the whole tenant: they go to an administrator of it, shared with everybody.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("steg_contact") as table:
        table.add_column(sa.Column("owner", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("shared", sa.Boolean(name="shared"), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
        table.add_column(sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False))
        table.add_column(sa.Column("sort", sa.String(length=200), server_default="", nullable=False))
        table.add_column(sa.Column("words", sa.Text(), server_default="", nullable=False))
    _give_to_somebody(op.get_bind())
    with op.batch_alter_table("steg_contact") as table:
        table.alter_column("owner", existing_type=sa.String(length=64), nullable=False)
        table.create_foreign_key("fk_steg_contact_owner", "steg_person", ["owner"], ["id"])
        table.create_index("ix_steg_contact_owner_sort", ["owner", "sort"])
        table.create_index("ix_steg_contact_tenant_sort", ["tenant", "sort"])
        table.drop_index("ix_steg_contact_tenant")


def _give_to_somebody(c: sa.Connection) -> None:
    now = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for tenant in c.execute(sa.text("SELECT DISTINCT tenant FROM steg_contact")).scalars().all():
        owner = c.execute(
            sa.text("SELECT id FROM steg_person WHERE tenant = :tenant ORDER BY admin DESC, id LIMIT 1"),
            {"tenant": tenant},
        ).scalar()
        if owner is None:
            c.execute(sa.text("DELETE FROM steg_contact WHERE tenant = :tenant"), {"tenant": tenant})
            continue
        c.execute(
            sa.text("UPDATE steg_contact SET owner = :owner, shared = :yes, changed = :now WHERE tenant = :tenant"),
            {"owner": owner, "yes": True, "now": now, "tenant": tenant},
        )
        for ref in (
            c.execute(sa.text("SELECT ref FROM steg_contact WHERE owner = :owner"), {"owner": owner}).scalars().all()
        ):
            c.execute(sa.text("UPDATE steg_person SET log_seq = log_seq + 1 WHERE id = :owner"), {"owner": owner})
            c.execute(
                sa.text(
                    "INSERT INTO steg_change (owner, kind, ref, seq, version)"
                    " SELECT id, 'contact', :ref, log_seq, 1 FROM steg_person WHERE id = :owner"
                ),
                {"ref": ref, "owner": owner},
            )
