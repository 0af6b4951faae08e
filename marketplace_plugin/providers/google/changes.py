"""Reading what changed: events.list with a sync token, page by page.

Source: https://developers.google.com/workspace/calendar/api/guides/sync, and the reference of events.list.

* One round is one request where nothing changed. ``singleEvents=false`` gives masters and exceptions.
* A series is one item, so a touched one is read again whole, by its iCalUID (one request): a delta holds only the
  exception that was touched, and the first read, bounded by ``timeMin``, leaves out the exceptions before the bound.
* A day whose series is not in the calendar (an invitation to it alone; free/busy calendars list days only) is told as
  an event of its own. A series that is told whole takes the place of what was told so of it.
* A series may be deleted while some of its days stay (who was asked to all of it is left on one day). They are asked
  for by id, for a list may tell of a day later than of the deletion it went with.
* The first read has no upper bound, so its token also tells what the window has not reached yet. The window may move
  forward by ``AHEAD`` before another first read is due; one that begins earlier or is longer makes it due at once. What
  merely left the window is not absent: the snapshot covers the window alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from marketplace_plugin.errors import ContractViolation, CursorExpired, ProviderError, Unavailable
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.names.zones import resolve
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.google.errors import Refusal, for_read, is_expired
from marketplace_plugin.providers.google.read import (
    LIST_COLUMNS,
    PAGE,
    Reader,
    Whole,
    alone,
    following,
    items_of,
    rfc3339,
    understood,
)
from marketplace_plugin.providers.google.shape import decode
from marketplace_plugin.providers.google.shape.decode import EVENT_TYPES, Calendar, Raw
from marketplace_plugin.providers.google.transport import Json

AHEAD = timedelta(days=31)

_INSTANCE = re.compile(r"(.+)_\d{8}(?:T\d{6}Z)?")
_REQUEST = hashlib.sha256(f"1 {LIST_COLUMNS} {EVENT_TYPES}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Round:
    """The request that all pages of a round share: a delta of ``sync``, or a first read of ``covers``."""

    collection: str
    sync: str | None
    covers: Window

    @property
    def snapshot(self) -> bool:
        return self.sync is None


@dataclass(slots=True)
class _Seen:
    """What one page leaves for the next."""

    told: set[str] = field(default_factory=set)
    """Ids of series that were told already."""
    deleted: set[str] = field(default_factory=set)
    """Ids that were told as deleted."""
    alone: set[str] | None = field(default_factory=set)
    """Ids of single days that were told as events of their own; None where earlier rounds, or pages, may have."""
    waiting: dict[str, list[Raw]] = field(default_factory=dict)
    """What was seen of series without an iCalUID (free/busy calendars hide it); told at the end."""


def pull(reader: Reader, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
    """See ``contract.provider.Provider.pull``."""
    if since is not None and not _fits(since, collection, window):
        since = None
    this, page = _begin(collection, since, window)
    seen, first = _Seen(), True
    if isinstance(since, Checkpoint) or not this.snapshot:
        seen.alone = None
    while True:
        answer = _page(reader, this, page, first=first)
        calendar = reader.note(collection, answer)
        page, token = following(answer, page), answer.get("nextSyncToken")
        changes = list(_changes(reader, calendar, items_of(answer), seen))
        if page is None:
            changes += _told_at_end(reader, calendar, this, seen)
        if this.snapshot:
            changes = [change for change in changes if _is_near(change, this.covers, calendar)]
        elif calendar.role <= Role.FREE_BUSY:  # a touched series comes as all its days, years ahead
            changes = [change if _is_near(change, this.covers, calendar) else _far(change) for change in changes]
        fingerprint = _fingerprint(collection)
        checkpoint = cursor = None
        if page is None:
            if not token and "items" not in answer:
                raise ContractViolation("an answer that is no page")
            # Without a token there is nothing to go on with: the next round is a first read again.
            cursor = Cursor(str(token or ""), fingerprint, this.covers)
        elif not seen.waiting:
            checkpoint = Checkpoint(_pack(this.sync, page), fingerprint, this.snapshot, this.covers)
        yield Page(tuple(changes), this.snapshot, this.covers if this.snapshot else None, checkpoint, cursor)
        if page is None:
            return
        first = False


def _fingerprint(collection: str) -> str:
    return f"{_REQUEST}:{hashlib.sha256(collection.encode()).hexdigest()[:16]}"


def _fits(since: Cursor | Checkpoint, collection: str, window: Window) -> bool:
    """Whether the token tells all that concerns ``window``: see the module's docstring."""
    covers = since.window
    if since.fingerprint != _fingerprint(collection) or covers is None or not since.token:
        return False
    moved_on = covers.start <= window.start and window.end <= covers.end + AHEAD
    return moved_on and window.end - window.start <= covers.end - covers.start


