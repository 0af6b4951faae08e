"""Links. The uid, both digests and both bases are sealed together; the keys that a pass asks by are in clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, update

from marketplace_plugin.model.change import Access, Revision
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import codec
from marketplace_plugin.store.accounts.connections import Connection as Account
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.database import in_chunks, upsert, vault_of
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


def get(c: Connection, ids: Iterable[str]) -> dict[str, Link]:
    """By id; an id without a link is left out."""
    found = {}
    for chunk in in_chunks(ids):
        for row in c.execute(select(link).where(link.c.id.in_(chunk))):
            found[row.id] = _link(vault_of(c), row)
    return found


def by_remote(
    c: Connection, connection: str, remote_ids: Iterable[str], collection: str | None = None
) -> dict[str, list[Link]]:
    """Links of a connection by remote id, in all its collections or in one; DETACHED ones too. Missing ids are left
    out."""
    found: dict[str, list[Link]] = defaultdict(list)
    for chunk in in_chunks(remote_ids):
        query = select(link).where(link.c.connection == connection, link.c.remote_id.in_(chunk))
        if collection is not None:
            query = query.where(link.c.collection == collection)
        for row in c.execute(query):
            found[row.remote_id].append(_link(vault_of(c), row))
    return dict(found)


def by_host(c: Connection, user: str, kind: Kind, refs: Iterable[str]) -> dict[str, list[Link]]:
    """All links of a user, over all his connections, by host ref; DETACHED ones too."""
    found: dict[str, list[Link]] = defaultdict(list)
    for chunk in in_chunks(refs):
        query = select(link).where(link.c.user == user, link.c.host_kind == kind, link.c.host_ref.in_(chunk))
        for row in c.execute(query):
            found[row.host_ref].append(_link(vault_of(c), row))
    return dict(found)


def by_uid(c: Connection, user: str, uids: Iterable[str]) -> dict[str, list[Link]]:
    """All links of a user by iCalendar UID, over all his connections. Empty UIDs match nothing."""
    vault = vault_of(c)
    keys = {uid_key(vault, user, uid): uid for uid in uids if uid}
    found: dict[str, list[Link]] = defaultdict(list)
    for chunk in in_chunks(keys):
        for row in c.execute(select(link).where(link.c.user == user, link.c.uid_key.in_(chunk))):
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
    vault, after = vault_of(c), ""
    query = select(link).where(link.c.connection == connection).order_by(link.c.id).limit(batch)
    if collection is not None:
        query = query.where(link.c.collection == collection)
    if kinds:
        query = query.where(link.c.kind.in_(kinds))
    if states:
        query = query.where(link.c.state.in_(states))
    while rows := c.execute(query.where(link.c.id > after)).all():
        yield from (_link(vault, row) for row in rows)
        after = rows[-1].id


def count(c: Connection, connection: str, collection: str | None = None) -> Mapping[tuple[LinkKind, LinkState], int]:
    """How many links, by kind and state."""
    query = select(link.c.kind, link.c.state, func.count()).where(link.c.connection == connection)
    if collection is not None:
        query = query.where(link.c.collection == collection)
    rows = c.execute(query.group_by(link.c.kind, link.c.state))
    return {(LinkKind(kind), LinkState(state)): number for kind, state, number in rows}


def bound(c: Connection, connection: str) -> frozenset[str]:
    """The collections of a connection in which something is tied to a host item, and not at rest."""
    rows = c.execute(
        select(link.c.collection)
        .where(
            link.c.connection == connection,
            link.c.state.in_([state for state in LinkState if state not in AT_REST]),
            link.c.kind.in_([kind for kind in LinkKind if kind is not LinkKind.BLOCK]),  # both indexed, blocks are many
        )
        .distinct()
    )
    return frozenset(rows.scalars())


def refs(c: Connection, connection: str, kind: Kind) -> list[str]:
    """The host items of a kind that the links of a connection name, without links at rest."""
    rows = c.execute(
        select(link.c.host_ref).where(
            link.c.connection == connection,
            link.c.state.in_([state for state in LinkState if state not in AT_REST]),
            link.c.kind.in_([kind for kind in LinkKind if kind is not LinkKind.BLOCK]),  # both indexed, blocks are many
            link.c.host_kind == kind,
            link.c.host_ref.is_not(None),
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


def _ended(row: Account) -> ColumnElement[bool]:
    """Connections of the same user's same account that have ended."""
    return and_(
        connection.c.user == row.user,
        connection.c.state == ConnectionState.REMOVED,
        connection.c.integration == row.integration,
        connection.c.account_key.is_not(None),
        connection.c.account_key == row.account_key,
    )


def at_rest(c: Connection, row: Account) -> list[Link]:
    """What was at rest already when a connection of the same account ended: items that the user stopped importing, and
    copies that he kept."""
    rows = c.execute(
        select(link).where(
            link.c.connection.in_(select(connection.c.id).where(_ended(row))),
            link.c.state == LinkState.DETACHED,
            link.c.kind != LinkKind.BLOCK,
            link.c.remote_id.is_not(None),
            link.c.reason != Reason.DISCONNECTED,
        )
    )
    return [_link(vault_of(c), one) for one in rows]


def visible_before(c: Connection, row: Account, uid: str) -> set[str]:
    """The host refs of what was made visible of the items with this UID when a connection of the same account ended."""
    if not uid:
        return set()
    rows = c.execute(
        select(link.c.host_ref).where(
            link.c.connection.in_(select(connection.c.id).where(_ended(row))),
            link.c.kind == LinkKind.CONVERTED,
            link.c.reason == Reason.DISCONNECTED,
            link.c.host_ref.is_not(None),
            link.c.uid_key == uid_key(vault_of(c), row.user, uid),
        )
    )
    return {ref for ref in rows.scalars() if ref is not None}


def left_behind(c: Connection, row: Account) -> list[Link]:
    """Copies that only waited to be removed when their connection ended: those of ``row`` itself, and of connections of
    the same user's same account that have ended."""
    own = and_(connection.c.user == row.user, connection.c.id == row.id)
    theirs = select(connection.c.id).where(or_(own, _ended(row)))
    rows = c.execute(
        select(link)
        .where(
            link.c.connection.in_(theirs),
            link.c.state == LinkState.DETACHED,
            link.c.kind.in_(_COPIES),
            link.c.host_ref.is_(None),
            link.c.reason == Reason.DISCONNECTED,
        )
        .order_by(link.c.id)
    )
    return [_link(vault_of(c), one) for one in rows]


def remove(c: Connection, ids: Iterable[str], now: datetime) -> None:
    """Delete links, and their blocks with them. ``now``: aware UTC."""
    for chunk in in_chunks(ids):
        blocks.remove(c, chunk, now)
        c.execute(delete(link).where(link.c.id.in_(chunk)))


def mark_seen(c: Connection, connection: str, collection: str, remote_ids: Iterable[str], round_id: str) -> None:
    """A page of a snapshot listed these items."""
    for chunk in in_chunks(remote_ids):
        c.execute(
            update(link)
            .where(link.c.connection == connection, link.c.collection == collection, link.c.remote_id.in_(chunk))
            .values(seen_round=round_id)
        )


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


def never_seen(c: Connection, connection: str, collection: str) -> list[Link]:
    """Links whose remote item no complete round has listed yet: a service may never tell that it is gone again."""
    rows = c.execute(
        select(link)
        .where(
            link.c.connection == connection,
            link.c.collection == collection,
            link.c.remote_id.is_not(None),
            link.c.state.not_in(AT_REST),
            link.c.seen_round.is_(None),
        )
        .order_by(link.c.id)
    )
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
