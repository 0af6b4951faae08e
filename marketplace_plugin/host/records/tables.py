"""Steg's own tables, beside the marketplace's on the same database; made by the migrations in ``host/migrations``.

Items are kept in their exact JSON (``model/form/codec.py``). ``span_start`` and ``span_end`` are caches for queries by
window, stamped with the release of the zone database that they were computed with (docs/sync.md, R11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store.columns import Instant

VERSION_TABLE = "steg_version"


class Database(Protocol):
    """What Steg needs of the store that it shares: one write transaction, or a connection to read with."""

    def begin(self) -> AbstractContextManager[UnitOfWork]: ...

    def read(self) -> AbstractContextManager[sa.Connection]: ...


Notify = Callable[[str, Kind, Sequence[str]], None]
"""Called after commit with (person id, kind, refs) for each person whose items changed."""


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.String(64)
_OP = sa.String(255)

person = sa.Table(
    "steg_person",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant", _ID, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.String(254), nullable=False, unique=True),  # lower-cased; what one signs in with
    sa.Column("department", sa.Text, nullable=False, server_default=""),
    sa.Column("zone", sa.String(64), nullable=False),
    sa.Column("locale", sa.String(8), nullable=False),
    sa.Column("admin", sa.Boolean(name="admin"), nullable=False),
    sa.Column("password", sa.Text, nullable=False),  # argon2
    sa.Column(
        "log_seq", sa.BigInteger, nullable=False, server_default="0"
    ),  # of the last change logged for this person
    sa.Index(None, "tenant"),
)

event = sa.Table(
    "steg_event",
    metadata,
    sa.Column("ref", _ID, primary_key=True),
    sa.Column("owner", _ID, sa.ForeignKey("steg_person.id"), nullable=False),  # organises it in Steg
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("calendar", sa.String(16), nullable=False, server_default="events"),
    sa.Column("converted", sa.Boolean(name="converted"), nullable=False, server_default=sa.false()),
    sa.Column("span_start", Instant, nullable=False),
    sa.Column("span_end", Instant),  # None: the series has no end that is known without expanding it
    sa.Column("tz_version", sa.String(32), nullable=False),
    sa.Column("changed", Instant, nullable=False),
    sa.Index(None, "owner", "span_start"),
    sa.Index(None, "tz_version"),
)

participant = sa.Table(
    "steg_participant",
    metadata,
    sa.Column("ref", _ID, sa.ForeignKey("steg_event.ref", ondelete="CASCADE"), primary_key=True),
    sa.Column("person", _ID, sa.ForeignKey("steg_person.id"), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),  # of what is his alone; added to the event's
    sa.Column("own", sa.Text, nullable=False),  # JSON, see participation.py
    sa.Index(None, "person"),
)

event_uid = sa.Table(
    "steg_event_uid",
    metadata,
    sa.Column("ref", _ID, sa.ForeignKey("steg_event.ref", ondelete="CASCADE"), primary_key=True),
    sa.Column("uid", sa.Text, primary_key=True),
)

# A task or call belongs to one person.
todo = sa.Table(
    "steg_todo",
    metadata,
    sa.Column("ref", _ID, primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),  # task, call
    sa.Column("owner", _ID, sa.ForeignKey("steg_person.id"), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("changed", Instant, nullable=False),
    sa.Index(None, "owner", "kind"),
)

# A contact belongs to one person; ``shared``: his colleagues read it too.
contact = sa.Table(
    "steg_contact",
    metadata,
    sa.Column("ref", _ID, primary_key=True),
    sa.Column("tenant", _ID, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("owner", _ID, sa.ForeignKey("steg_person.id"), nullable=False),
    sa.Column("shared", sa.Boolean(name="shared"), nullable=False, server_default=sa.false()),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("changed", Instant, nullable=False, server_default="0"),
    sa.Column("sort", sa.String(200), nullable=False, server_default=""),
    sa.Column("words", sa.Text, nullable=False, server_default=""),  # empty: not filled in yet
    sa.Index(None, "owner", "sort"),
    sa.Index(None, "tenant", "sort"),
)

# One row a person and item, with the sequence number of its newest change: bounded by the items, read in O(changes).
# ``op`` is the operation key of the write that made ``version``, where that write was made in this person's name.
change = sa.Table(
    "steg_change",
    metadata,
    sa.Column("owner", _ID, sa.ForeignKey("steg_person.id"), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("ref", _ID, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("gone", sa.String(9), nullable=False, server_default=""),  # "", deleted, withdrawn
    sa.Column("op", _OP, nullable=False, server_default=""),
    sa.Index(None, "owner", "kind", "seq", unique=True),
)

# What was written under an operation key, so that a repeated one gets the same answer.
applied = sa.Table(
    "steg_applied",
    metadata,
    sa.Column("op", _OP, primary_key=True),
    sa.Column("owner", _ID, nullable=False),
    sa.Column("ref", _ID, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("stored", sa.Text),  # the item as it was then, None after a deletion
    sa.Column("organised", sa.Boolean(name="organised"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index(None, "ref"),
    sa.Index(None, "at"),
)
