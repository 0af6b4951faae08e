"""Mirrors: a task or a call as the entry that the target calendar shows of it, and what a move of it means here.

The entry is a private event with our stamp: a task or a call is its owner's alone here (rule M11a), and whoever else
may read that calendar sees a busy time. Only its time comes back; what else is written into it there stays there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from marketplace_plugin.model.event import Event, Sensitivity, Series, ShowAs
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.task import Call, Task, is_done
from marketplace_plugin.model.time import AllDay, Timed, When, Zoned

MOMENT: Final = timedelta(minutes=30)
"""How long a task is shown that begins at a time and has no end: an entry without length is hard to take hold of."""


@dataclass(frozen=True, slots=True)
class Manner:
    """``phone`` is the word before a call's number, in its owner's language. ``whole_days``: tasks without a time are
    mirrored too, as whole days."""

    phone: str = "Phone"
    whole_days: bool = True


def shown(item: Task | Call, manner: Manner) -> Event | None:
    """The entry; None for what has no place there: done, without a day, or without a time where such are left out."""
    if is_done(item):
        return None
    if isinstance(item, Call):
        text = "\n\n".join(part for part in (f"{manner.phone}: {item.phone}" if item.phone else "", item.notes) if part)
        return _private(_lasting(item.when), item.title, text)
    match item.due:
        case Timed():
            return _private(_lasting(item.due), item.title, item.notes)
        case date() as day if manner.whole_days:
            when = AllDay(day, day + timedelta(days=1))
            return replace(_private(when, item.title, item.notes), show_as=ShowAs.FREE)
    return None


def _private(when: When, title: str, text: str) -> Event:
    return Event(when=when, title=title, description=text, sensitivity=Sensitivity.PRIVATE)


def moved(item: Task | Call, entry: Event | Series, manner: Manner) -> Task | Call:
    """The task or call at the time of its entry; of one that repeats now, at that of the first. A call on whole days
    keeps its clock, and so does a task where whole days are not mirrored."""
    when = master_of(entry).when
    if isinstance(item, Call):
        return replace(item, when=_at(item.when, when))
    if isinstance(item.due, Timed) and (isinstance(when, Timed) or not manner.whole_days):
        return replace(item, due=_at(item.due, when))
    return replace(item, due=when if isinstance(when, Timed) else when.start)


def on_day(due: Timed, day: date) -> Timed:
    """The same clock on another day: what becomes of a time where only a day is told."""
    start = Zoned(datetime.combine(day, due.start.wall.time()), due.start.zone)
    return Timed(start, Zoned.at(start.instant() + due.duration, due.end.zone))


def _at(before: Timed, when: When) -> Timed:
    if isinstance(when, AllDay):
        return on_day(before, when.start)
    if not before.duration and when.duration == MOMENT:
        return Timed(when.start, when.start)
    return when


def _lasting(when: Timed) -> Timed:
    if when.duration:
        return when
    return Timed(when.start, Zoned.at(when.start.instant() + MOMENT, when.end.zone))
