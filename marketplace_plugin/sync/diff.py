"""What a pull says about what we know: pages x links -> news. Drops echoes, tells moves and copies from deletions.

``Reader.read`` is called for each page while the round runs: it parts what can be done at once (blocks) from what needs
the complete rounds of all siblings. ``weigh`` then tells what became of that: deletions, moves, copies, and everything
that ties to a host item (docs/sync.md, R1 to R4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from marketplace_plugin.model.change import Access, Change, Found, Tombstone, Unreadable, Upsert
from marketplace_plugin.model.event import Event, Series, Status
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of one collection of the connection. ``complete`` is False where its pull failed. ``blocks``: what
    is tied to nothing shows as a block here; in an address book or a task list it waits to be matched."""

    id: str
    is_source: bool
    is_target: bool
    complete: bool = True
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Meeting:
    """A host item that somebody else organises and asks to by a copy of his; ``links`` are this user's to it."""

    ref: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkIndex:
    """The links that a set of remote items may touch. ``by_id`` may hold links of other connections and users too: what
    a stamp names there is recognised, but never tied here. ``meetings``: by the UID of an invitation."""

    connection: str
    by_remote: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    by_id: Mapping[str, Link] = field(default_factory=dict)
    by_uid: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    by_remote_id: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    meetings: Mapping[str, Meeting] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: str, links: Iterable[Link], meetings: Mapping[str, Meeting] | None = None) -> LinkIndex:
        known = {link.id: link for link in links}
        near = [link for link in known.values() if link.connection == connection]
        by_uid: dict[str, tuple[Link, ...]] = {}
        by_remote_id: dict[str, tuple[Link, ...]] = {}
        for link in near:
            if link.uid:
                by_uid[link.uid] = (*by_uid.get(link.uid, ()), link)
            if link.remote_id is not None:
                by_remote_id[link.remote_id] = (*by_remote_id.get(link.remote_id, ()), link)
        live = sorted(near, key=lambda link: link.state is not LinkState.DETACHED)  # a live one wins over a detached
        by_remote = {(k.collection, k.remote_id): k for k in live if k.remote_id is not None}
        return cls(connection, by_remote, known, by_uid, by_remote_id, meetings or {})

    def is_near(self, link: Link) -> bool:
        return link.connection == self.connection


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

    found: Found
    reason: Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """One page, sorted. ``later`` waits for the rounds of all siblings."""

    blocks: tuple[BlockSeen, ...]
    echoes: tuple[Echo, ...]
    left_out: tuple[LeftOut, ...]
    later: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Sorts the pages of one collection. ``digest`` is keyed, over the whole item (rule L9). ``inside`` is False for
    what ended before the window began: it is not imported any more, but what is there already is kept up to date."""

    ground: Ground
    digest: Callable[[Found], str]
    inside: Callable[[Found], bool]

    def read(self, changes: Sequence[Change], index: LinkIndex) -> Reading:
        """Of several changes of one id the last one wins."""
        last = {change.id: change for change in changes}
        sorted_out = [self._sort(change, index) for change in last.values()]
        return Reading(
            tuple(one for one in sorted_out if isinstance(one, BlockSeen)),
            tuple(one for one in sorted_out if isinstance(one, Echo)),
            tuple(one for one in sorted_out if isinstance(one, LeftOut)),
            tuple(one for one in sorted_out if isinstance(one, Upsert | Tombstone | Unreadable)),
        )

    def _sort(self, change: Change, index: LinkIndex) -> BlockSeen | Echo | LeftOut | Change:
        if not isinstance(change, Upsert):
            return change
        found = change.found
        link = index.by_remote.get((self.ground.id, found.id))
        if link is not None and link.kind is LinkKind.BLOCK and found.uid not in index.meetings:
            if link.state is LinkState.DECLINED and not self._awakes(link, found):
                return LeftOut(found, Reason.DECLINED)
            if link.remote is not None and link.remote.digest == self.digest(found):
                return Echo(link, found)
            return BlockSeen(found, link, _block_reason(found))
        if link is not None or not self.ground.blocks or _ties(found, index):
            return change
        if not self.ground.is_source:
            return LeftOut(found, Reason.TARGET_IS_NO_SOURCE)
        if not self.inside(found):
            return LeftOut(found, Reason.OUT_OF_WINDOW)
        return BlockSeen(found, None, Reason.NEW_REMOTE)

    def _awakes(self, link: Link, found: Found) -> bool:
        """An undo took the block back: it stays away until the remote item changes (rule U9)."""
        shown = link.remote
        return link.reason is Reason.UNDONE and (shown is None or shown.digest != self.digest(found))


def _block_reason(found: Found) -> Reason:
    event = found.item.master if isinstance(found.item, Series) else found.item
    cancelled = isinstance(event, Event) and event.status is Status.CANCELLED
    return Reason.CANCELLED_REMOTE if cancelled else Reason.CHANGED_REMOTE


def _ties(found: Found, index: LinkIndex) -> bool:
    """It carries a stamp, or its id or UID is that of an item which is no block: only all rounds tell what it is."""
    near = (*index.by_remote_id.get(found.id, ()), *index.by_uid.get(found.uid, ()))
    return (
        found.stamp is not None or any(link.kind is not LinkKind.BLOCK for link in near) or found.uid in index.meetings
    )


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
    """Tied to no live link. ``kept_copy``: made by us for a link that is no more, kept by the user: never a block.
    ``block``: what it is shown as so far."""

    found: Found
    collection: str
    kept_copy: bool = False
    block: Link | None = None


@dataclass(frozen=True, slots=True)
class Stray:
    """It carries the mark, or the UID, of ``link``, which names another item: it is that one, moved, or a copy of it,
    or its second half. Whether the other one still stands, or has moved itself, tells (rules R1d and R9a)."""

    found: Found
    collection: str
    link: Link


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation to a host item that somebody else organises. ``known``: the user has a link to it already, so this
    is the same event a second time. ``block``: what it is shown as so far."""

    found: Found
    collection: str
    ref: str
    known: bool
    block: Link | None = None


