"""Tasks and calls of the host: mirrored into the target calendar, or, tasks alone, synced with a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from marketplace_plugin.model.time import Timed, Zoned


class TaskStatus(StrEnum):
    """A service with two states shows all but COMPLETED as NOT_STARTED."""

    NOT_STARTED = "not-started"
    IN_PROGRESS = "in-progress"
    WAITING = "waiting"
    DEFERRED = "deferred"
    COMPLETED = "completed"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """``due`` is a date, or a span of wall time where the task has been given one, or None; the lists of all services
    hold the date alone. ``completed`` is the day it was done, None where it is not or nobody knows. ``reminder`` is a
    wall time. ``notes`` are plain text."""

    title: str
    notes: str = ""
    due: date | Timed | None = None
    status: TaskStatus = TaskStatus.NOT_STARTED
    priority: Priority = Priority.NORMAL
    reminder: Zoned | None = None
    completed: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A planned call: ``phone`` as typed, ``when`` the planned span."""

    title: str
    when: Timed
    phone: str = ""
    notes: str = ""
    done: bool = False


def due_day(task: Task) -> date | None:
    """The day that the task is due on, by the clock of its own zone."""
    return task.due.start.wall.date() if isinstance(task.due, Timed) else task.due


def is_done(item: Task | Call) -> bool:
    return item.done if isinstance(item, Call) else item.status is TaskStatus.COMPLETED
