"""Where entries lie: columns for what overlaps in a day, rows for bars over several days (pure, deterministic)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

SHORTEST = 15
"""Minutes: a block is never drawn thinner."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """``start`` and ``end`` are minutes since local midnight; column ``k`` of ``n`` (from 0)."""

    entry: T
    start: int
    end: int
    k: int
    n: int


def timed_lanes(entries: Iterable[tuple[T, int, int]]) -> list[Placed[T]]:
    """Columns for (entry, start, end) of one day. What overlaps, also through others, shares one number of columns."""
    placed: list[Placed[T]] = []
    cluster: list[tuple[T, int, int]] = []
    cluster_end = 0
    for entry, start, end in sorted(entries, key=lambda e: (e[1], -e[2])):
        shown_end = max(end, start + SHORTEST)
        if cluster and start >= cluster_end:
            placed.extend(_columns(cluster))
            cluster, cluster_end = [], 0
        cluster.append((entry, start, shown_end))
        cluster_end = max(cluster_end, shown_end)
    placed.extend(_columns(cluster))
    return placed


def _columns(cluster: list[tuple[T, int, int]]) -> list[Placed[T]]:
    free_from: list[int] = []
    column: list[int] = []
    for _, start, end in cluster:
        k = next((k for k, free in enumerate(free_from) if free <= start), len(free_from))
        free_from[k : k + 1] = [end]
        column.append(k)
    return [
        Placed(entry, start, end, k, len(free_from)) for (entry, start, end), k in zip(cluster, column, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Bar(Generic[T]):
    """``column`` and ``row`` count from 1; ``from_before`` and ``to_after``: it goes on outside the shown days."""

    entry: T
    column: int
    span: int
    row: int
    from_before: bool
    to_after: bool

    @property
    def columns(self) -> range:
        return range(self.column, self.column + self.span)


def bar_rows(entries: Iterable[tuple[T, date, date]], first: date, days: int) -> list[Bar[T]]:
    """Rows for (entry, start, end) with exclusive ends (DTEND with VALUE=DATE), within ``days`` from ``first``.

    What starts first and lasts longest lies on top; among equals the given order stays.
    """
    last = first + timedelta(days=days)
    free_from: list[int] = []
    bars: list[Bar[T]] = []
    for entry, start, end in sorted(entries, key=lambda e: (max(e[1], first), e[1] - e[2])):
        if end <= first or start >= last:
            continue
        column, until = (max(start, first) - first).days, (min(end, last) - first).days
        row = next((row for row, free in enumerate(free_from) if free <= column), len(free_from))
        free_from[row : row + 1] = [until]
        bars.append(Bar(entry, column + 1, until - column, row + 1, start < first, end > last))
    return bars
