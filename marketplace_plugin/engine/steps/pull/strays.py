"""What carries the mark of a link and is not what that link names: moved, or copied, or split off? (rules R1d and R9a)

A copy that the user kept is his and never a block, wherever he moves it; what he copied himself is one. Both carry our
mark, so what the link names is asked for by its id: gone, it has moved here; still there, this is a copy of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.engine.steps.pull.reading import fetch
from marketplace_plugin.errors import AuthorizationExpired, CollectionGone, ProviderError
from marketplace_plugin.model.change import Tombstone
from marketplace_plugin.store import connections, held
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.sync.diff import (
    How,
    LinkIndex,
    News,
    Seen,
    Stray,
    Suspect,
    Vanished,
    Waits,
    as_copy,
    each_once,
    taken_over,
)
from marketplace_plugin.sync.link import Link
from marketplace_plugin.sync.reason import Reason

Place = tuple[str, str]
"""Collection and remote id."""


def tell_strays(p: Pass, news: list[News], index: LinkIndex) -> tuple[list[News], dict[Place, str]]:
    """Each stray is a move or a copy. What cannot be told now waits: by its place, the calendar that must answer. What
    has become a block stands there."""
    heard = {one.link.id: one for one in news if isinstance(one, Seen | Vanished | Suspect | Waits)}
    places = {(one.collection, one.found.id) for one in heard.values() if isinstance(one, Seen)}
    rest: list[News] = [one for one in news if not isinstance(one, Stray)]
    strays = [one for one in news if isinstance(one, Stray) and (one.collection, one.found.id) not in places]
    if not strays:
        return rest, {}
    standing = {
        name: isinstance(one, Seen) or taken_over(one.link, index) is not None
        for name, one in heard.items()
        if isinstance(one, Seen | Vanished)
    }
    standing |= _standing(p, {one.link.id: one.link for one in strays if one.link.id not in heard}.values())
    told = [_told(one, standing) for one in strays]
    waiting = {(one.collection, one.found.id): one.link.collection for one in told if isinstance(one, Stray)}
    moved = {one.link.id for one in told if isinstance(one, Seen)}
    rest = [one for one in rest if not (isinstance(one, Vanished) and one.link.id in moved)]
    return each_once([*rest, *(one for one in told if not isinstance(one, Stray))]), waiting


def _told(one: Stray, standing: Mapping[str, bool]) -> News:
    if one.link.id not in standing:
        return one
    return as_copy(one) if standing[one.link.id] else Seen(one.link, one.found, one.collection, How.MOVED)


def _of_this_account(p: Pass, listed: Sequence[Link]) -> dict[str, Link]:
    """Links of this connection, and of one to the same account that has ended. What others keep is theirs to follow."""
    before = {k.connection for k in listed if k.connection != p.connection.id and k.user == p.connection.user}
    mine = {p.connection.id}
    if before:
        with p.engine.store.read() as c:
            rows = [row for name in before if (row := connections.get(c, name)) is not None]
        mine |= {
            row.id
            for row in rows
            if row.state is ConnectionState.REMOVED and row.account_key == p.connection.account_key
        }
    return {link.id: link for link in listed if link.connection in mine}


def _standing(p: Pass, links: Iterable[Link]) -> dict[str, bool]:
    """Whether what these links name stands where they name it, by link; left out where nobody can say at present."""
    listed = list(links)
    known = _of_this_account(p, listed)
    standing = dict.fromkeys((link.id for link in listed if link.id not in known), True)  # not ours to say
    asked: dict[str, list[Link]] = defaultdict(list)
    for link in known.values():
        if link.remote_id is None or link.collection not in p.collections or not p.collections[link.collection].listed:
            standing[link.id] = False  # nothing is named, or in a calendar that the account no longer has
        elif may_ask(p, link.collection):
            asked[link.collection].append(link)
    for collection, named in asked.items():
        ids = sorted({link.remote_id or "" for link in named})
        try:
            told = [one for batch in chunks(ids, p.engine.settings.batch) for one in fetch(p, collection, batch)]
            gone = {one.id for one in told if isinstance(one, Tombstone)}
        except CollectionGone:
            gone = set(ids)
        except AuthorizationExpired:
            raise
        except ProviderError as error:
            p.failed(collection, error)
            continue
        standing |= {link.id: link.remote_id not in gone for link in named}
    return standing


def may_ask(p: Pass, collection: str) -> bool:
    """A calendar that must not be read answers that nothing is there, or not at all."""
    row = p.collections.get(collection)
    return row is None or not row.listed or row.is_readable


def hold_unclear(c: Connection, p: Pass, unclear: Mapping[Place, str], cleared: Iterable[str]) -> None:
    """What the next pass asks for again, by its place, with the calendar that must answer first; ``cleared`` are rows
    that were answered."""
    held.remove(c, cleared)
    held.put(
        c,
        [
            Held(
                id=p.engine.store.vault.keyed(f"unclear\0{p.connection.id}\0{collection}\0{remote_id}".encode()),
                connection=p.connection.id,
                collection=collection,
                what=What.UNCLEAR,
                reason=Reason.AWAITS_SIBLING,
                created_at=p.now,
                remote_id=remote_id,
                detail=first,
            )
            for (collection, remote_id), first in unclear.items()
        ],
    )
