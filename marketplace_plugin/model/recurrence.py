"""RFC 5545 recurrence rules as values. Expansion over a window lives beside it in ``expand.py``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"
    HOURLY = "HOURLY"
    MINUTELY = "MINUTELY"
    SECONDLY = "SECONDLY"


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_INT_LISTS = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND")
_FROM_END = {"BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}  # 1 to n, or -n to -1
_RANGES = {"BYMONTH": (1, 12), "BYHOUR": (0, 23), "BYMINUTE": (0, 59), "BYSECOND": (0, 60)}


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """One RRULE (RFC 5545 3.3.10), normalised: parts sorted, INTERVAL=1 and WKST=MO left out of the text.

    ``until`` is a date for an all-day series and an aware instant in UTC for a timed one; inclusive in both cases.
    ``by_day`` holds (ordinal, weekday) with ordinal 0 for "every" and weekday out of ``WEEKDAYS``.
    ``by`` holds the integer lists by their RFC name, sorted by name.
    """

    freq: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    by_day: tuple[tuple[int, str], ...] = ()
    by: tuple[tuple[str, tuple[int, ...]], ...] = ()
    week_start: str = "MO"

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError("INTERVAL is a positive integer")
        if self.count is not None and self.until is not None:
            raise ValueError("COUNT and UNTIL exclude each other")
        if self.count is not None and self.count < 1:
            raise ValueError("COUNT is a positive integer")
        if isinstance(self.until, datetime) and self.until.tzinfo is None:
            raise ValueError("a timed UNTIL is an aware instant in UTC")
        for name, values in self.by:
            if bad := [value for value in values if not _in_range(name, value)]:
                raise ValueError(f"{name} out of range: {bad[0]}")
        if bad := [number for number, _ in self.by_day if abs(number) > 53]:
            raise ValueError(f"BYDAY out of range: {bad[0]}")

    def part(self, name: str) -> tuple[int, ...]:
        """The integers of one BY... part, empty where the rule has none."""
        return dict(self.by).get(name, ())

    @classmethod
    def parse(cls, text: str) -> RecurrenceRule:
        """Read ``FREQ=...;...`` with or without the ``RRULE:`` prefix. Raises ValueError that names the bad part."""
        body = text.strip().removeprefix("RRULE:")
        parts: dict[str, str] = {}
        for piece in filter(None, body.split(";")):
            key, sep, value = piece.partition("=")
            if not sep or not value:
                raise ValueError(f"RRULE part without a value: {piece!r}")
            if key.upper() in parts:
                raise ValueError(f"RRULE part given twice: {key!r}")
            parts[key.upper()] = value.upper()
        if "FREQ" not in parts:
            raise ValueError("RRULE without FREQ")
        known = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", *_INT_LISTS}
        if unknown := sorted(set(parts) - known):
            raise ValueError(f"unknown RRULE part: {unknown[0]!r}")
        by = tuple(sorted((name, _ints(name, parts[name])) for name in _INT_LISTS if name in parts))
        week_start = parts.get("WKST", "MO")
        if week_start not in WEEKDAYS:
            raise ValueError(f"no weekday: {week_start!r}")
        return cls(
            freq=Frequency(parts["FREQ"]),
            interval=_ints("INTERVAL", parts.get("INTERVAL", "1"))[0],
            count=_ints("COUNT", parts["COUNT"])[0] if "COUNT" in parts else None,
            until=parse_until(parts["UNTIL"]) if "UNTIL" in parts else None,
            by_day=_by_day(parts.get("BYDAY", "")),
            by=by,
            week_start=week_start,
        )

    def __str__(self) -> str:
        """The rule as RRULE value, without the ``RRULE:`` prefix."""
        parts = [f"FREQ={self.freq}"]
        if self.interval != 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        if self.until is not None:
            parts.append(f"UNTIL={format_until(self.until)}")
        if self.by_day:
            parts.append("BYDAY=" + ",".join(f"{n or ''}{day}" for n, day in self.by_day))
        parts.extend(f"{name}=" + ",".join(map(str, values)) for name, values in self.by)
        if self.week_start != "MO":
            parts.append(f"WKST={self.week_start}")
        return ";".join(parts)


def _in_range(name: str, value: int) -> bool:
    if name in _FROM_END:
        return 0 < abs(value) <= _FROM_END[name]
    low, high = _RANGES[name]
    return low <= value <= high


def _ints(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted(int(piece) for piece in text.split(",")))
    except ValueError:
        raise ValueError(f"{name} is a list of integers: {text!r}") from None


def _by_day(text: str) -> tuple[tuple[int, str], ...]:
    days = []
    for piece in filter(None, text.split(",")):
        ordinal, day = piece[:-2], piece[-2:]
        if day not in WEEKDAYS:
            raise ValueError(f"BYDAY names no weekday: {piece!r}")
        days.append((int(ordinal) if ordinal else 0, day))
    return tuple(sorted(days, key=lambda d: (WEEKDAYS.index(d[1]), d[0])))


def parse_until(text: str) -> date | datetime:
    """``20261231`` is a date, ``20261231T220000Z`` an instant. A local UNTIL (no Z) is refused: ValueError."""
    if len(text) != 8 and not text.endswith("Z"):
        raise ValueError(f"UNTIL of a timed series is an instant in UTC: {text!r}")
    try:
        if len(text) == 8:
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"UNTIL is neither a date nor an instant: {text!r}") from None


def format_until(until: date | datetime) -> str:
    if isinstance(until, datetime):
        return until.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return until.strftime("%Y%m%d")
