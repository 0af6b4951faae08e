"""What ties an event of the host to a service, as far as the host's page has to know."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.change import Access
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import links
from marketplace_plugin.sync.link import Link, LinkKind, LinkState

OWN_FIELDS = frozenset({"response", "reminder", "show_as"})
"""What a participant decides for himself (SYNC.md rule 3)."""


@dataclass(frozen=True, slots=True)
class Tied:
    """``converted``: it was a grey block, and can be one again. ``writable``: the fields that may be changed on the
    other side, None for all (rule 16)."""

    link: str
    converted: bool = False
    writable: frozenset[str] | None = None


def tie(engine: Engine, owner: str, ref: str) -> Tied | None:
    """What ties the event ``ref`` of the person ``owner``; None for an event that is the host's alone."""
    with engine.store.read() as c:
        tied = [k for k in links.by_host(c, owner, Kind.EVENT, [ref]).get(ref, ()) if k.state is not LinkState.DETACHED]
    for link in tied:
        return Tied(link.id, link.kind is LinkKind.CONVERTED, _writable(link))
    return None


def _writable(link: Link) -> frozenset[str] | None:
    if link.kind is LinkKind.EXPORT and link.organised:
        return None
    if link.state is LinkState.READ_ONLY or link.access is Access.NONE:
        return frozenset()
    return OWN_FIELDS if link.access is Access.ATTENDEE or not link.organised else None