@dataclass(frozen=True, slots=True)
class Puzzling:
    """Unreadable is not deleted: parked with its reason."""

    collection: str
    item: Unreadable
    link: Link | None


News = Seen | Vanished | Suspect | Waits | Fresh | Stray | Invited | Puzzling


def weigh(
    rounds: Mapping[str, Sequence[Change]], grounds: Mapping[str, Ground], index: LinkIndex, instance: str
) -> list[News]:
    """News of everything that the pages left for later, with all collections of the connection on the table.

    ``index`` holds the connection's links by remote id and UID, and by their id all links that stamps name.
    """
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
                    placed = _place(found, collection, gone, index, instance)
                    news.append(placed if grounds[collection].blocks else _unasked(placed, gone))
                case Unreadable():
                    news.append(Puzzling(collection, change, index.by_remote.get((collection, change.id))))
                case Tombstone():
                    pass
    news = each_once(news)
    moved = {n.link.id for n in news if isinstance(n, Seen) and n.how is How.MOVED}
    all_read = all(ground.complete for ground in grounds.values())
    for key, tombstone in gone.items():
        link = index.by_remote.get(key)
        if link is not None and link.id not in moved:
            news.append(_miss(link, tombstone, all_read))
    return news


def _place(
    found: Found, collection: str, gone: Mapping[tuple[str, str], Tombstone], index: LinkIndex, instance: str
) -> Seen | Fresh | Stray | Invited:
    link, meeting = index.by_remote.get((collection, found.id)), index.meetings.get(found.uid)
    if link is not None and (meeting is None or link.kind is not LinkKind.BLOCK):
        return Seen(link, found, collection)
    ours = found.stamp is not None and found.stamp.instance == instance
    stamped = index.by_id.get(found.stamp.link) if found.stamp is not None and ours else None
    mine = [stamped] if stamped is not None and index.is_near(stamped) else []
    near = [*index.by_remote_id.get(found.id, ()), *index.by_uid.get(found.uid, ()), *mine]
    for other in near:
        if other.kind is not LinkKind.BLOCK and (other.collection, other.remote_id or "") in gone:
            is_it = is_same(other, found)
            return Seen(other, found, collection, How.MOVED) if is_it else Stray(found, collection, other)
    for other in mine:
        if other.remote_id is None:  # wherever its owner has moved it since
            return Seen(other, found, collection, How.STAMPED)
    for other in near:
        if _invites(other, found):
            return Seen(other, found, collection, How.INVITED)
    if meeting is not None:
        own = next((k for k in meeting.links if index.is_near(k) and _invites(k, found)), None)
        if own is not None:
            return Seen(own, found, collection, How.INVITED)
        return Invited(found, collection, meeting.ref, known=bool(meeting.links), block=link)
    named = near if found.stamp is None or not ours else [] if stamped is None else [stamped]
    for other in named:
        elsewhere = (other.collection, other.remote_id) != (collection, found.id)
        if other.kind is not LinkKind.BLOCK and other.rests and elsewhere:
            return Stray(found, collection, other)
    return Fresh(found, collection, kept_copy=ours and (stamped is None or stamped.remote_id == found.id))


