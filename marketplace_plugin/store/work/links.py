"""Links. The uid, both digests and both bases are sealed together; the keys that a pass asks by are in clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, delete, func, or_, select, update

from marketplace_plugin.model.change import Access, Revision
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import codec
from marketplace_plugin.store.accounts.connections import Connection as Account
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.database import ANY, in_chunks, upsert, vault_of
from marketplace_plugin.store.tables import connection, link
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.store.work import blocks
from marketplace_plugin.store.work.identity import meeting_key, uid_key
from marketplace_plugin.sync.link import AT_REST, HostShowing, Link, LinkKind, LinkState, RemoteShowing
from marketplace_plugin.sync.reason import Reason


def put(c: Connection, links: Iterable[Link], now: datetime) -> None:
    """Insert the links, or write over those with the same id. ``now``: aware UTC.

    Raises ValueError for a block with a base (rule L9), and IntegrityError where another live link has the remote item,
    or another export the host item.
    """
    vault = vault_of(c)
    rows = (_row(vault, one, now) for one in links)
    upsert(c, link, rows, keep=frozenset({"created_at"}))


_BY_ID = select(link).where(link.c.id.in_(ANY))


def get(c: Connection, ids: Iterable[str]) -> dict[str, Link]:
    """By id; an id without a link is left out."""
    found = {}
    for chunk in in_chunks(ids):
        for row in c.execute(_BY_ID, {"any": chunk}):
            found[row.id] = _link(vault_of(c), row)
    return found


_BY_REMOTE = select(link).where(link.c.connection == bindparam("connection"), link.c.remote_id.in_(ANY))
_BY_REMOTE_IN = _BY_REMOTE.where(link.c.collection == bindparam("collection"))


def by_remote(
    c: Connection, connection: str, remote_ids: Iterable[str], collection: str | None = None
) -> dict[str, list[Link]]:
    """Links of a connection by remote id, in all its collections or in one; DETACHED ones too. Missing ids are left
    out."""
    found: dict[str, list[Link]] = defaultdict(list)
    query, asked = (_BY_REMOTE, {}) if collection is None else (_BY_REMOTE_IN, {"collection": collection})
    for chunk in in_chunks(remote_ids):
        for row in c.execute(query, {**asked, "connection": connection, "any": chunk}):
            found[row.remote_id].append(_link(vault_of(c), row))
    return dict(found)


_BY_HOST = select(link).where(
    link.c.user == bindparam("user"), link.c.host_kind == bindparam("kind"), link.c.host_ref.in_(ANY)
)


def by_host(c: Connection, user: str, kind: Kind, refs: Iterable[str]) -> dict[str, list[Link]]:
    """All links of a user, over all his connections, by host ref; DETACHED ones too."""
    found: dict[str, list[Link]] = defaultdict(list)
    for chunk in in_chunks(refs):
        for row in c.execute(_BY_HOST, {"user": user, "kind": kind, "any": chunk}):
            found[row.host_ref].append(_link(vault_of(c), row))
    return dict(found)


_BY_UID = select(link).where(link.c.user == bindparam("user"), link.c.uid_key.in_(ANY))


def by_uid(c: Connection, user: str, uids: Iterable[str]) -> dict[str, list[Link]]:
    """All links of a user by iCalendar UID, over all his connections. Empty UIDs match nothing."""
    vault = vault_of(c)
    keys = {uid_key(vault, user, uid): uid for uid in uids if uid}
    found: dict[str, list[Link]] = defaultdict(list)
    for chunk in in_chunks(keys):
        for row in c.execute(_BY_UID, {"user": user, "any": chunk}):
            found[keys[row.uid_key]].append(_link(vault, row))
    return dict(found)


def meetings(c: Connection, user: str, uids: Iterable[str]) -> dict[str, tuple[Kind, str]]:
    """The host items (kind and ref) that others than ``user`` organise and whose copies have these UIDs, by UID."""
    vault = vault_of(c)
    keys = {meeting_key(vault, uid): uid for uid in uids if uid}
    found: dict[str, tuple[Kind, str]] = {}
    query = select(link.c.meeting_key, link.c.host_kind, link.c.host_ref).where(
        link.c.user != user, link.c.host_ref.is_not(None)
    )
    for chunk in in_chunks(keys):
        for row in c.execute(query.where(link.c.meeting_key.in_(chunk))):
            found[keys[row.meeting_key]] = Kind(row.host_kind), row.host_ref
    return found


def aliases(c: Connection, user: str, kind: Kind, refs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The UIDs that the organisers' copies of these host items have at their services, by ref; ``user``'s own left
    out."""
    found: dict[str, tuple[str, ...]] = {}
    query = select(link).where(link.c.user != user, link.c.host_kind == kind, link.c.meeting_key.is_not(None))
    for chunk in in_chunks(refs):
        for row in c.execute(query.where(link.c.host_ref.in_(chunk))):
            found[row.host_ref] = (*found.get(row.host_ref, ()), _link(vault_of(c), row).uid)
    return found


