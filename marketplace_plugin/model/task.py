"""Tasks and calls of the host, which a user may have mirrored into the target calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from marketplace_plugin.model.time import Timed


class TaskStatus(StrEnum):
    NOT_STARTED = "not-started"
    IN_PROGRESS = "in-progress"
    WAITING = "waiting"
    DEFERRED = "deferred"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """``due`` is a date, or a span of wall time where the task has been given one, or None."""

    title: str
    notes: str = ""
    due: date | Timed | None = None
    status: TaskStatus = TaskStatus.NOT_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A planned call: ``phone`` as typed, ``when`` the planned span."""

    title: str
    when: Timed
    phone: str = ""
    notes: str = ""
    done: bool = False
