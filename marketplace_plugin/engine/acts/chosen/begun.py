"""Writes to a host with a database of its own that were begun, and of which nobody knows how they ended: their pass, or
the request that made them, died. The host knows each by its key, so it is asked again under it (docs/sync.md, W2b).

A pass does so before everything else. Who saves other settings, or disconnects, does it first, because the tie of what
was made would be lost with the links; the service is not needed for it.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.chosen.purge import forget_links
from marketplace_plugin.engine.acts.convert import as_converted, back_to_block
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.kinds import module_for
from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.model.write import HostApplied, HostCreate, HostDelete, HostMissing, HostOutcome, HostUpdate
from marketplace_plugin.store import blocks, collections, intents, leases, links
from marketplace_plugin.store.accounts.connections import Connection
from marketplace_plugin.store.work.intents import Intent, IntentState
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState
from marketplace_plugin.sync.outcome import declined
from marketplace_plugin.sync.reason import Reason

_log = structlog.get_logger(__name__)


def is_repeated(one: Intent) -> bool:
    """Host writes that must be known to have happened: what was made, what an undone conversion removed, and what an
    undo wrote back here alone."""
    undone = one.reason is Reason.UNDONE and isinstance(one.write, HostUpdate)
    return isinstance(one.write, HostCreate) or one.reason is Reason.CONVERSION_UNDONE or undone


def finish(engine: Engine, person: Person, row: Connection) -> None:
    """Ask the host what became of all that was begun for this connection, and write it down. A pass that may be at it
    loses its lease. Where the host does not answer, all stays as it is."""
    with engine.store.read() as c:
        begun = any(is_repeated(one) for one in intents.open_ones(c, row.id))
    if not begun:
        return
    with engine.store.begin() as unit:
        c = unit.connection
        leases.seize(c, row.id, engine.now())
        left = [one for one in intents.open_ones(c, row.id) if is_repeated(one)]
        known = links.get(c, {one.link for one in left})
    for one in left:
        link = known.get(one.link)
        if link is None or not isinstance(one.write, HostCreate | HostUpdate | HostDelete):
            continue
        try:
            (applied,) = module_for(engine, link, row, person).apply(row.user, [one.write], None)
        except MarketplaceError as error:
            _log.warning("not finished in the host", connection=row.id, code=error.code)
            return
        with engine.store.begin() as unit:
            c = unit.connection
            still_open = any(now.op == one.op for now in intents.open_ones(c, row.id, [link.id]))
            stands = links.get(c, [link.id]).get(link.id)
            if still_open and stands is not None:
                finish_one(engine, c, one, stands, applied)


def finish_one(engine: Engine, c: Database, one: Intent, link: Link, applied: HostOutcome) -> Link | None:
    """Write down what the host answered. Returns the link with what was made or written, None where nothing was."""
    now = engine.now()
    if isinstance(one.write, HostDelete):
        done = isinstance(applied, HostApplied | HostMissing)
        if done:
            back_to_block(engine, c, link, applied)
        intents.settle(c, [one.op], IntentState.DONE if done else IntentState.DROPPED, now)
        return None
    if not isinstance(applied, HostApplied) or applied.stored is None:
        row = collections.get(c, link.connection, link.collection)
        if link.kind is LinkKind.BLOCK and (row is None or not row.is_source):
            forget_links(engine, c, [link.id])  # its calendar was unticked meanwhile
        intents.settle(c, [one.op], IntentState.DROPPED, now)
        return None
    block = blocks.get(c, [link.id]).get(link.id)
    if link.kind is LinkKind.BLOCK and block is not None:
        made = as_converted(engine, link, block.item, applied)
        blocks.remove(c, [link.id], now)
    else:
        made = _written(engine, one, link, applied)
    links.put(c, [made], now)
    intents.settle(c, [one.op], IntentState.DONE, now)
    return made


def _written(engine: Engine, one: Intent, link: Link, applied: HostApplied) -> Link:
    """The link with what stands here now. What was put to rest meanwhile rests; what an undo took back, and this very
    write brings here again, rests no longer."""
    if applied.stored is None:
        return link
    shown = HostShowing(applied.version, engine.digest(applied.stored.item))
    made = replace(link, host_ref=applied.ref, host=shown)
    woken = link.state is LinkState.DECLINED and link.reason is Reason.UNDONE
    if link.rests and not woken:
        return made
    made = replace(made, base=applied.stored.item, state=LinkState.LIVE, reason=None)
    if one.reason is not Reason.UNDONE:
        return made if link.kind is LinkKind.PAIR else replace(made, remote_base=None)
    back = isinstance(one.write, HostCreate)
    return declined(made) if back else replace(made, remote_base=link.agreed_there)
