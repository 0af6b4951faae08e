"""A grey block becomes a visible event of the host, by its owner alone, and back again. The whole series is the unit.

Both take the connection from a pass that may be running: it loses its lease, writes nothing more, and comes again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person, UnitOfWork
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.errors import Conflict
from marketplace_plugin.model.event import Event, Override, Series, Unknown
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.write import HostApplied, HostCreate, HostDelete, HostMissing, HostOutcome, HostWrite
from marketplace_plugin.store import blocks, conflicts, connections, held, intents, journal, links
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.store.work.intents import Intent, IntentState
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.cells import EventItem
from marketplace_plugin.sync.outcome import as_block
from marketplace_plugin.sync.reason import Reason


def convert(engine: Engine, person: Person, link_id: str) -> str:
    """Make a visible event of the block, and return its host ref. It stays with its source and is never exported.

    Raises Conflict where there is no such block of the person, its content is masked, or the host refuses.
    """
    with engine.store.begin() as unit:
        link, block = _own_block(unit.connection, person, link_id)
        connections.seize(unit.connection, link.connection, engine.now())
        write = _begun(unit.connection, link) or HostCreate(
            engine.new_id(), visible(block.item), (block.uid,) if block.uid else ()
        )
        if engine.host.shares_transaction:
            return _converted(engine, unit, link, block.item, _only(engine, person, write, unit))
        _intend(unit.connection, engine, link, write, Reason.CONVERTED)
    applied = _only(engine, person, write, None)
    with engine.store.begin() as unit:
        intents.settle(unit.connection, [write.op], IntentState.DONE, engine.now())
        return _converted(engine, unit, link, block.item, applied)


def undo_conversion(engine: Engine, person: Person, link_id: str) -> None:
    """Turn the event back into a grey block and remove it from the host; nothing is written remotely.

    Raises Conflict where it is no converted event of the person, or was changed in the host since it was last synced:
    then a sync comes first, so that nothing is lost.
    """
    _undo_conversion(engine, person, link_id)
    engine.store.scrub()  # it was visible, so its title stood in clear


def _undo_conversion(engine: Engine, person: Person, link_id: str) -> None:
    with engine.store.begin() as unit:
        link = _own_converted(unit.connection, person, link_id)
        connections.seize(unit.connection, link.connection, engine.now())
        write = HostDelete(engine.new_id(), link.host_ref or "", link.host.version if link.host is not None else 0)
        if engine.host.shares_transaction:
            back_to_block(engine, unit.connection, link, _only(engine, person, write, unit))
            return
        _intend(unit.connection, engine, link, write, Reason.CONVERSION_UNDONE)
    applied = _only(engine, person, write, None)
    with engine.store.begin() as unit:
        intents.settle(unit.connection, [write.op], IntentState.DONE, engine.now())
        back_to_block(engine, unit.connection, link, applied)


def stop_importing(engine: Engine, person: Person, link_id: str) -> None:
    """A block goes and does not come back; a converted event stays on both sides and nothing flows any more. Raises
    Conflict where it is no event of the person, or a conversion of it has not come to its end."""
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        link = links.get(c, [link_id]).get(link_id)
        if link is None or link.user != person.id or link.kind not in (LinkKind.BLOCK, LinkKind.CONVERTED):
            raise Conflict("there is no such event of yours")
        if _begun(c, link) is not None:
            raise Conflict("it is just being made visible; sync first")
        connections.seize(c, link.connection, now)
        at_rest = LinkState.DECLINED if link.kind is LinkKind.BLOCK else LinkState.DETACHED
        links.put(c, [replace(link, state=at_rest, reason=Reason.DECLINED, base=None, remote_base=None)], now)
        blocks.remove(c, [link.id], now)


def convertible(item: Item) -> bool:
    """Masked content cannot be shown: it is not known."""
    events = [item] if isinstance(item, Event) else []
    if isinstance(item, Series):
        events = [item.master, *(o.event for o in item.overrides if o.event is not None)]
    told = all(
        not isinstance(value, Unknown)
        for event in events
        for value in (event.title, event.description, event.location, event.show_as, event.sensitivity)
    )
    return bool(events) and told


def visible(item: EventItem) -> EventItem:
    """What the host is given: attendees stay behind, because the host would make participants of them."""
    if isinstance(item, Event):
        return _alone(item)
    overrides = tuple(Override(o.original, None if o.event is None else _alone(o.event)) for o in item.overrides)
    return replace(item, master=_alone(item.master), overrides=overrides)


def _alone(event: Event) -> Event:
    reminder = None if isinstance(event.reminder, Unknown) else event.reminder
    return replace(event, attendees=(), organizer=None, response=None, reminder=reminder)


# --- rows ------------------------------------------------------------------------------------------------------------


def _own_block(c: Database, person: Person, link_id: str) -> tuple[Link, Block]:
    link = links.get(c, [link_id]).get(link_id)
    block = blocks.get(c, [link_id]).get(link_id)
    if link is None or block is None or link.user != person.id or link.kind is not LinkKind.BLOCK:
        raise Conflict("there is no such block of yours")
    if not convertible(block.item):
        raise Conflict("the content of this event is not told to us")
    return link, block


def _own_converted(c: Database, person: Person, link_id: str) -> Link:
    link = links.get(c, [link_id]).get(link_id)
    if link is None or link.user != person.id or link.kind is not LinkKind.CONVERTED or link.remote is None:
        raise Conflict("there is no such converted event of yours")
    return link


def _begun(c: Database, link: Link) -> HostCreate | None:
    """A conversion that died half way and is asked for again: the same one, so that the host makes no second event."""
    writes = (one.write for one in intents.open_ones(c, link.connection) if one.link == link.id)
    return next((write for write in writes if isinstance(write, HostCreate)), None)


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


def _as_looked_at(link: Link) -> dict[str, Any]:
    """An item that may be gone, or elsewhere, is asked for by the next pass all the same."""
    doubted = link.state is LinkState.PARKED and link.reason in (Reason.STALE, Reason.AWAITS_SIBLING)
    return {"state": link.state, "reason": link.reason} if doubted else {"state": LinkState.LIVE, "reason": None}


def back_to_block(engine: Engine, c: Database, link: Link, applied: HostOutcome) -> None:
    """The converted event is gone from the host: its remote item shows as a grey block again.

    Raises Conflict where the host kept it, because somebody changed it meanwhile.
    """
    if not isinstance(applied, HostApplied | HostMissing):
        raise Conflict("the event was changed here since the last sync; sync first, then undo")
    item, now = link.remote_base or link.base, engine.now()
    person = engine.host.person(link.user)
    block_link = replace(as_block(link, None, lambda _: ""), **_as_looked_at(link))
    links.put(c, [block_link], now)
    conflicts.answer(c, link.id, "remote", Reason.CONVERSION_UNDONE, now)
    held.remove_for(c, [link.id])
    if isinstance(item, Event | Series) and person is not None:
        blocks.put(c, [block_row(block_link, item, person.zone, engine)])
    journal.add(c, [_line(engine, link, Action.DELETE, Reason.CONVERSION_UNDONE)])


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