def as_copy(stray: Stray) -> Fresh:
    """What the link names still stands: this one is the user's own copy of it."""
    return Fresh(stray.found, stray.collection, kept_copy=stray.link.remote_id == stray.found.id)


def _unasked(
    placed: Seen | Fresh | Stray | Invited, gone: Mapping[tuple[str, str], Tombstone]
) -> Seen | Fresh | Stray | Invited:
    """In an address book or a task list what is new is matched with what is here; what is missed may have moved."""
    if isinstance(placed, Stray) and (placed.link.collection, placed.link.remote_id or "") not in gone:
        return as_copy(placed)
    return placed


def each_once(news: Sequence[News]) -> list[News]:
    """Of several items that came to one link the nearest one stays; the others are copies, which carry its stamp."""
    nearest: dict[str, Seen] = {}
    for one in news:
        if isinstance(one, Seen) and one.how is not How.LINKED:
            rival = nearest.get(one.link.id)
            if rival is None or _nearness(one) > _nearness(rival):
                nearest[one.link.id] = one
    return [
        Fresh(one.found, one.collection)
        if isinstance(one, Seen) and one.how is not How.LINKED and nearest[one.link.id] is not one
        else one
        for one in news
    ]


def _nearness(seen: Seen) -> tuple[bool, bool, bool, float]:
    """Its own id, then its UID; of equals the one that was there first."""
    link, found = seen.link, seen.found
    age = -found.changed.timestamp() if found.changed is not None else 0.0
    return seen.how is How.MOVED, found.id == link.remote_id, _same_uid(link, found), age


def is_same(link: Link, found: Found) -> bool:
    """A move keeps the id or the UID. The mark alone is carried by the second half of a series, and by copies, too."""
    return found.id == link.remote_id or _same_uid(link, found)


def _same_uid(link: Link, found: Found) -> bool:
    return bool(found.uid) and found.uid == link.uid


def _invites(link: Link, found: Found) -> bool:
    live = link.kind is LinkKind.EXPORT and not link.rests
    return live and found.access is Access.ATTENDEE and link.access is Access.FULL and link.remote_id != found.id


def _miss(link: Link, tombstone: Tombstone, all_read: bool) -> News:
    if not tombstone.confirmed:
        return Suspect(link)
    if link.kind is not LinkKind.BLOCK and not all_read:
        return Waits(link)
    return Vanished(link)


def taken_over(link: Link, index: LinkIndex) -> Link | None:
    """The block that a vanished event became in an earlier pass, in a sibling collection: the event moved there. Our
    own copy may have come back into its collection under another id; of others several may share their UID there."""
    near = (*index.by_remote_id.get(link.remote_id or "", ()), *index.by_uid.get(link.uid, ()))
    blocks = [k for k in near if k.kind is LinkKind.BLOCK and k.id != link.id and k.connection == link.connection]
    if len(blocks) != 1 or (blocks[0].collection == link.collection and link.kind is not LinkKind.EXPORT):
        return None
    return blocks[0]
