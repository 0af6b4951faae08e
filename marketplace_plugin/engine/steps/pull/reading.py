"""Step 3, pull: every collection of the connection, page by page. Blocks come in with their page; all else waits in the
round until the siblings are read too (docs/sync.md, R1 to R4)."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from zlib import crc32

from sqlalchemy import Connection

from marketplace_plugin.engine.context import Phase
from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.engine.steps.pull.intake import put_blocks
from marketplace_plugin.errors import AuthorizationExpired, CursorExpired, ProviderError
from marketplace_plugin.model.change import (
    Access,
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import blocks, collections, held, links, rounds
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.diff import Echo, LeftOut, LinkIndex, Meeting, Reader
from marketplace_plugin.sync.guard import suspects
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, RemoteShowing
from marketplace_plugin.sync.reason import Reason

TURN = 7
"""Days in which each event beyond the window is asked for once."""
_EDGE = timedelta(seconds=1)  # an event may have no length
_WITH_A_BASE = (LinkKind.EXPORT, LinkKind.CONVERTED, LinkKind.MIRROR)


@dataclass(frozen=True, slots=True)
class Round:
    """What waits of one collection. An incomplete round has news all the same, but nothing may be concluded from what
    is missing in it."""

    changes: tuple[Change, ...] = ()
    complete: bool = False


def pull_all(p: Pass) -> dict[str, Round]:
    """Each collection that is due; one bad collection does not stop its siblings. Raises AuthorizationExpired."""
    p.tell(Phase.FETCH)
    due = to_read(p)
    if any((row.checkpoint or row.cursor) is None for row in due) or _awaits_a_role(p):
        p.read_roles()
        due = [p.collections[row.remote_id] for row in due]
    with p.engine.store.read() as c:
        refused = held.refused(c, p.connection.id, p.now, p.engine.settings.batch)
    return {row.remote_id: _pull(p, row, refused.get(row.remote_id, ())) for row in due}


def _awaits_a_role(p: Pass) -> bool:
    """Nothing but the list of calendars tells that a role is back."""
    with p.engine.store.read() as c:
        waiting = links.of_connection(c, p.connection.id, states=(LinkState.PARKED, LinkState.PENDING))
        return any(k.reason is Reason.ROLE_DROPPED for k in waiting)


def to_read(p: Pass) -> list[Collection]:
    """Sources, the target, and whatever still has links that are no blocks."""
    with p.engine.store.read() as c:
        bound = links.bound(c, p.connection.id)
    return [row for row in p.collections.values() if row.is_read or row.remote_id in bound]


def _pull(p: Pass, row: Collection, refused: Sequence[str]) -> Round:
    if _is_outdated(p, row):
        row = replace(row, checkpoint=None)
    try:
        try:
            return _read(p, row, row.checkpoint or row.cursor, refused)
        except CursorExpired:
            return _read(p, _forget_cursor(p, row), None, refused)
    except AuthorizationExpired:
        raise
    except ProviderError as error:
        p.failed(row.remote_id, error)
        return Round()


def _is_outdated(p: Pass, row: Collection) -> bool:
    """A snapshot that was left unfinished, and is of other days: providers begin it again without saying so, and what
    its first part has listed may be gone since (rule R6a)."""
    begun = row.checkpoint
    return begun is not None and begun.snapshot and begun.window not in (None, p.window(row))


def _forget_cursor(p: Pass, row: Collection) -> Collection:
    """One snapshot per run: the links stay, and what is absent from it is only suspect."""
    with p.write() as unit:
        rounds.drop(unit.connection, p.connection.id, row.remote_id)
        _progress(unit.connection, row, None, None)
    p.read_roles()
    return replace(p.collections[row.remote_id], cursor=None, checkpoint=None, round=None)


def _progress(c: Connection, row: Collection, round_id: str | None, checkpoint: Checkpoint | None) -> None:
    cursor = None if round_id is None else row.cursor
    collections.set_progress(c, [replace(row, round=round_id, checkpoint=checkpoint, cursor=cursor)])


def _read(p: Pass, row: Collection, since: Cursor | Checkpoint | None, refused: Sequence[str]) -> Round:
    window = p.window(row)
    round_id = _round_of(p, row)
    covers: Window | None = None
    cursor: Cursor | None = None
    checkpoint, snapshot, done = row.checkpoint, False, 0
    puzzling: set[str] = set()
    for page in p.provider.pull(row.remote_id, since, window):
        checkpoint = page.checkpoint or checkpoint
        snapshot, covers, cursor = snapshot or page.snapshot, page.covers or covers, page.cursor
        if not page.changes and page.checkpoint is None:
            continue  # nothing to write down
        _keep(p, row, page, round_id, checkpoint, window)
        done += len(page.changes)
        puzzling |= {one.id for one in page.changes if isinstance(one, Unreadable)}
        p.tell(Phase.READ, done)
    if cursor is None:
        return Round()
    if snapshot and not isinstance(since, Checkpoint):
        with p.write() as unit:
            held.all_unreadable(unit.connection, p.connection.id, row.remote_id, puzzling)
    if snapshot:
        _question(p, row, round_id, checkpoint, covers, window)
    with p.engine.store.read() as c:
        unseen = links.never_seen(c, p.connection.id, row.remote_id)
        beyond = list(_in_turn(c, p, row, window)) if row.info.capabilities.windowed else []
        waiting = rounds.waiting(c, p.connection.id, row.remote_id, round_id)
    asked = list({link.id: link for link in (*unseen, *beyond)}.values())
    if asked or refused:
        _ask(p, row, asked, round_id, checkpoint, window)
        _ask_refused(p, row, refused, round_id, checkpoint, window)
        with p.engine.store.read() as c:
            waiting = rounds.waiting(c, p.connection.id, row.remote_id, round_id)
    p.cursors[row.remote_id] = cursor
    return Round(tuple(waiting), complete=True)


def _round_of(p: Pass, row: Collection) -> str:
    """A round goes on under its id only from a checkpoint. One that begins again is a new one: what its first attempt
    has listed may be gone since, and behind the old cursor nobody tells of what came and went."""
    if row.round is not None and row.checkpoint is not None:
        return row.round
    if row.round is not None:
        with p.write() as unit:
            rounds.drop(unit.connection, p.connection.id, row.remote_id)
            links.forget_seen(unit.connection, p.connection.id, row.remote_id, row.round)
    return p.engine.new_id()


def _keep(p: Pass, row: Collection, page: Page, round_id: str, checkpoint: Checkpoint | None, window: Window) -> None:
    """One page in one transaction: its blocks, what waits, and the checkpoint behind it."""
    with p.write() as unit:
        c = unit.connection
        _take(c, p, row, page.changes, round_id, window)
        links.mark_seen(c, p.connection.id, row.remote_id, [change.id for change in page.changes], round_id)
        _progress(c, row, round_id, checkpoint)


def _take(c: Connection, p: Pass, row: Collection, changes: Sequence[Change], round_id: str, window: Window) -> None:
    reader = Reader(p.ground(row), p.digest_found, lambda found: _inside(p, found, window))
    reading = reader.read(changes, index_of(c, p, changes))
    held.understood(c, p.connection.id, row.remote_id, [one.id for one in changes if not isinstance(one, Unreadable)])
    held.answered(c, p.connection.id, row.remote_id, [one.id for one in changes])
    put_blocks(c, p, row.remote_id, reading.blocks)
    _echo(c, p, reading.echoes)
    rounds.put(c, p.connection.id, row.remote_id, round_id, reading.later)
    p.counts["skipped"] += len(reading.left_out)
    p.apart += [(row.remote_id, one.found) for one in reading.left_out if _is_apart(one)]


def _is_apart(one: LeftOut) -> bool:
    return one.reason is Reason.TARGET_IS_NO_SOURCE and isinstance(one.found.item, Series)


def _inside(p: Pass, found: Found, window: Window) -> bool:
    """What ended before the window is not imported. The far end is open: a delta tells of each item only once."""
    try:
        end = p.span(found.item)[1]
    except (TypeError, ValueError, KeyError, OverflowError):
        return True  # said clearly where the block is made
    return end is None or end > window.start


def index_of(c: Connection, p: Pass, changes: Iterable[Change]) -> LinkIndex:
    """All links that these changes may touch, in three indexed queries."""
    listed = list(changes)
    founds = [change.found for change in listed if isinstance(change, Upsert)]
    gone = {change.id for change in listed if isinstance(change, Tombstone)}
    known = [k for ks in links.by_remote(c, p.connection.id, {ch.id for ch in listed}).values() for k in ks]
    uids = {f.uid for f in founds if f.uid} | {k.uid for k in known if k.uid and k.remote_id in gone}
    known += [k for ks in links.by_uid(c, p.connection.user, uids).values() for k in ks]
    stamps = {f.stamp.link for f in founds if f.stamp is not None and f.stamp.instance == p.engine.instance}
    known += links.get(c, stamps).values()
    tied = {k.remote_id for k in known if k.kind is not LinkKind.BLOCK}
    invitations = {f.uid for f in founds if f.access is Access.ATTENDEE and f.uid and f.id not in tied}
    return LinkIndex.of(p.connection.id, known, _meetings(c, p, invitations))


def _meetings(c: Connection, p: Pass, uids: Group[str]) -> dict[str, Meeting]:
    """Invitations to what other users organise in the host, and ask this one to."""
    events = {uid: ref for uid, (kind, ref) in links.meetings(c, p.connection.user, uids).items() if kind is Kind.EVENT}
    mine = links.by_host(c, p.connection.user, Kind.EVENT, events.values())
    return {uid: Meeting(ref, tuple(mine.get(ref, ()))) for uid, ref in events.items()}


def _echo(c: Connection, p: Pass, echoes: Sequence[Echo]) -> None:
    fresh = [
        replace(echo.link, remote=RemoteShowing(echo.found.revision, echo.link.remote.digest))
        for echo in echoes
        if echo.link.remote is not None and echo.link.remote.revision != echo.found.revision
    ]
    links.put(c, fresh, p.now)


# --- suspects ------------------------------------------------------------------------------------------------------


def _question(
    p: Pass, row: Collection, round_id: str, checkpoint: Checkpoint | None, covers: Window | None, window: Window
) -> None:
    """Absence is not deletion: what a snapshot did not list is asked for by id (rule R4). So is what has left the
    window since the last complete round: the snapshot takes the place of the changes that would have told of it."""
    passed = _passed(p, row, covers)
    with p.engine.store.read() as c:
        unseen = links.unseen(c, p.connection.id, row.remote_id, round_id)
        absent = [k for k in unseen if _within(c, p, k, covers)]
        known = sum(links.count(c, p.connection.id, row.remote_id).values())
    missed = {k.id for k in absent}
    left = [k for k in unseen if k.id not in missed and _is_asked_for(p, k, passed)]
    asked = suspects(absent, known)
    if asked.held:
        with p.write() as unit:
            hold_suspects(unit.connection, p, asked.held)
    _ask(p, row, [*asked.fetch, *left], round_id, checkpoint, window)


def _passed(p: Pass, row: Collection, covers: Window | None) -> Window | None:
    """The days that the window has left behind since the last complete round: some hours, or as many as nobody read.
    It stays so until the cursor of such a round is committed."""
    if row.read_at is None or covers is None:
        return None
    start = row.read_at - timedelta(days=p.connection.past_days)
    return Window(start, covers.start) if start < covers.start else None


def _is_asked_for(p: Pass, link: Link, passed: Window | None) -> bool:
    """Whether it had a day among those that have passed, or has none at all. No snapshot lists it, so its absence says
    nothing."""
    item = link.agreed_there
    if link.kind not in _WITH_A_BASE or link.rests or not isinstance(item, Event | Series):
        return False
    return _is_empty(p, item) or (passed is not None and _lies_in(p, item, passed))


def _in_turn(c: Connection, p: Pass, row: Collection, window: Window) -> Iterator[Link]:
    """Events whose next day comes after the window: no round tells what became of them. With the first pass of each day
    a share of them is asked for by id, so that each has its turn once in ``TURN``; and the few without a day left."""
    if row.read_at is None:
        return
    first, last = (at.astimezone(UTC).toordinal() for at in (row.read_at, p.now))
    turns = {day % TURN for day in range(first + 1, last + 1)}
    if not turns:
        return
    for link in links.of_connection(c, p.connection.id, collection=row.remote_id, kinds=_WITH_A_BASE):
        item, its_turn = link.agreed_there, crc32(link.id.encode()) % TURN in turns
        if link.remote_id is None or link.rests or not isinstance(item, Event | Series):
            continue
        if _is_empty(p, item) or (its_turn and _lies_behind(p, item, window)):
            yield link


def _lies_behind(p: Pass, item: Event | Series, window: Window) -> bool:
    end = p.span(item)[1]
    return (end is None or end > window.end) and not _lies_in(p, item, window)


def _ask(
    p: Pass, row: Collection, asked: Sequence[Link], round_id: str, checkpoint: Checkpoint | None, window: Window
) -> None:
    """Fetch these by id, and take the answers into the round: it has begun with them, also where it had no page yet.
    Should the pass die now, what was asked is asked again."""
    for batch in chunks([link.remote_id or "" for link in asked], p.engine.settings.batch):
        _answer(p, row, batch, fetch(p, row.remote_id, batch), round_id, checkpoint, window)


def _ask_refused(
    p: Pass, row: Collection, refused: Sequence[str], round_id: str, checkpoint: Checkpoint | None, window: Window
) -> None:
    """No delta tells again of what the service could not tell of. While it still cannot, that stops nobody, and is no
    news: it is listed already."""
    try:
        changes = fetch(p, row.remote_id, refused) if refused else []
    except AuthorizationExpired:
        raise
    except ProviderError:
        changes = [Unreadable(one, UnreadableReason.REFUSED) for one in refused]
    told = [one for one in changes if not isinstance(one, Unreadable) or one.reason is not UnreadableReason.REFUSED]
    if len(told) < len(changes):
        with p.write() as unit:
            held.asked(unit.connection, p.connection.id, row.remote_id, refused, p.now)
    if told:
        _answer(p, row, [one.id for one in told], told, round_id, checkpoint, window)


def _answer(
    p: Pass,
    row: Collection,
    asked: Sequence[str],
    changes: Sequence[Change],
    round_id: str,
    checkpoint: Checkpoint | None,
    window: Window,
) -> None:
    with p.write() as unit:
        _take(unit.connection, p, row, changes, round_id, window)
        links.mark_seen(unit.connection, p.connection.id, row.remote_id, asked, round_id)
        _progress(unit.connection, row, round_id, checkpoint)


def _within(c: Connection, p: Pass, link: Link, covers: Window | None) -> bool:
    """Whether the snapshot should have listed it: out of the window is not deleted."""
    if covers is None:
        return True
    item: Item | None = link.agreed_there
    if link.kind is LinkKind.BLOCK:
        block = blocks.get(c, [link.id]).get(link.id)
        item = block.item if block is not None else None
    return not isinstance(item, Event | Series) or _lies_in(p, item, covers)


def _lies_in(p: Pass, item: Event | Series, window: Window) -> bool:
    """Whether it has a day there. A rare series may have none, though it goes on; of one that cannot be walked nobody
    knows."""
    start, end = p.span(item)
    if start >= window.end or (end is not None and end <= window.start):
        return False
    if isinstance(item, Event):
        return True
    found = occurrences(item, window, p.person.zone, limit=1)
    return bool(found.occurrences) or found.truncated


def _is_empty(p: Pass, item: Event | Series) -> bool:
    """A series whose days were all cancelled lies in no window."""
    if not isinstance(item, Series) or all(o.event is not None for o in item.overrides):
        return False
    start, end = p.span(item)
    return end is not None and not _lies_in(p, item, Window(start - _EDGE, end + _EDGE))


def fetch(p: Pass, collection: str, ids: Sequence[str]) -> list[Change]:
    """These items by id, as changes: a service that answers Gone has deleted the item for good."""
    changes: list[Change] = []
    for one in p.provider.fetch(collection, ids):
        match one:
            case Gone():
                changes.append(Tombstone(one.id))
            case Unreadable():
                changes.append(one)
            case Found():
                changes.append(Upsert(one))
    return changes


def there(p: Pass, collection: str, ids: Sequence[str]) -> list[Found]:
    """Those of these items that are there and can be read."""
    changes = [change for batch in chunks(ids, p.engine.settings.batch) for change in fetch(p, collection, batch)]
    return [change.found for change in changes if isinstance(change, Upsert)]


def hold_suspects(c: Connection, p: Pass, suspected: Sequence[Link]) -> None:
    """More went missing at once than can be true: nothing is asked and nothing deleted until the owner has looked."""
    p.counts["held"] += len(suspected)
    held.put(
        c,
        [
            Held(
                id=f"suspect:{link.id}",
                connection=p.connection.id,
                collection=link.collection,
                what=What.SUSPECT,
                reason=Reason.SUSPECT,
                created_at=p.now,
                link=link.id,
                remote_id=link.remote_id,
                host_ref=link.host_ref,
            )
            for link in suspected
        ],
    )