def _begin(collection: str, since: Cursor | Checkpoint | None, window: Window) -> tuple[_Round, str | None]:
    """The round that ``since`` goes on with, and the token of its next page."""
    if since is None:
        return _Round(collection, None, window), None
    covers = since.window or window
    if isinstance(since, Cursor):
        return _Round(collection, since.token, covers), None
    try:
        sync, page = orjson.loads(since.token)
    except ValueError as error:
        raise CursorExpired("this is no checkpoint of ours") from error
    return _Round(collection, sync, covers), page


def _pack(sync: str | None, page: str) -> str:
    return orjson.dumps([sync, page]).decode()


def _page(reader: Reader, this: _Round, page: str | None, *, first: bool) -> Json:
    bounds: dict[str, Any] = {"syncToken": this.sync} if this.sync else {"timeMin": rfc3339(this.covers.start)}
    request = reader.client.events.list(
        calendarId=this.collection,
        maxResults=PAGE,
        singleEvents=False,
        eventTypes=EVENT_TYPES,
        pageToken=page,
        fields=LIST_COLUMNS,
        **bounds,
    )
    try:
        return reader.client.call(request)
    except Refusal as problem:
        if not is_expired(problem) or (this.sync is None and page is None):
            raise for_read(problem) from problem
        if first:
            raise CursorExpired("Google no longer takes this token") from problem
        raise Unavailable("the round broke off: Google no longer takes its token") from problem


def _changes(reader: Reader, calendar: Calendar, items: Sequence[Raw], seen: _Seen) -> Iterator[Change]:
    """What the items of one page mean. Touched series are read again, each once in a round."""
    touched: dict[str, list[Raw]] = {}
    deleted: list[str] = []
    for raw in items:
        if not isinstance(raw.get("id"), str):
            yield Unreadable("", UnreadableReason.MALFORMED)
        elif raw.get("eventType") in decode.NOT_READ:
            continue
        elif isinstance(raw.get("recurringEventId"), str):
            touched.setdefault(raw["recurringEventId"], []).append(raw)
        elif decode.is_cancelled(raw):
            deleted.append(raw["id"])
        elif raw.get("recurrence"):
            touched.setdefault(raw["id"], []).append(raw)
        else:
            yield _as_change(raw["id"], Whole(raw), calendar)
    seen.deleted.update(deleted)
    yield from (Tombstone(item) for item in deleted if not _went_along(item, seen))
    for series, parts in touched.items():
        if series in seen.deleted:
            yield from _left(reader, calendar, series, parts, seen)
            continue
        if series in seen.told:
            continue
        uid = next((str(raw["iCalUID"]) for raw in parts if raw.get("iCalUID")), "")
        if not uid and calendar.role <= Role.FREE_BUSY:
            seen.waiting.setdefault(series, []).extend(parts)
            continue
        yield from _series(reader, calendar, series, parts, uid, seen)


def _went_along(item: str, seen: _Seen) -> bool:
    """Whether it went with its series, and was no item of its own. Its id is all that is told of such an exception."""
    found = _INSTANCE.fullmatch(item)
    return found is not None and found[1] in seen.deleted and item not in (seen.alone or ())


