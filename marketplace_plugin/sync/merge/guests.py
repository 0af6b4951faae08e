"""Guests: who takes part in a host event is asked to its copy too, where the owner has switched that on (decision 7).

One way, and by mail address alone. What a service keeps beside an address (the answer) is never ours to write; whom the
organiser added or took out there stays added or out. They are those of the whole series: an occurrence has its series'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from marketplace_plugin.model.event import Attendee, Event, Series, Unknown
from marketplace_plugin.sync.merge.cells import Parts, Synced, told

GUESTS = "attendees"


@dataclass(frozen=True, slots=True)
class Sides:
    """One event as the host and the service showed it when both last agreed, and as they show it now."""

    base_host: Synced
    base_remote: Synced
    host: Synced
    remote: Synced


def due(sides: Sides) -> tuple[Attendee, ...] | None:
    """The lines that the copy shall have; None where nobody is to be added or taken out, or a list is masked.

    Who is here and was never said there is added. Who is gone from here, and came there from here, is taken out.
    """
    if not all(map(told, (_lines(sides.base_remote), _lines(sides.host), _lines(sides.remote)))):
        return None
    said, here, there = addresses(sides.base_remote), addresses(sides.host), addresses(sides.remote)
    added = [_bare(one) for one in guests_of(sides.host) if one.address not in said | there]
    taken_out = ((addresses(sides.base_host) & said) - here) & there
    if not added and not taken_out:
        return None
    return (*(line for line in guests_of(sides.remote) if line.address not in taken_out), *added)


def remembered(sides: Sides, shown: Synced) -> tuple[Attendee, ...]:
    """The lines of the base's remote half where the copy is ``shown`` after the writes: who was asked once and is there
    no more, though he is here, was taken out there and is not asked again."""
    out = addresses(sides.host) - addresses(shown)
    return (*guests_of(shown), *(one for one in guests_of(sides.base_remote) if one.address in out))


def addresses(item: Synced) -> frozenset[str]:
    return frozenset(one.address for one in guests_of(item))


def guests_of(item: Synced) -> tuple[Attendee, ...]:
    """Of the event, or of the whole series; none where they are masked."""
    lines = _lines(item)
    return () if isinstance(lines, Unknown) else lines


def with_guests(item: Synced, lines: Sequence[Attendee]) -> Synced:
    match item:
        case Event():
            return replace(item, attendees=tuple(lines))
        case Series():
            return replace(item, master=replace(item.master, attendees=tuple(lines)))
    return item


def _lines(item: Synced) -> tuple[Attendee, ...] | Unknown:
    master = Parts.of(item).master
    return master.attendees if isinstance(master, Event) else ()


def _bare(one: Attendee) -> Attendee:
    """Asked, and not answered for anybody."""
    return Attendee(one.address, one.name, optional=one.optional)
