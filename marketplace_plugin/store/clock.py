"""Instants that were written while the clock was wrong hold nobody (rule W13). All of them are aware UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_

NEVER_AS_FAR = timedelta(days=2)
"""No lease, no pause, no flow and no period is as long: what is further ahead was written while the clock was wrong."""


def is_over(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """The instant is none, has come, or is too far ahead to be true. Filled in by ``asked``."""
    return or_(at.is_(None), at <= bindparam("now"), at > bindparam("too_far"))


def asked(now: datetime) -> dict[str, datetime]:
    return {"now": now, "too_far": now + NEVER_AS_FAR}


def holds(until: datetime | None, now: datetime) -> bool:
    """The same of an instant that was read."""
    return until is not None and now < until <= now + NEVER_AS_FAR
