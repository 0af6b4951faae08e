"""Writing: each write under its precondition, one after the other, nobody mailed, every end with a name.

* ``If-Match`` guards each request. A series has an ETag for itself and for each exception, so it is read first
  and compared whole.
* Creating is repeatable: the id is made of the operation key, and 409 finds what an earlier attempt left.
* Moving changes the organiser for every guest, so only what has no guests is moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from marketplace_plugin.contract.sending import Settled, broken_off, one_by_one
from marketplace_plugin.errors import ContractViolation, Throttled, Unavailable
from marketplace_plugin.model.event import UNKNOWN, Event, Series, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import SHAPE, master_of
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Missing,
    Move,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Update,
    Write,
)
from marketplace_plugin.providers.google import overrides
from marketplace_plugin.providers.google.attempt import Attempt, personal
from marketplace_plugin.providers.google.errors import Refusal
from marketplace_plugin.providers.google.read import Reader, Whole
from marketplace_plugin.providers.google.shape import decode, encode
from marketplace_plugin.providers.google.shape.decode import Raw
from marketplace_plugin.providers.google.shape.encode import COPIED, NotOurs, Unencodable
from marketplace_plugin.providers.google.transport import Json

_PERSONAL = frozenset({"reminder", "response", "attendees"})


def push(reader: Reader, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
    """See ``contract.provider.Provider.push``."""
    return one_by_one(writes, lambda write: _outcome(Attempt(reader, collection, write.op), write))


def _outcome(attempt: Attempt, write: Write) -> Outcome:
    """What came of a write. Raises only what concerns the whole connection or calendar."""
    try:
        return _carry_out(attempt, write)
    except Settled as end:
        return end.outcome
    except NotOurs:
        return Refused(attempt.op, RefusedCode.NOT_ORGANIZER)
    except Unencodable:
        return Refused(attempt.op, RefusedCode.UNSUPPORTED)
    except (Throttled, Unavailable, ContractViolation) as error:
        return broken_off(attempt.op, error, begun=attempt.begun)


def _carry_out(attempt: Attempt, write: Write) -> Outcome:
    match write:
        case Create():
            return _create(attempt, write)
        case Update() if isinstance(write.item, Series) or isinstance(write.base, Series):
            return _update_series(attempt, write)
        case Update():
            return _update_event(attempt, write)
        case Delete():
            return _delete(attempt, write)
        case Move():
            return _move(attempt, write)


def _create(attempt: Attempt, write: Create) -> Outcome:
    item = _as_event(write.item)
    if _masked(master_of(item), COPIED - {"reminder"}):
        return Refused(attempt.op, RefusedCode.INVALID)
    body = encode.insertion(item, write.op, write.stamp)
    try:
        raw: Raw = attempt.insert(body)
    except Refusal:
        return _adopt(attempt, write, item, str(body["id"]))
    if isinstance(item, Series) and any(o.event is not None for o in item.overrides):
        return overrides.settle(attempt, item, attempt.whole(str(raw["id"]), str(raw.get("iCalUID") or "")))
    return attempt.applied(Whole(raw))


def _adopt(attempt: Attempt, write: Create, item: Event | Series, identity: str) -> Outcome:
    """What an earlier attempt left under this id: taken as done, and finished where it had stopped half way.

    Deleted since, it stays deleted; edited since, it is Stale and told. With another stamp it is not ours.
    """
    raw = attempt.reader.raw(attempt.collection, identity)
    if raw is not None and decode.is_cancelled(raw):  # it need not show its stamp any more
        return Missing(attempt.op)
    if raw is None or decode.stamp_of(raw) != write.stamp:
        return Refused(attempt.op, RefusedCode.INVALID, permanent=False)
    whole = attempt.whole(identity, str(raw.get("iCalUID") or "") if raw.get("recurrence") else "")
    found = attempt.found(whole)
    if found is None or overrides.is_edited(found.item, item):
        return Stale(attempt.op, found)
    return overrides.settle(attempt, item, whole) if isinstance(item, Series) else attempt.applied(whole)


def _update_event(attempt: Attempt, write: Update) -> Outcome:
    item, base = master_of(_as_event(write.item)), master_of(_as_event(write.base))
    if _masked(item, write.changed):
        return Refused(attempt.op, RefusedCode.INVALID)
    body = _body(write, item)
    if not body or write.changed & _PERSONAL or write.revision.master.startswith(decode.BY_CONTENT):
        whole = attempt.expect(write.id, write.revision)
        body |= personal(whole.master, base, item, write.changed)
        if not body:  # nothing that Google holds is to be changed
            return attempt.applied(whole)
    try:
        return attempt.applied(Whole(attempt.patch(write.id, write.revision.master, body)))
    except Settled as end:
        return attempt.told(end.outcome, write.id)


def _update_series(attempt: Attempt, write: Update) -> Outcome:
    item, base = _as_event(write.item), _as_event(write.base)
    if _masked(master_of(item), write.changed):
        return Refused(attempt.op, RefusedCode.INVALID)
    whole = attempt.expect(write.id, write.revision)
    body = _body(write, master_of(item))
    body |= personal(whole.master, master_of(base), master_of(item), write.changed)
    body |= _recurrence(attempt, write, item, whole)
    if "attendees" in write.changed:
        try:
            overrides.ask(attempt, whole, master_of(base), master_of(item))
        except Settled as end:
            return attempt.told(end.outcome, write.id)
    if body:
        try:
            raw = attempt.patch(write.id, write.revision.master, body)
        except Settled as end:
            return attempt.told(end.outcome, write.id)
        whole = attempt.reread(whole.master, {write.id: raw})
    if isinstance(item, Series) and write.changed & (SHAPE | {"overrides"}):
        return overrides.settle(attempt, item, whole)
    return attempt.applied(whole)


def _delete(attempt: Attempt, write: Delete) -> Outcome:
    attempt.expect(write.id, write.revision)
    try:
        attempt.delete(write.id, write.revision.master)
    except Settled as end:
        return attempt.told(end.outcome, write.id)
    return Applied(attempt.op, write.id, None, None)


def _move(attempt: Attempt, write: Move) -> Outcome:
    whole = attempt.expect(write.id, write.revision)
    raw = whole.master
    if not decode.organises(raw, attempt.collection):
        return Refused(attempt.op, RefusedCode.NOT_ORGANIZER)
    if raw.get("attendeesOmitted") or any(not guest.get("self") for guest in raw.get("attendees") or ()):
        return Refused(attempt.op, RefusedCode.WOULD_MAIL)
    try:
        moved: Raw = attempt.move(write.id, write.revision.master, write.to)
    except Settled as end:
        return attempt.told(end.outcome, write.id)
    there = Attempt(attempt.reader, write.to, attempt.op, begun=True)
    return there.applied(there.reread(raw, {write.id: moved}) if whole.repeats else Whole(moved))


def _body(write: Update, event: Event) -> Json:
    body = encode.fields(event, write.changed & COPIED, patch=True)
    if write.stamp is not None:
        private = body.setdefault("extendedProperties", {}).setdefault("private", {})
        private.update(encode.stamped(write.stamp))
    return body


def _recurrence(attempt: Attempt, write: Update, item: Event | Series, whole: Whole) -> Json:
    """The lines, where the rule changes or an EXDATE among them has to go."""
    if not isinstance(item, Series):
        return {"recurrence": None} if whole.repeats else {}
    cancelled: set[str] = set()
    exdates: set[str] = set()
    now = decode.series(whole.master, (), attempt.reader.calendar(attempt.collection)).item if whole.repeats else None
    if isinstance(now, Series):
        exdates = {original_key(o.original) for o in now.overrides}
        originals = [decode.original_of(e, now.master.when.start) for e in whole.exceptions if decode.is_cancelled(e)]
        cancelled = {original_key(original) for original in originals}
    restored = exdates - {original_key(o.original) for o in item.overrides if o.event is None}
    if now is None or write.changed & SHAPE or (restored and "overrides" in write.changed):
        return {"recurrence": encode.rules(item, cancelled)}
    return {}


def _masked(event: Event, names: Collection[str]) -> bool:
    """Whether one of these fields is not known to us: it is never written (rule L6)."""
    return any(getattr(event, name) is UNKNOWN for name in COPIED & frozenset(names))


def _as_event(item: Item) -> Event | Series:
    if isinstance(item, (Event, Series)):
        return item
    raise Unencodable("a calendar holds events")
