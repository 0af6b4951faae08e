"""What a page brings in: blocks, and what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from sqlalchemy import Connection

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.written import entry
from marketplace_plugin.model.change import Found, Unreadable, UnreadableReason
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import blocks, held, journal, links
from marketplace_plugin.store.log.journal import Action as Deed
from marketplace_plugin.store.log.journal import Side
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.diff import BlockSeen
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.outcome import as_block
from marketplace_plugin.sync.reason import Reason

ZONES = version("tzdata")
"""The release of the tz database that spans are computed with (rule R11)."""


def put_blocks(c: Connection, p: Pass, collection: str, seen: Sequence[BlockSeen]) -> None:
    """Make or show anew the blocks of one page. An item that cannot be placed in time is parked, alone (rule W11)."""
    made: list[tuple[Link, Block]] = []
    entries: list[journal.Entry] = []
    for one in seen:
        link = as_block(one.link or _new_link(p, collection, one.found), one.found, p.digest)
        block = block_of(p, link, one.found)
        if block is None:
            park_unreadable(c, p, collection, Unreadable(one.found.id, UnreadableReason.MALFORMED))
            continue
        made.append((link, block))
        deed = Deed.CREATE if one.link is None else Deed.UPDATE
        p.counts[f"block.{deed}"] += 1
        entries.append(entry(p, link, Side.BLOCK, deed, one.reason))
    if made:
        p.touched.add(collection)
    links.put(c, [link for link, _ in made], p.now)
    blocks.put(c, [block for _, block in made])
    journal.add(c, entries)


def block_of(p: Pass, link: Link, found: Found) -> Block | None:
    """None where the item's times cannot be understood."""
    if not isinstance(found.item, Event | Series):
        return None
    try:
        span = p.span(found.item)
    except (ValueError, KeyError, OverflowError):
        return None
    return Block(
        link=link.id,
        user=link.user,
        connection=link.connection,
        collection=link.collection,
        span=span,
        item=found.item,
        uid=found.uid,
        href=found.href,
        zones=ZONES,
        changed_at=p.now,
    )


def _new_link(p: Pass, collection: str, found: Found) -> Link:
    return Link(
        id=p.engine.new_id(),
        kind=LinkKind.BLOCK,
        user=p.connection.user,
        connection=p.connection.id,
        collection=collection,
        remote_id=found.id,
        host_kind=Kind.EVENT,
        host_ref=None,
    )


def park_unreadable(c: Connection, p: Pass, collection: str, item: Unreadable) -> None:
    """Unreadable is neither deleted nor empty: it is listed for its owner, and looked at again when it changes; with
    each pass where the service refused it, which may be over then."""
    key = p.engine.store.vault.keyed(f"unreadable\0{p.connection.id}\0{collection}\0{item.id}".encode())
    p.counts["unreadable"] += 1
    held.put(
        c,
        [
            Held(
                id=key,
                connection=p.connection.id,
                collection=collection,
                what=What.UNREADABLE,
                reason=Reason.UNREADABLE,
                created_at=p.now,
                remote_id=item.id,
                detail=item.reason,
                again_at=p.now,
            )
        ],
    )
