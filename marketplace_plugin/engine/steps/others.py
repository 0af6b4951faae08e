"""A pass that writes here changes an event that others take part in: their connections are due at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.push import Work
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Attendee, Event, Series, Unknown
from marketplace_plugin.model.write import HostApplied, HostOutcome
from marketplace_plugin.store import connections


def wake_others(c: Connection, p: Pass, work: Work, applied: Mapping[str, HostOutcome]) -> None:
    """``applied``: what became of the host writes, by operation. What a person does in the host, the host announces."""
    addresses: set[str] = set()
    for step in work.steps:
        write = work.host.get(step.link.id)
        outcome = applied.get(write.op) if write is not None else None
        if isinstance(outcome, HostApplied):
            addresses |= _part(step.case.host) | _part(outcome.stored)
    if not addresses:
        return
    colleagues = p.engine.host.people(p.connection.tenant)
    users = {one.id for one in colleagues if one.email.lower() in addresses} - {p.connection.user}
    concerned = [row.id for user in sorted(users) for row in connections.of_user(c, user)]
    if concerned:
        connections.mark_dirty(c, concerned, p.engine.now())


def _part(shown: object) -> set[str]:
    """The addresses of all who take part in an event, in any occurrence of it, and of its organiser."""
    item = shown.item if isinstance(shown, HostItem) else None
    if isinstance(item, Event):
        return _of(item)
    if isinstance(item, Series):
        return _of(item.master).union(*(_of(o.event) for o in item.overrides if o.event is not None))
    return set()


def _of(event: Event) -> set[str]:
    listed: Iterable[Attendee] = () if isinstance(event.attendees, Unknown) else event.attendees
    return {one.address for one in (*listed, *filter(None, [event.organizer]))}
