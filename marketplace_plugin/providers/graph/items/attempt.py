"""One write of a contact or a task, as a conversation: what stands there is compared, then the write is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from marketplace_plugin.contract.sending import broken_off
from marketplace_plugin.errors import (
    AnswerLost,
    AuthorizationExpired,
    CollectionGone,
    ContractViolation,
    PermissionDenied,
    ProviderError,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.change import Found, Stamp
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    DeferScope,
    Delete,
    Missing,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
    Write,
)
from marketplace_plugin.providers.graph.conversation import Asking
from marketplace_plugin.providers.graph.errors import Refusal, for_connection, for_write
from marketplace_plugin.providers.graph.shape.decode import precondition
from marketplace_plugin.providers.graph.transport import Call, Json, segment


class Shape(Protocol):
    """One kind of items: its two shapes and the way between them."""

    kind: Kind
    query: Mapping[str, str]
    fields: frozenset[str]

    def found(self, raw: Json) -> Found:
        """Raises ValueError for what cannot be understood."""
        ...

    def creation(self, item: Item, stamp: Stamp) -> Json:
        """Raises TypeError for an item of another kind, ValueError for one that is too large."""
        ...

    def update(self, item: Item, changed: frozenset[str], stamp: Stamp | None) -> Json: ...

    def told(self, reply: Json, before: Json, sent: Json) -> Json:
        """The reply to a write with what only a request for it would have shown."""
        ...


@dataclass(slots=True)
class Attempt:
    """``begun``: something may have changed already."""

    path: str
    shape: Shape
    op: str
    begun: bool = False

    def send(self, call: Call) -> Asking[Json]:
        """A call that changes something. ``begun`` stays as it was where the service has said no."""
        before, self.begun = self.begun, True
        try:
            return (yield call)
        except (AnswerLost, ContractViolation):
            raise
        except Refusal as problem:
            if not problem.broken:
                self.begun = before
            raise
        except ProviderError:  # it was not sent
            self.begun = before
            raise

    def item(self, item_id: str) -> str:
        return f"{self.path}/{segment(item_id)}"

    def applied(self, raw: Json) -> Applied:
        try:
            stored = self.shape.found(raw)
        except ValueError as error:
            raise ContractViolation("the reply cannot be understood") from error
        return Applied(self.op, stored.id, stored.revision, stored)


def outcome(attempt: Attempt, write: Write) -> Asking[Outcome]:
    """What came of a write. Raises what concerns the whole connection, if nothing was begun."""
    try:
        return (yield from _carry_out(attempt, write))
    except Refusal as problem:
        if error := for_connection(problem):
            raise error from problem
        return _meaning(attempt, problem)
    except (Throttled, Unavailable, ContractViolation) as error:
        return broken_off(attempt.op, error, begun=attempt.begun)
    except (AuthorizationExpired, CollectionGone, PermissionDenied):
        if attempt.begun:  # others raise it
            return Unanswered(attempt.op)
        raise


def _meaning(attempt: Attempt, problem: Refusal) -> Outcome:
    if problem.absent:
        return Missing(attempt.op)
    if problem.status in (409, 412):
        return Stale(attempt.op, None)
    if problem.broken and not attempt.begun:
        return Deferred(attempt.op, None, DeferScope.ITEM)
    return for_write(attempt.op, problem)


def _carry_out(attempt: Attempt, write: Write) -> Asking[Outcome]:
    match write:
        case Create():
            return (yield from _create(attempt, write))
        case Update() | Delete():
            return (yield from _over(attempt, write))
        case _:
            return Refused(attempt.op, RefusedCode.UNSUPPORTED)


def _create(attempt: Attempt, write: Create) -> Asking[Outcome]:
    try:
        body = attempt.shape.creation(write.item, write.stamp)
    except TypeError:
        return Refused(attempt.op, RefusedCode.UNSUPPORTED)
    except ValueError:
        return Refused(attempt.op, RefusedCode.TOO_LARGE)
    reply = yield from attempt.send(Call("POST", attempt.path, body=body))
    return attempt.applied(attempt.shape.told(reply, {}, body))


def _over(attempt: Attempt, write: Update | Delete) -> Asking[Outcome]:
    """A write over what stands there, which must be as the caller last saw it."""
    before = yield Call("GET", attempt.item(write.id), attempt.shape.query)
    try:
        now = attempt.shape.found(before)
    except ValueError:
        return Stale(attempt.op, None)
    if now.revision != write.revision:
        return Stale(attempt.op, now)
    etag = precondition(write.revision.master)
    if isinstance(write, Delete):
        yield from attempt.send(Call("DELETE", attempt.item(write.id), if_match=etag))
        return Applied(attempt.op, write.id, None, None)
    try:
        body = attempt.shape.update(write.item, write.changed, write.stamp)
    except TypeError:
        return Refused(attempt.op, RefusedCode.UNSUPPORTED)
    except ValueError:
        return Refused(attempt.op, RefusedCode.TOO_LARGE)
    if not body:  # nothing that is held there is to be changed
        return attempt.applied(before)
    reply = yield from attempt.send(Call("PATCH", attempt.item(write.id), body=body, if_match=etag))
    return attempt.applied(attempt.shape.told(reply, before, body))
