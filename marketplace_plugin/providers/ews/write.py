"""Writing: each write under its precondition, one after the other, nobody mailed, every end with a name.

* What is changed or deleted is read first and compared whole; then the change key guards the request (NeverOverwrite).
* A meeting with guests is written in silence (SendToNone); a guest writes his own fields only, and his answer is saved,
  not sent.
* Creating is not repeatable: who does not get an answer looks our mark up (``find``) before he tries again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from marketplace_plugin.contract.sending import Settled, broken_off, one_by_one
from marketplace_plugin.errors import ContractViolation, ProviderError, Throttled, Unavailable
from marketplace_plugin.model.change import Found, Gone, Revision, Unreadable
from marketplace_plugin.model.event import UNKNOWN, Event, Response, Series, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import SHAPE, master_of
from marketplace_plugin.model.series.edit import patch as edited
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Missing,
    Move,
    Outcome,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Update,
    Write,
)
from marketplace_plugin.providers.ews import series
from marketplace_plugin.providers.ews.attempt import Attempt, Key
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.providers.ews.read import Reader
from marketplace_plugin.providers.ews.shape import decode, encode
from marketplace_plugin.providers.ews.shape.decode import Whole
from marketplace_plugin.providers.ews.shape.encode import COPIED, PERSONAL
from marketplace_plugin.providers.ews.shape.recurrence import Unencodable, element_of
from marketplace_plugin.providers.ews.soap.xml import Element


def push(reader: Reader, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
    """See ``contract.provider.Provider.push``."""
    return one_by_one(writes, lambda write: _outcome(Attempt(reader, collection, write.op), write))


def _outcome(attempt: Attempt, write: Write) -> Outcome:
    """What came of a write. Raises only what concerns the whole connection or calendar."""
    try:
        return _carry_out(attempt, write)
    except Settled as end:
        return end.outcome
    except Unencodable:
        return Refused(attempt.op, RefusedCode.UNSUPPORTED)
    except (Throttled, Unavailable, ContractViolation) as error:
        return broken_off(attempt.op, error, begun=attempt.begun)


def _carry_out(attempt: Attempt, write: Write) -> Outcome:
    if Place.of(attempt.collection).times_only:
        return Refused(attempt.op, RefusedCode.FORBIDDEN, permanent=False)
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
    if _masked(master_of(item), COPIED - {"reminder"}):  # without one of its own it has none
        return Refused(attempt.op, RefusedCode.INVALID)
    if isinstance(item, Series):
        series.check(item)
    reader = attempt.reader
    body = encode.insertion(item, write.op, write.stamp, home=reader.home, schema=reader.client.schema)
    key = attempt.insert(body)
    uid = encode.uid(write.op, write.stamp)
    made = Found(key.id, Revision(key.change_key), item, uid=uid, stamp=write.stamp)
    try:
        if isinstance(item, Series) and item.overrides:
            bare = replace(item, overrides=())
            return series.settle(attempt, key, bare, item)
        return _told(attempt, key, made, item)
    except (Settled, ProviderError):  # it is there, and could not be read: what is known of it is what was sent
        if isinstance(item, Series) and item.overrides:
            return Partial(attempt.op, None, tuple(original_key(o.original) for o in item.overrides))
        return Applied(attempt.op, made.id, made.revision, made)


def _update(attempt: Attempt, write: Update) -> Outcome:
    item = _as_event(write.item)
    if _masked(master_of(item), write.changed):
        return Refused(attempt.op, RefusedCode.INVALID)
    whole = attempt.expect(write.id, write.revision)
    found = attempt.found(whole)
    if found is None or not isinstance(found.item, (Event, Series)):
        return Stale(attempt.op, found)
    if not decode.is_own(whole.master) and frozenset(write.changed) - PERSONAL:
        return Refused(attempt.op, RefusedCode.NOT_ORGANIZER)
    wanted = edited(found.item, item, write.changed)
    if not isinstance(wanted, (Event, Series)):
        return Refused(attempt.op, RefusedCode.INVALID)
    key = Key.of(whole.master)
    try:
        changes = _master_changes(attempt, write, found.item, wanted, whole.master)
        if changes:
            key = attempt.update(key, changes)
        if "response" in write.changed and master_of(item).response is not None:
            key = _answer(attempt, key, master_of(item).response)
    except Settled as end:
        return attempt.told(end.outcome, write.id)
    if isinstance(wanted, Series):
        before = found.item if isinstance(found.item, Series) else replace(wanted, overrides=())
        return series.settle(attempt, key, before, wanted)
    try:
        return _told(attempt, key, found, wanted)
    except Settled as end:
        declined = "response" in write.changed and wanted.response is Response.DECLINED
        gone = isinstance(end.outcome, Missing)
        return Applied(attempt.op, write.id, None, None) if declined and gone else end.outcome


def _master_changes(
    attempt: Attempt, write: Update, now: Event | Series, wanted: Event | Series, there: Element
) -> list[Element]:
    """What an update of the event or the master (``there``) says. Raises Unencodable."""
    reader = attempt.reader
    reshape = isinstance(now, Series) != isinstance(wanted, Series) or _reshapes(write, now, wanted)
    if isinstance(wanted, Series) and (reshape or "overrides" in write.changed):
        series.check(wanted)
    names = write.changed & COPIED
    if reshape:
        names |= {"when"}
    parts = encode.fields(
        master_of(wanted), names, home=reader.home, schema=reader.client.schema, repeats=isinstance(wanted, Series)
    )
    without: list[str] = []
    if "attendees" in write.changed:
        parts_of_guests, without = encode.guests(there, master_of(now), master_of(wanted))
        parts += parts_of_guests
    if reshape and isinstance(wanted, Series):
        parts.append(element_of(wanted))
    elif reshape:
        without.append("Recurrence")
    if write.stamp is not None:
        parts.append(encode.stamped(write.stamp))
    return encode.changes(parts, without=without)


def _reshapes(write: Update, now: Event | Series, wanted: Event | Series) -> bool:
    """Whether the rule has to be sent: for a new shape, or to have cancelled occurrences back."""
    if not isinstance(now, Series) or not isinstance(wanted, Series):
        return False
    if write.changed & SHAPE:
        return True
    cancelled = [{original_key(o.original) for o in item.overrides if o.event is None} for item in (now, wanted)]
    return bool(cancelled[0] - cancelled[1])


def _answer(attempt: Attempt, key: Key, response: Response | None) -> Key:
    """Raises Unencodable for the answer that cannot be given: none."""
    if response is None or response is Response.NEEDS_ACTION:
        raise Unencodable("an answer cannot be taken back")
    return attempt.answer(key, encode.ANSWERS[response])


def _told(attempt: Attempt, key: Key, older: Found, wanted: Item) -> Outcome:
    """A single event after it was written. A declined invitation has left the calendar: raises Settled, Missing."""
    now = attempt.reader.meaning(attempt.collection, key.id, attempt.whole(key.id))
    if isinstance(now, Gone):
        raise Settled(Missing(attempt.op))
    return series.as_stored(attempt, None if isinstance(now, Unreadable) else now, older, key, wanted)


def _delete(attempt: Attempt, write: Delete) -> Outcome:
    whole: Whole = attempt.expect(write.id, write.revision)
    try:
        attempt.delete(Key.of(whole.master))
    except Settled as end:
        return attempt.told(end.outcome, write.id)
    return Applied(attempt.op, write.id, None, None)


def _masked(event: Event, names: Collection[str]) -> bool:
    """Whether one of these fields is not known to us: it is never written (rule L6)."""
    return any(getattr(event, name) is UNKNOWN for name in COPIED & frozenset(names))


def _as_event(item: Item) -> Event | Series:
    if isinstance(item, (Event, Series)):
        return item
    raise Unencodable("a calendar holds events")
