"""All tables, from the first migration on. What is in clear and what is sealed: docs/architecture.md.

Instants are integers, microseconds since 1970 in UTC; dates and wall times live inside encoded values, never in a
column of their own. Ids of services are compared byte by byte on every database.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    text,
)

from marketplace_plugin.store.columns import Exact, Instant, Sealed

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_connection() -> Column[str]:
    return Column("connection", Exact, ForeignKey("marketplace_connection.id", ondelete="CASCADE"), nullable=False)


instance = Table(
    "marketplace_instance",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("index_secret", Sealed, nullable=False),  # what keyed identities are made with; survives a change of keys
    Column("created_at", Instant, nullable=False),
)

installation = Table(
    "marketplace_installation",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("tenant", Exact, nullable=False),
    Column("integration", Exact, nullable=False),
    Column("audience", Exact, nullable=False),
    Column("state", Exact, nullable=False),
    Column("version", Exact, nullable=False),
    Column("installed_by", Exact, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("tenant", "integration"),
)

request = Table(
    "marketplace_request",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("tenant", Exact, nullable=False, index=True),
    Column("user", Exact, nullable=False),
    Column("integration", Exact, nullable=False),
    Column("state", Exact, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", Exact),
    Column("what", Exact, nullable=False, server_default="install"),
    Column("subject", Exact, nullable=False, server_default=""),
    Column("detail", Exact, nullable=False, server_default=""),
)
Index(
    "uq_marketplace_request_open",
    request.c.user,
    request.c.integration,
    request.c.what,
    request.c.subject,
    unique=True,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

connection = Table(
    "marketplace_connection",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("tenant", Exact, nullable=False),
    Column("user", Exact, nullable=False, index=True),
    Column("integration", Exact, nullable=False),
    Column("state", Exact, nullable=False),
    Column("account_key", Exact),  # the service's stable account id, keyed
    Column("account_label", Sealed),
    Column("created_at", Instant, nullable=False),
    Column("connected_at", Instant),  # first authorisation: host events that end before are not exported
    Column("settings_version", Integer, nullable=False, server_default="0"),
    Column("approved_version", Integer),  # the settings that "Starten" approved; None: nothing is pushed yet
    Column("policy", Exact, nullable=False),
    Column("past_days", Integer, nullable=False),
    Column("future_days", Integer, nullable=False),
    Column("switches", JSON, nullable=False),
    Column("next_due", Instant),
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("dirty", Boolean, nullable=False, server_default=false()),
    Column("backoff_until", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error", Exact),
    Column("error_number", Exact),
    Column("last_run_at", Instant),
    Index("ix_marketplace_connection_due", "state", "next_due"),
    Index("ix_marketplace_connection_account", "integration", "account_key"),
)

grant = Table(
    "marketplace_grant",
    metadata,
    Column("connection", Exact, ForeignKey("marketplace_connection.id", ondelete="CASCADE"), primary_key=True),
    Column("integration", Exact, nullable=False),
    Column("account_key", Exact, nullable=False),
    Column("version", Integer, nullable=False),
    Column("access", Sealed, nullable=False),
    Column("refresh", Sealed),
    Column("expires_at", Instant),
    Column("scopes", JSON, nullable=False),
    Column("alive", Boolean, nullable=False),
    Column("lease_until", Instant),
    Column("lease_holder", Exact),
    Column("changed_at", Instant, nullable=False),
    Index("ix_marketplace_grant_account", "integration", "account_key"),
)

authorization = Table(
    "marketplace_authorization",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("user", Exact, nullable=False),
    Column("state_hash", Exact, nullable=False, unique=True),
    Column("session_hash", Exact, nullable=False),
    Column("verifier", Sealed, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("used_at", Instant),
)

collection = Table(
    "marketplace_collection",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("user", Exact, nullable=False),
    Column("remote_id", Exact, nullable=False),
    Column("kind", Exact, nullable=False),
    Column("role", Integer, nullable=False),
    Column("info", Sealed, nullable=False),  # title, owner, colour, capabilities
    Column("listed", Boolean, nullable=False),  # in the service's last list
    Column("is_source", Boolean, nullable=False),
    Column("is_target", Boolean, nullable=False),
    Column("cursor", Sealed),
    Column("checkpoint", Sealed),
    Column("round", Exact),
    Column("position", Integer, nullable=False),
    Column("read_at", Instant),
    UniqueConstraint("connection", "remote_id"),
    Index("ix_marketplace_collection_user", "user", "kind"),  # each pass asks for the user's targets
)
Index(
    "uq_marketplace_collection_target",
    collection.c.user,
    collection.c.kind,
    unique=True,
    sqlite_where=text("is_target"),
    postgresql_where=text("is_target"),
)

link = Table(
    "marketplace_link",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("kind", Exact, nullable=False),
    Column("user", Exact, nullable=False),
    _of_connection(),
    Column("collection", Exact, nullable=False),
    Column("remote_id", Exact),
    Column("host_kind", Exact, nullable=False),
    Column("host_ref", Exact),
    Column("uid_key", Exact),  # keyed by user, so that two users' links to one meeting cannot be matched
    Column("organised", Boolean, nullable=False),
    Column("access", Exact, nullable=False),
    Column("revision", JSON),
    Column("host_version", Integer),
    Column("sealed", Sealed, nullable=False),  # uid, both digests, both bases
    Column("state", Exact, nullable=False),
    Column("reason", Exact),
    Column("attempts", Integer, nullable=False),
    Column("automatic", Integer, nullable=False),
    Column("seen_round", Exact),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("meeting_key", Exact),  # of an organiser's copy: the UID, keyed for all users, so that invitations are known
    Index("ix_marketplace_link_remote", "connection", "remote_id"),
    Index("ix_marketplace_link_host", "user", "host_kind", "host_ref"),
    Index("ix_marketplace_link_uid", "user", "uid_key"),
    Index("ix_marketplace_link_meeting", "meeting_key"),
    Index("ix_marketplace_link_item", "host_kind", "host_ref"),
    Index("ix_marketplace_link_collection", "connection", "collection", "kind"),
    Index("ix_marketplace_link_state", "connection", "state", "kind"),  # each pass asks for what is parked, and counts
)
_LIVE_REMOTE = "remote_id IS NOT NULL AND state <> 'detached'"
Index(
    "uq_marketplace_link_remote",
    link.c.connection,
    link.c.collection,
    link.c.remote_id,
    unique=True,
    sqlite_where=text(_LIVE_REMOTE),
    postgresql_where=text(_LIVE_REMOTE),
)
_UNSEEN = text("seen_round IS NULL")  # what each pass asks for: links that no round has listed yet
Index(
    "ix_marketplace_link_unseen", link.c.connection, link.c.collection, sqlite_where=_UNSEEN, postgresql_where=_UNSEEN
)
_LIVE_HOST = "host_ref IS NOT NULL AND kind NOT IN ('block', 'pair') AND state <> 'detached'"
Index(
    "uq_marketplace_link_host",
    link.c.user,
    link.c.host_kind,
    link.c.host_ref,
    unique=True,
    sqlite_where=text(_LIVE_HOST),
    postgresql_where=text(_LIVE_HOST),
)
_LIVE_PAIR = "host_ref IS NOT NULL AND kind = 'pair' AND state <> 'detached'"
Index(  # one person may stand in several accounts, and then in each of them once
    "uq_marketplace_link_pair",
    link.c.connection,
    link.c.host_kind,
    link.c.host_ref,
    unique=True,
    sqlite_where=text(_LIVE_PAIR),
    postgresql_where=text(_LIVE_PAIR),
)

block = Table(
    "marketplace_block",
    metadata,
    Column("link", Exact, ForeignKey("marketplace_link.id", ondelete="CASCADE"), primary_key=True),
    Column("user", Exact, nullable=False),
    _of_connection(),
    Column("collection", Exact, nullable=False),
    Column("span_start", Instant, nullable=False),
    Column("span_end", Instant),  # None: repeats without end
    Column("shape", JSON, nullable=False),  # times, rule, show-as, status: what a colleague may know
    Column("identity", Exact, nullable=False),  # the UID, keyed by user
    Column("content", Sealed, nullable=False),
    Column("zones", Exact, nullable=False),  # the tz database that the span was computed with
    Column("changed_at", Instant, nullable=False),
    Index("ix_marketplace_block_span", "user", "span_start"),
    Index("ix_marketplace_block_changed", "user", "changed_at"),
    Index("ix_marketplace_block_collection", "connection", "collection"),
    Index("ix_marketplace_block_left", "connection", "span_end"),  # each pass asks for what has left the window
)

block_mark = Table(
    "marketplace_block_mark",
    metadata,
    Column("user", Exact, primary_key=True),
    Column("changed_at", Instant, nullable=False),  # of the user's last block that came, changed or went
)

round_change = Table(
    "marketplace_round_change",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("collection", Exact, nullable=False),
    Column("round", Exact, nullable=False),
    Column("remote_id", Exact, nullable=False),
    Column("change", Sealed, nullable=False),
    UniqueConstraint("connection", "collection", "round", "remote_id"),
)

host_position = Table(
    "marketplace_host_position",
    metadata,
    Column("connection", Exact, ForeignKey("marketplace_connection.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Exact, primary_key=True),
    Column("token", Exact, nullable=False),
)

intent = Table(
    "marketplace_intent",
    metadata,
    Column("op", Exact, primary_key=True),
    _of_connection(),
    Column("collection", Exact, nullable=False),
    Column("link", Exact, nullable=False),
    Column("run", Exact, nullable=False),
    Column("action", Exact, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("write", Sealed, nullable=False),  # the write with its preconditions
    Column("state", Exact, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Index("ix_marketplace_intent_open", "connection", "state"),
    Index("ix_marketplace_intent_link", "link"),
)

held = Table(
    "marketplace_held",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("collection", Exact, nullable=False),
    Column("link", Exact),
    Column("remote_id", Exact),
    Column("host_ref", Exact),
    Column("what", Exact, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("detail", Exact, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False),
    Column("body", Sealed),
    Column("created_at", Instant, nullable=False),
    Column("again_at", Instant),
    Index("ix_marketplace_held_link", "link"),
    Index("ix_marketplace_held_remote", "connection", "collection", "remote_id"),
)

conflict = Table(
    "marketplace_conflict",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("user", Exact, nullable=False),
    Column("link", Exact, nullable=False, index=True),
    Column("run", Exact, nullable=False),
    Column("field", Exact, nullable=False),
    Column("winner", Exact, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("state", Exact, nullable=False),
    Column("sides", Sealed, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Index("ix_marketplace_conflict_user", "user", "state"),
    Index("ix_marketplace_conflict_connection", "connection", "state"),  # each pass asks for what waits
)

journal = Table(
    "marketplace_journal",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("run", Exact, nullable=False, index=True),
    _of_connection(),
    Column("user", Exact, nullable=False),
    Column("link", Exact, nullable=False, index=True),
    Column("link_kind", Exact, nullable=False),
    Column("side", Exact, nullable=False),
    Column("action", Exact, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("pre_image", Sealed),
    Column("at", Instant, nullable=False),
    Column("undone_by", Exact),
    Index("ix_marketplace_journal_brake", "connection", "action", "at"),
)

run = Table(
    "marketplace_run",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("user", Exact, nullable=False),
    Column("trigger", Exact, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("outcome", Exact),
    Column("phase", Exact),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer),
    Column("counts", JSON, nullable=False),
    Column("error", Exact),
    Column("error_number", Exact),
    Column("again_at", Instant),
    Index("ix_marketplace_run_connection", "connection", "queued_at"),
    Index("ix_marketplace_run_user", "user", "queued_at"),
)

plan = Table(
    "marketplace_plan",
    metadata,
    Column("id", Exact, primary_key=True),
    _of_connection(),
    Column("settings_version", Integer, nullable=False),
    Column("fingerprint", Exact, nullable=False),
    Column("state", Exact, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("steps", Sealed, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Exact),
    Column("run", Exact),
    Index("ix_marketplace_plan_connection", "connection", "state"),
)

api_token = Table(
    "marketplace_api_token",
    metadata,
    Column("id", Exact, primary_key=True),
    Column("user", Exact, nullable=False, index=True),
    Column("name", Exact, nullable=False),
    Column("hash", Exact, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)
