"""What a pull says about what we know: pages x links -> news. Drops echoes, reads snapshots, tells moves from deletions.

``read`` is called for each page, while the round runs: it sorts out what can be done at once (blocks) and what needs the
complete rounds of all siblings (``weigh``): deletions, moves, copies, everything that ties to a host item (rules 10-12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from marketplace_plugin.model.change import Access, Change, Found, Tombstone, Unreadable, Upsert
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of one collection of the connection. ``complete`` is False where its pull failed."""

    id: str
    is_source: bool
    is_target: bool
    complete: bool = True


@dataclass(frozen=True, slots=True)
class LinkIndex:
    """The user's links that a set of remote items may touch: by id, stamp and UID."""

    by_remote: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    by_id: Mapping[str, Link] = field(default_factory=dict)
    by_uid: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    by_remote_id: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, links: Iterable[Link]) -> LinkIndex:
        known = {link.id: link for link in links}
        by_uid: dict[str, tuple[Link, ...]] = {}
        by_remote_id: dict[str, tuple[Link, ...]] = {}
        for link in known.values():
            if link.uid:
                by_uid[link.uid] = (*by_uid.get(link.uid, ()), link)
            if link.remote_id is not None:
                by_remote_id[link.remote_id] = (*by_remote_id.get(link.remote_id, ()), link)
        by_remote = {(k.collection, k.remote_id): k for k in known.values() if k.remote_id is not None}
        return cls(by_remote, known, by_uid, by_remote_id)


