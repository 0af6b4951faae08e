"""Step 4, recall: everything that the plan needs to know, link by link: what both sides show now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from marketplace_plugin.engine.acts.chosen.left import COPIES
from marketplace_plugin.engine.steps import host_side
from marketplace_plugin.engine.steps.host_side import at_link
from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.engine.steps.pull.elsewhere import look_elsewhere
from marketplace_plugin.engine.steps.pull.reading import Round, fetch, index_of, there
from marketplace_plugin.engine.steps.pull.strays import Place, may_ask, tell_strays
from marketplace_plugin.engine.steps.settle import arrived
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    PermissionDenied,
    ProviderError,
)
from marketplace_plugin.model.change import (
    Change,
    Found,
    Gone,
    HostCursor,
    HostGone,
    HostItem,
    Tombstone,
)
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import Create
from marketplace_plugin.store import collections, conflicts, connections, held, host_positions, intents, links
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.diff import (
    Fresh,
    How,
    Invited,
    LinkIndex,
    News,
    Puzzling,
    Seen,
    Suspect,
    Vanished,
    Waits,
    taken_over,
    weigh,
)
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.outcome import GIVE_UP, RETRY
from marketplace_plugin.sync.plan.step import Case
from marketplace_plugin.sync.reason import Reason

APPROVED, RESTORED = "approved", "restored"
"""``Held.detail`` of a deletion that the owner let go, or took back."""


@dataclass(slots=True)
class Recalled:
    """``cases``: links with news on either side. ``moved`` and ``tied`` (stamped, invited) tell how a remote item came
    to its link, by link id. ``absorbed``: blocks whose place an event takes. ``invited``: invitations to what others
    organise here, by host ref. ``loose``: the user's events without a link, ``unlinked``: his contacts, tasks and
    calls without one, by name (``host_side.at``); ``former``: links that they once had; ``aliases``: the UIDs of their
    organisers' copies. ``approved``, ``restored``: links whose deletion the owner let go, or took back; ``announced``:
    those of the former that he let go knowing that the service may tell others. ``unclear``: what is asked for again,
    with the calendar that must answer first; ``cleared``: rows of such that were answered, and of what nobody could
    read in a collection that is read no more."""

    cases: list[Case] = field(default_factory=list)
    moved: dict[str, Seen] = field(default_factory=dict)
    tied: dict[str, Seen] = field(default_factory=dict)
    fresh: list[Fresh] = field(default_factory=list)
    puzzling: list[Puzzling] = field(default_factory=list)
    suspects: list[Link] = field(default_factory=list)
    waiting: list[Link] = field(default_factory=list)
    absorbed: list[Link] = field(default_factory=list)
    invited: dict[str, Invited] = field(default_factory=dict)
    host: dict[str, HostItem | HostGone] = field(default_factory=dict)
    loose: list[HostItem] = field(default_factory=list)
    unlinked: dict[str, HostItem] = field(default_factory=dict)
    former: dict[str, list[Link]] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    approved: frozenset[str] = frozenset()
    announced: frozenset[str] = frozenset()
    restored: frozenset[str] = frozenset()
    unclear: dict[Place, str] = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    host_cursors: dict[Kind, HostCursor] = field(default_factory=dict)


def recall(p: Pass, rounds: Mapping[str, Round], again: Iterable[str]) -> Recalled:
    """Join the rounds with the links, the parked ones, and the host's changes."""
    found = Recalled()
    with p.engine.store.read() as c:
        rows = held.of_connection(c, p.connection.id)
        retried = _retried(c, p, set(again), [one for one in rows if one.link is not None], found)
    unclear = [one for one in rows if one.what is What.UNCLEAR and may_ask(p, one.detail)]
    changes = {collection: list(round_.changes) for collection, round_ in rounds.items()}
    _ask_again(p, [*_places(retried.values()), *((one.collection, one.remote_id or "") for one in unclear)], changes)
    answered = {(collection, change.id) for collection, of_one in changes.items() for change in of_one}
    found.cleared = [one.id for one in unclear if (one.collection, one.remote_id) in answered]
    _confirm(p, changes)
    with p.engine.store.read() as c:
        index = index_of(c, p, [change for of_one in changes.values() for change in of_one])
    news: list[News] = []
    for kind in dict.fromkeys(p.kind_of(name) for name in changes):  # an item never moves to a collection of others
        told = {name: of_one for name, of_one in changes.items() if p.kind_of(name) is kind}
        grounds = {
            name: p.ground(p.collections[name], rounds[name].complete if name in rounds else True) for name in told
        }
        news += weigh(told, grounds, index, p.engine.instance)
    news, found.unclear = tell_strays(p, look_elsewhere(p, news, index), index)
    remote = _sort(p, news, index, found)
    found.waiting += [k for k in retried.values() if k.id not in remote and not _is_answered(p, k, answered)]
    _let_rest(found)
    p.again = p.again or any(may_ask(p, first) for first in found.unclear.values()) or len(found.cleared) < len(unclear)
    found.cleared += [one.id for one in rows if one.what is What.UNREADABLE and one.collection not in rounds]
    _unsettled(p, remote, found)
    _join(p, retried, remote, found)
    return found


