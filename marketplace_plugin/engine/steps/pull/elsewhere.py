"""What vanished may have been moved: all calendars of the account are asked before a deletion is believed (rule R1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.engine.steps.pull.reading import fetch
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    PermissionDenied,
    ProviderError,
)
from marketplace_plugin.model.change import Found, Stamp, Unreadable, Upsert
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import Window
from marketplace_plugin.store import links
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.sync.diff import How, LinkIndex, News, Seen, Vanished, Waits, is_same, taken_over
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.merge.three_way import changed

STAMPED = frozenset({LinkKind.EXPORT, LinkKind.MIRROR, LinkKind.PAIR})
"""Links whose remote item we may have made, so that it carries our mark."""


def look_elsewhere(p: Pass, news: list[News], index: LinkIndex) -> list[News]:
    """What vanished may have been moved into another calendar: the link follows it there (rule R1). Where a move gives
    it another id, it may have come back into its own.

    Calendars that are not synced are asked, and siblings too: one that was read before, while this collection could
    not be, has told of the arrival already. Where one does not answer now, the deletion waits. What carries our mark
    alone is taken where no calendar has more (rule R1d).
    """
    vanished = (n.link for n in news if isinstance(n, Vanished) and n.link.kind is not LinkKind.BLOCK)
    lost = {link.id: link for link in vanished if link.remote_id is not None and taken_over(link, index) is None}
    if not lost:
        return news
    told: dict[str, News] = {}
    marked: dict[str, Seen] = {}
    for row in p.collections.values():
        missing = [k for k in lost.values() if k.id not in told and _may_be_in(p, row, k)]
        if not missing or not row.is_readable:
            continue
        try:
            moved, doubtful = find_moved(p, row.remote_id, missing)
            seen = [Seen(link, found, row.remote_id, How.MOVED) for link, found in moved]
            seen = [one for one in seen if one.link.collection != row.remote_id or is_same(one.link, one.found)]
            told |= {one.link.id: one for one in seen if is_same(one.link, one.found)}
            marked = {one.link.id: one for one in seen} | marked
            told |= {link.id: Waits(link) for link in doubtful if link.id not in told}
        except AuthorizationExpired:
            raise
        except ProviderError as error:
            p.failed(row.remote_id, error)
            told |= {link.id: Waits(link) for link in missing if link.id not in told}
    told = marked | told
    return [told.get(n.link.id, n) if isinstance(n, Vanished) else n for n in news]


def _may_be_in(p: Pass, row: Collection, link: Link) -> bool:
    its_own = link.collection == row.remote_id
    returns = link.kind in STAMPED and not p.place(link.collection).capabilities.stable_ids
    return (returns or not its_own) and p.kind_of(link.collection) is row.info.kind


Moved = list[tuple[Link, Found]]


def find_moved(
    p: Pass, collection: str, missing: Sequence[Link], *, blocks: bool = False
) -> tuple[Moved, Sequence[Link]]:
    """What lies there now: under its id where a move keeps it, else by our stamp, else by its UID; never what is tied
    to a link already, but where ``blocks`` are to be had. And what may lie there, because something there cannot be
    read. A calendar that must not be read holds nothing. Raises ProviderError."""
    by_id = {link.remote_id or "": link for link in missing}
    try:
        answers = [one for ids in chunks(sorted(by_id), p.engine.settings.batch) for one in fetch(p, collection, ids)]
        found = [(by_id[one.id], one.found) for one in answers if isinstance(one, Upsert)]
        doubtful = [by_id[one.id] for one in answers if isinstance(one, Unreadable)]
        left = [k for k in missing if k not in doubtful and k.id not in {link.id for link, _ in found}]
        stamps = {Stamp(p.engine.instance, k.id): k for k in left if k.kind in STAMPED}
        carried = p.provider.find(collection, list(stamps)) if stamps else {}
        named, unclear = _by_uid(p, collection, [k for k in left if _only_uid(p, k)], blocks)
    except (CollectionGone, PermissionDenied):
        return [], []  # a calendar that was never asked for; it may well be unreadable
    found += [(stamps[stamp], one) for stamp, shown in carried.items() if (one := _by_mark(stamps[stamp], shown))]
    found += named
    free = {one.id for one in _untied(p, collection, [one for _, one in found], blocks)}
    return [(link, one) for link, one in found if one.id in free], [*doubtful, *unclear]


def _by_mark(link: Link, carried: Sequence[Found]) -> Found | None:
    """Of what carries its mark the one with its id or UID; of several others nobody can say which it is."""
    same = [one for one in carried if is_same(link, one)] or carried
    return same[0] if len(same) == 1 else None


def _only_uid(p: Pass, link: Link) -> bool:
    """A converted item carries no mark of ours; where a move gives it another id, its UID is all that stays."""
    return link.kind is LinkKind.CONVERTED and not p.place(link.collection).capabilities.stable_ids


def _by_uid(p: Pass, collection: str, missing: Sequence[Link], blocks: bool) -> tuple[Moved, Sequence[Link]]:
    """A calendar is read over the window, and over the times of what is missing; nothing of it is kept. What has no UID
    may be any of its items."""
    named: dict[str, list[Found]] = defaultdict(list)
    puzzling = False
    for page in p.provider.pull(collection, None, _times_of(p, missing)) if missing else ():
        for one in page.changes:
            if isinstance(one, Upsert):
                named[one.found.uid].append(one.found)
        puzzling = puzzling or any(isinstance(one, Unreadable) for one in page.changes)
    found: Moved = []
    unclear = [link for link in missing if not link.uid]
    for uid in dict.fromkeys(link.uid for link in missing if link.uid):
        free = _untied(p, collection, named[uid], blocks)
        pairs, rest = _paired([link for link in missing if link.uid == uid], free)
        found += pairs
        unclear += rest if puzzling or len(pairs) < len(free) else []
    return found, unclear


def _untied(p: Pass, collection: str, shown: Sequence[Found], blocks: bool) -> list[Found]:
    with p.engine.store.read() as c:
        known = links.by_remote(c, p.connection.id, [one.id for one in shown], collection)
    tied = {name for name, found in known.items() if any(not (blocks and k.kind is LinkKind.BLOCK) for k in found)}
    return [one for one in shown if one.id not in tied]


def _times_of(p: Pass, missing: Sequence[Link]) -> Window:
    window = p.window()
    items = [item for link in missing if isinstance(item := link.agreed_there, Event | Series)]
    spans = [p.span(item) for item in items]
    ends = [end if end is not None else start for start, end in spans]
    return Window(min([window.start, *(start for start, _ in spans)]), max([window.end, *ends]))


def _paired(lost: Sequence[Link], named: Sequence[Found]) -> tuple[Moved, list[Link]]:
    """Several occurrences of one series may be items of their own with one UID: each is told by its times. And those
    that were not found: by their times, or as the only one."""
    pairs: Moved = []
    for link in lost:
        alike = [one for one in named if _same_times(link, one)]
        pairs += [(link, alike[0])] if len(alike) == 1 else []
    taken = {one.id for _, one in pairs}
    rest, left = [k for k in lost if k not in [link for link, _ in pairs]], [f for f in named if f.id not in taken]
    if len(rest) == len(left) == 1:
        return [*pairs, (rest[0], left[0])], []
    return pairs, rest


def _same_times(link: Link, found: Found) -> bool:
    shown = link.agreed_there
    if not isinstance(shown, Event | Series) or not isinstance(found.item, Event | Series):
        return False
    return not changed(shown, found.item, frozenset({"when"}))
