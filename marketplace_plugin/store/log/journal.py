"""One row per step done. What a step took away (the pre-image) is sealed; undo reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, exists, func, or_, select, update

from marketplace_plugin.store import codec
from marketplace_plugin.store.clock import NEVER_AS_FAR
from marketplace_plugin.store.database import in_chunks, upsert, vault_of
from marketplace_plugin.store.tables import journal, link
from marketplace_plugin.store.vault import Vault
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.reason import Reason


class Side(StrEnum):
    BLOCK = "block"
    REMOTE = "remote"
    HOST = "host"


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MOVE = "move"
    LINK = "link"  # adopted, converted, detached: nothing was written on either side
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Entry:
    """``versions`` are revisions before and after, by name, without content. ``pre_image`` is a value of the model."""

    id: str
    run: str
    connection: str
    user: str
    link: str
    link_kind: LinkKind
    side: Side
    action: Action
    reason: Reason
    at: datetime
    versions: Mapping[str, Any] = field(default_factory=dict)
    pre_image: Any = None
    undone_by: str | None = None


def add(c: Connection, entries: Iterable[Entry]) -> None:
    vault = vault_of(c)
    upsert(c, journal, (_row(vault, one) for one in entries))


def of_run(c: Connection, run: str) -> list[Entry]:
    """In the order of the steps."""
    rows = c.execute(select(journal).where(journal.c.run == run).order_by(journal.c.at, journal.c.id))
    return [_entry(vault_of(c), row) for row in rows]


def of_link(c: Connection, link: str, limit: int = 50) -> list[Entry]:
    """Newest first."""
    rows = c.execute(
        select(journal).where(journal.c.link == link).order_by(journal.c.at.desc(), journal.c.id).limit(limit)
    )
    return [_entry(vault_of(c), row) for row in rows]


def summary(c: Connection, run: str) -> Counter[tuple[Side, Action, Reason]]:
    """How often a run did what, and why; the content is not opened."""
    rows = c.execute(
        select(journal.c.side, journal.c.action, journal.c.reason, func.count())
        .where(journal.c.run == run)
        .group_by(journal.c.side, journal.c.action, journal.c.reason)
    )
    return Counter({(Side(side), Action(action), Reason(reason)): number for side, action, reason, number in rows})


def deletions(c: Connection, connection: str, now: datetime) -> Counter[Side]:
    """Deletions per side in the last 24 hours, for the brake (rule D6); those of blocks too, under their side. What an
    undo deleted was the user's own act. What was done while the clock was wrong counts no longer (rule W13)."""
    rows = c.execute(
        select(journal.c.side, func.count())
        .where(
            journal.c.connection == connection,
            journal.c.action == Action.DELETE,
            journal.c.at.between(now - timedelta(hours=24), now + NEVER_AS_FAR),
            journal.c.reason != Reason.UNDONE,
        )
        .group_by(journal.c.side)
    )
    return Counter({Side(side): number for side, number in rows})


def asked_back(c: Connection, connection: str, run: str) -> list[Entry]:
    """The entries that ``run`` is to take back, or has taken back, in the order of the steps."""
    query = select(journal).where(journal.c.connection == connection, journal.c.undone_by == run)
    return [_entry(vault_of(c), row) for row in c.execute(query.order_by(journal.c.at, journal.c.id))]


def written_since(c: Connection, link: str, line: Entry) -> bool:
    """Whether another run wrote to the link when ``line`` was written, or later; what was only held does not count."""
    query = select(journal.c.id).where(
        journal.c.link == link,
        journal.c.run != line.run,
        journal.c.at >= line.at,
        journal.c.action != Action.HOLD,
    )
    return c.execute(query.limit(1)).first() is not None


_BACK = (journal.c.action == Action.UPDATE, journal.c.reason == Reason.UNDONE)


def taken_back(c: Connection, link_ids: Iterable[str], side: Side) -> set[str]:
    """Those of these links to which an undo wrote back on this side what had stood there before."""
    found: set[str] = set()
    query = select(journal.c.link).where(journal.c.side == side, *_BACK)
    for chunk in in_chunks(link_ids):
        found.update(c.execute(query.where(journal.c.link.in_(chunk))).scalars())
    return found


def mark_undone(c: Connection, ids: Iterable[str], run: str) -> None:
    for chunk in in_chunks(ids):
        c.execute(update(journal).where(journal.c.id.in_(chunk)).values(undone_by=run))


_FORGET = delete(journal).where(
    journal.c.connection == bindparam("connection"),
    journal.c.action.in_(list(Action)),  # by an index
    journal.c.at < bindparam("before"),
    or_(~and_(*_BACK, journal.c.side == Side.HOST), ~exists().where(link.c.id == journal.c.link)),
)
_EMPTY = (
    update(journal)
    .where(
        journal.c.connection == bindparam("of_connection"),
        *_BACK,
        journal.c.at < bindparam("before"),
        journal.c.pre_image.is_not(None),
    )
    .values(pre_image=None)
)


def forget(c: Connection, connection: str, before: datetime) -> int:
    """Delete entries from before an instant. What an undo wrote back in the host goes on telling, without its content
    and for as long as its link lives, that the copy there shows something else on purpose. Returns how many."""
    gone = c.execute(_FORGET, {"connection": connection, "before": before}).rowcount
    c.execute(_EMPTY, {"of_connection": connection, "before": before})
    return gone


def remove_of(c: Connection, connection: str) -> None:
    """Delete all rows of a connection, those of links that are gone too."""
    c.execute(delete(journal).where(journal.c.connection == connection))


def remove_for(c: Connection, link_ids: Iterable[str]) -> None:
    """Delete all entries of these links: after a purge nothing of them can be undone (rule L9)."""
    for chunk in in_chunks(link_ids):
        c.execute(delete(journal).where(journal.c.link.in_(chunk)))


def _row(vault: Vault, one: Entry) -> dict[str, Any]:
    image = None if one.pre_image is None else codec.encode(one.pre_image)
    return {
        "id": one.id,
        "run": one.run,
        "connection": one.connection,
        "user": one.user,
        "link": one.link,
        "link_kind": one.link_kind,
        "side": one.side,
        "action": one.action,
        "reason": one.reason,
        "versions": dict(one.versions),
        "pre_image": None if image is None else vault.seal("journal", "pre_image", one.id, image),
        "at": one.at,
        "undone_by": one.undone_by,
    }


def _entry(vault: Vault, row: Row[Any]) -> Entry:
    image = row.pre_image
    return Entry(
        id=row.id,
        run=row.run,
        connection=row.connection,
        user=row.user,
        link=row.link,
        link_kind=LinkKind(row.link_kind),
        side=Side(row.side),
        action=Action(row.action),
        reason=Reason(row.reason),
        at=row.at,
        versions=row.versions,
        pre_image=None if image is None else codec.decode(vault.open("journal", "pre_image", row.id, image)),
        undone_by=row.undone_by,
    )
