"""Events: single ones, and series with their overrides as one unit.

All three services are normalised to this shape. Identity (remote id, UID, revision) is not part of it; see change.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Final, Literal

from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Original, When, Zoned


class Unknown(Enum):
    """A field that the service masks or does not tell: never empty, never merged, never pushed (rule L6)."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
Masked = Literal[Unknown.UNKNOWN]


class ShowAs(StrEnum):
    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OUT_OF_OFFICE = "oof"
    ELSEWHERE = "elsewhere"


class Sensitivity(StrEnum):
    NORMAL = "normal"
    PRIVATE = "private"
    CONFIDENTIAL = "confidential"


class Status(StrEnum):
    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


class Response(StrEnum):
    """PARTSTAT of an attendee (RFC 5545 3.2.12)."""

    NEEDS_ACTION = "needs-action"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Attendee:
    """``address`` is lower-cased; ``name`` may be empty."""

    address: str
    name: str = ""
    response: Response = Response.NEEDS_ACTION
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, or the master of a series, or the content of one changed occurrence.

    ``description`` is plain text. ``reminder`` is minutes before the start, None for none. ``response`` is the answer
    of the account that the event was read with, None where it was not invited. ``organizer`` None means the account
    itself. ``conference`` is the join link, read only.
    """

    when: When
    title: str | Masked = ""
    description: str | Masked = ""
    location: str | Masked = ""
    show_as: ShowAs | Masked = ShowAs.BUSY
    sensitivity: Sensitivity | Masked = Sensitivity.NORMAL
    status: Status = Status.CONFIRMED
    reminder: int | Masked | None = None
    organizer: Attendee | None = None
    attendees: tuple[Attendee, ...] | Masked = ()
    response: Response | None = None
    conference: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """What became of one occurrence: ``event`` is its content now, None where it was cancelled (EXDATE)."""

    original: Original
    event: Event | None


def original_key(original: Original) -> str:
    """Sorts and names an original start within its series: ``2026-11-21`` or ``2026-11-21T09:00:00`` (wall time)."""
    if isinstance(original, Zoned):
        return original.wall.isoformat() + ("+fold" if original.fold else "")
    return original.isoformat()


def named_original(key: str, start: Original) -> Original:
    """The original start that ``key`` names (``original_key``) in a series that begins at ``start``, in its zone."""
    if "T" not in key or not isinstance(start, Zoned):
        return date.fromisoformat(key.partition("T")[0])
    return Zoned(datetime.fromisoformat(key.removesuffix("+fold")), start.zone, fold=int(key.endswith("+fold")))


@dataclass(frozen=True, slots=True)
class Series:
    """A master with its rule, extra dates, and overrides; the unit that is synced, converted and decided on.

    ``overrides`` is sorted by ``original_key`` and holds each original once. Originals are given in the zone of the
    master's start. EXDATEs are cancelled overrides. ``rdates`` are additional originals.
    """

    master: Event
    rule: RecurrenceRule | None
    overrides: tuple[Override, ...] = ()
    rdates: tuple[Original, ...] = ()

    def __post_init__(self) -> None:
        keys = [original_key(o.original) for o in self.overrides]
        if keys != sorted(set(keys)):
            raise ValueError("overrides are sorted and name each original once")
        if self.rule is None and not self.rdates:
            raise ValueError("a series has a rule or extra dates")
        all_day = isinstance(self.master.when, AllDay)
        if any(isinstance(o.original, Zoned) == all_day for o in self.overrides):
            raise ValueError("originals have the type of the master's start")

    def override(self, original: Original) -> Override | None:
        """The override of one occurrence, or None."""
        key = original_key(original)
        return next((o for o in self.overrides if original_key(o.original) == key), None)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event as it appears in a window. ``original`` is None for a single event."""

    event: Event
    original: Original | None = None
