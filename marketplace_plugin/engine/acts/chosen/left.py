"""Copies whose event went elsewhere: each only waits to be removed, if nobody wrote into it (docs/sync.md, L10, L12).

A copy is as we left it while it shows what was agreed when both sides last met. What its owner wrote there and the
event here does not show (it was refused, it waits, or it is his alone) stands nowhere else, so the copy stays.
Where the connection ends first, the link stays by its names: no content, but the revision and the keyed digest that
tell whether the copy is still as we left it when the same account is connected again.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection as Database

from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.change import Found, Revision
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.write import Create
from marketplace_plugin.store import conflicts, intents, journal
from marketplace_plugin.store.work.conflicts import ConflictState
from marketplace_plugin.store.work.intents import Intent, IntentState
from marketplace_plugin.sync.link import Link, LinkKind, LinkState, RemoteShowing
from marketplace_plugin.sync.outcome import as_said, without_missing
from marketplace_plugin.sync.reason import Reason

COPIES = (LinkKind.EXPORT, LinkKind.MIRROR)
NOT_SEEN = RemoteShowing(Revision(""), "")
"""No revision is like it, so what stands there is compared with what was agreed."""


def is_left(link: Link) -> bool:
    """Its event is another link's, or nobody's; also while its connection ends, and when it has ended."""
    waits = not link.rests
    return link.kind in COPIES and link.host_ref is None and (waits or let_go(link))


def let_go(link: Link) -> bool:
    """Nothing flows any more because its connection ends, or has ended."""
    return link.state is LinkState.DETACHED and link.reason is Reason.DISCONNECTED


def sent(begun: Iterable[Intent]) -> dict[str, Item]:
    """What is under way to be made, by link."""
    return {one.link: one.write.item for one in begun if isinstance(one.write, Create)}


def look_up_again(engine: Engine, c: Database, copies: Iterable[Link]) -> None:
    """What may have been made although the service said "not now" is looked up by its stamp like what is under way."""
    tried = intents.last_creates(c, [link.id for link in copies if link.remote_id is None])
    intents.settle(c, [one.op for one in tried.values()], IntentState.OPEN, engine.now())


def put_back(begun: Iterable[Intent]) -> set[str]:
    """The links of open creates by which an undo puts back what was deleted there: it is the user's own again, and
    not a copy that waits to be removed, whether its answer came or not (rule L12a)."""
    return {one.link for one in begun if one.reason is Reason.UNDONE and isinstance(one.write, Create)}


def may_stand(link: Link, sent: Group[str]) -> bool:
    """Its copy is there, or may be: a service that says "not now" may have made it all the same. ``sent``: links whose
    create is under way."""
    tried = link.state is LinkState.PENDING and link.reason is not None
    return link.remote_id is not None or link.id in sent or (link.kind in COPIES and (tried or let_go(link)))


def leaving(engine: Engine, link: Link) -> Link:
    """The link of a copy that only waits to be removed from now on."""
    return replace(
        link,
        host_ref=None,
        host=None,
        organised=False,
        remote=last_seen(engine, link),
        state=LinkState.PARKED,
        reason=Reason.TARGET_CHANGED,
        attempts=0,
    )


def kept(link: Link) -> Link:
    """The copy stays as it is, and is never touched or imported again."""
    return replace(link, state=LinkState.DETACHED, reason=Reason.TARGET_CHANGED, base=None, remote_base=None)


def last_seen(engine: Engine, link: Link) -> RemoteShowing:
    """Where the copy stood as it was agreed. What was seen there beside that is not ours: NOT_SEEN."""
    agreed = link.agreed_there
    seen = link.remote is not None and agreed is not None and link.remote.digest == engine.digest(agreed)
    return link.remote if seen and link.remote is not None else NOT_SEEN


def let_leave(engine: Engine, c: Database, copies: Iterable[Link]) -> list[Link]:
    """These wait to be removed from now on; those that show on purpose what the events here do not are kept."""
    standing = list(copies)
    differ = disputed(c, standing)
    return [kept(k) if k.id in differ else leaving(engine, k) for k in standing]


def disputed(c: Database, copies: Iterable[Link]) -> set[str]:
    """Those whose copy shows on purpose what the event here does not: a clash waits or was left as it is, or the user
    took back here what came from there. Where both halves of the base are the same, nothing of that is left."""
    asked = [link.id for link in copies if link.remote_base is not None]
    left_so = {
        row.link
        for row in conflicts.of_links(c, asked)
        if row.state is ConflictState.OPEN or (row.state is ConflictState.CLOSED and not row.winner)
    }
    return left_so | journal.taken_back(c, asked, journal.Side.HOST)


def named(engine: Engine, link: Link, sent: Item | None) -> Link:
    """What stays of it with its connection gone. ``sent``: what its create carries where that is under way."""
    agreed, remote = link.agreed_there or sent, link.remote
    if agreed is not None:
        remote = RemoteShowing(last_seen(engine, link).revision, engine.digest(agreed))
    return replace(
        link,
        state=LinkState.DETACHED,
        reason=Reason.DISCONNECTED,
        base=None,
        remote_base=None,
        remote=remote,
        attempts=0,
    )


def standing(engine: Engine, link: Link, found: Found, sent: Item | None = None) -> Link:
    """``link`` as one that only waits to be removed, with what of ``found``, its copy now, is as we left it."""
    waits = replace(leaving(engine, link), remote_id=found.id, access=found.access, remote=NOT_SEEN)
    if link.base is not None:
        return waits
    if sent is not None:
        said = without_missing(sent, found.item)
        return replace(waits, base=said, remote_base=as_said(said, found.item))
    untouched = link.remote is not None and (
        (link.remote.revision != Revision("") and link.remote.revision == found.revision)
        or link.remote.digest == engine.digest(found.item)
    )
    return replace(waits, remote_base=found.item) if untouched else waits
