"""What a decision is about, as its owner knows it: title, time, account and calendar. For the owner alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection as Database

from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.kinds import module_now
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.contact import Contact, called
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import AllDay, Timed, When
from marketplace_plugin.store import blocks, collections, connections, links
from marketplace_plugin.store.accounts.connections import ConnectionState
from marketplace_plugin.sync.link import Link, LinkKind


@dataclass(frozen=True, slots=True)
class Subject:
    """``title`` is empty where it is hidden or not known any more. ``calendar`` is the remote calendar's title."""

    link: str
    title: str
    when: When | None
    kind: LinkKind
    host_ref: str | None
    connection: str
    integration: str
    account: str
    calendar: str


def subjects(
    engine: Engine, c: Database, known: Iterable[Link], items: Mapping[str, Item] | None = None
) -> dict[str, Subject]:
    """By link. ``items`` are showings at hand; otherwise what both sides agreed on, the block, or the host tells."""
    listed = list(known)
    shown: dict[str, Item] = {k.id: item for k in listed if (item := k.base or k.remote_base) is not None}
    shown |= {one.link: one.item for one in blocks.get(c, [k.id for k in listed]).values()}
    shown |= items or {}
    missing = [k for k in listed if k.id not in shown and k.host_ref is not None]
    for link in missing:
        for one in engine.host.modules[link.host_kind].get(link.user, [link.host_ref or ""]):
            if isinstance(one, HostItem):
                shown[link.id] = one.item
    rows = {name: connections.get(c, name) for name in {k.connection for k in listed}}
    titles = {
        (row.connection, row.remote_id): row.info.title for name in rows for row in collections.of_connection(c, name)
    }
    found = {}
    for link in listed:
        row = rows[link.connection]
        title, when = headline(shown.get(link.id))
        found[link.id] = Subject(
            link=link.id,
            title=title,
            when=when,
            kind=link.kind,
            host_ref=link.host_ref,
            connection=link.connection,
            integration=row.integration if row is not None else "",
            account=row.account if row is not None else "",
            calendar=titles.get((link.connection, link.collection), ""),
        )
    return found


def headline(item: Item | None) -> tuple[str, When | None]:
    """Title and time; of a contact what it is called. Empty for what is hidden."""
    match item.master if isinstance(item, Series) else item:
        case Event(title=title, when=at):
            return (title if isinstance(title, str) else ""), at
        case Contact() as contact:
            return called(contact), None
        case Task(title=title, due=due):
            return title, due if due is None or isinstance(due, Timed) else AllDay(due, due + timedelta(days=1))
        case Call(title=title, when=planned):
            return title, planned
        case _:
            return "", None


def own_link(c: Database, person: str, link_id: str) -> Link:
    """Raises NotFound for an unknown one, for somebody else's, and where its connection has ended."""
    link = links.get(c, [link_id]).get(link_id)
    row = connections.get(c, link.connection) if link is not None else None
    if link is None or row is None or link.user != person or row.state is ConnectionState.REMOVED:
        raise NotFound("no such event of yours")
    return link


def host_item(engine: Engine, link: Link) -> HostItem | None:
    """The host's side as its owner sees it now, a mirror as the entry that it is; None where it is gone or there is
    none."""
    if link.host_ref is None or link.host_kind not in engine.host.modules:
        return None
    (found,) = module_now(engine, link).get(link.user, [link.host_ref])
    return found if isinstance(found, HostItem) else None
