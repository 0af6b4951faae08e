"""A grey block becomes a visible event of the host, by its owner alone, and back again. The whole series is the unit.

Both take the connection from a pass that may be running: it loses its lease, writes nothing more, and comes again. A
host with a database of its own is asked between two transactions. What was intended in the first is finished in the
second over what stands then, if nobody else has finished it, or ended the connection, meanwhile (rule W8b).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person, UnitOfWork
from marketplace_plugin.engine.acts.chosen.purge import bare, forget_links, forget_unborn
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.others import wake_others
from marketplace_plugin.errors import (
    ChangedHere,
    Conflict,
    ContentUnknown,
    ConversionUnderWay,
    OnlyHere,
    VisibleAlready,
)
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Event, Override, Series, Unknown
from marketplace_plugin.model.form.outline import hidden_whole, is_told
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.write import HostApplied, HostCreate, HostDelete, HostMissing, HostOutcome, HostWrite
from marketplace_plugin.store import blocks, collections, conflicts, connections, held, intents, journal, leases, links
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.store.work.intents import Intent, IntentState
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.cells import EventItem
from marketplace_plugin.sync.outcome import as_block
from marketplace_plugin.sync.reason import Reason


def convert(engine: Engine, person: Person, link_id: str) -> str:
    """Make a visible event of the block, and return its host ref. It stays with its source and is never exported.

    Raises Conflict where there is no such block of the person or the host refuses; ContentUnknown where its content is
    masked, and VisibleAlready where it was made visible before its connection ended and the sync has not taken that up
    yet.
    """
    known = _visible_before(engine, person, link_id)
    if known is not None:
        with engine.store.begin() as unit:
            leases.mark_dirty(unit.connection, [known.connection], engine.now())
        raise VisibleAlready("it is visible already, as the next sync will show")
    with engine.store.begin() as unit:
        link, block = _own_block(unit.connection, person, link_id)
        leases.seize(unit.connection, link.connection, engine.now())
        write = _begun(unit.connection, link) or HostCreate(
            engine.new_id(), visible(block.item), (block.uid,) if block.uid else ()
        )
        if engine.host.shares_transaction:
            return _converted(engine, unit, link, block.item, _only(engine, person, write, unit))
        _intend(unit.connection, engine, link, write, Reason.CONVERTED)
    applied = _only(engine, person, write, None)
    with engine.store.begin() as unit:
        c = unit.connection
        if not _is_open(c, link, write):
            return _made_visible(engine, c, link, block.item, applied)
        leases.seize(c, link.connection, engine.now())
        if isinstance(applied, HostApplied):
            intents.settle(c, [write.op], IntentState.DONE, engine.now())
            return _converted(engine, unit, *_as_it_stands(c, person, link_id), applied)
        intents.settle(c, [write.op], IntentState.DROPPED, engine.now())
        if not _shows_blocks(c, link):
            forget_links(engine, c, [link.id])  # its calendar was unticked meanwhile
    raise Conflict("the host did not take the event")


def undo_conversion(engine: Engine, person: Person, link_id: str) -> bool:
    """Turn the event back into a grey block and remove it from the host; nothing is written remotely. Returns False
    where there is no block now, because its calendar is no source any more: the event stands there alone.

    Raises Conflict where it is no converted event of the person that is still synced; ChangedHere where it was changed
    in the host since it was last synced: then a sync comes first, so that nothing is lost; OnlyHere where it was, and
    its calendar takes no changes.
    """
    is_block = _undo_conversion(engine, person, link_id)
    engine.store.scrub()  # it was visible, so its title stood in clear
    return is_block


def _undo_conversion(engine: Engine, person: Person, link_id: str) -> bool:
    with engine.store.begin() as unit:
        link = _own_converted(unit.connection, person, link_id)
        leases.seize(unit.connection, link.connection, engine.now())
        begun = _undo_begun(unit.connection, link)
        if begun is None and link.reason is Reason.ROLE_DROPPED:
            raise OnlyHere("its calendar takes no changes, so they would be lost")
        version = link.host.version if link.host is not None else 0
        write = begun or HostDelete(engine.new_id(), link.host_ref or "", version)
        if engine.host.shares_transaction:
            return back_to_block(engine, unit.connection, link, _only(engine, person, write, unit))
        _intend(unit.connection, engine, link, write, Reason.CONVERSION_UNDONE)
    applied = _only(engine, person, write, None)
    with engine.store.begin() as unit:
        c = unit.connection
        if not _is_open(c, link, write):
            return _made_grey(engine, c, link, applied)
        leases.seize(c, link.connection, engine.now())
        if isinstance(applied, HostApplied | HostMissing):
            intents.settle(c, [write.op], IntentState.DONE, engine.now())
            return back_to_block(engine, c, _own_converted(c, person, link_id), applied)
        intents.settle(c, [write.op], IntentState.DROPPED, engine.now())
    raise ChangedHere("it was changed since the last sync; sync first")


def stays_private(engine: Engine, person: Person, ref: str) -> bool:
    """Whether colleagues see "busy" of the visible event all the same, because it is private at its service."""
    (shown,) = engine.host.modules[Kind.EVENT].get(person.id, [ref])
    return isinstance(shown, HostItem) and hidden_whole(shown.item)


def stop_importing(engine: Engine, person: Person, link_id: str) -> None:
    """A block goes and does not come back; a converted event stays on both sides and nothing flows any more. Raises
    Conflict where it is no event of the person, ConversionUnderWay where a conversion of it has not come to its
    end."""
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        link = links.get(c, [link_id]).get(link_id)
        if link is None or link.user != person.id or link.kind not in (LinkKind.BLOCK, LinkKind.CONVERTED):
            raise Conflict("there is no such event of yours")
        if _begun(c, link) is not None or _undo_begun(c, link) is not None:
            raise ConversionUnderWay("it is just being made visible, or grey again; sync first")
        leases.seize(c, link.connection, now)
        at_rest = LinkState.DECLINED if link.kind is LinkKind.BLOCK else LinkState.DETACHED
        links.put(c, [replace(link, state=at_rest, reason=Reason.DECLINED, base=None, remote_base=None)], now)
        blocks.remove(c, [link.id], now)


def visible(item: EventItem) -> EventItem:
    """What the host is given: attendees stay behind, because the host would make participants of them."""
    if isinstance(item, Event):
        return _alone(item)
    overrides = tuple(Override(o.original, None if o.event is None else _alone(o.event)) for o in item.overrides)
    return replace(item, master=_alone(item.master), overrides=overrides)


def _alone(event: Event) -> Event:
    reminder = None if isinstance(event.reminder, Unknown) else event.reminder
    return replace(event, attendees=(), organizer=None, response=None, reminder=reminder)


def _visible_before(engine: Engine, person: Person, link_id: str) -> Link | None:
    """The block's link where an earlier connection of the account had made it visible, at the same time, and nothing
    ties that event yet (rule L15)."""
    with engine.store.read() as c:
        link, block = _own_block(c, person, link_id)
        row = connections.get(c, link.connection)
        refs = links.visible_before(c, row, block.uid) if row is not None else set()
        tied = links.by_host(c, person.id, Kind.EVENT, refs)
    loose = [ref for ref in sorted(refs) if all(k.state is LinkState.DETACHED for k in tied.get(ref, ()))]
    shown = engine.host.modules[Kind.EVENT].get(person.id, loose) if loose else ()
    starts = {
        master_of(one.item).when.start
        for one in shown
        if isinstance(one, HostItem) and isinstance(one.item, Event | Series)
    }
    return link if master_of(block.item).when.start in starts else None


# --- rows ------------------------------------------------------------------------------------------------------------


def _own_block(c: Database, person: Person, link_id: str) -> tuple[Link, Block]:
    link = links.get(c, [link_id]).get(link_id)
    block = blocks.get(c, [link_id]).get(link_id)
    if link is None or block is None or link.user != person.id or link.kind is not LinkKind.BLOCK:
        raise Conflict("there is no such block of yours")
    if not is_told(block.item):
        raise ContentUnknown("the content of this event is not told to us")
    return link, block


def _own_converted(c: Database, person: Person, link_id: str) -> Link:
    link = links.get(c, [link_id]).get(link_id)
    if link is None or link.user != person.id or link.kind is not LinkKind.CONVERTED or link.remote is None:
        raise Conflict("there is no such converted event of yours")
    if link.rests:
        raise Conflict("it is imported no longer")  # nothing is known of it to show in its place
    return link


def _as_it_stands(c: Database, person: Person, link_id: str) -> tuple[Link, EventItem]:
    link, block = _own_block(c, person, link_id)
    return link, block.item


def _shows_blocks(c: Database, link: Link) -> bool:
    """Its calendar is a source: what is tied to nothing there is a block."""
    row = collections.get(c, link.connection, link.collection)
    return row is not None and row.is_source


def _begun(c: Database, link: Link) -> HostCreate | None:
    """A conversion that died half way and is asked for again: the same one, so that the host makes no second event."""
    writes = (one.write for one in _left(c, link))
    return next((write for write in writes if isinstance(write, HostCreate)), None)


def _undo_begun(c: Database, link: Link) -> HostDelete | None:
    """Likewise: of two that were asked for, the second would find no event to make a block of."""
    writes = (one.write for one in _left(c, link) if one.reason is Reason.CONVERSION_UNDONE)
    return next((write for write in writes if isinstance(write, HostDelete)), None)


def _is_open(c: Database, link: Link, write: HostWrite) -> bool:
    """Nobody has finished it while the host was asked. While it is open, no pass and no other act changes the link."""
    return any(one.op == write.op for one in _left(c, link))


def _left(c: Database, link: Link) -> list[Intent]:
    return intents.open_ones(c, link.connection, [link.id])


def _intend(c: Database, engine: Engine, link: Link, write: HostWrite, reason: Reason) -> None:
    run = f"{reason}:{link.id}"
    intents.put(c, [Intent(write.op, link.connection, link.collection, link.id, run, reason, write, engine.now())])


def _only(engine: Engine, person: Person, write: HostWrite, unit: UnitOfWork | None) -> HostOutcome:
    (outcome,) = engine.host.modules[Kind.EVENT].apply(person.id, [write], unit)
    return outcome


def _converted(engine: Engine, unit: UnitOfWork, link: Link, item: EventItem, applied: HostOutcome) -> str:
    if not isinstance(applied, HostApplied) or applied.stored is None:
        raise Conflict("the host did not take the event")
    c, now = unit.connection, engine.now()
    links.put(c, [as_converted(engine, link, item, applied)], now)
    blocks.remove(c, [link.id], now)
    journal.add(c, [_line(engine, link, Action.CREATE, Reason.CONVERTED)])
    return applied.ref


def _made_visible(engine: Engine, c: Database, link: Link, item: EventItem, applied: HostOutcome) -> str:
    """What stands where a pass has finished the conversion, or a disconnect has ended it: then the event stays in the
    host like all that was converted, known by its names alone (rule L15)."""
    now = links.get(c, [link.id]).get(link.id)
    if now is not None and now.kind is LinkKind.CONVERTED and now.host_ref is not None:
        return now.host_ref
    if now is not None or not isinstance(applied, HostApplied) or not _has_ended(c, link):
        raise Conflict("the event was changed meanwhile")
    links.put(c, [bare(as_converted(engine, link, item, applied))], engine.now())
    return applied.ref


def _made_grey(engine: Engine, c: Database, link: Link, applied: HostOutcome) -> bool:
    """What stands where a pass has finished the undo, or a disconnect has ended it: then nothing is left to know."""
    now = links.get(c, [link.id]).get(link.id)
    if now is None or now.kind is not LinkKind.CONVERTED:
        return now is not None
    if not isinstance(applied, HostApplied | HostMissing) or not _has_ended(c, link):
        raise ChangedHere("it was changed since the last sync; sync first")
    forget_unborn(engine, c, [link.id])
    return False


def _has_ended(c: Database, link: Link) -> bool:
    row = connections.get(c, link.connection)
    return row is None or row.state is ConnectionState.REMOVED


def as_converted(engine: Engine, link: Link, item: EventItem, applied: HostApplied) -> Link:
    """The link of the visible event that a block became."""
    stored = applied.stored.item if applied.stored is not None else item
    return replace(
        link,
        kind=LinkKind.CONVERTED,
        host_ref=applied.ref,
        organised=True,
        host=HostShowing(applied.version, engine.digest(stored)),
        base=stored,
        remote_base=item,
        **_as_looked_at(link),
    )


def _as_looked_at(link: Link, digest: str | None = None) -> dict[str, Any]:
    """An item that may be gone, or elsewhere, is asked for by the next pass all the same. So is one that shows anything
    but ``digest``, of which the block is made: while a clash waits, what was agreed is not what the service shows."""
    doubted = link.state is LinkState.PARKED and link.reason in (Reason.STALE, Reason.AWAITS_SIBLING)
    if doubted:
        return {"state": link.state, "reason": link.reason}
    if digest is not None and (link.remote is None or link.remote.digest != digest):
        return {"state": LinkState.PARKED, "reason": Reason.STALE}
    return {"state": LinkState.LIVE, "reason": None}


def back_to_block(engine: Engine, c: Database, link: Link, applied: HostOutcome) -> bool:
    """The converted event is gone from the host: its remote item shows as a grey block again, and True is returned.
    Where its calendar is no source any more, it is none of ours, and nothing but what was overruled is left of it.

    Raises ChangedHere where the host kept it, because somebody changed it meanwhile.
    """
    if not isinstance(applied, HostApplied | HostMissing):
        raise ChangedHere("it was changed since the last sync; sync first")
    item, now = link.agreed_there, engine.now()
    person = engine.host.person(link.user)
    conflicts.answer(c, link.id, "remote", Reason.CONVERSION_UNDONE, now)
    if person is not None and link.host is not None and link.base is not None:
        # The host has removed the very version that was last synced, and this is what it showed.
        wake_others(c, engine, person, [HostItem(link.host_ref or "", link.host.version, link.base)])
    if person is None or not isinstance(item, Event | Series) or not _shows_blocks(c, link):
        forget_unborn(engine, c, [link.id])
        return False
    block_link = replace(as_block(link, None, lambda _: ""), **_as_looked_at(link, engine.digest(item)))
    links.put(c, [block_link], now)
    held.remove_for(c, [link.id])
    blocks.put(c, [block_row(block_link, item, person.zone, engine)])
    journal.add(c, [_line(engine, link, Action.DELETE, Reason.CONVERSION_UNDONE)])
    return True


def block_row(link: Link, item: EventItem, zone: str, engine: Engine) -> Block:
    """The block of a link whose remote item is ``item``; its span is over whole days of ``zone``."""
    from marketplace_plugin.engine.steps.pull.intake import ZONES
    from marketplace_plugin.model.series.expand import span_of

    return Block(
        link=link.id,
        user=link.user,
        connection=link.connection,
        collection=link.collection,
        span=span_of(item, zone),
        item=item,
        uid=link.uid,
        href="",
        zones=ZONES,
        changed_at=engine.now(),
    )


def _line(engine: Engine, link: Link, action: Action, reason: Reason) -> Entry:
    return Entry(
        id=engine.new_id(),
        run=f"{reason}:{link.id}",
        connection=link.connection,
        user=link.user,
        link=link.id,
        link_kind=LinkKind.CONVERTED,
        side=Side.HOST,
        action=action,
        reason=reason,
        at=engine.now(),
    )
