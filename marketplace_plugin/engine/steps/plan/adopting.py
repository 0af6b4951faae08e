"""Host events without a link that stand at the service already: left behind by an earlier connection, or blocks that
are this very event. They are tied, never made a second time (docs/sync.md, G4 and M7). All is asked for in batches.

What an earlier connection of the account left behind without an event is taken up before anything is read (L12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection as Database

from marketplace_plugin.engine.acts.chosen import left
from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.engine.steps.pull.elsewhere import STAMPED, find_moved
from marketplace_plugin.engine.steps.pull.reading import fetch
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.errors import CollectionGone, PermissionDenied
from marketplace_plugin.model.change import Access, Change, Found, HostItem, Stamp, Unreadable, Upsert
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.store import connections, links
from marketplace_plugin.sync.diff import is_same
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.cells import Synced
from marketplace_plugin.sync.merge.three_way import changed
from marketplace_plugin.sync.plan.decide import adopted
from marketplace_plugin.sync.plan.flows import flows_of
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


@dataclass(slots=True)
class Standing:
    """``former``: links of the same account that ended, by host ref. ``blocks``: blocks of this connection with a UID
    of the event, by host ref. ``shown``: their items that are there, by link id; ``moved``: where to, for those that
    are elsewhere by now; ``unclear``: links of what is there and cannot be read."""

    former: dict[str, list[Link]] = field(default_factory=lambda: defaultdict(list))
    blocks: dict[str, list[Link]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[str, Found] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)


def take_up(p: Pass) -> None:
    """What an earlier connection of this account knew, and only this one can go on knowing: what was at rest stays so,
    and copies that waited to be removed wait again, if they are as they were left then. They are no blocks and no
    second copies. Raises what the service raises: not to know of them would make them so."""
    with p.engine.store.read() as c:
        former = [k for k in links.left_behind(c, p.connection) if k.collection in p.collections]
        resting = [k for k in links.at_rest(c, p.connection) if k.collection in p.collections]
    if resting:
        with p.write() as unit:
            mine = {(k.collection, k.remote_id or ""): replace(k, connection=p.connection.id) for k in resting}
            _take_the_place(unit.connection, p, mine)
            links.put(unit.connection, mine.values(), p.now)
    if not former:
        return
    found = Standing()
    _look(p, former, found)
    _look_elsewhere(p, former, found)
    waiting: dict[tuple[str, str], Link] = {}
    gone: list[str] = []
    for link in former:
        shown = found.shown.get(link.id)
        if shown is not None:
            place = found.moved.get(link.id, link.collection)
            back = replace(link, connection=p.connection.id, collection=place)
            waiting[place, shown.id] = left.standing(p.engine, back, shown)
        elif link.collection not in p.errors and link.id not in found.unclear:
            gone.append(link.id)
    with p.write() as unit:
        _take_the_place(unit.connection, p, waiting)
        links.remove(unit.connection, gone, p.now)
        links.put(unit.connection, waiting.values(), p.now)


def _take_the_place(c: Database, p: Pass, waiting: dict[tuple[str, str], Link]) -> None:
    """A copy that could not be read before may be a block by now. One that is tied to an event is none any more."""
    known = links.by_remote(c, p.connection.id, [remote_id for _, remote_id in waiting])
    for tied in (k for ks in known.values() for k in ks):
        mine = waiting.get((tied.collection, tied.remote_id or ""))
        if mine is None or tied.id == mine.id:
            continue
        if tied.kind is not LinkKind.BLOCK:
            del waiting[mine.collection, mine.remote_id or ""]
        links.remove(c, [tied.id if tied.kind is LinkKind.BLOCK else mine.id], p.now)


def standing(p: Pass, recalled: Recalled) -> Standing:
    """What stands there of all loose events. A calendar that is gone holds nothing. Where the service does not answer,
    the pass ends with its error: not to know of an event must not make another one."""
    found = Standing()
    if not recalled.loose:
        return found
    with p.engine.store.read() as c:
        before = {k.connection for item in recalled.loose for k in recalled.former.get(item.ref, ())}
        accounts = {name: row.account_key for name in before if (row := connections.get(c, name)) is not None}
        uids = {item.ref: (*item.uids, *recalled.aliases.get(item.ref, ())) for item in recalled.loose}
        by_uid = links.by_uid(c, p.connection.user, {uid for of_one in uids.values() for uid in of_one})
    for item in recalled.loose:
        for link in recalled.former.get(item.ref, ()):
            same_account = accounts.get(link.connection) == p.connection.account_key
            if same_account and link.collection in p.collections and _is_wanted_again(p, link):
                found.former[item.ref].append(link)
        for link in (k for uid in uids[item.ref] for k in by_uid.get(uid, ())):
            if link.kind is LinkKind.BLOCK and link.connection == p.connection.id:
                found.blocks[item.ref].append(link)
    _look(p, [link for of_one in (*found.former.values(), *found.blocks.values()) for link in of_one], found)
    _look_elsewhere(p, [link for of_one in found.former.values() for link in of_one], found)
    return found


def _is_wanted_again(p: Pass, link: Link) -> bool:
    """It ended with its connection; or its copy was kept in a former target, which is the target again."""
    kept = link.reason is Reason.TARGET_CHANGED and link.kind is LinkKind.EXPORT
    return link.reason is Reason.DISCONNECTED or (
        kept and p.target is not None and p.target.remote_id == link.collection
    )


def _look(p: Pass, asked: Iterable[Link], found: Standing) -> None:
    by_id: dict[str, dict[str, list[Link]]] = defaultdict(lambda: defaultdict(list))
    for link in asked:
        if link.remote_id is not None:
            by_id[link.collection][link.remote_id].append(link)
    for collection, named in by_id.items():
        try:
            for batch in chunks(sorted(named), p.engine.settings.batch):
                _sort(fetch(p, collection, batch), named, found)
        except (CollectionGone, PermissionDenied) as error:
            p.failed(collection, error)


def _sort(answers: Iterable[Change], by_id: Mapping[str, list[Link]], found: Standing) -> None:
    for one in answers:
        if isinstance(one, Upsert):
            found.shown |= {link.id: one.found for link in by_id[one.id]}
        elif isinstance(one, Unreadable):
            found.unclear |= {link.id for link in by_id[one.id]}


def _look_elsewhere(p: Pass, asked: Sequence[Link], found: Standing) -> None:
    """A copy that was moved while nobody looked, or whose making was not answered, by our stamp; a converted event,
    which has none, by its id or UID. What has the stamp alone is taken where no calendar has more (rule R1d)."""
    ours = [k for k in asked if k.kind in STAMPED or k.remote_id is None]  # what we make carries our mark
    lost = {Stamp(p.engine.instance, k.id): k for k in ours if k.id not in found.shown}
    unknown = [k for k in asked if k.id not in found.shown and k.id not in found.unclear]
    converted = [k for k in unknown if k.kind is LinkKind.CONVERTED and k.remote_id is not None]
    unanswered = {link.collection for link in lost.values() if link.remote_id is None}
    copies: dict[str, list[tuple[str, Found]]] = defaultdict(list)
    for row in p.collections.values():
        if not row.is_readable or not (lost or converted):
            continue
        wanted = [stamp for stamp, link in lost.items() if link.id not in found.shown]
        missing = [k for k in converted if k.id not in found.shown and k.collection != row.remote_id]
        try:
            carried = p.provider.find(row.remote_id, wanted) if wanted else {}
            moved, _ = find_moved(p, row.remote_id, missing, blocks=True) if missing else ([], ())
        except (CollectionGone, PermissionDenied) as error:
            if row.remote_id in unanswered:
                p.failed(row.remote_id, error)
            continue  # a calendar that was never asked for; it may well be unreadable
        for link, one in ((lost[stamp], one) for stamp, shown in carried.items() for one in shown):
            copies[link.id].append((row.remote_id, one))
            moved += [(link, one)] if is_same(link, one) else []
        found.shown |= {link.id: one for link, one in moved}
        found.moved |= {link.id: row.remote_id for link, _ in moved}
    for name, of_one in copies.items():
        if name not in found.shown:
            found.moved[name], found.shown[name] = p.first_of(of_one)


def adopt(p: Pass, item: HostItem, known: Standing) -> Step | None:
    """None where nothing there is this event."""
    return _readopt(p, item, known) or _same_meeting(p, item, known)


def _readopt(p: Pass, item: HostItem, known: Standing) -> Step | None:
    """The same account was connected again: what it exported and converted is known by its old link."""
    for link in known.former.get(item.ref, ()):
        found = known.shown.get(link.id)
        if found is not None and (found.stamp is None or found.stamp.link == link.id):
            place = known.moved.get(link.id, link.collection)
            back = replace(link, connection=p.connection.id, collection=place, access=found.access)
            back = replace(back, state=LinkState.LIVE, reason=None)
            return tie(p, replace(back, remote_id=found.id), item, found, Reason.ADOPTED)
    return None


def _same_meeting(p: Pass, item: HostItem, known: Standing) -> Step | None:
    """A block of this connection that is this very event: same UID, organiser and times; or the UID of the copy by
    which its organiser has asked this user."""
    for block in known.blocks.get(item.ref, ()):
        found = known.shown.get(block.id)
        asked = found is not None and not item.organised and found.uid not in item.uids
        if found is not None and (_alike(item, found) or (asked and found.access is Access.ATTENDEE)):
            kind = LinkKind.CONVERTED if item.organised else LinkKind.EXPORT
            tied = replace(block, kind=kind, host_ref=item.ref, organised=item.organised, access=found.access)
            return tie(p, tied, item, found, Reason.ADOPTED)
    return None


def _alike(item: HostItem, found: Found) -> bool:
    """Equal organiser and times: the user's own here and there, or somebody else's here and there."""
    if not isinstance(item.item, Event | Series) or not isinstance(found.item, Event | Series):
        return False
    same_times = not changed(item.item, found.item, frozenset({"when"}))
    return same_times and item.organised == (found.access is Access.FULL)


def tie(p: Pass, link: Link, host: HostItem, found: Found, reason: Reason) -> Step:
    """The two as they are; differences are told."""
    step = Step(Action.ADOPT, reason, link, Case(link, host, found))
    if not isinstance(host.item, Synced) or not isinstance(found.item, Synced):
        return step
    flows = flows_of(link, p.place(link.collection))
    return replace(step, clashes=adopted(host.item, found.item, flows, reason))