# --- what is looked at again ---------------------------------------------------------------------------------------


def _retried(c: Connection, p: Pass, again: set[str], rows: Sequence[Held], found: Recalled) -> dict[str, Link]:
    waiting = list(links.of_connection(c, p.connection.id, states=(LinkState.PENDING, LinkState.PARKED)))
    let_go = [one for one in rows if one.detail == APPROVED]
    found.approved = frozenset(one.link for one in let_go if one.link)
    found.announced = frozenset(one.link for one in let_go if one.link and one.reason is Reason.WOULD_MAIL)
    found.restored = frozenset(one.link for one in rows if one.link and one.detail == RESTORED)
    unborn = _is_unborn(waiting) or (any(map(_leaves, waiting)) and _unborn_elsewhere(c, p))
    retried = {k.id: k for k in waiting if _due(p, k, unborn)}
    given_up = {k.id for k in waiting if k.attempts >= GIVE_UP}
    # Where a clash waits, the base is not what the service shows: without asking, its value would count as unchanged.
    answered = {one.link for one in rows if one.link and one.what is What.MATCH and one.detail}
    asked = (again - given_up) | found.approved | found.restored | answered | conflicts.waiting(c, p.connection.id)
    known = links.get(c, asked).items()
    return retried | {name: link for name, link in known if not (unborn and _leaves(link))}


def _due(p: Pass, link: Link, unborn: bool) -> bool:
    """Old copies go only when the new ones stand; what needs write access waits until it is there."""
    if link.attempts >= GIVE_UP:
        return False
    if _leaves(link):
        return not unborn
    if link.reason is Reason.AWAITS_APPROVAL:
        return not p.asks
    if link.reason is Reason.ROLE_DROPPED:
        return link.collection in p.collections and p.place(link.collection).writable
    return link.reason in RETRY or (link.state is LinkState.PENDING and link.reason is None)


def _leaves(link: Link) -> bool:
    """A copy whose event went to another target, and that only waits to be removed."""
    return link.reason is Reason.TARGET_CHANGED and link.host_ref is None


def _is_unborn(copies: Iterable[Link]) -> bool:
    """New copies are still to be made. Those that were given up are waited for no longer."""
    return any(k.state is LinkState.PENDING and k.attempts < GIVE_UP for k in copies)


def _unborn_elsewhere(c: Connection, p: Pass) -> bool:
    """So in another connection of the user, which has his target now. Until its plan is approved it has carried out no
    reading of the host, and nobody knows of all that is to be made there (rule L10a)."""
    target = collections.target(c, p.connection.user, Kind.EVENT)
    if target is None or target.connection == p.connection.id:
        return False
    if host_positions.get(c, target.connection, Kind.EVENT) is None:
        return True
    return _is_unborn(links.of_connection(c, target.connection, kinds=COPIES, states=(LinkState.PENDING,)))


def _places(retried: Iterable[Link]) -> Iterator[Place]:
    return ((link.collection, link.remote_id) for link in retried if link.remote_id is not None)


def _ask_again(p: Pass, asked: Iterable[Place], changes: dict[str, list[Change]]) -> None:
    """How these remote items stand now, unless the rounds say so already."""
    wanted: dict[str, list[str]] = defaultdict(list)
    known = {collection: {change.id for change in told} for collection, told in changes.items()}
    for collection, remote_id in dict.fromkeys(asked):
        if collection in p.collections and remote_id not in known.get(collection, ()):
            wanted[collection].append(remote_id)
    for collection, ids in wanted.items():
        try:
            for batch in chunks(ids, p.engine.settings.batch):
                changes.setdefault(collection, []).extend(fetch(p, collection, batch))
        except AuthorizationExpired:
            raise
        except ProviderError as error:
            p.failed(collection, error)


