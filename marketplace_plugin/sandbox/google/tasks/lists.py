"""What is stored of a user's tasks, and how it is changed.

A task's ``due`` is a date: the service throws its time away. There is no tombstone but the flag ``deleted``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import shape
from marketplace_plugin.sandbox.google.event.shape import B, Each, S
from marketplace_plugin.sandbox.google.state import State

DEFAULT = "@default"
TITLE_LIMIT, NOTES_LIMIT = 1024, 8192
LIST_LIMIT, TASK_LIMIT = 2_000, 20_000
STATES = ("needsAction", "completed")

ASSIGNMENT: Final = {
    "driveResourceInfo": {"driveFileId": S, "resourceKey": S},
    "linkToTask": S,
    "spaceInfo": {"space": S},
    "surfaceType": S,
}
TASK: Final = {
    "assignmentInfo": ASSIGNMENT,
    "completed": S,
    "deleted": B,
    "due": S,
    "etag": S,
    "hidden": B,
    "id": S,
    "kind": S,
    "links": Each({"description": S, "link": S, "type": S}),
    "notes": S,
    "parent": S,
    "position": S,
    "selfLink": S,
    "status": S,
    "title": S,
    "updated": S,
    "webViewLink": S,
}
TASKS: Final = {"etag": S, "items": Each(TASK), "kind": S, "nextPageToken": S}
TASK_LIST: Final = {"etag": S, "id": S, "kind": S, "selfLink": S, "title": S, "updated": S}
TASK_LISTS: Final = {"etag": S, "items": Each(TASK_LIST), "kind": S, "nextPageToken": S}
WRITABLE: Final = ("title", "notes", "status", "due", "completed", "deleted")


@dataclass
class StoredTask:
    """``body`` holds what can be written; times are aware, UTC."""

    id: str
    list_id: str
    body: Json
    ordinal: int
    seq: int
    updated: datetime
    hidden: bool = False
    parent: str | None = None
    assignment: Json | None = None

    @property
    def etag(self) -> str:
        return f'"{base64.urlsafe_b64encode(str(self.seq).encode()).decode().rstrip("=")}"'

    @property
    def deleted(self) -> bool:
        return bool(self.body.get("deleted"))

    @property
    def completed(self) -> bool:
        return bool(self.body.get("status") == "completed")


@dataclass
class TaskList:
    id: str
    title: str
    ordinal: int
    updated: datetime
    tasks: dict[str, StoredTask] = field(default_factory=dict)


class TaskLists:
    """One user's lists; the first is the default one."""

    def __init__(self, state: State, email: str) -> None:
        self._state, self.email = state, email
        self.lists: dict[str, TaskList] = {}
        self.add("Meine Aufgaben")

    def add(self, title: str) -> TaskList:
        """A new list. Raises ApiError 403 where there are too many."""
        if len(self.lists) >= LIST_LIMIT:
            raise errors.ApiError(403, "quotaExceeded", "Quota Exceeded", domain="usageLimits")
        tick = self._state.next_tick()
        found = TaskList(_opaque(f"list:{self.email}:{tick}"), title, tick, self._state.now())
        self.lists[found.id] = found
        return found

    def get(self, list_id: str) -> TaskList:
        """Raises ApiError 404."""
        found = next(iter(self.lists.values())) if list_id == DEFAULT else self.lists.get(list_id)
        if found is None:
            raise errors.not_found()
        return found

    def task(self, list_id: str, task_id: str) -> StoredTask:
        """Deleted ones too, as the service still shows them. Raises ApiError 404."""
        found = self.get(list_id).tasks.get(task_id)
        if found is None:
            raise errors.not_found()
        return found

    def insert(self, list_id: str, given: Json, parent: str | None = None) -> StoredTask:
        """Raises ApiError 400 for a body that the service refuses, 403 for a full list, 404."""
        where = self.get(list_id)
        if sum(1 for task in where.tasks.values() if not task.hidden) >= TASK_LIMIT:
            raise errors.ApiError(403, "quotaExceeded", "Quota Exceeded", domain="usageLimits")
        if parent is not None:
            self.task(list_id, parent)
        now, tick = self._state.now(), self._state.next_tick()
        body = _accepted({"title": "", "status": "needsAction"}, given, now)
        task = StoredTask(_opaque(f"task:{self.email}:{tick}"), where.id, body, tick, tick, now, parent=parent)
        where.tasks[task.id] = task
        return task

    def change(self, task: StoredTask, given: Json, *, replace: bool = False) -> StoredTask:
        """A patch, or with ``replace`` an update. Raises ApiError 400."""
        if given.get("id") not in (None, task.id):
            raise errors.invalid("Invalid value for: id", "id")
        if task.assignment is not None and "deleted" in given:
            raise errors.invalid("An assigned task is deleted by tasks.delete alone.", "deleted")
        before = {"title": "", "status": "needsAction"} if replace else task.body
        task.body = _accepted(before, given, self._state.now())
        self.touch(task)
        return task

    def delete(self, task: StoredTask) -> None:
        """The task and those below it. Raises ApiError 404 for what is deleted already."""
        if task.deleted:
            raise errors.not_found()
        for one in (task, *self._children(task)):
            one.body["deleted"] = True
            self.touch(one)

    def clear(self, list_id: str) -> None:
        """Hide all that is completed."""
        for task in self.get(list_id).tasks.values():
            if task.completed and not task.hidden:
                task.hidden = True
                self.touch(task)

    def touch(self, task: StoredTask) -> None:
        task.seq = self._state.next_tick()
        task.updated = self._state.now()

    def _children(self, task: StoredTask) -> Iterator[StoredTask]:
        for other in self.lists[task.list_id].tasks.values():
            if other.parent == task.id and not other.deleted:
                yield other


