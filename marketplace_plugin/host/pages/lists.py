"""The start page, tasks and calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from marketplace_plugin.host.acts import Done, Missing, Saved
from marketplace_plugin.host.calendar import reading, views
from marketplace_plugin.host.calendar.entries import of_todo
from marketplace_plugin.host.forms import todo as form
from marketplace_plugin.host.pages import wording
from marketplace_plugin.host.pages.page import as_values, inside, now, posted, show, steg, today, viewer
from marketplace_plugin.host.records import todos
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import Zoned

KINDS = {"tasks": Kind.TASK, "calls": Kind.CALL}
DONE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A task or call in its list; ``when`` as the viewer's clock shows it, ``late`` where it should be done already."""

    record: todos.Record
    when: Any
    done: bool
    late: bool


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/", view_func=start, methods=["GET"])
    blueprint.add_url_rule("/<any(tasks, calls):kind>", view_func=todo_list, methods=["GET"])
    blueprint.add_url_rule("/<any(tasks, calls):kind>/new", view_func=todo_new, methods=["GET", "POST"])
    blueprint.add_url_rule("/<any(tasks, calls):kind>/<ref>", view_func=todo, methods=["GET", "POST"])
    blueprint.add_url_rule("/<any(tasks, calls):kind>/<ref>/done", view_func=todo_done, methods=["POST"])
    blueprint.add_url_rule("/<any(tasks, calls):kind>/<ref>/delete", view_func=todo_delete, methods=["POST"])


def start() -> ResponseReturnValue:
    who = viewer()
    window = views.window_of(today(), 1, who.zone)
    found = reading.entries(steg().database, steg().blocks, who, who, (), window)
    days = views.agenda(reading.touching(found, today(), 1), today()).days
    open_tasks = [row for row in _rows(Kind.TASK) if not row.done]
    return show(
        "start.html",
        entries=days[0].entries if days else (),
        tasks=open_tasks[:8],
        today=today(),
        now=now(),
        here=url_for(".start"),
    )


def todo_list(kind: str) -> ResponseReturnValue:
    rows = _rows(KINDS[kind])
    return show(
        "todos.html",
        kind=kind,
        open=[row for row in rows if not row.done],
        done=[row for row in reversed(rows) if row.done][:DONE_SHOWN],
        statuses=wording.STATUSES,
    )


def todo_new(kind: str) -> ResponseReturnValue:
    blank: Task | Call = Task(title="") if kind == "tasks" else form.new_call(_next_hour())
    action = url_for(".todo_new", kind=kind)
    if request.method == "GET":
        return _form(kind, _values(blank), action=action)
    fields = posted()
    item = _read(fields, blank)
    if fields.errors:
        return _form(kind, as_values(), action=action, errors=fields.errors, status=422)
    steg().acts.create_todo(viewer(), KINDS[kind], item)
    return _saved(kind, _("Saved."))


def todo(kind: str, ref: str) -> ResponseReturnValue:
    record = _mine(kind, ref)
    action = url_for(".todo", kind=kind, ref=ref)
    if request.method == "GET":
        values = _values(record.item) | {"version": str(record.version)}
        return _form(kind, values, action=action, record=record)
    fields = posted()
    item = _read(fields, record.item)
    if fields.errors:
        return _form(kind, as_values(), action=action, errors=fields.errors, status=422, record=record)
    expected = fields.number("version", 0, 10**11, 0)
    done = steg().acts.change_todo(viewer(), KINDS[kind], ref, expected, item)
    if isinstance(done, Saved):
        return _saved(kind, _("Saved."))
    return _refused(kind, done, record)


def todo_done(kind: str, ref: str) -> ResponseReturnValue:
    """Done, or to be done again."""
    record = _mine(kind, ref)
    fields = posted()
    finished = fields.ticked("done")
    item: Task | Call
    if isinstance(record.item, Task):
        status = TaskStatus.COMPLETED if finished else TaskStatus.NOT_STARTED
        item = replace(record.item, status=status, completed=today() if finished else None)
    else:
        item = replace(record.item, done=finished)
    done = steg().acts.change_todo(viewer(), KINDS[kind], ref, fields.number("version", 0, 10**11, 0), item)
    return _told(kind, done, _("Done.") if finished else _("To be done again."))


