"""The occurrences of a series: computed from the rule, with exceptions and deletions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace_plugin.sandbox.ews.items import Event, Item, Override
from marketplace_plugin.sandbox.ews.outlook import recurrence, times

_SLACK = timedelta(days=2)


@dataclass(frozen=True)
class Occurrence:
    """One occurrence of a series: its original local day, and its exception if it has one."""

    event: Event
    day: date
    override: Override | None = None

    @property
    def original(self) -> datetime:
        """The instant at which it begins by the rule."""
        clock = times.wall(self.event.start, self.event.start_zone).time()
        return times.instant(self.day, clock, self.event.start_zone)

    @property
    def start(self) -> datetime:
        return self.original if self.override is None else self.override.start

    @property
    def end(self) -> datetime:
        if self.override is not None:
            return self.override.end
        first = times.wall(self.event.start, self.event.start_zone)
        last = times.wall(self.event.end, self.event.end_zone)
        day = self.day + (last.date() - first.date())
        return times.instant(day, last.time(), self.event.end_zone)

    def change(self, item: Item) -> int:
        return item.change if self.override is None else self.override.change


def occurrences(event: Event) -> Iterator[Occurrence]:
    """All that are not deleted, by original day; without end if the rule has none."""
    if event.recurrence is None:
        return
    for day in recurrence.days(event.recurrence):
        if day not in event.deleted:
            yield Occurrence(event, day, event.overrides.get(day))


def between(event: Event, begin: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences in the window [begin, until)."""
    found = []
    length = event.end - event.start
    for item in occurrences(event):
        if item.override is None and item.original - _SLACK > until:
            late = [day for day in sorted(event.overrides) if day > item.day and day not in event.deleted]
            ahead = [Occurrence(event, day, event.overrides[day]) for day in late]
            found += [item for item in ahead if _in(item, begin, until)]
            break
        near = item.override is not None or item.original + length + _SLACK >= begin
        if near and _in(item, begin, until):
            found.append(item)
    return found


def _in(item: Occurrence, begin: datetime, until: datetime) -> bool:
    return overlaps(item.start, item.end, begin, until)


def overlaps(start: datetime, end: datetime, begin: datetime, until: datetime) -> bool:
    """Whether [start, end) touches the window; something without length counts at its start."""
    return start < until and (end > begin or (start == end and start >= begin))


def find(event: Event, day: date) -> Occurrence | None:
    """The occurrence of that original day, unless it is deleted or none of the rule's."""
    if event.recurrence is None or day in event.deleted or recurrence.index_of(event.recurrence, day) is None:
        return None
    return Occurrence(event, day, event.overrides.get(day))


def neighbours(event: Event, day: date) -> tuple[date | None, date | None]:
    """Where the occurrences before and after the one of ``day`` begin now, as local days."""
    before: date | None = None
    for item in occurrences(event):
        local = times.wall(item.start, event.start_zone).date()
        if item.day < day:
            before = local
        elif item.day > day:
            return before, local
    return before, None


def first(event: Event) -> Occurrence | None:
    """The first that is not deleted; None if all are."""
    return next(occurrences(event), None)


def last(event: Event) -> Occurrence | None:
    """The last that is not deleted; None for a rule without end."""
    if event.recurrence is None or recurrence.last(event.recurrence) is None:
        return None
    found = None
    for found in occurrences(event):  # noqa: B007  # the last one is wanted
        pass
    return found