class Tasks:
    """Everybody's lists."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: dict[str, TaskLists] = {}

    def of(self, email: str) -> TaskLists:
        """The user's lists; made at first use, as the service does."""
        if email not in self._of:
            self._of[email] = TaskLists(self._state, email)
        return self._of[email]


def _accepted(before: Json, given: Json, now: datetime) -> Json:
    """``before`` with what is given; null takes a field away. Read-only fields are ignored, as the service does.

    Raises:
        ApiError: 400.
    """
    shape.check(given, TASK, "")
    body = dict(before)
    for name in WRITABLE:
        if name in given:
            body[name] = given[name]
            if given[name] is None:
                del body[name]
    body.setdefault("title", "")
    body.setdefault("status", "needsAction")
    if len(body["title"]) > TITLE_LIMIT or len(body.get("notes", "")) > NOTES_LIMIT:
        raise errors.invalid("Request contains an invalid argument.")
    if body["status"] not in STATES:
        raise errors.invalid("Invalid task status", "status")
    if "due" in body:
        body["due"] = moment(body["due"], "due").strftime("%Y-%m-%dT00:00:00.000Z")
    if body["status"] == "needsAction":
        body.pop("completed", None)
    else:
        done = body.get("completed")
        body["completed"] = stamp(now if done is None else moment(done, "completed"))
    if not body.get("deleted"):
        body.pop("deleted", None)
    return body


def moment(text: Any, name: str) -> datetime:
    """An RFC 3339 time. Its date is taken as it is written, not in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise errors.invalid(f"Invalid value for: {name}", name) from error
    if found.tzinfo is None:
        raise errors.invalid(f"Invalid value for: {name}", name)
    return found if name == "due" else found.astimezone(UTC)


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _opaque(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def render(task: StoredTask, root: str) -> Json:
    """A task as it is sent. ``root`` is the API's address."""
    found: Json = {
        "kind": "tasks#task",
        "id": task.id,
        "etag": task.etag,
        "updated": stamp(task.updated),
        "selfLink": f"{root}/lists/{task.list_id}/tasks/{task.id}",
        "position": f"{task.ordinal:020d}",
        "links": [],
        "webViewLink": f"https://tasks.google.com/task/{task.id}?sa=6",
        **task.body,
    }
    if task.parent is not None:
        found["parent"] = task.parent
    if task.hidden:
        found["hidden"] = True
    if task.assignment is not None:
        found["assignmentInfo"] = task.assignment
    return found


def render_list(found: TaskList, root: str) -> Json:
    return {
        "kind": "tasks#taskList",
        "id": found.id,
        "etag": f'"{_opaque(found.id + found.title)[-16:]}"',
        "title": found.title,
        "updated": stamp(found.updated),
        "selfLink": f"{root}/users/@me/lists/{found.id}",
    }