def _series(
    reader: Reader, calendar: Calendar, series: str, parts: Sequence[Raw], uid: str, seen: _Seen
) -> Iterator[Change]:
    try:
        whole = reader.whole(calendar.id, series, uid)
    except ProviderError as error:
        yield reader.refused(calendar.id, series, error)
        return
    if isinstance(whole, Whole):
        seen.told.add(series)
    if isinstance(whole, Whole) and whole.master.get("recurringEventId"):
        # What the list told of it was spoilt: an exception is part of its series, no item of its own.
        yield from _series(reader, calendar, str(whole.master["recurringEventId"]), parts, "", seen)
    elif isinstance(whole, Whole):
        # Of a cancelled exception three fields are guaranteed, and its iCalUID is none of them.
        known = {raw["id"] for raw in (whole.master, *whole.exceptions)}
        listed = [raw for raw in parts if raw["id"] not in known and raw.get("recurringEventId") == series]
        yield from _as_changes(series, Whole(whole.master, (*whole.exceptions, *listed)), calendar, seen)
    elif isinstance(whole, Gone):
        seen.deleted.add(series)
        yield Tombstone(series)
        yield from _left(reader, calendar, series, parts, seen)
    else:  # an invitation to one occurrence of somebody else's series has no master here
        if all(raw["id"] != series for raw in parts):  # it may have had: who sees free/busy now is told of days alone
            yield Tombstone(series, confirmed=False)
        for raw in parts:
            yield _alone(raw, calendar, seen)


def _left(reader: Reader, calendar: Calendar, series: str, parts: Sequence[Raw], seen: _Seen) -> Iterator[Change]:
    """Which days of a deleted series are still there."""
    for raw in parts:
        if raw["id"] == series:
            continue
        try:
            now = raw if decode.is_cancelled(raw) else reader.raw(calendar.id, raw["id"])
        except ProviderError as error:
            yield reader.refused(calendar.id, raw["id"], error)
        else:
            yield _alone({**now, "id": raw["id"]}, calendar, seen) if now is not None else Tombstone(raw["id"])


def _alone(raw: Raw, calendar: Calendar, seen: _Seen) -> Change:
    if seen.alone is not None:
        seen.alone.add(raw["id"])
    return Tombstone(raw["id"]) if decode.is_cancelled(raw) else _told(alone(raw, calendar))


def _told_at_end(reader: Reader, calendar: Calendar, this: _Round, seen: _Seen) -> Iterator[Change]:
    """Series without an iCalUID: a first read has listed all that matters of them, a delta needs one more list."""
    if not seen.waiting:
        return
    parts = seen.waiting
    if not this.snapshot:
        parts = {series: [] for series in seen.waiting}
        for raw in reader.listed(calendar.id, timeMin=rfc3339(this.covers.start), eventTypes=EVENT_TYPES):
            if (series := raw.get("recurringEventId") or raw["id"]) in parts:
                parts[series].append(raw)
    for series, known in parts.items():
        master = next((raw for raw in known if raw["id"] == series), None)
        if master is None:
            yield from _series(reader, calendar, series, seen.waiting[series], "", seen)
        else:
            exceptions = tuple(raw for raw in known if raw["id"] != series)
            yield from _as_changes(series, Whole(master, exceptions), calendar, seen)


def _as_changes(series: str, whole: Whole, calendar: Calendar, seen: _Seen) -> Iterator[Change]:
    """A series, and its exceptions as no events of their own any more."""
    for raw in whole.exceptions:
        if seen.alone is None or raw["id"] in seen.alone:
            yield Tombstone(raw["id"])
    yield _as_change(series, whole, calendar)


def _as_change(item: str, whole: Whole, calendar: Calendar) -> Change:
    return _told(understood(item, whole, calendar))


def _told(found: Found | Unreadable) -> Change:
    return found if isinstance(found, Unreadable) else Upsert(found)


def _far(change: Change) -> Change:
    """What the next first read will tell. If it is known it may have gone there, and is asked for."""
    return Tombstone(change.id, confirmed=False)


def _is_near(change: Change, covers: Window, calendar: Calendar) -> bool:
    """Whether a first read passes this on: nothing that begins after all windows that the token will serve."""
    if not isinstance(change, Upsert) or not isinstance(change.found.item, (Event, Series)):
        return True
    reach = Window(covers.start, covers.end + AHEAD)
    expansion = occurrences(change.found.item, reach, resolve(calendar.zone) or "UTC", limit=1)
    return bool(expansion.occurrences) or expansion.truncated
