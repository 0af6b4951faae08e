"""What ties an event of the host to a service, as far as the host's page has to know."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import connections, links
from marketplace_plugin.sync.link import Link, LinkKind, LinkState

OWN_FIELDS = frozenset({"response", "reminder", "show_as"})
"""What a participant decides for himself (docs/sync.md, L4)."""


@dataclass(frozen=True, slots=True)
class Tied:
    """``converted``: it was a grey block, and can be one again. ``writable``: the fields that may be changed on the
    other side, None for all (rule L4). ``mirrored``: a task or call is shown in the target calendar; ``dropped``: it
    was deleted there, and is mirrored no longer. ``integration`` is the id of what it is tied through, ``account`` what
    its owner knows it by."""

    link: str
    converted: bool = False
    writable: frozenset[str] | None = None
    mirrored: bool = False
    dropped: bool = False
    integration: str = ""
    account: str = ""


def tie(engine: Engine, owner: str, ref: str, kind: Kind = Kind.EVENT) -> Tied | None:
    """What ties the item ``ref`` of the person ``owner``; None for one that is the host's alone."""
    with engine.store.read() as c:
        tied = [k for k in links.by_host(c, owner, kind, [ref]).get(ref, ()) if k.state is not LinkState.DETACHED]
        row = connections.get(c, tied[0].connection) if tied else None
    if not tied or row is None:
        return None
    link, mirror = tied[0], tied[0].kind is LinkKind.MIRROR
    dropped = mirror and link.state is LinkState.DECLINED
    return Tied(
        link=link.id,
        converted=link.kind is LinkKind.CONVERTED,
        writable=_writable(link),
        mirrored=mirror and not dropped and link.remote_id is not None,
        dropped=dropped,
        integration=row.integration,
        account=row.account,
    )


def _writable(link: Link) -> frozenset[str] | None:
    if link.kind is LinkKind.EXPORT and link.organised:
        return None
    if link.state is LinkState.READ_ONLY or link.access is Access.NONE:
        return frozenset()
    return OWN_FIELDS if link.access is Access.ATTENDEE or not link.organised else None