@cache
def _listing(*, collection: bool, kinds: bool, states: bool) -> Select[Any]:
    query = select(link).where(link.c.connection == bindparam("connection"), link.c.id > bindparam("after"))
    if collection:
        query = query.where(link.c.collection == bindparam("collection"))
    if kinds:
        query = query.where(link.c.kind.in_(bindparam("kinds", expanding=True)))
    if states:
        query = query.where(link.c.state.in_(bindparam("states", expanding=True)))
    return query.order_by(link.c.id).limit(bindparam("batch"))


def of_connection(
    c: Connection,
    connection: str,
    *,
    collection: str | None = None,
    kinds: Collection[LinkKind] = (),
    states: Collection[LinkState] = (),
    batch: int = 1000,
) -> Iterator[Link]:
    """Links of a connection in the order of their ids, read in batches; empty ``kinds`` or ``states`` mean all.

    Links that are changed or deleted while it runs do not disturb it.
    """
    vault = vault_of(c)
    query = _listing(collection=collection is not None, kinds=bool(kinds), states=bool(states))
    asked: dict[str, Any] = {"connection": connection, "after": "", "batch": batch}
    if collection is not None:
        asked["collection"] = collection
    if kinds:
        asked["kinds"] = list(kinds)
    if states:
        asked["states"] = list(states)
    while rows := c.execute(query, asked).all():
        yield from (_link(vault, row) for row in rows)
        if len(rows) < batch:
            return
        asked["after"] = rows[-1].id


def count(c: Connection, connection: str, collection: str | None = None) -> Mapping[tuple[LinkKind, LinkState], int]:
    """How many links, by kind and state."""
    query = select(link.c.kind, link.c.state, func.count()).where(link.c.connection == connection)
    if collection is not None:
        query = query.where(link.c.collection == collection)
    rows = c.execute(query.group_by(link.c.kind, link.c.state))
    return {(LinkKind(kind), LinkState(state)): number for kind, state, number in rows}


_TIED = (
    link.c.state.in_([state for state in LinkState if state not in AT_REST]),
    link.c.kind.in_([kind for kind in LinkKind if kind is not LinkKind.BLOCK]),  # both indexed, blocks are many
)
_BOUND = select(link.c.collection).where(link.c.connection == bindparam("connection"), *_TIED).distinct()


def bound(c: Connection, connection: str) -> frozenset[str]:
    """The collections of a connection in which something is tied to a host item, and not at rest."""
    return frozenset(c.execute(_BOUND, {"connection": connection}).scalars())


def refs(c: Connection, connection: str, kind: Kind) -> list[str]:
    """The host items of a kind that the links of a connection name, without links at rest."""
    rows = c.execute(
        select(link.c.host_ref).where(
            link.c.connection == connection, *_TIED, link.c.host_kind == kind, link.c.host_ref.is_not(None)
        )
    )
    return [ref for ref in rows.scalars() if ref is not None]


_COPIES = (LinkKind.EXPORT, LinkKind.MIRROR)


