"""Whoever takes part in an event that we change here has it too: his connections are due at once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Attendee, Event, Series, Unknown
from marketplace_plugin.store import connections, leases


def wake_others(c: Connection, engine: Engine, person: Person, shown: Iterable[object]) -> None:
    """``shown``: the host items that were changed on behalf of ``person``, before and after. What somebody does on the
    host's own pages, the host announces itself."""
    addresses = {address for one in shown if isinstance(one, HostItem) for address in _part(one)}
    if not addresses:
        return
    colleagues = engine.host.people(person.tenant)
    users = sorted(one.id for one in colleagues if one.email.lower() in addresses and one.id != person.id)
    concerned = [row.id for user in users for row in connections.of_user(c, user)]
    if concerned:
        leases.mark_dirty(c, concerned, engine.now())


def _part(shown: HostItem) -> set[str]:
    """The addresses of all who take part in an event, in any occurrence of it, and of its organiser."""
    match shown.item:
        case Event() as event:
            return _of(event)
        case Series(master=master, overrides=overrides):
            return _of(master).union(*(_of(o.event) for o in overrides if o.event is not None))
        case _:
            return set()


def _of(event: Event) -> set[str]:
    listed: Iterable[Attendee] = () if isinstance(event.attendees, Unknown) else event.attendees
    return {one.address for one in (*listed, *filter(None, [event.organizer]))}
