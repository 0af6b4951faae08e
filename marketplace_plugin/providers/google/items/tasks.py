"""The task lists of an account, by the Tasks API.

Source: https://developers.google.com/workspace/tasks/reference/rest (tasklists.list, tasks.list, get, insert, patch,
delete).

* There is no sync token: a round asks for what was changed since the newest change that is known, with an overlap, and
  leaves out what it has told before. ``showHidden`` shows what was completed in Google's own pages.
* A task holds no mark of ours (``Capabilities.stamps``), so a create whose answer was lost cannot be looked up.
* ``due`` is a date. A task that was assigned in a document or a chat is only read: deleting it deletes the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from marketplace_plugin.errors import ContractViolation, CursorExpired
from marketplace_plugin.model.change import (
    Access,
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Revision,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task, TaskStatus, due_day
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Missing,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Update,
    Write,
)
from marketplace_plugin.providers.google.errors import Refusal, for_read
from marketplace_plugin.providers.google.items import sending
from marketplace_plugin.providers.google.items.sending import Sending
from marketplace_plugin.providers.google.shape.decode import tag_of
from marketplace_plugin.providers.google.transport import Client, Json

PREFIX = "tasklist/"
FIELDS = frozenset({"title", "notes", "due", "status"})
PAGE, LISTS = 100, 1000
OVERLAP = timedelta(minutes=5)
"""Two changes of the same moment may become visible one after the other."""
KEPT = timedelta(days=7)
"""How long a round may lie back: Google does not say for how long deleted tasks are shown."""
TOLD = 500
"""So many changes of the overlap are remembered; more are told again, which changes nothing."""
TITLE_LIMIT, NOTES_LIMIT = 1024, 8192
_FINGERPRINT = "tasks-1"
_SHOWN = {"showCompleted": True, "showHidden": True, "showAssigned": True}

Raw = Json


_HELD = ("title", "notes", "due", "status", "deleted", "updated")


class Undecodable(Exception):
    """The task cannot be understood."""


@dataclass(slots=True)
class _Position:
    """What a cursor says: ``newest`` change known (the service's clock, as written), when it was asked last (ours, as
    seconds since 1970 in UTC), and the marks of what was told of the overlap."""

    newest: str = ""
    asked: float = 0
    told: dict[str, str] = field(default_factory=dict)


class TaskLists:
    """The lists of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def collections(self) -> list[CollectionInfo]:
        """The first is the account's default list."""
        capabilities = Capabilities(FIELDS, stamps=False)
        lists = [raw for answer in self._pages(self._client.task_lists.list, maxResults=LISTS) for raw in answer]
        return [
            CollectionInfo(
                PREFIX + str(raw["id"]),
                Kind.TASK,
                str(raw.get("title") or ""),
                Role.OWNER,
                capabilities,
                primary=at == 0,
            )
            for at, raw in enumerate(lists)
        ]

    # --- reading -------------------------------------------------------------------------------------------------

    def pull(self, collection: str, since: Cursor | Checkpoint | None) -> Iterator[Page]:
        """See ``contract.provider.Provider.pull``; there is no window."""
        before = self._position(since)
        asked = self._client.now().timestamp()
        if before is not None and asked - before.asked > KEPT.total_seconds():
            raise CursorExpired("deleted tasks may be shown no longer")
        more: dict[str, Any] = {"showDeleted": before is not None}
        if before is not None and before.newest:
            more["updatedMin"] = _written(_instant(before.newest) - OVERLAP)
        now = _Position(before.newest if before else "", asked, dict(before.told) if before else {})
        pages = self._pages(
            self._client.tasks.list, tasklist=collection.removeprefix(PREFIX), maxResults=PAGE, **_SHOWN, **more
        )
        last: list[Raw] | None = None
        for page in pages:
            if last is not None:
                yield Page(_changes(last, now), snapshot=before is None)
            last = page
        changes = _changes(last or [], now)
        yield Page(changes, snapshot=before is None, cursor=Cursor(_token(now), _FINGERPRINT, None))

    @staticmethod
    def _position(since: Cursor | Checkpoint | None) -> _Position | None:
        if not isinstance(since, Cursor) or since.fingerprint != _FINGERPRINT:
            return None
        return _Position(**orjson.loads(since.token))

    def _pages(self, method: Any, **parameters: Any) -> Iterator[list[Raw]]:
        page = ""
        while True:
            try:
                answer = self._client.call(method(**parameters, **({"pageToken": page} if page else {})))
            except Refusal as problem:
                raise for_read(problem) from problem
            items = answer.get("items") or []
            if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") for item in items):
                raise ContractViolation("items is no list of objects with ids")
            yield items
            page = str(answer.get("nextPageToken") or "")
            if not page:
                return

    def fetch(self, collection: str, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``. Raises CollectionGone rather than calling every task gone."""
        told = [self._one(collection, task) for task in dict.fromkeys(ids)]
        if any(isinstance(one, Gone) for one in told):
            try:
                self._client.call(self._client.task_lists.get(tasklist=collection.removeprefix(PREFIX)))
            except Refusal as problem:
                raise for_read(problem) from problem
        return told

    def _one(self, collection: str, task: str) -> Found | Gone | Unreadable:
        try:
            raw = self._client.call(self._client.tasks.get(tasklist=collection.removeprefix(PREFIX), task=task))
        except Refusal as problem:
            if problem.absent:
                return Gone(task)
            raise for_read(problem) from problem
        if raw.get("deleted"):
            return Gone(task)
        try:
            return found(raw)
        except Undecodable:
            return Unreadable(task, UnreadableReason.MALFORMED)

    # --- writing -------------------------------------------------------------------------------------------------

    def push(self, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        """See ``contract.provider.Provider.push``."""
        tasklist = collection.removeprefix(PREFIX)
        return sending.push(self._client, writes, lambda this, write: self._carry_out(this, tasklist, write))

    def _carry_out(self, this: Sending, tasklist: str, write: Write) -> Outcome:
        match write:
            case Create(item=Task() as item) | Update(item=Task() as item) if _too_long(item):
                return Refused(this.op, RefusedCode.TOO_LARGE)
            case Create(item=Task() as item):
                body = {name: value for name, value in _body(item, FIELDS).items() if value is not None}
                return _applied(this, this.write(self._client.tasks.insert(tasklist=tasklist, body=body)))
            case Update() | Delete():
                return self._over(this, tasklist, write)
            case _:
                return Refused(this.op, RefusedCode.UNSUPPORTED)

    def _over(self, this: Sending, tasklist: str, write: Update | Delete) -> Outcome:
        """A change of what stands there, which must be as the caller last saw it."""
        raw = this.read(self._client.tasks.get(tasklist=tasklist, task=write.id))
        if raw.get("deleted"):
            return Missing(this.op)
        try:
            now = found(raw)
        except Undecodable:
            return Stale(this.op, None)
        if now.revision != write.revision:
            return Stale(this.op, now)
        if now.access is not Access.FULL:
            return Refused(this.op, RefusedCode.FORBIDDEN)
        etag = write.revision.master
        if isinstance(write, Delete):
            this.write(self._client.tasks.delete(tasklist=tasklist, task=write.id), etag)
            return Applied(this.op, write.id, None, None)
        if not isinstance(write.item, Task):
            return Refused(this.op, RefusedCode.UNSUPPORTED)
        body = _body(write.item, write.changed)
        if not body:  # nothing that a task holds is to be changed
            return Applied(this.op, now.id, now.revision, now)
        return _applied(this, this.write(self._client.tasks.patch(tasklist=tasklist, task=write.id, body=body), etag))


# --- the two shapes ----------------------------------------------------------------------------------------------


def found(raw: Raw) -> Found:
    """Raises Undecodable."""
    try:
        return Found(
            id=str(raw["id"]),
            revision=Revision(tag_of(raw, _HELD)),
            item=Task(
                title=str(raw.get("title") or ""),
                notes=str(raw.get("notes") or ""),
                due=date.fromisoformat(raw["due"][:10]) if raw.get("due") else None,
                status=TaskStatus.COMPLETED if raw.get("status") == "completed" else TaskStatus.NOT_STARTED,
            ),
            access=Access.NONE if raw.get("assignmentInfo") else Access.FULL,
            changed=_instant(str(raw["updated"])) if raw.get("updated") else None,
            href=str(raw.get("webViewLink") or ""),
        )
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise Undecodable from error


def _body(task: Task, names: frozenset[str]) -> Raw:
    """The fields to write; null takes one away."""
    day = due_day(task)
    done = task.status is TaskStatus.COMPLETED
    whole: Raw = {
        "title": task.title,
        "notes": task.notes or None,
        "due": f"{day.isoformat()}T00:00:00.000Z" if day else None,
        "status": "completed" if done else "needsAction",
    }
    return {name: value for name, value in whole.items() if name in names}


def _too_long(task: Task) -> bool:
    return len(task.title) > TITLE_LIMIT or len(task.notes) > NOTES_LIMIT


def _applied(this: Sending, raw: Raw) -> Outcome:
    try:
        stored = found(raw)
    except Undecodable:
        raise ContractViolation("the reply is no task") from None
    return Applied(this.op, stored.id, stored.revision, stored)


# --- positions ---------------------------------------------------------------------------------------------------


def _changes(items: Sequence[Raw], now: _Position) -> tuple[Change, ...]:
    """What is news of one page; ``now`` moves on."""
    news = [raw for raw in items if now.told.get(str(raw["id"])) != _mark(raw)]
    for raw in items:
        now.told[str(raw["id"])] = _mark(raw)
        now.newest = max(now.newest, str(raw.get("updated") or ""))
    return tuple(_change(raw) for raw in news)


def _mark(raw: Raw) -> str:
    """What tells one change of a task from the next; a deletion need not move the ETag."""
    return " ".join(str(raw.get(name) or "") for name in ("etag", "updated", "deleted"))


def _change(raw: Raw) -> Change:
    if raw.get("deleted"):
        return Tombstone(str(raw["id"]))
    try:
        return Upsert(found(raw))
    except Undecodable:
        return Unreadable(str(raw["id"]), UnreadableReason.MALFORMED)


def _token(now: _Position) -> str:
    told = dict(list(now.told.items())[-TOLD:])
    return orjson.dumps({"newest": now.newest, "asked": now.asked, "told": told}).decode()


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text.upper())
    if at.tzinfo is None:
        raise ValueError("a time without an offset")
    return at.astimezone(UTC)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
