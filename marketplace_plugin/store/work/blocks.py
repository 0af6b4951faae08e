"""Grey blocks: what a colleague may know in clear (times, show-as, status), everything else sealed.

``shapes`` never touches the vault, so whoever draws a colleague's calendar cannot leak a title by mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, or_, select

from marketplace_plugin.model.event import Event, Override, Response, Series, ShowAs
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import codec
from marketplace_plugin.store.database import ANY, in_chunks, upsert, vault_of
from marketplace_plugin.store.tables import block, block_mark
from marketplace_plugin.store.work.identity import uid_key


@dataclass(frozen=True, slots=True)
class Block:
    """One block with its content. ``span``: [start, end) as aware UTC instants over all occurrences and overrides, end
    None where it repeats without end; ``zones`` is the version of the tz database that it was computed with."""

    link: str
    user: str
    connection: str
    collection: str
    span: tuple[datetime, datetime | None]
    item: Event | Series
    uid: str
    href: str
    zones: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Shape:
    """A block as anybody may see it: ``item`` holds times, rule, show-as and status alone. ``identity`` is the keyed
    UID: equal for the copies of one meeting that reached this user on several ways (rule L11)."""

    link: str
    user: str
    connection: str
    collection: str
    item: Event | Series
    identity: str


def put(c: Connection, blocks: Sequence[Block]) -> None:
    """Insert the blocks, or write over those of the same links. The links must be there."""
    upsert(c, block, (_row(c, one) for one in blocks))
    newest = {one.user: one.changed_at for one in sorted(blocks, key=lambda one: one.changed_at)}
    upsert(c, block_mark, [{"user": user, "changed_at": at} for user, at in newest.items()])


_REMOVE = delete(block).where(block.c.link.in_(ANY)).returning(block.c.user)


def remove(c: Connection, links: Iterable[str], now: datetime) -> None:
    """``now``: aware UTC."""
    for chunk in in_chunks(links):
        users = c.execute(_REMOVE, {"any": chunk}).scalars()
        upsert(c, block_mark, [{"user": user, "changed_at": now} for user in set(users)])


def get(c: Connection, links: Iterable[str]) -> dict[str, Block]:
    """With content, by link; for the owner only."""
    found = {}
    for chunk in in_chunks(links):
        for row in c.execute(select(block).where(block.c.link.in_(chunk))):
            found[row.link] = _block(c, row)
    return found


def opened(c: Connection, user: str, window: Window) -> list[Block]:
    """Blocks of ``user`` that touch the window, with content: for himself only. Sorted by start, then link."""
    return [_block(c, row) for row in c.execute(_touching(user, window))]


def shapes(c: Connection, user: str, window: Window) -> list[Shape]:
    """Blocks of ``user`` that touch the window, without content: for everybody who may see his calendar."""
    return [
        Shape(row.link, row.user, row.connection, row.collection, _item(row.shape), row.identity)
        for row in c.execute(_touching(user, window))
    ]


def changed_at(c: Connection, user: str) -> datetime | None:
    """When a block of ``user`` last came, changed or went (aware UTC)."""
    return c.execute(select(block_mark.c.changed_at).where(block_mark.c.user == user)).scalar_one_or_none()


def count(c: Connection, connection: str, collection: str | None = None) -> int:
    query = select(func.count()).select_from(block).where(block.c.connection == connection)
    if collection is not None:
        query = query.where(block.c.collection == collection)
    return c.execute(query).scalar_one()


def stale_zones(c: Connection, zones: str, limit: int) -> list[Block]:
    """Blocks whose span was computed with another release of the tz database (rule R11)."""
    rows = c.execute(select(block).where(block.c.zones != zones).order_by(block.c.link).limit(limit))
    return [_block(c, row) for row in rows]


_BEFORE = (
    select(block.c.link)
    .where(block.c.connection == bindparam("connection"), block.c.span_end <= bindparam("instant"))
    .order_by(block.c.link)
    .limit(bindparam("limit"))
)


def before(c: Connection, connection: str, instant: datetime, limit: int) -> list[str]:
    """Links of blocks that ended before ``instant``: they have left the import window."""
    return list(c.execute(_BEFORE, {"connection": connection, "instant": instant, "limit": limit}).scalars())


def redacted(item: Event | Series) -> Event | Series:
    """Times, rule, show-as and status; nothing that tells what the event is about, who takes part, or how private it
    is. Who has declined is free."""
    if isinstance(item, Event):
        return _bare(item)
    overrides = tuple(Override(one.original, None if one.event is None else _bare(one.event)) for one in item.overrides)
    return replace(item, master=_bare(item.master), overrides=overrides)


def _bare(event: Event) -> Event:
    show_as = ShowAs.FREE if event.response is Response.DECLINED else event.show_as
    return Event(when=event.when, show_as=show_as, status=event.status)


def _touching(user: str, window: Window) -> Select[Any]:
    return (
        select(block)
        .where(
            block.c.user == user,
            block.c.span_start < window.end,
            or_(block.c.span_end.is_(None), block.c.span_end > window.start, block.c.span_start >= window.start),
        )
        .order_by(block.c.span_start, block.c.link)
    )


def _row(c: Connection, one: Block) -> dict[str, Any]:
    vault = vault_of(c)
    content = codec.encode((one.item, one.uid, one.href))
    return {
        "link": one.link,
        "user": one.user,
        "connection": one.connection,
        "collection": one.collection,
        "span_start": one.span[0],
        "span_end": one.span[1],
        "shape": codec.to_plain(redacted(one.item)),
        # Without a UID the link stands for itself, so that unrelated items never collapse.
        "identity": uid_key(vault, one.user, one.uid or f"link\0{one.link}"),
        "content": vault.seal("block", "content", one.link, content),
        "zones": one.zones,
        "changed_at": one.changed_at,
    }


def _block(c: Connection, row: Row[Any]) -> Block:
    item, uid, href = codec.decode(vault_of(c).open("block", "content", row.link, row.content))
    return Block(
        link=row.link,
        user=row.user,
        connection=row.connection,
        collection=row.collection,
        span=(row.span_start, row.span_end),
        item=item,
        uid=uid,
        href=href,
        zones=row.zones,
        changed_at=row.changed_at,
    )


def _item(plain: Any) -> Event | Series:
    item = codec.from_plain(plain)
    if not isinstance(item, Event | Series):
        raise TypeError("a block is an event or a series")
    return item