def _is_answered(p: Pass, link: Link, answered: set[Place]) -> bool:
    """What nobody could be asked about is not unchanged. A calendar that the account no longer has, or that it must not
    read, never answers."""
    row = p.collections.get(link.collection)
    asked = row is not None and row.is_readable and link.remote_id is not None
    return not asked or (link.collection, link.remote_id or "") in answered


def _confirm(p: Pass, changes: dict[str, list[Change]]) -> None:
    """A removal that may only mean "out of the window" is asked for by id. What was not answered stays a suspect."""
    for collection, told in changes.items():
        doubted = [change.id for change in told if isinstance(change, Tombstone) and not change.confirmed]
        if not doubted:
            continue
        with p.engine.store.read() as c:
            known = sorted(links.by_remote(c, p.connection.id, doubted, collection))
        try:
            answers = [one for batch in chunks(known, p.engine.settings.batch) for one in fetch(p, collection, batch)]
        except AuthorizationExpired:
            raise
        except ProviderError as error:
            p.failed(collection, error)
            continue
        answered = {one.id for one in answers}
        changes[collection] = [change for change in told if change.id not in answered] + answers


# --- the remote side -----------------------------------------------------------------------------------------------


def _sort(p: Pass, news: list[News], index: LinkIndex, found: Recalled) -> dict[str, tuple[Link, Found | Gone]]:
    """What each link shows at the service now; everything else goes into its list."""
    remote: dict[str, tuple[Link, Found | Gone]] = {}
    for one in news:
        match one:
            case Seen(how=How.LINKED):
                remote[one.link.id] = (one.link, one.found)
            case Seen(how=How.MOVED):
                moved = replace(one.link, collection=one.collection, remote_id=one.found.id)
                remote[one.link.id] = (moved, one.found)
                found.moved[one.link.id] = one
            case Seen():
                found.tied[one.link.id] = one
            case Vanished(link):
                now = _gone(p, link, index, found)
                if now is None:
                    found.waiting.append(link)
                else:
                    remote[link.id] = now
            case Suspect(link):
                found.suspects.append(link)
            case Waits(link):
                found.waiting.append(link)
            case Fresh():
                found.fresh.append(one)
            case Invited():
                _invited(p, one, found)
            case Puzzling():
                found.puzzling.append(one)
    return remote


def _let_rest(found: Recalled) -> None:
    """To park a link at rest would wake it: what it names, and may have moved, is asked for again by itself."""
    missed = [link for link in (*found.waiting, *found.suspects) if link.rests]
    found.unclear |= {(link.collection, link.remote_id or ""): "" for link in missed}
    found.waiting = [link for link in found.waiting if not link.rests]
    found.suspects = [link for link in found.suspects if not link.rests]


def _unsettled(p: Pass, remote: dict[str, tuple[Link, Found | Gone]], found: Recalled) -> None:
    """Creates that could not be looked up in this pass are not made again, and what a round shows of one may be its
    second half. Those that a service has carried out though it said "not now" are what we sent, and somebody's edits
    since."""
    with p.engine.store.read() as c:
        open_ = {one.link: one for one in intents.open_ones(c, p.connection.id) if isinstance(one.write, Create)}
        stamped = [name for name, seen in found.tied.items() if seen.how is How.STAMPED and name not in open_]
        sent = intents.last_creates(c, stamped)
        known = links.get(c, [*open_, *sent])
    for link in (k for k in known.values() if k.remote_id is None):
        if link.id in open_:
            found.tied.pop(link.id, None)
            found.waiting.append(link)
        elif link.id in sent:
            seen = found.tied[link.id]
            made = arrived(p, sent[link.id], link, seen.collection, seen.found)
            if made is not None:
                remote[link.id] = (made, seen.found)
                del found.tied[link.id]


def _invited(p: Pass, one: Invited, found: Recalled) -> None:
    if one.known:  # the same event a second time
        p.counts["skipped"] += 1
        found.absorbed += [] if one.block is None else [one.block]
    else:
        found.invited[one.ref] = one