def todo_delete(kind: str, ref: str) -> ResponseReturnValue:
    expected = posted().number("version", 0, 10**11, 0)
    return _told(kind, steg().acts.delete_todo(viewer(), KINDS[kind], ref, expected), _("Deleted."))


def _rows(kind: Kind) -> list[Row]:
    """By time; what has none comes last."""
    who = viewer()
    with steg().database.read() as c:
        found = todos.of(c, who.id, kind)
    rows = []
    for record in found:
        entry = of_todo(record, who)
        done = entry.done if entry is not None else _finished(record.item)
        late = entry is not None and not done and entry.days[1] <= today()
        rows.append(Row(record, entry.when if entry is not None else None, done, late))
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[bool, str, str]:
    when = "" if row.when is None else row.when.start.isoformat()
    return (row.when is None, when, row.record.item.title)


def _finished(item: Task | Call) -> bool:
    return item.done if isinstance(item, Call) else item.status is TaskStatus.COMPLETED


def _mine(kind: str, ref: str) -> todos.Record:
    with steg().database.read() as c:
        record = todos.mine(c, KINDS[kind], viewer().id, ref)
    if record is None:
        raise NotFound
    return record


def _values(item: Task | Call) -> dict[str, object]:
    return form.task_values(item) if isinstance(item, Task) else form.call_values(item)


def _read(fields: Any, before: Task | Call) -> Task | Call:
    return form.read_task(fields, before, viewer().zone) if isinstance(before, Task) else form.read_call(fields, before)


def _next_hour() -> Zoned:
    hour = now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return Zoned(hour.replace(tzinfo=None), viewer().zone)


def _saved(kind: str, said: str) -> ResponseReturnValue:
    flash({"text": said, "undo": ""}, "toast")  # type: ignore[arg-type]  # the session's JSON carries it
    return redirect(inside(request.form.get("back", ""), url_for(".todo_list", kind=kind)), 303)


def _told(kind: str, done: Done, said: str) -> ResponseReturnValue:
    if isinstance(done, Saved):
        return _saved(kind, said)
    flash(_("This was changed meanwhile, so nothing was done. Please look at it again."), "warn")
    return redirect(url_for(".todo_list", kind=kind), 303)


def _refused(kind: str, done: Done, record: todos.Record) -> ResponseReturnValue:
    """What was typed stays in the form."""
    typed = as_values()
    if isinstance(done, Missing):
        said = _("This was deleted meanwhile. Your entries are kept here: “Save” creates it anew.")
        return _form(kind, typed, action=url_for(".todo_new", kind=kind), status=409, warning=said)
    fresh = _mine(kind, record.ref)
    typed["version"] = str(fresh.version)
    said = _(
        "Somebody, or the sync, changed this while you were editing it. Nothing was overwritten. Your entries are kept "
        "here: “Save” puts them in the place of the present ones."
    )
    action = url_for(".todo", kind=kind, ref=record.ref)
    return _form(kind, typed, action=action, status=409, warning=said, record=fresh)


def _form(
    kind: str,
    values: Mapping[str, Any],
    *,
    action: str,
    errors: Mapping[str, Any] | None = None,
    status: int = 200,
    warning: str = "",
    record: todos.Record | None = None,
) -> ResponseReturnValue:
    listed = _("Tasks") if kind == "tasks" else _("Calls")
    new = _("New task") if kind == "tasks" else _("New call")
    title = record.item.title if record is not None else new
    return show(
        "todo_form.html",
        status,
        kind=kind,
        values=values,
        errors=errors or {},
        action=action,
        warning=warning,
        record=record,
        tie=steg().tie(viewer().id, record.ref, KINDS[kind]) if record is not None else None,
        title=title,
        statuses=wording.STATUSES,
        back=inside(request.values.get("back", ""), url_for(".todo_list", kind=kind)),
        crumbs=[(listed, url_for(".todo_list", kind=kind)), (title, None)],
    )
