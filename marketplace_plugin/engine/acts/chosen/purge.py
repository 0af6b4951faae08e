"""What goes away locally when a source is unticked or a connection ends. Nothing here writes remotely.

A block goes with its link, its lines of the journal and whatever was held or disputed about it (rules L1 and L9).
After the transaction call ``store.scrub()``, so that no page of the database file keeps what was deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.engine.acts.chosen import left
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.write import HostCreate
from marketplace_plugin.store import (
    blocks,
    collections,
    conflicts,
    connections,
    held,
    host_positions,
    intents,
    journal,
    leases,
    links,
    plans,
    rounds,
)
from marketplace_plugin.sync.link import AT_REST, Link, LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class PurgeFacts:
    """What the dialogs say: blocks that go, and what stays. ``exported`` are copies at the service that stay there,
    ``paired`` contacts and tasks that stay on both sides."""

    blocks: int
    converted: int
    exported: int
    paired: int = 0


def facts(engine: Engine, connection_id: str, collection: str | None = None) -> PurgeFacts:
    """Counts for one collection, or for the whole connection."""
    with engine.store.read() as c:
        counted = links.count(c, connection_id, collection)

    def live(kind: LinkKind) -> int:
        return sum(n for (k, state), n in counted.items() if k is kind and state not in AT_REST)

    exported = live(LinkKind.EXPORT) + live(LinkKind.MIRROR)
    return PurgeFacts(live(LinkKind.BLOCK), live(LinkKind.CONVERTED), exported, live(LinkKind.PAIR))


def unselect(engine: Engine, unit: UnitOfWork, connection_id: str, collection: str) -> int:
    """This source's blocks go, converted events stay and go on being synced. Returns how many blocks went.

    What is read of the collection from now on starts with a snapshot. A running pass loses its lease.
    """
    c, now = unit.connection, engine.now()
    leases.seize(c, connection_id, now)
    shown = {k.id for k in links.of_connection(c, connection_id, collection=collection, kinds=(LinkKind.BLOCK,))}
    begun = {one.link for one in intents.open_ones(c, connection_id) if isinstance(one.write, HostCreate)}
    gone = shown - begun  # what is just being made visible stays until it is known what became of it
    forget_links(engine, c, gone)
    restart(c, connection_id, collection)
    return len(gone)


def restart(c: Database, connection_id: str, collection: str) -> None:
    """Forget how far this collection was read: the next pass reads a snapshot."""
    row = collections.get(c, connection_id, collection)
    if row is None:
        return
    rounds.drop(c, connection_id, collection)
    collections.set_progress(c, [replace(row, round=None, checkpoint=None, cursor=None, read_at=None)])


def purge_connection(engine: Engine, unit: UnitOfWork, connection_id: str) -> PurgeFacts:
    """Everything imported goes. What was exported or converted stays on both sides; its links are kept without content,
    so that the same account is recognised when it is connected again, and so are those of copies that only wait to be
    removed (``left.named``). Needs no provider."""
    c, now = unit.connection, engine.now()
    told = _facts_within(c, connection_id)
    leases.seize(c, connection_id, now)
    known = list(links.of_connection(c, connection_id))
    begun = intents.open_ones(c, connection_id)
    sent = left.sent(begun)
    back = left.put_back(begun)
    made = [k for k in known if left.may_stand(k, sent) and (k.host_ref is not None or k.id not in back)]
    kept = [k for k in made if k.kind is not LinkKind.BLOCK and (k.host_ref is not None or left.is_left(k))]
    forget_links(engine, c, {k.id for k in known} - {k.id for k in kept})
    for family in (journal, conflicts, intents, plans):
        family.remove_of(c, connection_id)
    links.put(c, [left.named(engine, k, sent.get(k.id)) if left.is_left(k) else bare(k) for k in kept], now)
    for row in collections.of_connection(c, connection_id):
        restart(c, connection_id, row.remote_id)
    rounds.drop(c, connection_id)
    held.remove_of(c, connection_id)
    host_positions.drop(c, connection_id)
    _take_over(engine, c, connection_id)
    return told


def _take_over(engine: Engine, c: Database, connection_id: str) -> None:
    """Where its owner has connected the same account a second time, that connection looks at all of his events again,
    and knows those that were this one's: else they would show as blocks beside themselves."""
    ended = connections.get(c, connection_id)
    if ended is None or ended.account_key is None:
        return
    same = [row.id for row in connections.of_user(c, ended.user) if row.account_key == ended.account_key]
    others = [name for name in same if name != connection_id]
    for name in others:
        host_positions.drop(c, name)
    leases.mark_dirty(c, others, engine.now())


def _facts_within(c: Database, connection_id: str) -> PurgeFacts:
    counted = links.count(c, connection_id)

    def of(*kinds: LinkKind) -> int:
        return sum(n for (kind, _), n in counted.items() if kind in kinds)

    exported = of(LinkKind.EXPORT, LinkKind.MIRROR)
    return PurgeFacts(of(LinkKind.BLOCK), of(LinkKind.CONVERTED), exported, of(LinkKind.PAIR))


def bare(link: Link) -> Link:
    """Names alone: no base, no digests, nothing that tells what the event is about."""
    reason = link.reason if link.state is LinkState.DETACHED else Reason.DISCONNECTED
    return replace(
        link, state=LinkState.DETACHED, reason=reason, base=None, remote_base=None, remote=None, host=None, attempts=0
    )


def forget_links(engine: Engine, c: Database, ids: Iterable[str]) -> None:
    """Links with all that is kept about them."""
    listed = list(ids)
    conflicts.remove_for(c, listed)
    forget_unborn(engine, c, listed)


def forget_unborn(engine: Engine, c: Database, ids: Iterable[str]) -> None:
    """Links of what was never made. Their events stay, and so does what was overruled of them (rule U1)."""
    listed = list(ids)
    for family in (journal, held, intents):
        family.remove_for(c, listed)
    blocks.remove(c, listed, engine.now())
    links.remove(c, listed, engine.now())
