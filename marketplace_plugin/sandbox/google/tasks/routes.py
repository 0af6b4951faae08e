"""The HTTP side of the Tasks API: ``/tasks/v1``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar import paging
from marketplace_plugin.sandbox.google.calendar.params import Kind
from marketplace_plugin.sandbox.google.calendar.routes import Call, Register, json_body, new_api
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.oauth.grants import Grants
from marketplace_plugin.sandbox.google.state import State
from marketplace_plugin.sandbox.google.tasks import lists
from marketplace_plugin.sandbox.google.tasks.lists import StoredTask, TaskLists, Tasks

PREFIX = "/tasks/v1"
COMMON: Mapping[str, Kind] = {
    "$.xgafv": ("1", "2"),
    "access_token": "string",
    "callback": "string",
    "uploadType": "string",
    "upload_protocol": "string",
}
_PAGE: Mapping[str, Kind] = {"maxResults": "integer", "pageToken": "string"}
PARAMS: Mapping[str, Mapping[str, Kind]] = {
    "tasks.tasklists.list": _PAGE,
    "tasks.tasklists.get": {},
    "tasks.tasklists.insert": {},
    "tasks.tasks.list": {
        **_PAGE,
        "completedMax": "instant",
        "completedMin": "instant",
        "dueMax": "instant",
        "dueMin": "instant",
        "showAssigned": "boolean",
        "showCompleted": "boolean",
        "showDeleted": "boolean",
        "showHidden": "boolean",
        "updatedMin": "instant",
    },
    "tasks.tasks.get": {},
    "tasks.tasks.insert": {"parent": "string", "previous": "string"},
    "tasks.tasks.patch": {},
    "tasks.tasks.update": {},
    "tasks.tasks.delete": {},
    "tasks.tasks.move": {"destinationTasklist": "string", "parent": "string", "previous": "string"},
    "tasks.tasks.clear": {},
}
_PARAMETERS = {name: {**own, **COMMON} for name, own in PARAMS.items()}
_READ, _WRITE = ("tasks", "tasks.readonly"), ("tasks",)
SCOPES: Mapping[str, tuple[str, ...]] = {
    name: _READ if name.rpartition(".")[2] in ("list", "get") else _WRITE for name in PARAMS
}
DEFAULT_PAGE, LARGEST_PAGE = 20, 100
LARGEST_LISTS = 1000


@dataclass(frozen=True)
class _Asked:
    """One call with the caller's lists."""

    call: Call
    mine: TaskLists
    root: str

    def task(self, task: StoredTask) -> Response:
        reply = self.call.reply(lists.render(task, self.root), lists.TASK)
        if self.call.state.knobs.hostile_echo and request.method != "GET":
            self.mine.touch(task)
        return reply


def blueprint(state: State, grants: Grants, tasks: Tasks) -> Blueprint:
    """All methods under ``/tasks/v1``."""

    def asked(call: Call) -> _Asked:
        return _Asked(call, tasks.of(call.token.email), request.host_url.rstrip("/") + PREFIX)

    api, method = new_api("tasks", PREFIX, state, grants, parameters=_PARAMETERS, scopes=SCOPES, asked=asked)
    _lists(method)
    _reads(method)
    _writes(method)
    return api


_LIST = "/lists/<list_id>/tasks"
_TASK = f"{_LIST}/<task_id>"


def _lists(method: Register) -> None:
    @method("GET", "/users/@me/lists", "tasks.tasklists.list")
    def list_lists(it: _Asked) -> ResponseReturnValue:
        page = paging.read_page(it.call.state, f"lists:{it.mine.email}", it.call.args)
        found, after = paging.cut(
            it.call.state,
            f"lists:{it.mine.email}",
            it.call.args,
            page,
            paging.after(page, it.mine.lists.values(), lambda one: (one.ordinal,)),
            LARGEST_LISTS,
        )
        body: Json = {"kind": "tasks#taskLists", "items": [lists.render_list(one, it.root) for one in found]}
        return it.call.reply(body | ({"nextPageToken": after} if after else {}), lists.TASK_LISTS)

    @method("GET", "/users/@me/lists/<list_id>", "tasks.tasklists.get")
    def get_list(it: _Asked, list_id: str) -> ResponseReturnValue:
        return it.call.reply(lists.render_list(it.mine.get(list_id), it.root), lists.TASK_LIST)

    @method("POST", "/users/@me/lists", "tasks.tasklists.insert")
    def insert_list(it: _Asked) -> ResponseReturnValue:
        made = it.mine.add(str(json_body().get("title") or ""))
        return it.call.reply(lists.render_list(made, it.root), lists.TASK_LIST)


