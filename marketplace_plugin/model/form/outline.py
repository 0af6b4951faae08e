"""What somebody may know of an event in which he has no part. The host's pages, its JSON, the API and the grey blocks
ask here: one rule, so that none of them tells what another one hides (docs/sync.md, M11 and M11a).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from marketplace_plugin.model.event import Event, Masked, Response, Sensitivity, Series, ShowAs, Status, Unknown
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.time import Timed, When, Zoned


def outline(item: Event | Series, event: Event, zone: str) -> Event | None:
    """``event``, one occurrence of ``item``, as a colleague may see it: title, time and place, nothing else.

    Of what is hidden he learns that its owner is busy, on the clock of his own ``zone`` (IANA), and whole days as they
    are. None: nothing at all, because it takes no time of its owner, who is free, or does not come.
    """
    if event.response is Response.DECLINED or event.status is Status.CANCELLED:
        return None
    if hidden_in(item, event):
        return Event(when=on_clock(event.when, zone)) if takes_time(event) else None
    return Event(
        when=event.when, title=event.title, location=event.location, show_as=event.show_as, status=event.status
    )


def hidden(event: Event) -> bool:
    """Whether only those who take part may know more than the time; what is masked counts as private."""
    return event.sensitivity is not Sensitivity.NORMAL


def hidden_whole(item: object) -> bool:
    """So for an event or series as a whole; nothing else is."""
    return isinstance(item, Event | Series) and hidden(master_of(item))


def hidden_in(item: Event | Series, event: Event) -> bool:
    """So for ``event`` of ``item``: an occurrence that was changed before is as private as its series has become."""
    return hidden(event) or hidden(master_of(item))


def is_told(item: Event | Series) -> bool:
    """Whether all is known of it that makes it visible to others. What is masked would stand there as empty."""
    events = [item] if isinstance(item, Event) else [item.master, *(o.event for o in item.overrides if o.event)]
    return not any(
        isinstance(value, Unknown)
        for event in events
        for value in (event.title, event.description, event.location, event.show_as, event.sensitivity)
    )


class Shown(Protocol):
    """An event, or a grey block."""

    @property
    def show_as(self) -> ShowAs | Masked: ...

    @property
    def status(self) -> Status: ...


def takes_time(shown: Shown) -> bool:
    """Whether its owner is not free meanwhile."""
    return shown.show_as is not ShowAs.FREE and shown.status is not Status.CANCELLED


def on_clock(when: When, zone: str) -> When:
    """The same instants on the clock of ``zone``: in which zone something was planned tells of a journey. Whole days
    stay the owner's."""
    if not isinstance(when, Timed):
        return when
    return replace(when, start=Zoned.at(when.start.instant(), zone), end=Zoned.at(when.end.instant(), zone))