def _gone(p: Pass, link: Link, index: LinkIndex, found: Recalled) -> tuple[Link, Found | Gone] | None:
    """A block that took the event's place in a sibling gives it back: it moved there while a sibling was not read.
    None where the sibling does not answer."""
    block = taken_over(link, index) if link.kind is not LinkKind.BLOCK else None
    if block is None or block.remote_id is None:
        return link, Gone(link.remote_id or "")
    try:
        shown = there(p, block.collection, [block.remote_id])
    except (CollectionGone, PermissionDenied):
        shown = []
    except AuthorizationExpired:
        raise
    except ProviderError as error:
        p.failed(block.collection, error)
        return None
    if not shown:
        return link, Gone(link.remote_id or "")
    found.absorbed.append(block)
    return replace(link, collection=block.collection, remote_id=block.remote_id), shown[0]


# --- the host side, and both together ------------------------------------------------------------------------------


def _join(
    p: Pass, retried: Mapping[str, Link], remote: Mapping[str, tuple[Link, Found | Gone]], found: Recalled
) -> None:
    changed, found.host_cursors = host_side.changes(p)
    with p.engine.store.read() as c:
        known = host_side.tied(c, p, changed)
        alive = {row.id for row in connections.of_user(c, p.connection.user)}
    linked: dict[str, Link] = {}
    for name, item in changed.items():
        live = [k for k in known.get(name, ()) if k.state is not LinkState.DETACHED and k.connection in alive]
        linked |= {k.id: k for k in live if k.connection == p.connection.id}
        if not live and isinstance(item, HostItem):
            kind = host_side.of_name(name)[0]
            if kind is Kind.EVENT:
                found.loose.append(item)
            else:
                found.unlinked[name] = item
            found.former[name] = list(known.get(name, ()))
    _leave_conversions(p, found)
    linked |= dict(retried) | {key: link for key, (link, _) in remote.items()}
    apart = {link.id for link in (*found.waiting, *found.suspects)} | set(found.tied)
    found.host = changed | host_side.now(p, _wanted(linked.values(), found) - changed.keys())
    _part_in_meetings(p, found)
    deleted = _deleted_by_us(p, found.host.values())
    for key, link in linked.items():
        if key in apart or (_leaves(link) and key not in retried):  # whatever is told of it, it goes in its turn
            continue
        here = found.host.get(at_link(link))
        ours = isinstance(here, HostGone) and deleted.get(here.op) == key
        found.cases.append(Case(link, here, remote[key][1] if key in remote else None, ours))


def _deleted_by_us(p: Pass, shown: Iterable[HostItem | HostGone]) -> dict[str, str]:
    """What this connection deleted in a host with a database of its own, and whose link is not ended yet: the link of
    each, by operation. No user did that (rule D10)."""
    ops = {one.op for one in shown if isinstance(one, HostGone) and one.op}
    if not ops or p.engine.host.shares_transaction:
        return {}
    with p.engine.store.read() as c:
        return intents.deletions_here(c, p.connection.id, ops)


def _leave_conversions(p: Pass, found: Recalled) -> None:
    """What a conversion has made in a host with a database of its own, and whose link is not written yet, is no loose
    event, also not for another connection: it is told again until its own one has settled it."""
    if not found.loose or p.engine.host.shares_transaction:
        return
    with p.engine.store.read() as c:
        made = [write for row in connections.of_user(c, p.connection.user) for write in intents.creates_here(c, row.id)]
    ops, uids = {write.op for write in made}, {uid for write in made for uid in write.uids}
    left = [item for item in found.loose if item.op not in ops and uids.isdisjoint(item.uids)]
    if len(left) < len(found.loose):
        found.loose, p.again = left, True
        found.host_cursors.pop(Kind.EVENT, None)


def _part_in_meetings(p: Pass, found: Recalled) -> None:
    """Who is asked at the service alone, and has no part in the event here, does not see it: then it is a block."""
    for ref, one in list(found.invited.items()):
        if not isinstance(found.host.get(ref), HostItem):
            found.fresh.append(Fresh(one.found, one.collection, block=one.block))
            del found.invited[ref]
    found.loose = [item for item in found.loose if item.ref not in found.invited]
    others = [item.ref for item in found.loose if not item.organised]
    if others:
        with p.engine.store.read() as c:
            found.aliases = links.aliases(c, p.connection.user, Kind.EVENT, others)


def _wanted(linked: Iterable[Link], found: Recalled) -> set[str]:
    """The host items of links with news on the remote side: what is merged must be what stands there now."""
    return {at_link(k) for k in linked} | {at_link(seen.link) for seen in found.tied.values()} | found.invited.keys()