def copies(c: Connection, user: str) -> dict[tuple[str, str], int]:
    """How many copies of a user's host items are kept up to date, by (connection, collection), over all connections."""
    rows = c.execute(
        select(link.c.connection, link.c.collection, func.count())
        .where(
            link.c.user == user,
            link.c.host_ref.is_not(None),
            link.c.kind.in_(_COPIES),
            link.c.state.not_in(AT_REST),
        )
        .group_by(link.c.connection, link.c.collection)
    )
    return {(connection, collection): number for connection, collection, number in rows}


_ENDED = and_(
    connection.c.user == bindparam("user"),
    connection.c.state == ConnectionState.REMOVED,
    connection.c.integration == bindparam("integration"),
    connection.c.account_key.is_not(None),
    connection.c.account_key == bindparam("account"),
)
"""Connections of the same user's same account that have ended; filled in by ``_account``."""


def _account(row: Account) -> dict[str, Any]:
    return {"user": row.user, "integration": row.integration, "account": row.account_key}


_AT_REST = select(link).where(
    link.c.connection.in_(select(connection.c.id).where(_ENDED)),
    link.c.state == LinkState.DETACHED,
    link.c.kind != LinkKind.BLOCK,
    link.c.remote_id.is_not(None),
    link.c.reason != Reason.DISCONNECTED,
)


def at_rest(c: Connection, row: Account) -> list[Link]:
    """What was at rest already when a connection of the same account ended: items that the user stopped importing, and
    copies that he kept."""
    return [_link(vault_of(c), one) for one in c.execute(_AT_REST, _account(row))]


def visible_before(c: Connection, row: Account, uid: str) -> set[str]:
    """The host refs of what was made visible of the items with this UID when a connection of the same account ended."""
    if not uid:
        return set()
    rows = c.execute(
        select(link.c.host_ref).where(
            link.c.connection.in_(select(connection.c.id).where(_ENDED)),
            link.c.kind == LinkKind.CONVERTED,
            link.c.reason == Reason.DISCONNECTED,
            link.c.host_ref.is_not(None),
            link.c.uid_key == uid_key(vault_of(c), row.user, uid),
        ),
        _account(row),
    )
    return {ref for ref in rows.scalars() if ref is not None}


_OWN = and_(connection.c.user == bindparam("user"), connection.c.id == bindparam("own"))
_LEFT_BEHIND = (
    select(link)
    .where(
        link.c.connection.in_(select(connection.c.id).where(or_(_OWN, _ENDED))),
        link.c.state == LinkState.DETACHED,
        link.c.kind.in_(_COPIES),
        link.c.host_ref.is_(None),
        link.c.reason == Reason.DISCONNECTED,
    )
    .order_by(link.c.id)
)


def left_behind(c: Connection, row: Account) -> list[Link]:
    """Copies that only waited to be removed when their connection ended: those of ``row`` itself, and of connections of
    the same user's same account that have ended."""
    return [_link(vault_of(c), one) for one in c.execute(_LEFT_BEHIND, {"own": row.id, **_account(row)})]


def remove(c: Connection, ids: Iterable[str], now: datetime) -> None:
    """Delete links, and their blocks with them. ``now``: aware UTC."""
    for chunk in in_chunks(ids):
        blocks.remove(c, chunk, now)
        c.execute(delete(link).where(link.c.id.in_(chunk)))


_MARK_SEEN = (
    update(link)
    .where(
        link.c.connection == bindparam("of_connection"),
        link.c.collection == bindparam("of_collection"),
        link.c.remote_id.in_(ANY),
    )
    .values(seen_round=bindparam("by_round"))
)


def mark_seen(c: Connection, connection: str, collection: str, remote_ids: Iterable[str], round_id: str) -> None:
    """A page of a snapshot listed these items."""
    for chunk in in_chunks(remote_ids):
        seen = {"of_connection": connection, "of_collection": collection, "any": chunk, "by_round": round_id}
        c.execute(_MARK_SEEN, seen)


