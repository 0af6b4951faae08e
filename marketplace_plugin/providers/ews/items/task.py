"""A task of Exchange and a Task, and the way between them. Pure.

Source: the elements of Task in the reference of EWS. Dates are days. A task that repeats is only read: finishing it
makes another one, and its rule is none that a Task could hold.
"""

from __future__ import annotations

from datetime import UTC

from marketplace_plugin.model.task import Priority, Task, TaskStatus, due_day
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.providers.ews.items.moment import day_of, instant, midnight
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.xml import Element, make

FIELDS = frozenset({"title", "notes", "due", "status", "priority", "reminder"})
PATHS = (
    "item:Subject",
    "item:Body",
    "item:Importance",
    "item:ReminderDueBy",
    "item:ReminderIsSet",
    "task:DueDate",
    "task:IsRecurring",
    "task:Status",
)
ORDER = (
    "Subject",
    "Body",
    "Importance",
    "ReminderDueBy",
    "ReminderIsSet",
    "ExtendedProperty",
    "DueDate",
    "Status",
)
"""Of the elements that we write, as the schema has them."""
_STATES = {
    "NotStarted": TaskStatus.NOT_STARTED,
    "InProgress": TaskStatus.IN_PROGRESS,
    "WaitingOnOthers": TaskStatus.WAITING,
    "Deferred": TaskStatus.DEFERRED,
    "Completed": TaskStatus.COMPLETED,
}
_SAID = {ours: theirs for theirs, ours in _STATES.items()}


def read(item: Element) -> Task:
    """Raises ValueError for what is no task."""
    status = xml.text(item, "t:Status") or "NotStarted"
    if status not in _STATES:
        raise ValueError("a status that there is not")
    at = xml.text(item, "t:ReminderDueBy")
    reminded = xml.text(item, "t:ReminderIsSet").strip().lower() in ("true", "1") and at
    return Task(
        title=xml.text(item, "t:Subject"),
        notes=xml.text(item, "t:Body"),
        due=day_of(xml.text(item, "t:DueDate")),
        status=_STATES[status],
        priority=Priority((xml.text(item, "t:Importance") or "Normal").lower()),
        reminder=Zoned(instant(at).replace(tzinfo=None), "UTC") if reminded else None,
    )


def repeats(item: Element) -> bool:
    return xml.text(item, "t:IsRecurring").strip().lower() in ("true", "1")


def creation(item: Task) -> list[Element]:
    """The elements of a new task."""
    return [part for _, part, value in _parts(item, FIELDS) if value]


def held(item: Task) -> Task:
    """What Exchange has room for of ``item``."""
    return read(make("t:Task", *creation(item)))


def updates(item: Task, changed: frozenset[str]) -> list[Element]:
    """SetItemField and DeleteItemField for the fields ``changed``."""
    made: list[Element] = []
    for path, part, value in _parts(item, changed):
        field = make("t:FieldURI", FieldURI=path)
        set_ = make("t:SetItemField", field, make("t:Task", part))
        made.append(set_ if value else make("t:DeleteItemField", field))
    return made


def _parts(item: Task, names: frozenset[str]) -> list[tuple[str, Element, str]]:
    """Path, element, and its text: empty is to be taken away."""
    made: list[tuple[str, Element, str]] = []
    if "title" in names:
        made.append(("item:Subject", make("t:Subject", item.title), item.title))
    if "notes" in names:
        made.append(("item:Body", make("t:Body", item.notes, BodyType="Text"), item.notes))
    if "priority" in names:
        said = item.priority.value.capitalize()
        made.append(("item:Importance", make("t:Importance", said), said))
    if "reminder" in names:
        made += _reminder(item)
    if "due" in names:
        day = due_day(item)
        said = midnight(day) if day else ""
        made.append(("task:DueDate", make("t:DueDate", said), said))
    if "status" in names:
        made.append(("task:Status", make("t:Status", _SAID[item.status]), _SAID[item.status]))
    return made


def _reminder(item: Task) -> list[tuple[str, Element, str]]:
    if item.reminder is None:
        return [("item:ReminderIsSet", make("t:ReminderIsSet", "false"), "false")]
    at = f"{item.reminder.instant().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return [
        ("item:ReminderDueBy", make("t:ReminderDueBy", at), at),
        ("item:ReminderIsSet", make("t:ReminderIsSet", "true"), "true"),
    ]
