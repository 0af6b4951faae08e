"""Days that Exchange keeps as instants.

A birthday or due date is midnight where the mailbox is, or some other hour of the day by who wrote it. It is read as
the nearest day (noon stays on its own), right from UTC-12 to UTC+11, and written as noon in UTC (a birthday) or
midnight in UTC (a task's date, which is taken in the zone of the request: UTC).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_NEAREST = timedelta(hours=12) - timedelta(seconds=1)


def instant(text: str) -> datetime:
    """Aware, UTC; a time without an offset is in UTC. Raises ValueError."""
    at = datetime.fromisoformat(text.strip())
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def day_of(text: str) -> date | None:
    """None for an empty text. Raises ValueError."""
    return (instant(text) + _NEAREST).date() if text.strip() else None


def noon(day: date) -> str:
    return f"{day.year:04d}-{day:%m-%d}T11:59:00Z"


def midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