def unseen(c: Connection, connection: str, collection: str, round_id: str) -> list[Link]:
    """Links with a remote id that no page of this snapshot listed: suspects, not deletions (rule R4)."""
    rows = c.execute(
        select(link)
        .where(
            link.c.connection == connection,
            link.c.collection == collection,
            link.c.remote_id.is_not(None),
            link.c.state != LinkState.DETACHED,
            link.c.seen_round.is_distinct_from(round_id),
        )
        .order_by(link.c.id)
    )
    return [_link(vault_of(c), row) for row in rows]


def forget_seen(c: Connection, connection: str, collection: str, round_id: str) -> None:
    """A round that was given up has listed nothing."""
    c.execute(
        update(link)
        .where(link.c.connection == connection, link.c.collection == collection, link.c.seen_round == round_id)
        .values(seen_round=None)
    )


_NEVER_SEEN = (
    select(link)
    .where(
        link.c.connection == bindparam("connection"),
        link.c.collection == bindparam("collection"),
        link.c.remote_id.is_not(None),
        link.c.state.not_in(AT_REST),
        link.c.seen_round.is_(None),
    )
    .order_by(link.c.id)
)


def never_seen(c: Connection, connection: str, collection: str) -> list[Link]:
    """Links whose remote item no complete round has listed yet: a service may never tell that it is gone again."""
    rows = c.execute(_NEVER_SEEN, {"connection": connection, "collection": collection})
    return [_link(vault_of(c), row) for row in rows]


def _is_organisers_copy(one: Link) -> bool:
    return one.kind is LinkKind.EXPORT and one.organised and one.host_ref is not None


def _row(vault: Vault, one: Link, now: datetime) -> dict[str, Any]:
    if one.kind is LinkKind.BLOCK and (one.base, one.remote_base) != (None, None):
        raise ValueError("a block keeps no base")
    secret = (
        one.uid,
        one.remote.digest if one.remote else "",
        one.host.digest if one.host else "",
        one.base,
        one.remote_base,
        one.wrote,
    )
    return {
        "id": one.id,
        "kind": one.kind,
        "user": one.user,
        "connection": one.connection,
        "collection": one.collection,
        "remote_id": one.remote_id,
        "host_kind": one.host_kind,
        "host_ref": one.host_ref,
        "uid_key": uid_key(vault, one.user, one.uid) if one.uid else None,
        "meeting_key": meeting_key(vault, one.uid) if one.uid and _is_organisers_copy(one) else None,
        "organised": one.organised,
        "access": one.access,
        "revision": [one.remote.revision.master, one.remote.revision.overrides] if one.remote else None,
        "host_version": one.host.version if one.host else None,
        "sealed": vault.seal("link", "sealed", one.id, codec.encode(secret)),
        "state": one.state,
        "reason": one.reason,
        "attempts": one.attempts,
        "automatic": one.automatic,
        "created_at": now,
        "changed_at": now,
    }


def _link(vault: Vault, row: Row[Any]) -> Link:
    secret = codec.decode(vault.open("link", "sealed", row.id, row.sealed))
    uid, remote_digest, host_digest, base, remote_base, wrote = secret
    remote = host = None
    if row.revision is not None:
        remote = RemoteShowing(_revision(row.revision), remote_digest)
    if row.host_version is not None:
        host = HostShowing(row.host_version, host_digest)
    return Link(
        id=row.id,
        kind=LinkKind(row.kind),
        user=row.user,
        connection=row.connection,
        collection=row.collection,
        remote_id=row.remote_id,
        host_kind=Kind(row.host_kind),
        host_ref=row.host_ref,
        uid=uid,
        organised=row.organised,
        access=Access(row.access),
        remote=remote,
        host=host,
        base=base,
        remote_base=remote_base,
        state=LinkState(row.state),
        reason=Reason(row.reason) if row.reason else None,
        attempts=row.attempts,
        automatic=row.automatic,
        wrote=wrote,
    )


def _revision(plain: Sequence[Any]) -> Revision:
    master, overrides = plain
    return Revision(master, tuple((key, tag) for key, tag in overrides))
