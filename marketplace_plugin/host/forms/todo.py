"""The forms of a task and of a call."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from flask_babel import lazy_gettext as _

from marketplace_plugin.host.forms.event import DESCRIPTION, TITLE
from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import Timed, Zoned

PHONE = 60
LONGEST_CALL = 24 * 60
DEFAULT_CALL = 15


def task_values(task: Task) -> dict[str, object]:
    timed = task.due if isinstance(task.due, Timed) else None
    day = task.due.start.wall.date() if isinstance(task.due, Timed) else task.due
    return {
        "title": task.title,
        "notes": task.notes,
        "due_day": day.isoformat() if day is not None else "",
        "due_from": timed.start.wall.strftime("%H:%M") if timed else "",
        "due_to": timed.end.wall.strftime("%H:%M") if timed else "",
        "status": task.status.value,
    }


def read_task(fields: Fields, before: Task, viewer_zone: str) -> Task:
    return replace(
        before,
        title=fields.text("title", TITLE, missing=_("Please enter a title.")),
        notes=fields.text("notes", DESCRIPTION),
        due=_due(fields, before, viewer_zone),
        status=fields.one_of("status", TaskStatus, before.status),
    )


def _due(fields: Fields, before: Task, viewer_zone: str) -> date | Timed | None:
    if not fields.raw("due_day"):
        if fields.raw("due_from") or fields.raw("due_to"):
            fields.wrong("due_day", _("Please enter a day for this time."))
        return None
    day = fields.day("due_day", date.min)
    if not fields.raw("due_from") and not fields.raw("due_to"):
        return day
    known = before.due if isinstance(before.due, Timed) else None
    zone = known.start.zone if known else viewer_zone
    start = datetime.combine(day, fields.clock("due_from", time()))
    end = datetime.combine(day, fields.clock("due_to", start.time())) if fields.raw("due_to") else start
    if end < start:
        fields.wrong("due_to", _("This ends before it begins. Please choose a later time."))
        end = start
    return Timed(Zoned(start, zone), Zoned(end, zone))


def call_values(call: Call) -> dict[str, object]:
    return {
        "title": call.title,
        "phone": call.phone,
        "notes": call.notes,
        "day": call.when.start.wall.date().isoformat(),
        "clock": call.when.start.wall.strftime("%H:%M"),
        "minutes": str(int(call.when.duration.total_seconds() // 60)),
        "done": "1" if call.done else "",
    }


def read_call(fields: Fields, before: Call) -> Call:
    start = Zoned(fields.moment("day", "clock", before.when.start.wall), before.when.start.zone)
    length = timedelta(minutes=fields.number("minutes", 0, LONGEST_CALL, DEFAULT_CALL))
    return replace(
        before,
        title=fields.text("title", TITLE, missing=_("Please enter a title.")),
        phone=fields.text("phone", PHONE),
        notes=fields.text("notes", DESCRIPTION),
        when=Timed(start, Zoned.at(start.instant() + length, start.zone)),
        done=fields.ticked("done"),
    )


def new_call(start: Zoned) -> Call:
    end = Zoned.at(start.instant() + timedelta(minutes=DEFAULT_CALL), start.zone)
    return Call(title="", when=Timed(start, end))
