"""Which fields go where on a link: by its kind, the account's role, and what the collection can hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marketplace_plugin.model.change import Access
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS, TASK_FIELDS, restrict
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.cells import Synced
from marketplace_plugin.sync.merge.three_way import CONTENT, OWN, TOLD, Flows

SHOWN = frozenset({"reminder", "show_as"})
STRUCTURE = frozenset({"when", "rule", "rdates", "overrides"})


@dataclass(frozen=True, slots=True)
class Place:
    """The collection of a link: what it can hold, and whether the account may write there (rule L7). ``invites``: the
    owner wants those who take part in his events asked to their copies there. ``shows``: it is a source, so what is
    tied to nothing there is a block."""

    capabilities: Capabilities
    writable: bool = True
    invites: bool = False
    shows: bool = True


def flows_of(link: Link, place: Place) -> Flows:
    """Which fields go where on this link, under what the collection can hold.

    Attendees are no field that flows: out, they would be invited; in, they would become participants who see the event.
    Only whom the user himself has asked in the host is asked to his copy too, where he has switched that on.
    """
    match link.kind:
        case LinkKind.EXPORT:
            own = link.organised or link.host_ref is None
            inward = CONTENT | OWN | {"status"} if own else OWN
        case LinkKind.CONVERTED:
            inward = CONTENT | SHOWN | {"status", "conference"}
        case LinkKind.MIRROR:
            inward = frozenset({"when"}) if link.host_ref is not None else CONTENT  # left: what was written in counts
        case LinkKind.BLOCK:
            inward = CONTENT | OWN | TOLD
        case LinkKind.PAIR:
            held = place.capabilities.fields & (CONTACT_FIELDS | TASK_FIELDS)
            may = link.access is Access.FULL and writes(link, place)
            return Flows(held, held if may else frozenset())
    outward = CONTENT | SHOWN if link.access is Access.FULL else OWN
    if link.kind is LinkKind.CONVERTED and link.access is not Access.FULL:
        outward = SHOWN  # the host event is the user's own there, so it has no response to carry
    if link.kind is LinkKind.BLOCK or link.access is Access.NONE or not writes(link, place):
        outward = frozenset()
    held = place.capabilities.fields | STRUCTURE
    return Flows(inward & held, outward & held, guests=bool(outward) and _asks(link, place))


def _asks(link: Link, place: Place) -> bool:
    """Never where the service cannot be silent, whoever has switched it on."""
    may = place.invites and place.capabilities.invites and place.capabilities.silent
    own = link.kind is LinkKind.EXPORT and link.organised and link.host_ref is not None
    return may and own and link.access is Access.FULL


def wished(link: Link, place: Place) -> Flows:
    """The flows with the role that the link was made with: a change after a drop must not count as sent."""
    access = Access.FULL if link.access is Access.NONE else link.access
    return flows_of(replace(link, state=LinkState.LIVE, access=access), replace(place, writable=True))


def writes(link: Link, place: Place) -> bool:
    return place.writable and link.state is not LinkState.READ_ONLY


def outgoing(item: Synced, place: Place, link: Link) -> Synced:
    """What of a host item is sent for a new copy: the fields that may go out, all others at their defaults."""
    sent = restrict(item, flows_of(link, place).outward)
    if not isinstance(sent, Synced):
        raise TypeError("a call is sent as the event that it is mirrored as")
    return sent
