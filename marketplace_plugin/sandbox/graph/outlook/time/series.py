"""Occurrences of a series: which there are, and when each one is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace_plugin.sandbox.graph.outlook.time import recurrence, times
from marketplace_plugin.sandbox.graph.state import Event, Override

_SLACK = timedelta(days=2)
"""Zones are at most that far from UTC, and an exception stays between its neighbours."""


@dataclass(frozen=True)
class Occurrence:
    """One occurrence; ``override`` makes it an exception. ``day`` is its original local date."""

    event: Event
    day: date
    override: Override | None

    @property
    def start(self) -> datetime:
        """Naive, in ``zone``."""
        if self.override is not None:
            return self.override.start
        return datetime.combine(self.day, self.event.start.time())

    @property
    def end(self) -> datetime:
        """Naive, in ``end_zone``; exclusive."""
        if self.override is not None:
            return self.override.end
        return self.start + (self.event.end - self.event.start)

    @property
    def original(self) -> datetime:
        """The original start as an instant."""
        return times.instant(datetime.combine(self.day, self.event.start.time()), self.event.zone)

    @property
    def zone(self) -> str:
        return self.event.zone if self.override is None else self.override.zone

    @property
    def end_zone(self) -> str:
        return self.event.end_zone if self.override is None else self.override.zone

    @property
    def all_day(self) -> bool:
        return self.event.all_day if self.override is None else self.override.all_day

    @property
    def change(self) -> int:
        """An untouched occurrence has the change key of its master."""
        return self.event.change if self.override is None else self.override.change

    def overlaps(self, begin: datetime, until: datetime) -> bool:
        """Whether it is in the window; a moment at its very begin counts."""
        start, end = times.instant(self.start, self.zone), times.instant(self.end, self.end_zone)
        return start < until and (end > begin or start == end == begin)


def overlaps(event: Event, begin: datetime, until: datetime) -> bool:
    """Whether a single event is in the window [begin, until)."""
    start, end = times.instant(event.start, event.zone), times.instant(event.end, event.end_zone)
    return start < until and (end > begin or start == end == begin)


def occurrences(event: Event) -> Iterator[Occurrence]:
    """All occurrences that are not cancelled, by original day; may not end."""
    if event.recurrence is None:
        return
    for day in recurrence.days(event.recurrence):
        if day not in event.cancelled:
            yield Occurrence(event, day, event.overrides.get(day))


def between(event: Event, begin: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences in the window [begin, until), by original day."""
    found = []
    longest = max([event.end - event.start, *(o.end - o.start for o in event.overrides.values())])
    for item in occurrences(event):
        day = datetime.combine(item.day, datetime.min.time(), tzinfo=begin.tzinfo)
        neighbour = item.override is not None
        if not neighbour and day - _SLACK > until:
            later = [day for day in event.overrides if day > item.day and day not in event.cancelled]
            found += [late for late in (find(event, d) for d in sorted(later)) if late and late.overlaps(begin, until)]
            break
        if (neighbour or day + longest + _SLACK >= begin) and item.overlaps(begin, until):
            found.append(item)
    return found


def find(event: Event, day: date) -> Occurrence | None:
    """The occurrence of that original day, unless it is cancelled or none of the rule's."""
    if event.recurrence is None or day in event.cancelled:
        return None
    for candidate in recurrence.days(event.recurrence):
        if candidate == day:
            return Occurrence(event, day, event.overrides.get(day))
        if candidate > day:
            break
    return None


def neighbours(event: Event, day: date) -> tuple[date | None, date | None]:
    """Where the occurrences before and after the one of ``day`` begin now, as local dates."""
    before: date | None = None
    for item in occurrences(event):
        if item.day < day:
            before = item.start.date()
        elif item.day > day:
            return before, item.start.date()
    return before, None
