"""Dates, wall times with their zone, and instants; three types that are never mixed.

* ``AllDay``: dates, end exclusive (RFC 5545 DTEND with VALUE=DATE). Never midnight UTC.
* ``Zoned``: a wall time and the IANA zone that anchors it; ``Timed`` is a pair of them, end exclusive.
* an instant: an aware ``datetime`` in UTC; ``Window`` is a pair of them, [start, end).

What is compared and merged is the wall time with its zone; instants are derived, because a new release of the zone
database moves them (docs/sync.md, R11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone ``name``.

    Raises ``zoneinfo.ZoneInfoNotFoundError`` (a KeyError) or ValueError for no zone's name.
    """
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True, order=True)
class Zoned:
    """A wall time: ``wall`` is naive, ``zone`` an IANA name. ``fold`` = 1 is the second of two equal wall times.

    The fold is a field of its own because comparing two naive datetimes ignores theirs.
    """

    wall: datetime
    zone: str
    fold: int = 0

    def __post_init__(self) -> None:
        if self.wall.tzinfo is not None:
            raise ValueError("Zoned.wall is a naive wall time")
        if self.wall.fold:
            object.__setattr__(self, "fold", self.wall.fold)
            object.__setattr__(self, "wall", self.wall.replace(fold=0))

    def instant(self) -> datetime:
        """Aware, UTC. A wall time inside a DST gap is read with the offset before the gap (RFC 5545 3.3.5)."""
        return _in_utc(self.wall.replace(fold=self.fold, tzinfo=zone(self.zone)))

    @classmethod
    def at(cls, instant: datetime, zone_name: str) -> Zoned:
        """The wall time that a clock in ``zone_name`` shows at an aware ``instant``."""
        local = instant.astimezone(zone(zone_name))
        return cls(local.replace(tzinfo=None, fold=0), zone_name, local.fold)


@dataclass(frozen=True, slots=True)
class AllDay:
    """Whole days: [start, end), so a one-day event ends on the following date."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) or isinstance(self.end, datetime):
            raise TypeError("AllDay holds dates")
        if self.end <= self.start:
            raise ValueError("AllDay.end is exclusive and after start")

    @property
    def days(self) -> int:
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True)
class Timed:
    """From one wall time to another, end exclusive; the two may lie in different zones. Equal instants are allowed."""

    start: Zoned
    end: Zoned

    def __post_init__(self) -> None:
        if self.end.instant() < self.start.instant():
            raise ValueError("Timed.end is before start")

    @property
    def duration(self) -> timedelta:
        """Elapsed time, not the difference of wall times."""
        return self.end.instant() - self.start.instant()


When = AllDay | Timed

# What names one occurrence of a series for good, also after it was moved: its original start, in the zone of the
# series' start (or its date, for an all-day series).
Original = date | Zoned


@dataclass(frozen=True, slots=True)
class Window:
    """[start, end): aware instants in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("Window holds aware instants")
        if self.end <= self.start:
            raise ValueError("Window.end is after start")

    def overlaps(self, span: tuple[datetime, datetime]) -> bool:
        """True where [span) touches the window; an empty span counts at its one instant."""
        start, end = span
        return start < self.end and (end > self.start or start == end >= self.start)


def span(when: When, viewer_zone: str) -> tuple[datetime, datetime]:
    """The instants [start, end) that ``when`` covers, UTC. Whole days float: they are days of ``viewer_zone``."""
    if isinstance(when, Timed):
        return when.start.instant(), when.end.instant()
    tz = zone(viewer_zone)
    start = datetime.combine(when.start, datetime.min.time(), tz)
    end = datetime.combine(when.end, datetime.min.time(), tz)
    return _in_utc(start), _in_utc(end)


def _in_utc(local: datetime) -> datetime:
    """An aware time in UTC. Instants end with the years 1 and 9999: a time that only its zone puts beyond is there."""
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if local.year == 1 else datetime.max.replace(tzinfo=UTC)


def start_of(when: When) -> Original:
    """The start as an ``Original``: a date for whole days, a wall time otherwise."""
    return when.start


def day_of(original: Original) -> date:
    """The local date of a start, in its own zone."""
    return original.wall.date() if isinstance(original, Zoned) else original
