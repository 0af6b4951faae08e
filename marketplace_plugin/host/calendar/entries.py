"""One occurrence as the page shows it. ``of_...`` redact: what the viewer may not know is not in the entry at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from marketplace_plugin.contract.module import BlockView, Person
from marketplace_plugin.host.records import events, todos
from marketplace_plugin.model.event import (
    Event,
    Occurrence,
    Response,
    ShowAs,
    Status,
    Unknown,
    original_key,
)
from marketplace_plugin.model.form.outline import hidden_in, outline
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import AllDay, Timed, When, Window, zone

CALENDARS = {"events": "c1", "sales": "c2", "fairs": "c3"}
"""Steg's own grouping of events, and its colour."""
CONVERTED = "c5"
A_DAY = timedelta(days=1)


class Sort(StrEnum):
    EVENT = "event"
    BLOCK = "block"  # imported, personal
    TASK = "task"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) on the viewer's clock: aware, in his zone."""

    start: datetime
    end: datetime


Shown = AllDay | Span


@dataclass(frozen=True, slots=True)
class Entry:
    """``title`` is empty where the page says "Busy". ``ref`` and ``at`` (or ``link``) name what can be opened, and are
    empty where the viewer may not open it. ``source`` is the calendar that it belongs to, for the page's filters."""

    sort: Sort
    look: str
    when: Shown
    title: str = ""
    place: str = ""
    who: str = ""
    whose: str = ""  # the colleague's first name, where his calendar is laid over one's own
    ref: str = ""
    at: str = ""
    link: str = ""
    source: str = ""
    calendar: str = ""
    locked: bool = False  # readable for its owner alone
    free: bool = False
    converted: bool = False
    done: bool = False
    repeats: bool = False
    convertible: bool = False

    @property
    def days(self) -> tuple[date, date]:
        """The days it touches, end exclusive."""
        if isinstance(self.when, AllDay):
            return self.when.start, self.when.end
        last = self.when.end if self.when.end == self.when.start else self.when.end - timedelta(microseconds=1)
        return self.when.start.date(), last.date() + A_DAY

    @property
    def is_bar(self) -> bool:
        """Shown above the hours: whole days, and what lasts a day or longer."""
        return isinstance(self.when, AllDay) or self.when.end - self.when.start >= A_DAY

    @property
    def order(self) -> tuple[date, bool, datetime | date, str]:
        start = self.days[0]
        return (start, not self.is_bar, self.when.start, self.title)


def shown_at(when: When, viewer_zone: str) -> Shown:
    if isinstance(when, AllDay):
        return when
    tz = zone(viewer_zone)
    return Span(when.start.instant().astimezone(tz), when.end.instant().astimezone(tz))


# ---- host events ---------------------------------------------------------------------------------------------------


def of_event(record: events.Record, owner: Person, viewer: Person, window: Window) -> list[Entry]:
    """The occurrences in ``owner``'s calendar as ``viewer`` may see them."""
    item = record.item_for(owner.id)
    return [
        entry
        for occurrence in occurrences(item, window, viewer.zone).occurrences
        if (entry := _of_occurrence(record, occurrence, not isinstance(item, Event), owner, viewer)) is not None
    ]


def _of_occurrence(
    record: events.Record, occurrence: Occurrence, repeats: bool, owner: Person, viewer: Person
) -> Entry | None:
    event = occurrence.event
    when = shown_at(event.when, viewer.zone)
    own = viewer.id == owner.id
    declined = event.response is Response.DECLINED or event.status is Status.CANCELLED
    private = hidden_in(record.item, event)
    if not record.concerns(viewer.id):
        seen = outline(record.item, event, viewer.zone)
        if seen is None or private:
            return None if seen is None else Entry(Sort.EVENT, "busy", when)
        event = seen
    if not own and declined:
        return None
    colour = CONVERTED if record.converted and own else CALENDARS.get(record.calendar, "c1")
    return Entry(
        sort=Sort.EVENT,
        look=colour,
        when=when,
        title=text(event.title),
        place=text(event.location),
        who=record.organizer.name if event.organizer is None else event.organizer.name or event.organizer.address,
        ref=record.ref,
        at=original_key(occurrence.original) if occurrence.original is not None else "",
        calendar=record.calendar,
        locked=own and private,
        converted=record.converted and own,
        done=declined,
        repeats=repeats,
    )


def text(value: str | Unknown) -> str:
    return "" if isinstance(value, Unknown) else value


# ---- imported blocks -----------------------------------------------------------------------------------------------


def of_block(block: BlockView, viewer: Person) -> Entry | None:
    """``block`` is redacted for the viewer already: without detail there is nothing but its time."""
    when = shown_at(block.when, viewer.zone)
    free = block.show_as is ShowAs.FREE or block.status is Status.CANCELLED
    detail = block.detail
    if detail is None:
        return None if free else Entry(Sort.BLOCK, "busy", when)
    return Entry(
        sort=Sort.BLOCK,
        look="busy",
        when=when,
        title=detail.title,
        place=detail.location,
        link=detail.link,
        source=f"{detail.integration}: {detail.calendar}",
        locked=True,
        free=free,
        done=block.status is Status.CANCELLED,
        convertible=detail.convertible,
    )


# ---- tasks and calls -----------------------------------------------------------------------------------------------


def of_todo(record: todos.Record, viewer: Person) -> Entry | None:
    """A task without a due date has no place in a calendar. Both are their owner's alone, wherever they come from: a
    colleague learns that he is busy while there is a time for one that is to be done."""
    entry = _own_todo(record, viewer)
    if entry is None or record.owner == viewer.id:
        return entry
    return Entry(Sort.EVENT, "busy", entry.when) if isinstance(entry.when, Span) and not entry.done else None


def _own_todo(record: todos.Record, viewer: Person) -> Entry | None:
    ref = record.ref
    match record.item:
        case Call() as call:
            when = shown_at(call.when, viewer.zone)
            return Entry(Sort.CALL, "call", when, call.title, place=call.phone, ref=ref, done=call.done)
        case Task(due=None):
            return None
        case Task() as task:
            due = task.due
            if isinstance(due, Timed):
                when = shown_at(due, viewer.zone)
            elif due is not None:
                when = AllDay(due, due + A_DAY)
            return Entry(Sort.TASK, "task", when, task.title, ref=ref, done=task.status is TaskStatus.COMPLETED)


def laid_over(entry: Entry, colleague: Person, colour: str) -> Entry:
    """An entry of a colleague's calendar laid over one's own."""
    look = entry.look if entry.look == "busy" else colour
    return replace(entry, look=look, whose=colleague.name.split()[0], who=colleague.name, converted=False)
