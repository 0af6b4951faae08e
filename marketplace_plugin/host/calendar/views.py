"""The four views of a calendar: what lies where (pure). Days are dates of the viewer's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from marketplace_plugin.host.calendar.entries import Entry, Sort, Span
from marketplace_plugin.host.calendar.layout import Bar, Placed, bar_rows, timed_lanes
from marketplace_plugin.model.time import Window, zone

FIRST_HOUR, LAST_HOUR = 7, 18
MONTH_ROWS = 3
AGENDA_DAYS = 3
AGENDA_REACH = 28
"""How far ahead the agenda looks for days with entries."""
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Lane:
    """A row above the hours: ``all-day``, ``tasks``, ``calls``."""

    name: str
    bars: tuple[Bar[Entry], ...]


@dataclass(frozen=True, slots=True)
class Column:
    day: date
    today: bool
    items: tuple[Placed[Entry], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Day and week. ``now`` is minutes since midnight, where today is shown. Hours are [first, last)."""

    columns: tuple[Column, ...]
    lanes: tuple[Lane, ...]
    first_hour: int
    last_hour: int
    now: int | None


@dataclass(frozen=True, slots=True)
class Cell:
    day: date
    other: bool  # of another month
    today: bool
    more: int  # entries that found no room


@dataclass(frozen=True, slots=True)
class Week:
    cells: tuple[Cell, ...]
    bars: tuple[Bar[Entry], ...]


@dataclass(frozen=True, slots=True)
class Month:
    weeks: tuple[Week, ...]


@dataclass(frozen=True, slots=True)
class AgendaDay:
    day: date
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Agenda:
    """The next days that have entries; ``following`` is where the next page starts."""

    days: tuple[AgendaDay, ...]
    following: date


def window_of(first: date, days: int, viewer_zone: str) -> Window:
    """The instants of these days on the viewer's clock."""
    tz = zone(viewer_zone)
    start = datetime.combine(first, time(), tz)
    end = datetime.combine(first + timedelta(days=days), time(), tz)
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def month_days(day: date) -> tuple[date, int]:
    """The first Monday and the number of days of the weeks that show the month of ``day``."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    monday = monday_of(first)
    return monday, -(-(following - monday).days // 7) * 7


# ---- day and week --------------------------------------------------------------------------------------------------


def grid(entries: Sequence[Entry], first: date, days: int, now: datetime, viewer_zone: str) -> Grid:
    """``now``: aware."""
    local = now.astimezone(zone(viewer_zone))
    shown = [first + timedelta(days=n) for n in range(days)]
    timed = [e for e in entries if not e.is_bar and e.sort in (Sort.EVENT, Sort.BLOCK)]
    columns = tuple(Column(day, day == local.date(), tuple(timed_lanes(_segments(timed, day)))) for day in shown)
    lanes = (
        _lane("all-day", [e for e in entries if e.is_bar and e.sort in (Sort.EVENT, Sort.BLOCK)], first, days),
        _lane("tasks", [e for e in entries if e.sort is Sort.TASK], first, days),
        _lane("calls", [e for e in entries if e.sort is Sort.CALL], first, days),
    )
    placed = [item for column in columns for item in column.items]
    here = local.date() in shown
    minutes = local.hour * 60 + local.minute
    starts = [item.start for item in placed] + ([minutes] if here else [])
    ends = [item.end for item in placed] + ([minutes + 1] if here else [])
    return Grid(
        columns,
        tuple(lane for lane in lanes if lane.bars or lane.name == "all-day"),
        first_hour=min([FIRST_HOUR, *(start // 60 for start in starts)]),
        last_hour=min(24, max([LAST_HOUR, *(-(-end // 60) for end in ends)])),
        now=minutes if here else None,
    )


def _lane(name: str, entries: Sequence[Entry], first: date, days: int) -> Lane:
    ordered = sorted(entries, key=lambda e: e.order)
    return Lane(name, tuple(bar_rows([(e, *e.days) for e in ordered], first, days)))


def _segments(entries: Sequence[Entry], day: date) -> list[tuple[Entry, int, int]]:
    """The part of each entry that lies in ``day``, in minutes of the wall clock."""
    parts = []
    for entry in entries:
        if not isinstance(entry.when, Span) or not entry.days[0] <= day < entry.days[1]:
            continue
        start, end = entry.when.start, entry.when.end
        begins = start.hour * 60 + start.minute if start.date() == day else 0
        finishes = end.hour * 60 + end.minute if end.date() == day else DAY_MINUTES
        parts.append((entry, min(begins, DAY_MINUTES - 15), finishes))
    return parts


# ---- month and agenda ----------------------------------------------------------------------------------------------


def month(entries: Sequence[Entry], day: date, today: date) -> Month:
    """Whole weeks; tasks and calls have no room here."""
    first, days = month_days(day)
    shown = sorted((e for e in entries if e.sort in (Sort.EVENT, Sort.BLOCK)), key=lambda e: e.order)
    weeks = []
    for n in range(0, days, 7):
        monday = first + timedelta(days=n)
        bars = bar_rows([(e, *_month_days_of(e)) for e in shown], monday, 7)
        cells = []
        for column in range(1, 8):
            at = monday + timedelta(days=column - 1)
            more = sum(1 for bar in bars if bar.row > MONTH_ROWS and column in bar.columns)
            cells.append(Cell(at, at.month != day.month, at == today, more))
        weeks.append(Week(tuple(cells), tuple(bar for bar in bars if bar.row <= MONTH_ROWS)))
    return Month(tuple(weeks))


def _month_days_of(entry: Entry) -> tuple[date, date]:
    """What begins at night and ends in the morning is one day's, not a bar over two."""
    start, end = entry.days
    return (start, end) if entry.is_bar else (start, start + timedelta(days=1))


def agenda(entries: Sequence[Entry], first: date) -> Agenda:
    """The first days from ``first`` on that have entries, at most ``AGENDA_DAYS``."""
    days: list[AgendaDay] = []
    for n in range(AGENDA_REACH):
        day = first + timedelta(days=n)
        found = sorted((e for e in entries if e.days[0] <= day < e.days[1]), key=_agenda_order)
        if found:
            days.append(AgendaDay(day, tuple(found)))
        if len(days) == AGENDA_DAYS:
            break
    last = days[-1].day if len(days) == AGENDA_DAYS else first + timedelta(days=AGENDA_REACH - 1)
    return Agenda(tuple(days), last + timedelta(days=1))


def _agenda_order(entry: Entry) -> tuple[int, str, str]:
    """Whole days, then tasks without a time, then by the clock."""
    if isinstance(entry.when, Span) and not entry.is_bar:
        return (2, entry.when.start.isoformat(), entry.title)
    return (1 if entry.sort is Sort.TASK else 0, entry.when.start.isoformat(), entry.title)