# --- one page ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """A block is to be made (``link`` None) or shown anew."""

    found: Found
    link: Link | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Echo:
    """Nothing happened to it but its revision: our own write coming back, or a tag that the service bumped late."""

    link: Link
    found: Found


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Not ours to touch, and why."""

    id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """One page, sorted. ``later`` waits for the rounds of all siblings."""

    blocks: tuple[BlockSeen, ...]
    echoes: tuple[Echo, ...]
    left_out: tuple[LeftOut, ...]
    later: tuple[Change, ...]


def read(
    changes: Sequence[Change], ground: Ground, index: LinkIndex, connection: str, digest: Callable[[Found], str]
) -> Reading:
    """Sort one page. ``digest`` is keyed, over the whole item (rule 5). The last of several changes of one id wins."""
    blocks: list[BlockSeen] = []
    echoes: list[Echo] = []
    left_out: list[LeftOut] = []
    later: list[Change] = []
    for change in {c.id: c for c in changes}.values():
        match change:
            case Upsert(found):
                _sort(found, change, ground, index, connection, digest, blocks, echoes, left_out, later)
            case _:
                later.append(change)
    return Reading(tuple(blocks), tuple(echoes), tuple(left_out), tuple(later))


def _sort(
    found: Found,
    change: Change,
    ground: Ground,
    index: LinkIndex,
    connection: str,
    digest: Callable[[Found], str],
    blocks: list[BlockSeen],
    echoes: list[Echo],
    left_out: list[LeftOut],
    later: list[Change],
) -> None:
    link = index.by_remote.get((ground.id, found.id))
    if link is not None and link.kind is LinkKind.BLOCK and link.connection == connection:
        if link.remote is not None and link.remote.digest == digest(found):
            echoes.append(Echo(link, found))
        else:
            blocks.append(BlockSeen(found, link, Reason.CHANGED_REMOTE))
    elif link is not None or _ties(found, index):
        later.append(change)
    elif ground.is_source:
        blocks.append(BlockSeen(found, None, Reason.NEW_REMOTE))
    else:
        left_out.append(LeftOut(found.id, Reason.TARGET_IS_NO_SOURCE))


def _ties(found: Found, index: LinkIndex) -> bool:
    """It carries a stamp, or its id or UID belongs to an item that is no block: what it is, all rounds together tell."""
    near = (*index.by_remote_id.get(found.id, ()), *index.by_uid.get(found.uid, ()))
    return found.stamp is not None or any(link.kind is not LinkKind.BLOCK for link in near)


# --- all rounds ----------------------------------------------------------------------------------------------------


class How(StrEnum):
    """How a remote item came to be tied to a link."""

    LINKED = "linked"
    MOVED = "moved"  # it left its collection and lives in a sibling
    STAMPED = "stamped"  # our create whose answer did not come
    INVITED = "invited"  # an invitation to the event that we exported


@dataclass(frozen=True, slots=True)
class Seen:
    """``link`` shows as ``found`` in ``collection`` now."""

    link: Link
    found: Found
    collection: str
    how: How = How.LINKED


@dataclass(frozen=True, slots=True)
class Vanished:
    """The service said that it is gone, from this collection and from all siblings."""

    link: Link


@dataclass(frozen=True, slots=True)
class Suspect:
    """It may only have left the window: a fetch by id must answer."""

    link: Link


@dataclass(frozen=True, slots=True)
class Waits:
    """Gone from its collection, but a sibling could not be read: it may have moved there."""

    link: Link


@dataclass(frozen=True, slots=True)
class Fresh:
    """Tied to nothing after all. ``kept_copy``: it has our stamp, but the link is no more (a copy that was kept)."""

    found: Found
    collection: str
    kept_copy: bool = False


@dataclass(frozen=True, slots=True)
class Puzzling:
    """Unreadable is not deleted: parked with its reason."""

    collection: str
    item: Unreadable
    link: Link | None


News = Seen | Vanished | Suspect | Waits | Fresh | Puzzling


def weigh(
    rounds: Mapping[str, Sequence[Change]], grounds: Mapping[str, Ground], index: LinkIndex, instance: str
) -> list[News]:
    """News of everything that the pages left for later, with all collections of the connection on the table."""
    gone = {
        (collection, change.id): change
        for collection, changes in rounds.items()
        for change in changes
        if isinstance(change, Tombstone)
    }
    news: list[News] = []
    for collection, changes in rounds.items():
        for change in changes:
            match change:
                case Upsert(found):
                    news.append(_place(found, collection, gone, index, instance))
                case Unreadable():
                    news.append(Puzzling(collection, change, index.by_remote.get((collection, change.id))))
                case Tombstone():
                    pass
    moved = {n.link.id for n in news if isinstance(n, Seen) and n.how is How.MOVED}
    all_read = all(ground.complete for ground in grounds.values())
    for key, tombstone in gone.items():
        link = index.by_remote.get(key)
        if link is not None and link.id not in moved:
            news.append(_miss(link, tombstone, index, all_read))
    return news


def _place(
    found: Found,
    collection: str,
    gone: Mapping[tuple[str, str], Tombstone],
    index: LinkIndex,
    instance: str,
) -> Seen | Fresh:
    link = index.by_remote.get((collection, found.id))
    if link is not None:
        return Seen(link, found, collection)
    stamp = found.stamp if found.stamp is not None and found.stamp.instance == instance else None
    stamped = index.by_id.get(stamp.link) if stamp is not None else None
    near = [*index.by_remote_id.get(found.id, ()), *index.by_uid.get(found.uid, ()), *([stamped] if stamped else [])]
    for other in near:
        if other.kind is not LinkKind.BLOCK and (other.collection, other.remote_id or "") in gone:
            return Seen(other, found, collection, How.MOVED)
    if stamped is not None and stamped.remote_id is None and stamped.collection == collection:
        return Seen(stamped, found, collection, How.STAMPED)
    for other in near:
        if _invites(other, found):
            return Seen(other, found, collection, How.INVITED)
    return Fresh(found, collection, kept_copy=stamp is not None and stamped is None)


def _invites(link: Link, found: Found) -> bool:
    live = link.kind is LinkKind.EXPORT and link.state not in (LinkState.DETACHED, LinkState.DECLINED)
    return live and found.access is Access.ATTENDEE and link.access is Access.FULL and link.remote_id != found.id


def _miss(link: Link, tombstone: Tombstone, index: LinkIndex, all_read: bool) -> News:
    if not tombstone.confirmed:
        return Suspect(link)
    if link.kind is not LinkKind.BLOCK and not all_read:
        return Waits(link)
    return Vanished(link)


def taken_over(link: Link, index: LinkIndex) -> Link | None:
    """The block that a vanished event became in a sibling collection in an earlier pass: the event moved there."""
    near = (*index.by_remote_id.get(link.remote_id or "", ()), *index.by_uid.get(link.uid, ()))
    blocks = [k for k in near if k.kind is LinkKind.BLOCK and k.id != link.id and k.connection == link.connection]
    return blocks[0] if len(blocks) == 1 and blocks[0].collection != link.collection else None
