"""Reading what changed: calendarView/delta, taken as a signal.

Sources: https://learn.microsoft.com/graph/delta-query-events and event-delta.

* One round is one request where nothing changed. Window and calendar are fixed in the token, so a cursor is good for
  just the window that it was made for; the engine keeps a window for a week, and each new one is a snapshot.
* A page tells what was touched. Each touched item is read again whole, in batches: occurrences come with five fields, a
  deleted one not at all, and our mark never.
* ``@removed`` may mean "out of the window", so it is an unconfirmed tombstone, and the engine asks by id.
* What lies outside of the window may be told by no round at all. What is not linked comes in with the weekly snapshot
  as soon as the window reaches it. What is linked is asked for by id: a series that the window touches and the snapshot
  does not list, with that snapshot; what begins after the window, in its turn of a week (``windowed``).
* Private events of others are shown masked in the list and not at all by id; then the list's word is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from marketplace_plugin.errors import ContractViolation, CursorExpired, Unavailable
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Gone,
    Page,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.series.expand import originals
from marketplace_plugin.model.series.recurrence_set import GaveUp
from marketplace_plugin.model.time import Window, day_of
from marketplace_plugin.providers.graph.errors import Refusal, for_read
from marketplace_plugin.providers.graph.read import Reader, items_of
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import Raw, Whole
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable
from marketplace_plugin.providers.graph.transport import Call, Json, segment

_REQUEST = hashlib.sha256(b"1 calendarView/delta").hexdigest()[:16]


@dataclass(slots=True)
class _Touched:
    """What a page says of one item: itself, or the master and occurrences of a series."""

    removed: bool = False
    parts: list[Raw] = field(default_factory=list)


def pull(reader: Reader, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Iterator[Page]:
    """See ``contract.provider.Provider.pull``."""
    if since is not None and not _fits(reader, since, collection, window):
        since = None
    snapshot = since is None or (isinstance(since, Checkpoint) and since.snapshot)
    answer = _begin(reader, collection, since, window)
    while True:
        changes = tuple(_changes(reader, collection, items_of(answer), window))
        more, done = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
        link = str(more or done or "")
        if not link or not reader.client.is_ours(link):
            raise ContractViolation("a page leads nowhere, or away from the configured service")
        fingerprint, covers = _fingerprint(collection), window if snapshot else None
        if not more:
            yield Page(changes, snapshot, covers, cursor=Cursor(link, fingerprint, window))
            return
        yield Page(changes, snapshot, covers, Checkpoint(link, fingerprint, snapshot, window))
        answer = _follow(reader, link)


def _fingerprint(collection: str) -> str:
    return f"{_REQUEST}:{hashlib.sha256(collection.encode()).hexdigest()[:16]}"


def _fits(reader: Reader, since: Cursor | Checkpoint, collection: str, window: Window) -> bool:
    """Whether the token is of this very request; one of another root is not sent anywhere."""
    same = since.fingerprint == _fingerprint(collection) and since.window == window
    return same and reader.client.is_ours(since.token)


def _begin(reader: Reader, collection: str, since: Cursor | Checkpoint | None, window: Window) -> Json:
    if since is not None:
        return _go_on(reader, collection, since.token)
    bounds = {"startDateTime": _utc(window.start), "endDateTime": _utc(window.end)}
    return reader.ask(Call("GET", f"/me/calendars/{segment(collection)}/calendarView/delta", bounds))


def _go_on(reader: Reader, collection: str, link: str) -> Json:
    """A round by its token. Whatever is wrong with a request that is nothing but its token is wrong with the token."""
    try:
        return reader.client.follow(link)
    except Refusal as problem:
        if problem.status not in (400, 404) and not problem.expired:
            raise for_read(problem) from problem
        if problem.status == 404:
            reader.check(collection)  # raises CollectionGone where it is the calendar that is not there
        raise CursorExpired("Microsoft no longer takes this token") from problem


def _follow(reader: Reader, link: str) -> Json:
    try:
        return reader.client.follow(link)
    except Refusal as problem:
        if not problem.expired:
            raise for_read(problem) from problem
        raise Unavailable("the round broke off: Microsoft no longer takes its token") from problem


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _changes(reader: Reader, collection: str, items: Sequence[Raw], window: Window) -> Iterator[Change]:
    """What the items of one page mean; the last word on each id counts."""
    touched: dict[str, _Touched] = {}
    for raw in items:
        removed = "@removed" in raw
        item = touched.setdefault(str(raw.get("seriesMasterId") or raw["id"]), _Touched())
        item.removed = removed
        item.parts = [] if removed else [*item.parts, raw]
    yield from (Tombstone(key, confirmed=False) for key, item in touched.items() if item.removed)
    present = [key for key, item in touched.items() if not item.removed]
    for key, whole in zip(present, reader.raws(collection, present, listed=True) if present else (), strict=True):
        yield _change(reader, collection, key, whole, touched[key].parts, window)


def _change(
    reader: Reader, collection: str, key: str, raw: Raw | Refusal | None, parts: Sequence[Raw], window: Window
) -> Change:
    meant = reader.meaning(collection, key, raw)
    if isinstance(meant, Unreadable):
        return meant
    if not isinstance(meant, Gone):
        return Upsert(meant)
    calendar = reader.calendar(collection)
    master = next((part for part in reversed(parts) if part["id"] == key), None)
    if master is None:  # whoever was invited to one occurrence alone may have no other
        return Unreadable(key, UnreadableReason.ORPHAN)
    if not calendar.shared:  # deleted while the page was read
        return Tombstone(key, confirmed=False)
    try:
        whole = _as_listed(reader, collection, master, parts, window)
        return Upsert(decode.found(whole, calendar)) if decode.is_masked(master, calendar) else Tombstone(key, False)
    except Undecodable as finding:
        return Unreadable(key, finding.reason)


def _as_listed(reader: Reader, collection: str, master: Raw, parts: Sequence[Raw], window: Window) -> Whole:
    """A series by what the list shows of it in the window; an occurrence that it does not show is cancelled."""
    if not master.get("recurrence"):
        return Whole(master)
    bare = decode.found(Whole(master), reader.calendar(collection)).item
    if not isinstance(bare, Series):
        return Whole(master)
    start = bare.master.when.start
    exceptions = {part["id"]: part for part in parts if part.get("originalStart")}
    shown = {day_of(decode.original_of(part, master, start)) for part in exceptions.values()}
    for part in parts:
        if part.get("type") == "occurrence" and "originalStart" not in part:
            shown.add(day_of(decode.event_of({**master, **part}, reader.calendar(collection)).when.start))
    return Whole(master, tuple(exceptions.values()), tuple(_not_shown(bare, shown, window)))


def _not_shown(bare: Series, shown: set[date], window: Window) -> Iterator[date]:
    """Days of occurrences that surely lie in the window and were not listed."""
    days = (day_of(original) for original in originals(bare, window))
    inside = window.start.date(), window.end.date()
    try:
        yield from (day for day in days if inside[0] < day < inside[1] and day not in shown)
    except GaveUp:
        return
