"""What vanished may have been moved: all calendars of the account are asked before a deletion is believed (rule 10)."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.pull import there
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    PermissionDenied,
    ProviderError,
    Unavailable,
)
from marketplace_plugin.model.change import Found, Stamp, Unreadable, Upsert
from marketplace_plugin.model.collection import Role
from marketplace_plugin.store import links
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.sync.diff import How, LinkIndex, News, Seen, Vanished, Waits, taken_over
from marketplace_plugin.sync.link import Link, LinkKind

STAMPED = frozenset({LinkKind.EXPORT, LinkKind.MIRROR, LinkKind.PAIR})
"""Links whose remote item we may have made, so that it carries our mark."""


def look_elsewhere(p: Pass, news: list[News], index: LinkIndex) -> list[News]:
    """What vanished may have been moved into another calendar: the link follows it there (rule 10).

    Calendars that are not synced are asked, and siblings too: one that was read before, while this collection could
    not be, has told of the arrival already. Where one does not answer now, the deletion waits.
    """
    vanished = (n.link for n in news if isinstance(n, Vanished) and n.link.kind is not LinkKind.BLOCK)
    lost = {link.id: link for link in vanished if link.remote_id is not None and taken_over(link, index) is None}
    if not lost:
        return news
    told: dict[str, News] = {}
    for row in p.collections.values():
        missing = [k for k in lost.values() if k.id not in told and _may_be_in(p, row, k)]
        if not missing or not row.listed or row.info.role < Role.READER:
            continue
        try:
            for link, found in _find_moved(p, row.remote_id, missing):
                told[link.id] = Seen(link, found, row.remote_id, How.MOVED)
        except AuthorizationExpired:
            raise
        except ProviderError as error:
            p.failed(row.remote_id, error)
            told |= {link.id: Waits(link) for link in missing if link.id not in told}
    return [told.get(n.link.id, n) if isinstance(n, Vanished) else n for n in news]


def _may_be_in(p: Pass, row: Collection, link: Link) -> bool:
    return link.collection != row.remote_id and p.kind_of(link.collection) is row.info.kind


def _find_moved(p: Pass, collection: str, missing: Sequence[Link]) -> list[tuple[Link, Found]]:
    """Under its id where a move keeps it, else by our stamp, else by its UID; never what is tied to a link already. A
    calendar that must not be read holds nothing. Raises ProviderError."""
    by_id = {link.remote_id or "": link for link in missing}
    try:
        found = [(by_id[one.id], one) for one in there(p, collection, sorted(by_id))]
        known = {link.id for link, _ in found}
        stamps = {Stamp(p.engine.instance, k.id): k for k in missing if k.id not in known and k.kind in STAMPED}
        carried = p.provider.find(collection, list(stamps)) if stamps else {}
        found += _by_uid(p, collection, [k for k in missing if k.id not in known and _only_uid(p, k)])
    except (CollectionGone, PermissionDenied):
        return []  # a calendar that was never asked for; it may well be unreadable
    found += [(stamps[stamp], shown[0]) for stamp, shown in carried.items() if len(shown) == 1]
    with p.engine.store.read() as c:
        tied = links.by_remote(c, p.connection.id, [one.id for _, one in found], collection)
    return [(link, one) for link, one in found if one.id not in tied]


def _only_uid(p: Pass, link: Link) -> bool:
    """A converted item carries no mark of ours; where a move gives it another id, its UID is all that stays."""
    return link.kind is LinkKind.CONVERTED and not p.place(link.collection).capabilities.stable_ids


def _by_uid(p: Pass, collection: str, missing: Sequence[Link]) -> list[tuple[Link, Found]]:
    """Those of these items that lie in a calendar now; it is read over the window, and nothing of it is kept.

    Raises Unavailable where something there cannot be read and one is still missing: it may be that.
    """
    wanted = {link.uid: link for link in missing if link.uid}
    found: dict[str, Found] = {}
    puzzling = False
    for page in p.provider.pull(collection, None, p.window()) if wanted else ():
        found |= {one.found.uid: one.found for one in page.changes if isinstance(one, Upsert)}
        puzzling = puzzling or any(isinstance(one, Unreadable) for one in page.changes)
        if wanted.keys() <= found.keys():
            break
    if puzzling and not wanted.keys() <= found.keys():
        raise Unavailable("an item that cannot be read may be the one that is looked for")
    return [(link, found[uid]) for uid, link in wanted.items() if uid in found]
