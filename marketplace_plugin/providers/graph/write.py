"""Writing: each write under its precondition, one after the other, nobody mailed, every end with a name.

* What is changed or deleted is read first, compared whole and looked at for guests; then If-Match guards the request.
* An organised meeting with guests is not written: WOULD_MAIL. A guest writes his own fields only.
* The text of an online meeting holds what makes it one, so it is left whole.
* Creating is repeatable: transactionId is made of the operation key, and a repeat finds what an earlier attempt left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from marketplace_plugin.errors import ContractViolation, Throttled, Unavailable
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import UNKNOWN, Event, Response, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    DeferScope,
    Delete,
    Move,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
    Write,
)
from marketplace_plugin.providers.graph import series
from marketplace_plugin.providers.graph.attempt import Attempt, Settled, merged
from marketplace_plugin.providers.graph.errors import NotSent, Refusal
from marketplace_plugin.providers.graph.read import Reader
from marketplace_plugin.providers.graph.shape import decode, encode
from marketplace_plugin.providers.graph.shape.decode import Raw, Whole
from marketplace_plugin.providers.graph.shape.encode import COPIED, PERSONAL
from marketplace_plugin.providers.graph.shape.recurrence import Unencodable

PATIENCE = 3
"""So many answers in a row may fail to come before the rest is given up."""


def push(reader: Reader, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
    """See ``contract.provider.Provider.push``. After a request for a pause nothing more is sent."""
    pause: Deferred | None = None
    lost = 0
    for write in writes:
        if pause is not None:
            yield replace(pause, op=write.op)
            continue
        if lost >= PATIENCE:
            raise Unavailable(f"{PATIENCE} answers in a row did not come")
        outcome = _outcome(Attempt(reader, collection, write.op), write)
        silent = isinstance(outcome, Unanswered) or (isinstance(outcome, Deferred) and outcome.scope is DeferScope.ITEM)
        lost = lost + 1 if silent else 0
        if isinstance(outcome, Deferred) and not silent:
            pause = outcome
        yield outcome


def _outcome(attempt: Attempt, write: Write) -> Outcome:
    """What came of a write. Raises only what concerns the whole connection or calendar."""
    try:
        return _carry_out(attempt, write)
    except Settled as end:
        return end.outcome
    except Unencodable:
        return Refused(attempt.op, RefusedCode.UNSUPPORTED)
    except Throttled as error:
        return Unanswered(attempt.op) if attempt.begun else Deferred(attempt.op, error.retry_after)
    except NotSent:
        raise
    except (Unavailable, ContractViolation):
        return Unanswered(attempt.op) if attempt.begun else Deferred(attempt.op, None, DeferScope.ITEM)


def _carry_out(attempt: Attempt, write: Write) -> Outcome:
    match write:
        case Create():
            return _create(attempt, write)
        case Update():
            return _update(attempt, write)
        case Delete():
            return _delete(attempt, write)
        case Move():
            return Refused(attempt.op, RefusedCode.UNSUPPORTED)


def _create(attempt: Attempt, write: Create) -> Outcome:
    item = _as_event(write.item)
    if _masked(_master(item), COPIED - {"reminder"}):  # without one of its own it gets the calendar's
        return Refused(attempt.op, RefusedCode.INVALID)
    if isinstance(item, Series):
        series.check(item)
    body = encode.insertion(item, write.op, write.stamp)
    try:
        raw: Raw = merged(attempt.insert(body), {}, singleValueExtendedProperties=_mark(write.stamp))
    except Refusal as problem:
        raw = attempt.raw(problem.existing)
    return _made(attempt, write, item, raw)


def _made(attempt: Attempt, write: Create, item: Event | Series, raw: Raw) -> Outcome:
    """What stands there after a creation. An earlier attempt may have made it: edited since, it is Stale and told."""
    if decode.stamp_of(raw) != write.stamp:
        return Refused(attempt.op, RefusedCode.INVALID, permanent=False)
    if isinstance(item, Event):
        whole = Whole(raw)
        found = attempt.found(whole)
        if found is None or series.is_edited(found.item, item):
            return attempt.told(Stale(attempt.op, None), str(raw["id"]))
        return attempt.applied(whole)
    whole = attempt.whole(str(raw["id"]))  # the reply does not show what became of single occurrences
    found = attempt.found(whole)
    if found is None or series.is_edited(found.item, item):
        return Stale(attempt.op, found)
    return series.settle(attempt, item, whole) if item.overrides else attempt.applied(whole)


def _update(attempt: Attempt, write: Update) -> Outcome:
    item = _as_event(write.item)
    if _masked(_master(item), write.changed):
        return Refused(attempt.op, RefusedCode.INVALID)
    whole = attempt.expect(write.id, write.revision)
    _check_allowed(attempt, whole.master, write.changed)
    if isinstance(item, Series) or whole.repeats:
        return series.update(attempt, write, item, whole)
    body = encode.fields(item, write.changed & COPIED)
    if write.stamp is not None:
        body |= encode.stamped(write.stamp)
    raw = whole.master
    try:
        if body:
            sent = {"singleValueExtendedProperties": _mark(write.stamp)} if write.stamp else {}
            raw = merged(attempt.patch(write.id, write.revision.master, body), raw, **sent)
        if "response" in write.changed and _answer(attempt, write.id, item):
            raw = attempt.raw(write.id)  # what an action did is not in its reply
    except Settled as end:
        return attempt.told(end.outcome, write.id)
    return attempt.applied(Whole(raw))


def _answer(attempt: Attempt, identity: str, item: Event) -> bool:
    """Whether there was an answer to give. Raises Unencodable for the one that cannot be given: none."""
    if item.response is None:
        return False
    if item.response is Response.NEEDS_ACTION:
        raise Unencodable("an answer cannot be taken back")
    attempt.answer(identity, encode.ANSWERS[item.response])
    return True


def _check_allowed(attempt: Attempt, raw: Raw, changed: Collection[str]) -> None:
    """Raises Settled where the write is not the account's to make, or could not be made in silence."""
    if not raw.get("isOrganizer"):
        if frozenset(changed) - PERSONAL:
            raise attempt.refuse(RefusedCode.NOT_ORGANIZER)
    elif decode.has_guests(raw):
        raise attempt.refuse(RefusedCode.WOULD_MAIL)
    if "description" in changed and decode.is_online(raw):
        raise attempt.refuse(RefusedCode.UNSUPPORTED)


def _delete(attempt: Attempt, write: Delete) -> Outcome:
    whole = attempt.expect(write.id, write.revision)
    if whole.master.get("isOrganizer") and decode.has_guests(whole.master):
        return Refused(attempt.op, RefusedCode.WOULD_MAIL)
    try:
        attempt.delete(write.id, write.revision.master)
    except Settled as end:
        return attempt.told(end.outcome, write.id)
    return Applied(attempt.op, write.id, None, None)


def _mark(stamp: Stamp) -> Any:
    return encode.stamped(stamp)["singleValueExtendedProperties"]


def _masked(event: Event, names: Collection[str]) -> bool:
    """Whether one of these fields is not known to us: it is never written (rule 6)."""
    return any(getattr(event, name) is UNKNOWN for name in COPIED & frozenset(names))


def _master(item: Event | Series) -> Event:
    return item.master if isinstance(item, Series) else item


def _as_event(item: Item) -> Event | Series:
    if isinstance(item, (Event, Series)):
        return item
    raise Unencodable("a calendar holds events")
