"""Writing: one named outcome for each write. A series takes several requests, so it can stop half way (``Partial``).

Only the named fields are written, and of those only the ones that the service holds. Each request carries the revision
that the one before left, so an edit in between is never written over, nor taken for our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from marketplace_plugin.errors import AuthorizationExpired, CollectionGone, PermissionDenied, Throttled, Unavailable
from marketplace_plugin.model.change import Found, Gone, Unreadable
from marketplace_plugin.model.event import UNKNOWN, Event, Override, Series, original_key
from marketplace_plugin.model.form.canonical import EVENT_FIELDS, SERIES_FIELDS, project
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import SHAPE, patch
from marketplace_plugin.model.series.shape import crosses, expressible
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    Delete,
    Missing,
    Move,
    Outcome,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
    Write,
)
from marketplace_plugin.providers.memory.account import (
    OWN_FIELDS,
    MemoryAccount,
    NotOrganizer,
    NotThere,
    StaleWrite,
)
from marketplace_plugin.providers.memory.content import guests, over_events

_Wanted = list[tuple[str, Override | None]]  # by original_key; None restores the occurrence


def push(account: MemoryAccount, collection: str, writes: Sequence[Write]) -> Iterator[Outcome]:
    """In batches: all of a batch is sent before its outcomes are told, the last one first."""
    size = account.personality.batch
    for at in range(0, len(writes), size):
        told: list[Outcome] = []
        fatal: Exception | None = None
        for number, write in enumerate(writes[at : at + size], at):
            try:
                told.append(_outcome(account, collection, write))
            except Throttled as pause:
                told.append(Deferred(write.op, pause.retry_after))
                rest = [Deferred(w.op, pause.retry_after, sent=False) for w in writes[number + 1 :]]
                yield from [*reversed(told), *rest]
                return
            except (AuthorizationExpired, CollectionGone) as error:
                fatal = error
                break
        yield from reversed(told)
        if fatal is not None:
            raise fatal


def _outcome(account: MemoryAccount, collection: str, write: Write) -> Outcome:
    try:
        match write:
            case Create():
                return _create(account, collection, write)
            case Update():
                return _update(account, collection, write)
            case Delete():
                return _delete(account, collection, write)
            case Move():
                return _move(account, collection, write)
    except Unavailable:
        return Unanswered(write.op)
    except NotThere:
        return Missing(write.op)
    except StaleWrite:
        return Stale(write.op, None if isinstance(write, Create) else _current(account, collection, write.id))
    except PermissionDenied:
        return Refused(write.op, RefusedCode.FORBIDDEN, permanent=False)
    except NotOrganizer:
        return Refused(write.op, RefusedCode.NOT_ORGANIZER)


def _create(account: MemoryAccount, collection: str, write: Create) -> Outcome:
    capabilities = account.capabilities(collection)
    item = project(write.item, capabilities)
    if code := _cannot_hold(account, collection, item):
        return Refused(write.op, code)
    bare = replace(item, overrides=()) if isinstance(item, Series) else item
    made = account.insert(collection, write.op, write.stamp, bare, notify=not capabilities.silent)
    if made.edited:
        return Stale(write.op, made.found)
    wanted: _Wanted = []
    if isinstance(item, Series):
        there = made.found.item.overrides if isinstance(made.found.item, Series) else ()
        present = {original_key(o.original) for o in there}
        wanted = [(key, o) for o in item.overrides if (key := original_key(o.original)) not in present]
    return _put_overrides(account, collection, write.op, made.found, wanted, started=True)


def _update(account: MemoryAccount, collection: str, write: Update) -> Outcome:
    capabilities = account.capabilities(collection)
    names = write.changed & (capabilities.fields | {"type"})
    if any(value is UNKNOWN for value in _values(write.item, names)):
        return Refused(write.op, RefusedCode.INVALID)
    series_names = names & (SERIES_FIELDS | SHAPE) if isinstance(write.item, Event | Series) else frozenset()
    if series_names and (code := _cannot_hold(account, collection, write.item)):
        return Refused(write.op, code)
    before = None
    if series_names or not capabilities.silent:
        before = _current(account, collection, write.id)
        if before is None:
            return Missing(write.op)
        if before.revision != write.revision:
            return Stale(write.op, before)
        if not capabilities.silent and names - OWN_FIELDS and guests(before.item, before.access):
            return Refused(write.op, RefusedCode.WOULD_MAIL)
    master = names - {"overrides"}
    found = before
    if master or found is None:
        drops = account.personality.reshaping_drops

        def change(current: Item) -> Item:
            return _patched(current, write.item, master, drops=drops)

        found = account.patch(collection, write.id, write.revision, change, master, write.stamp, notify=False)
    wanted: _Wanted = []
    if before is not None and series_names:
        wanted = _overrides_to_write(write, before.item, found.item, capabilities.fields)
    return _put_overrides(account, collection, write.op, found, wanted, started=bool(master))


def _delete(account: MemoryAccount, collection: str, write: Delete) -> Outcome:
    if not account.capabilities(collection).silent:
        before = _current(account, collection, write.id)
        if before is not None and guests(before.item, before.access):
            return Refused(write.op, RefusedCode.WOULD_MAIL)
    account.delete(collection, write.id, write.revision, notify=False)
    return Applied(write.op, write.id, None, None)


def _move(account: MemoryAccount, collection: str, write: Move) -> Outcome:
    if not account.capabilities(collection).move:
        return Refused(write.op, RefusedCode.UNSUPPORTED)
    found = account.move(collection, write.id, write.revision, write.to)
    return Applied(write.op, found.id, found.revision, found)


# ---- parts --------------------------------------------------------------------------------------------------------


def _cannot_hold(account: MemoryAccount, collection: str, item: Item) -> RefusedCode | None:
    capabilities = account.capabilities(collection)
    names = frozenset(f.name for f in fields(item.master if isinstance(item, Series) else item))
    if any(value is UNKNOWN for value in _values(item, names & capabilities.fields)):
        return RefusedCode.INVALID
    if not isinstance(item, Series):
        return None
    if not expressible(item, capabilities):
        return RefusedCode.UNSUPPORTED
    if not capabilities.override_crossing and crosses(item) is not None:
        return RefusedCode.UNSUPPORTED
    return None


def _current(account: MemoryAccount, collection: str, item_id: str) -> Found | None:
    """A reading of our own, before or after a write."""
    (answer,) = account.fetch(collection, [item_id])
    return None if isinstance(answer, Gone | Unreadable) else answer


def _put_overrides(
    account: MemoryAccount, collection: str, op: str, found: Found, wanted: _Wanted, *, started: bool
) -> Applied | Partial:
    """One request each; stops at the first that fails, which raises where nothing was written before it."""
    for number, (key, override) in enumerate(wanted):
        try:
            found = account.put_override(collection, found.id, found.revision, key, override, notify=False)
        except (Unavailable, Throttled, StaleWrite, NotThere, PermissionDenied, NotOrganizer):
            if not started and number == 0:
                raise
            return Partial(op, _last_look(account, collection, found.id), tuple(k for k, _ in wanted[number:]))
    return Applied(op, found.id, found.revision, found)


def _last_look(account: MemoryAccount, collection: str, item_id: str) -> Found | None:
    try:
        return _current(account, collection, item_id)
    except (Unavailable, Throttled, PermissionDenied):
        return None


def _overrides_to_write(write: Update, before: Item, now: Item, held: frozenset[str]) -> _Wanted:
    """The occurrences that ``write`` changes, and those that the change of the master has undone on the way."""
    if not isinstance(write.item, Series) or not isinstance(now, Series):
        return []
    base = write.base if isinstance(write.base, Series) else None
    olds = {} if base is None else {original_key(o.original): o for o in base.overrides}
    present = {original_key(o.original) for o in now.overrides}
    wanted: _Wanted = []
    for override in write.item.overrides:
        key = original_key(override.original)
        if olds.get(key) == override and key in present:
            continue
        wanted.append((key, Override(override.original, _content(override, before, now, held))))
    kept = {original_key(o.original) for o in write.item.overrides}
    return wanted + [(key, None) for key in olds if key not in kept and key in present]


def _content(override: Override, before: Item, now: Series, held: frozenset[str]) -> Event | None:
    """The occurrence as it shall stand: what the service has there, with all of ours that it holds. What the change of
    the master has just done to it counts for nothing."""
    if override.event is None:
        return None
    there = now.override(override.original)
    if there is None and isinstance(before, Series):
        there = before.override(override.original)
    current = (there.event if there is not None else None) or replace(now.master, when=override.event.when)
    ours = {name: getattr(override.event, name) for name in EVENT_FIELDS & held}
    return replace(current, **{name: value for name, value in ours.items() if value is not UNKNOWN})


def _patched(current: Item, item: Item, names: frozenset[str], *, drops: bool) -> Item:
    """``current`` with the named fields of ``item``; a new shape undoes all exceptions where the service does so."""
    patched = patch(current, item, names)
    if "attendees" in names and isinstance(patched, Series):  # those of the series are those of each occurrence
        guests_now = patched.master.attendees
        patched = over_events(patched, lambda event: replace(event, attendees=guests_now))
    if drops and names & SHAPE and isinstance(patched, Series):
        return replace(patched, overrides=())
    return patched


def _values(item: Item, names: frozenset[str]) -> Iterator[Any]:
    events: list[Item] = [item]
    if isinstance(item, Series):
        events = [item.master, *(o.event for o in item.overrides if o.event is not None and "overrides" in names)]
    for event in events:
        yield from (getattr(event, name) for name in names if hasattr(event, name))