def _reads(method: Register) -> None:
    @method("GET", _LIST, "tasks.tasks.list")
    def list_tasks(it: _Asked, list_id: str) -> ResponseReturnValue:
        where, args = it.mine.get(list_id), it.call.args
        wanted = args.get("maxResults", DEFAULT_PAGE)
        if wanted > LARGEST_PAGE:
            raise errors.invalid_parameter("maxResults", f"Values must be within the range: [1, {LARGEST_PAGE}]")
        scope = f"tasks:{it.mine.email}:{where.id}"
        page = paging.read_page(it.call.state, scope, args)
        shown = paging.after(page, _shown(where.tasks.values(), args), lambda task: (task.ordinal,))
        found, after = paging.cut(it.call.state, scope, args, page, shown, wanted)
        body: Json = {"kind": "tasks#tasks", "etag": f'"{it.call.state.tick}"'}
        body["items"] = [lists.render(task, it.root) for task in found]
        return it.call.reply(body | ({"nextPageToken": after} if after else {}), lists.TASKS)

    @method("GET", _TASK, "tasks.tasks.get")
    def get_task(it: _Asked, list_id: str, task_id: str) -> ResponseReturnValue:
        return it.task(it.mine.task(list_id, task_id))


def _shown(tasks: Iterable[StoredTask], args: Json) -> list[StoredTask]:
    """What the parameters let through. ``updatedMin`` is inclusive."""

    def passes(task: StoredTask) -> bool:
        if task.deleted and not args.get("showDeleted"):
            return False
        if task.hidden and not args.get("showHidden"):
            return False
        if task.completed and not args.get("showCompleted", True):
            return False
        if task.assignment is not None and not args.get("showAssigned"):
            return False
        return _between(task, args)

    return [task for task in tasks if passes(task)]


def _between(task: StoredTask, args: Json) -> bool:
    if "updatedMin" in args and task.updated < args["updatedMin"]:
        return False
    for name in ("due", "completed"):
        low, high, text = args.get(f"{name}Min"), args.get(f"{name}Max"), task.body.get(name)
        if low is None and high is None:
            continue
        if text is None:
            return False
        at = lists.moment(text, name)
        if (low is not None and at < low) or (high is not None and at >= high):
            return False
    return True


def _writes(method: Register) -> None:
    @method("POST", _LIST, "tasks.tasks.insert")
    def insert(it: _Asked, list_id: str) -> ResponseReturnValue:
        return it.task(it.mine.insert(list_id, json_body(), it.call.args.get("parent")))

    def change(it: _Asked, list_id: str, task_id: str, *, replace: bool) -> ResponseReturnValue:
        task = it.mine.task(list_id, task_id)
        _precondition(task)
        return it.task(it.mine.change(task, json_body(), replace=replace))

    @method("PATCH", _TASK, "tasks.tasks.patch")
    def patch(it: _Asked, list_id: str, task_id: str) -> ResponseReturnValue:
        return change(it, list_id, task_id, replace=False)

    @method("PUT", _TASK, "tasks.tasks.update")
    def update(it: _Asked, list_id: str, task_id: str) -> ResponseReturnValue:
        return change(it, list_id, task_id, replace=True)

    @method("DELETE", _TASK, "tasks.tasks.delete")
    def delete(it: _Asked, list_id: str, task_id: str) -> ResponseReturnValue:
        task = it.mine.task(list_id, task_id)
        _precondition(task)
        it.mine.delete(task)
        return Response(status=204)

    @method("POST", f"{_TASK}/move", "tasks.tasks.move")
    def move(it: _Asked, list_id: str, task_id: str) -> ResponseReturnValue:
        task = it.mine.task(list_id, task_id)
        target = it.mine.get(it.call.args.get("destinationTasklist", list_id))
        if target.id != task.list_id:
            if task.assignment is not None:
                raise errors.invalid("An assigned task stays in its list.")
            del it.mine.lists[task.list_id].tasks[task.id]
            task.list_id, target.tasks[task.id] = target.id, task
        task.parent = it.call.args.get("parent")
        it.mine.touch(task)
        return it.task(task)

    @method("POST", "/lists/<list_id>/clear", "tasks.tasks.clear")
    def clear(it: _Asked, list_id: str) -> ResponseReturnValue:
        it.mine.clear(list_id)
        return Response(status=204)


def _precondition(task: StoredTask) -> None:
    """Raises ApiError 412 for an If-Match that no longer holds."""
    wanted = request.headers.get("If-Match")
    if wanted not in (None, "*", task.etag):
        raise errors.condition_not_met()
