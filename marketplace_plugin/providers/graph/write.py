"""Writing: each write under its precondition, nobody mailed, every end with a name.

* What is changed or deleted is read first, compared whole and looked at for guests; then If-Match guards the request.
* An organised meeting with guests is not written: WOULD_MAIL, also where they are guests of one occurrence alone. A
  guest writes his own fields only, and answers by the actions that can be told to send nothing.
* The text of an online meeting holds what makes it one, so it is left whole.
* Creating is repeatable: transactionId is made of the operation key, and a repeat finds what an earlier attempt left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from marketplace_plugin.contract.sending import Settled, broken_off
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    ContractViolation,
    PermissionDenied,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.change import Revision
from marketplace_plugin.model.event import UNKNOWN, Event, Response, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
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
from marketplace_plugin.providers.graph.attempt import Attempt, merged
from marketplace_plugin.providers.graph.conversation import Asking, Conversation, outcomes
from marketplace_plugin.providers.graph.errors import Refusal
from marketplace_plugin.providers.graph.read import Reader
from marketplace_plugin.providers.graph.shape import decode, encode
from marketplace_plugin.providers.graph.shape.decode import Raw, Whole
from marketplace_plugin.providers.graph.shape.encode import COPIED, PERSONAL
from marketplace_plugin.providers.graph.shape.recurrence import Unencodable


def push(reader: Reader, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
    """See ``contract.provider.Provider.push``. Writes go out together; those to one item in their order."""
    if not writes:
        return
    try:
        reader.calendar(collection)  # what an event means depends on it
    except Throttled as error:
        yield from (Deferred(write.op, error.retry_after, sent=False) for write in writes)
        return
    made = (Attempt(reader, collection, write.op) for write in writes)
    yield from outcomes(
        reader.client,
        [Conversation(w.op, _item(w), _outcome(attempt, w)) for attempt, w in zip(made, writes, strict=True)],
    )


def _item(write: Write) -> str:
    """What a write is about: creations with one stamp are about the same item."""
    return f"stamp {write.stamp}" if isinstance(write, Create) else f"id {write.id}"


def _outcome(attempt: Attempt, write: Write) -> Asking[Outcome]:
    """What came of a write. Raises what concerns the whole connection or calendar, if nothing was begun."""
    try:
        return (yield from _carry_out(attempt, write))
    except Settled as end:
        return end.outcome
    except Unencodable:
        return Refused(attempt.op, RefusedCode.UNSUPPORTED)
    except (Throttled, Unavailable, ContractViolation) as error:
        return broken_off(attempt.op, error, begun=attempt.begun)
    except (AuthorizationExpired, CollectionGone, PermissionDenied):
        if attempt.begun:  # others raise it
            return Unanswered(attempt.op)
        raise


def _carry_out(attempt: Attempt, write: Write) -> Asking[Outcome]:
    match write:
        case Create():
            return (yield from _create(attempt, write))
        case Update():
            return (yield from _update(attempt, write))
        case Delete():
            return (yield from _delete(attempt, write))
        case Move():
            return Refused(attempt.op, RefusedCode.UNSUPPORTED)


def _create(attempt: Attempt, write: Create) -> Asking[Outcome]:
    item = _as_event(write.item)
    if _masked(master_of(item), COPIED - {"reminder"}):  # without one of its own it gets the calendar's
        return Refused(attempt.op, RefusedCode.INVALID)
    if isinstance(item, Series):
        series.check(item)
    body = encode.insertion(item, write.op, write.stamp)
    try:
        reply = yield from attempt.insert(body)
        raw: Raw = merged(reply, {}, body)
    except Refusal as problem:
        raw = yield from attempt.raw(problem.existing or (yield from attempt.marked(write.stamp)))
    return (yield from _made(attempt, write, item, raw))


def _made(attempt: Attempt, write: Create, item: Event | Series, raw: Raw) -> Asking[Outcome]:
    """What stands there after a creation. An earlier attempt may have made it: edited since, it is Stale and told."""
    if decode.stamp_of(raw) != write.stamp:
        return Refused(attempt.op, RefusedCode.INVALID, permanent=False)
    if isinstance(item, Event):
        whole = Whole(raw)
        found = attempt.found(whole)
        if found is None or series.is_edited(found.item, item):
            return (yield from attempt.told(Stale(attempt.op, None), str(raw["id"])))
        return attempt.applied(whole)
    whole = yield from attempt.whole(str(raw["id"]))  # the reply does not show what became of single occurrences
    found = attempt.found(whole)
    if found is None or series.is_edited(found.item, item) or decode.would_mail(whole):
        return Stale(attempt.op, found)
    return (yield from series.settle(attempt, item, whole)) if item.overrides else attempt.applied(whole)


def _update(attempt: Attempt, write: Update) -> Asking[Outcome]:
    item = _as_event(write.item)
    if _masked(master_of(item), write.changed):
        return Refused(attempt.op, RefusedCode.INVALID)
    whole = yield from attempt.expect(write.id, write.revision)
    _check_allowed(attempt, whole, write.changed)
    answer = _answer(master_of(item)) if "response" in write.changed else None
    if answer is not None:
        answered = yield from _answered(attempt, write.id, answer)
        if answered is None:
            return Applied(attempt.op, write.id, None, None)
        whole = answered
    if isinstance(item, Series) or whole.repeats:
        revision = Revision(decode.tag_of(whole.master), write.revision.overrides) if answer else write.revision
        return (yield from series.update(attempt, replace(write, revision=revision), item, whole))
    return (yield from _update_single(attempt, write, item, whole.master))


def _update_single(attempt: Attempt, write: Update, item: Event, raw: Raw) -> Asking[Outcome]:
    when = item.when if "when" in write.changed else None
    body = encode.fields(item, write.changed & COPIED) | encode.marks(write.stamp, when)
    if not body:
        return attempt.applied(Whole(raw))
    try:
        reply = yield from attempt.patch(write.id, decode.tag_of(raw), body)
    except Settled as end:
        return (yield from attempt.told(end.outcome, write.id))
    return attempt.applied(Whole(merged(reply, raw, body)))


def _answer(item: Event) -> str | None:
    """The action that gives an answer, None where there is none to give. Raises Unencodable for taking one back."""
    if item.response is None:
        return None
    if item.response is Response.NEEDS_ACTION:
        raise Unencodable("an answer cannot be taken back")
    return encode.ANSWERS[item.response]


def _answered(attempt: Attempt, identity: str, answer: str) -> Asking[Whole | None]:
    """Answer first: what the service makes of the event then is what the rest is written over.

    None where the event went with it: a declined one is thrown away, unless the user has Outlook keep it.
    """
    yield from attempt.answer(identity, answer)
    raw = yield from attempt.look(identity)
    return None if raw is None else decode.whole(raw)


def _check_allowed(attempt: Attempt, whole: Whole, changed: Collection[str]) -> None:
    """Raises Settled where the write is not the account's to make, or could not be made in silence."""
    if not decode.is_own(whole.master) and frozenset(changed) - PERSONAL:
        raise attempt.refuse(RefusedCode.NOT_ORGANIZER)
    if decode.would_mail(whole):
        raise attempt.refuse(RefusedCode.WOULD_MAIL)
    if "description" in changed and decode.is_online(whole.master):
        raise attempt.refuse(RefusedCode.UNSUPPORTED)


def _delete(attempt: Attempt, write: Delete) -> Asking[Outcome]:
    whole = yield from attempt.expect(write.id, write.revision)
    if decode.would_mail(whole):
        return Refused(attempt.op, RefusedCode.WOULD_MAIL)
    try:
        yield from attempt.delete(write.id, write.revision.master)
    except Settled as end:
        return (yield from attempt.told(end.outcome, write.id))
    return Applied(attempt.op, write.id, None, None)


def _masked(event: Event, names: Collection[str]) -> bool:
    """Whether one of these fields is not known to us: it is never written (rule L6)."""
    return any(getattr(event, name) is UNKNOWN for name in COPIED & frozenset(names))


def _as_event(item: Item) -> Event | Series:
    if isinstance(item, (Event, Series)):
        return item
    raise Unencodable("a calendar holds events")
