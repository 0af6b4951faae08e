"""Another target, other sources: what becomes of links when a user saves his settings (docs/sync.md, L3 and L10).

A change of target is a migration link by link, and its state is in the links alone: each copy that is to move leaves a
link that only waits to be removed, and the event's own link is made anew in the new target. A pass makes the new
copies, and removes the old ones when the new ones stand, each only if nobody touched it. It may die anywhere.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from dataclasses import replace

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.engine.acts.chosen import left
from marketplace_plugin.engine.acts.chosen.left import COPIES
from marketplace_plugin.engine.acts.chosen.purge import forget_unborn, restart, unselect
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import HostCreate, HostDelete
from marketplace_plugin.store import collections, conflicts, host_positions, intents, leases, links
from marketplace_plugin.sync.link import AT_REST, Link, LinkState
from marketplace_plugin.sync.reason import Reason


def choose(
    engine: Engine,
    unit: UnitOfWork,
    connection_id: str,
    target: str | None,
    sources: Group[str],
    *,
    others: Group[str] = (),
    keep: bool = True,
) -> None:
    """Set target and sources (the service's ids) with everything that follows from it for calendars; ``others`` are the
    targets that are none (``pairs.choose`` sees to what follows there).

    Unticked sources lose their blocks; ticked ones are read from a snapshot; the copies in a former target move to the
    new one, or stay as they are where ``keep``. Raises IntegrityError where another connection of the user has one.
    """
    c = unit.connection
    rows = collections.of_connection(c, connection_id)
    before = {row.remote_id: row for row in rows if row.info.kind is Kind.EVENT}
    old_target = next((row.remote_id for row in before.values() if row.is_target), None)
    collections.choose(c, connection_id, target, sources, others=others)
    leases.seize(c, connection_id, engine.now())
    for remote_id, row in before.items():
        if row.is_source and remote_id not in sources:
            unselect(engine, unit, connection_id, remote_id)
        elif not row.is_source and remote_id in sources:
            restart(c, connection_id, remote_id)
    if old_target is not None and old_target != target:
        leave_target(engine, unit, connection_id, old_target, target, keep=keep)
    if old_target != target:
        host_positions.drop(c, connection_id)


def copies(engine: Engine, connection_id: str, collection: str) -> int:
    """How many copies stand in a target: what the question "move or keep" is about."""
    with engine.store.read() as c:
        counted = links.count(c, connection_id, collection)
    return sum(n for (kind, state), n in counted.items() if kind in COPIES and state is not LinkState.DETACHED)


def leave_target(
    engine: Engine, unit: UnitOfWork, connection_id: str, old: str, new: str | None, *, keep: bool
) -> None:
    """The copies in ``old``: kept as they are and never touched or imported again, or moved to ``new`` (None: the new
    target belongs to another connection, or there is none; then they are only removed), with those that may just have
    been made there, which are looked up by their stamp."""
    c, now = unit.connection, engine.now()
    ours = [
        k
        for k in links.of_connection(c, connection_id, collection=old, kinds=COPIES)
        if k.state not in AT_REST and k.access is Access.FULL
    ]
    open_ = intents.open_ones(c, connection_id)
    at_work = {one.link for one in open_ if isinstance(one.write, HostCreate | HostDelete)}
    ours = [k for k in ours if k.id not in at_work]  # it stays until it is known what became of its event here
    sent = left.sent(open_)
    standing = [k for k in ours if k.remote_id is not None]
    under_way = [k for k in ours if k.remote_id is None and left.may_stand(k, sent) and not keep]
    forget_unborn(engine, c, {k.id for k in ours} - {k.id for k in (*standing, *under_way)})
    links.put(c, [left.leaving(engine, k) for k in under_way], now)
    left.look_up_again(engine, c, under_way)
    if keep:
        links.put(c, [left.kept(k) for k in standing], now)
        return
    _move(engine, c, standing, new)


def _move(engine: Engine, c: Database, standing: list[Link], new: str | None) -> None:
    """The old link keeps its stamp and waits to be removed; the event gets a link of its own in the new target. A copy
    that shows what the event here does not stays as it is."""
    links.put(c, left.let_leave(engine, c, standing), engine.now())
    if new is None:
        return
    moved = [k for k in standing if k.host_ref is not None]
    made = {k.id: replace(k.anew(engine.new_id(), new), host=None) for k in moved}
    links.put(c, made.values(), engine.now())
    for old, link in made.items():
        conflicts.follow(c, old, link.id, Reason.TARGET_CHANGED, engine.now())
