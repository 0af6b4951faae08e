"""Step 2, settle: what a pass that died, or an answer that did not come, left open (docs/sync.md, W2 and W3).

A create is looked up by its stamp: found, the link is finished; not found, it is made again under the same operation
key. An update, deletion or move is never sent again from its intent: the item is read, what arrived of the write is
agreed, and the pass plans anew (docs/decisions/0004). A host create is repeated: the host knows it by its key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from marketplace_plugin.engine.acts.chosen.begun import finish_one, is_repeated
from marketplace_plugin.engine.kinds import module_for
from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.engine.steps.written import entry
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    PermissionDenied,
    ProviderError,
    Unavailable,
)
from marketplace_plugin.model.change import Found, Revision, Stamp
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.write import (
    Create,
    HostCreate,
    HostWrite,
    Update,
    Write,
)
from marketplace_plugin.store import intents, journal, links
from marketplace_plugin.store.log.journal import Action as Deed
from marketplace_plugin.store.log.journal import Side
from marketplace_plugin.store.work.intents import Intent, IntentState
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, RemoteShowing, Wrote
from marketplace_plugin.sync.merge.cells import Synced
from marketplace_plugin.sync.merge.three_way import Base, absorb
from marketplace_plugin.sync.outcome import as_said, declined, without_missing
from marketplace_plugin.sync.plan.flows import flows_of
from marketplace_plugin.sync.reason import Reason

LONGEST_WAIT = timedelta(days=1)
"""So long a create waits for a calendar that does not answer and may hold what came of it."""
Copy = tuple[str, Found]
"""What carries a stamp, with its collection."""


@dataclass(slots=True)
class Settled:
    """Links whose both sides are to be looked at again in this pass."""

    again: set[str] = field(default_factory=set)


def settle(p: Pass) -> Settled:
    """Close all open intents of the connection. Those of a collection that cannot be read stay open."""
    with p.engine.store.read() as c:
        left = intents.open_ones(c, p.connection.id)
        known = links.get(c, {one.link for one in left})
    settled = Settled({one.link for one in left})
    _settle_host(p, [one for one in left if is_repeated(one)], known)
    by_collection: dict[str, list[Intent]] = defaultdict(list)
    for one in left:
        if isinstance(one.write, Write):
            by_collection[one.collection].append(one)
        elif not is_repeated(one):
            _close(p, one, IntentState.DROPPED)  # the host is asked how the item stands, and the merge does the rest
    for collection, of_collection in by_collection.items():
        try:
            _settle_collection(p, collection, of_collection, known)
        except AuthorizationExpired:
            raise
        except ProviderError as error:
            p.failed(collection, error)
            settled.again -= {one.link for one in of_collection}
    return settled


def _settle_collection(p: Pass, collection: str, left: Sequence[Intent], known: dict[str, Link]) -> None:
    unknown: dict[str, Link] = {}
    others = [one for one in left if not isinstance(one.write, Create)]
    for one in (one for one in left if isinstance(one.write, Create)):
        link = known.get(one.link)
        if link is None or link.remote_id is not None:
            _close(p, one, IntentState.DROPPED)  # nobody waits for it, or a round has shown it
        else:
            unknown[one.op] = link
    for one, copies in _look_up(p, collection, [one for one in left if one.op in unknown]):
        _settle_create(p, one, copies, unknown[one.op])
    if others:
        asked = [one.write.id for one in others if not isinstance(one.write, Create | HostCreate | HostWrite)]
        shown = {one.id: one for one in p.provider.fetch(collection, asked)}
        for one in others:
            _settle_other(p, one, shown, known.get(one.link))


def _look_up(p: Pass, collection: str, creates: Sequence[Intent]) -> Iterator[tuple[Intent, Sequence[Copy]]]:
    """What came of each create, where it is now: its owner may have moved it since, split it, and moved one half."""
    rows = [row for row in p.collections.values() if row.info.kind is p.kind_of(collection)]
    elsewhere = [row.remote_id for row in rows if row.is_readable]
    for few in chunks(creates, p.engine.settings.batch):
        stamps = {Stamp(p.engine.instance, one.link): one for one in few}
        waits = any(p.now - one.created_at < LONGEST_WAIT for one in few)
        copies: dict[Stamp, list[Copy]] = {stamp: [] for stamp in stamps}
        for place in [collection, *(name for name in elsewhere if name != collection)]:
            told = _carried(p, place, list(stamps), own=place == collection, waits=waits)
            for stamp, carried in told.items():
                copies[stamp] += [(place, found) for found in carried]
        yield from ((one, copies[stamp]) for stamp, one in stamps.items())


def _carried(
    p: Pass, place: str, stamps: Sequence[Stamp], *, own: bool, waits: bool
) -> Mapping[Stamp, Sequence[Found]]:
    """A calendar that was never asked for may well be unreadable, or out of order for good."""
    try:
        return p.provider.find(place, stamps)
    except (CollectionGone, PermissionDenied):
        if own:
            raise
    except Unavailable:
        if own or waits:
            raise
    return {}


def _settle_create(p: Pass, one: Intent, copies: Sequence[Copy], link: Link) -> None:
    done = arrived(p, one, link, *p.first_of(copies)) if copies else None
    if done is None:
        _close(p, one, IntentState.DROPPED)
        return
    with p.write() as unit:
        c = unit.connection
        links.put(c, [done], p.now)
        journal.add(c, [entry(p, done, Side.REMOTE, Deed.CREATE, one.reason)])
        intents.settle(c, [one.op], IntentState.DONE, p.now)
    p.counts["remote.create"] += 1


def arrived(p: Pass, one: Intent, link: Link, place: str, found: Found) -> Link | None:
    """The link of a create that was found by its stamp. What somebody did to it since is his edit, and news."""
    sent = one.write.item if isinstance(one.write, Create) else None
    if not isinstance(sent, Synced) or not isinstance(found.item, Synced):
        return None
    base = without_missing(sent, found.item)
    done = replace(
        link,
        collection=place,
        remote_id=found.id,
        uid=found.uid,
        access=found.access,
        remote=RemoteShowing(Revision(""), ""),  # whatever it shows beside what we sent is news
        base=base,
        remote_base=as_said(base, found.item),
        state=LinkState.LIVE if link.host_ref is not None else link.state,
        reason=None if link.host_ref is not None else link.reason,  # its event went to another target meanwhile
        attempts=0,
        wrote=Wrote.REMOTE,
        automatic=1,
    )
    if one.reason is not Reason.UNDONE:
        return done
    shown = RemoteShowing(found.revision, p.digest(found.item))
    return declined(replace(done, remote=shown, remote_base=found.item))


def _synced(item: Item | None) -> Synced:
    if not isinstance(item, Synced):
        raise TypeError("a call is synced as the event that it is mirrored as")
    return item


def _settle_other(p: Pass, one: Intent, shown: Mapping[str, object], link: Link | None) -> None:
    found = shown.get(getattr(one.write, "id", ""))
    if link is None or link.kind is LinkKind.BLOCK or not isinstance(one.write, Update) or not isinstance(found, Found):
        _close(p, one, IntentState.DROPPED)
        return
    base_host, base_remote, sent = link.base, link.agreed_there, one.write.item
    if all(isinstance(item, Synced) for item in (base_host, base_remote, one.write.base, sent, found.item)):
        base = absorb(
            Base(_synced(base_host), _synced(base_remote)),
            _synced(one.write.base),
            _synced(sent),
            _synced(found.item),
            flows_of(link, p.place(one.collection)),
        )
        # An undo wrote there alone: both sides may differ from now on.
        link = replace(link, base=link.base if one.reason is Reason.UNDONE else base.host, remote_base=base.remote)
    with p.write() as unit:
        links.put(unit.connection, [link], p.now)
        intents.settle(unit.connection, [one.op], IntentState.DROPPED, p.now)


def _settle_host(p: Pass, left: Sequence[Intent], known: dict[str, Link]) -> None:
    """Writes of a host with a database of its own, which knows them by their keys and tells what became of them."""
    for one in left:
        link = known.get(one.link)
        if link is None:
            _close(p, one, IntentState.DROPPED)
            continue
        module = module_for(p.engine, link, p.connection, p.person)
        p.still_ours()
        (applied,) = module.apply(p.connection.user, [_host_write(one)], None)
        with p.write() as unit:
            made = finish_one(p.engine, unit.connection, one, link, applied)
            if made is not None:
                deed = Deed.CREATE if isinstance(one.write, HostCreate) else Deed.UPDATE
                journal.add(unit.connection, [entry(p, made, Side.HOST, deed, one.reason)])


def _host_write(one: Intent) -> HostWrite:
    if not isinstance(one.write, HostWrite):
        raise TypeError("only host writes are repeated")
    return one.write


def _close(p: Pass, one: Intent, state: IntentState) -> None:
    with p.write() as unit:
        intents.settle(unit.connection, [one.op], state, p.now)
