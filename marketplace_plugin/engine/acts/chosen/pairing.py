"""What follows when a user chooses other address books, task lists or switches.

An address book that is no longer chosen is left alone, and so are the contacts here: both sides stay, and each knows
the other again when it is chosen anew. What was mirrored is taken out of the calendar when it is mirrored no longer.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.engine.acts.chosen import left
from marketplace_plugin.engine.acts.chosen.purge import forget_unborn, restart
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.kinds import PAIRED
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import collections, host_positions, intents, leases, links
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason

_RELEASED = (Reason.UNSELECTED, Reason.TARGET_CHANGED)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Address books and lists by the service's ids: those that are read or written, and the one of each kind that what
    is made here goes to. ``mirrored``: kinds that are shown in the target calendar."""

    read: frozenset[str]
    targets: frozenset[str]
    mirrored: frozenset[Kind]

    @classmethod
    def of(cls, rows: Iterable[Collection], switches: Group[Kind]) -> Chosen:
        on = [row for row in rows if row.info.kind in PAIRED and row.info.kind in switches]
        listed = any(row.info.kind is Kind.TASK and row.is_read for row in on)
        return cls(
            read=frozenset(row.remote_id for row in on if row.is_read),
            targets=frozenset(row.remote_id for row in on if row.is_target),
            mirrored=frozenset(switches) & ({Kind.CALL} if listed else {Kind.TASK, Kind.CALL}),
        )


def untick_elsewhere(engine: Engine, unit: UnitOfWork, user: str, connection: str, kinds: Iterable[Kind]) -> None:
    """There is one target for each kind over all of a person's connections: the one chosen last."""
    c = unit.connection
    for kind in kinds:
        other = collections.target(c, user, kind)
        if other is None or other.connection == connection:
            continue
        rows = collections.of_connection(c, other.connection)
        calendar = next((r.remote_id for r in rows if r.is_target and r.info.kind is Kind.EVENT), None)
        rest = {r.remote_id for r in rows if r.is_target and r.info.kind not in (kind, Kind.EVENT)}
        sources = {r.remote_id for r in rows if r.is_source}
        collections.choose(c, other.connection, None if kind is Kind.EVENT else calendar, sources, others=rest)
        leases.seize(c, other.connection, engine.now())


def follow(engine: Engine, unit: UnitOfWork, connection: str, before: Chosen, after: Chosen) -> None:
    """Everything that follows from the choice; the pass that is under way has lost its lease already."""
    c = unit.connection
    for remote_id in sorted(before.read - after.read):
        moved = remote_id in before.targets and bool(after.targets)
        _release(engine, unit, connection, remote_id, Reason.TARGET_CHANGED if moved else Reason.UNSELECTED)
    for remote_id in sorted(after.read - before.read):
        _take_up(engine, unit, connection, remote_id)
    if gone := before.mirrored - after.mirrored:
        unmirror(engine, unit, connection, gone)
    for kind in Kind:
        news = kind in after.mirrored - before.mirrored or before.targets != after.targets
        if kind is not Kind.EVENT and news:
            host_positions.drop(c, connection, kind)


def unmirror(engine: Engine, unit: UnitOfWork, connection: str, kinds: Group[Kind]) -> None:
    """Their entries are taken out of the calendar by the next pass that may write, if nobody wrote into them. What the
    user took out himself stays remembered."""
    c, now = unit.connection, engine.now()
    mine = [k for k in links.of_connection(c, connection, kinds=(LinkKind.MIRROR,)) if k.host_kind in kinds]
    live = [k for k in mine if not k.rests]
    sent = left.sent(intents.open_ones(c, connection))
    kept = [k for k in live if left.may_stand(k, sent)]
    forget_unborn(engine, c, {k.id for k in live} - {k.id for k in kept})
    links.put(c, left.let_leave(engine, c, kept), now)
    left.look_up_again(engine, c, kept)


def _release(engine: Engine, unit: UnitOfWork, connection: str, remote_id: str, reason: Reason) -> None:
    c = unit.connection
    pairs = list(links.of_connection(c, connection, collection=remote_id, kinds=(LinkKind.PAIR,)))
    unborn = [k.id for k in pairs if k.host_ref is None or k.remote_id is None]
    forget_unborn(engine, c, unborn)
    released = [k for k in pairs if k.id not in unborn and not k.rests]
    links.put(c, [replace(k, state=LinkState.DETACHED, reason=reason) for k in released], engine.now())
    restart(c, connection, remote_id)


def _take_up(engine: Engine, unit: UnitOfWork, connection: str, remote_id: str) -> None:
    """What was tied before is tied again: both sides are compared with what was agreed when they were released."""
    c = unit.connection
    rows = links.of_connection(c, connection, collection=remote_id, kinds=(LinkKind.PAIR,))
    resting = [k for k in rows if k.state is LinkState.DETACHED and k.reason in _RELEASED]
    back = [replace(k, state=LinkState.LIVE, reason=None, attempts=0) for k in resting if not _taken(c, k)]
    links.put(c, back, engine.now())
    restart(c, connection, remote_id)


def _taken(c: Database, link: Link) -> bool:
    """Its contact went to another book of this account meanwhile. A mirror of its task is none, and is leaving."""
    known = links.by_host(c, link.user, link.host_kind, [link.host_ref or ""]).get(link.host_ref or "", ())
    pairs = [k for k in known if k.kind is LinkKind.PAIR and k.connection == link.connection]
    return any(k.state is not LinkState.DETACHED for k in pairs)
