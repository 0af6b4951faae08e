"""events.list and events.instances.

Sources: https://developers.google.com/workspace/calendar/api/v3/reference/events/list,
https://developers.google.com/workspace/calendar/api/guides/sync
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar import paging
from marketplace_plugin.sandbox.google.calendar.access import Access, sees_days_only
from marketplace_plugin.sandbox.google.calendar.paging import Key, Page
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import recurrence, times, view
from marketplace_plugin.sandbox.google.event.times import Original
from marketplace_plugin.sandbox.google.event.view import Instance
from marketplace_plugin.sandbox.google.state import State, StoredEvent

PAGE_DEFAULT, PAGE_LIMIT = 250, 2500
_NOT_WITH_SYNC = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
_NO_TOKEN_AFTER = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "updatedMin")
_SEARCHED = ("summary", "description", "location")
_DAY = timedelta(days=1)

Entry = StoredEvent | Instance


def events(state: State, access: Access, params: dict[str, Any]) -> Json:
    """A page of the calendar's events.

    Raises:
        ApiError: 400 for parameters that exclude each other, 410 for an old token.
    """
    _check_combination(state, params)
    scope = f"events {access.calendar.id} {access.email}"
    epoch = access.calendar.epoch
    sync = paging.read_sync_token(state, scope, epoch, params) if "syncToken" in params else None
    page = paging.read_page(state, scope, params)
    shown = {**params, "singleEvents": True} if sees_days_only(state, access) else params
    if sync is not None:
        entries = _delta(state, access, sync.seq, shown, page)
    elif shown.get("singleEvents") or "orderBy" in params:
        entries = _sorted_entries(state, access, shown, page)
    else:
        entries = _stored_entries(access, params, page)
    limit = min(params.get("maxResults", PAGE_DEFAULT), PAGE_LIMIT)
    found, token = paging.cut(state, scope, params, page, entries, limit)
    reader = access.reader(params.get("timeZone"), params.get("maxAttendees"))
    bare = sync is not None and not params.get("showDeleted")
    reply = _head(access, page)
    reply["items"] = [_render(item, access, reader, details_of_deleted=not bare) for item in found]
    if token is not None:
        reply["nextPageToken"] = token
    elif not any(name in params for name in _NO_TOKEN_AFTER):
        reply["nextSyncToken"] = paging.sync_token(state, scope, epoch, params, page.seq)
    return reply


def _check_combination(state: State, params: dict[str, Any]) -> None:
    if "syncToken" in params:
        for name in _NOT_WITH_SYNC:
            if name in params:
                raise errors.invalid("Sync token cannot be used with other query restrictions.", name)
        if params.get("showDeleted") is False:
            raise errors.invalid("A sync token cannot be used with showDeleted=false.", "showDeleted")
    low, high = params.get("timeMin"), params.get("timeMax")
    if low is not None and high is not None and low >= high:
        raise errors.time_range_empty("timeMax")
    if params.get("orderBy") == "startTime" and not params.get("singleEvents"):
        message = "The requested ordering is not available for the particular query."
        raise errors.ApiError(400, "badRequest", message, location="orderBy")
    for name in ("privateExtendedProperty", "sharedExtendedProperty"):
        if any("=" not in pair for pair in params.get(name, ())):
            raise errors.invalid_parameter(name, "A property constraint has the form name=value.")
    oldest = state.now() - timedelta(days=state.knobs.tombstone_days)
    if "updatedMin" in params and params["updatedMin"] < oldest:
        raise errors.updated_min_too_long_ago()


def _head(access: Access, page: Page) -> Json:
    calendar = access.calendar
    newest = next(reversed(calendar.changes.values()), calendar.seq)
    mark = f"{calendar.id} {access.email} {access.role} {newest} {page.after}"
    last = calendar.events[next(reversed(calendar.changes))].updated if calendar.changes else None
    head: Json = {
        "kind": "calendar#events",
        "etag": f'"{hashlib.sha256(mark.encode()).hexdigest()[:16]}"',
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "accessRole": access.role,
        "defaultReminders": [{"method": "popup", "minutes": 30}] if calendar.primary else [],
    }
    if calendar.description:
        head["description"] = calendar.description
    if last is not None:
        head["updated"] = times.millis(last)
    return head


def _render(item: Entry, access: Access, reader: view.Reader, *, details_of_deleted: bool) -> Json:
    if isinstance(item, Instance):
        return view.render_instance(item, access.calendar, reader)
    return view.render(item, access.calendar, reader, details_of_deleted=details_of_deleted)


# --- the full list ------------------------------------------------------------------------------


def _stored_entries(access: Access, params: dict[str, Any], page: Page) -> Iterator[tuple[Key, Entry]]:
    """Masters, exceptions and single events in the order of their creation."""
    order = access.calendar.order
    begin = 0
    if page.after is not None:
        begin = bisect.bisect_right(order, page.after[0], key=lambda event: event.ordinal)
    for event in order[begin:]:
        if _listed(event, access, params) and _matches(event, event.body, access, params):
            yield (event.ordinal,), event


def _listed(event: StoredEvent, access: Access, params: dict[str, Any]) -> bool:
    """Whether a list without singleEvents shows the event, as far as its status goes."""
    if "updatedMin" in params:
        return bool(event.updated >= params["updatedMin"])
    if not event.cancelled or params.get("showDeleted"):
        return True
    master = access.calendar.events.get(event.master_id or "")
    return master is not None and not master.cancelled and not event.bare


def _sorted_entries(state: State, access: Access, params: dict[str, Any], page: Page) -> Iterable[tuple[Key, Entry]]:
    """Everything that matches, by start or by last change."""
    if params.get("singleEvents"):
        found: Iterable[Entry] = _singles(state, access, params, access.calendar.order)
    else:
        found = [item for _, item in _stored_entries(access, params, Page(None, 0, 0))]
    if params.get("orderBy") == "updated":
        return paging.after(page, found, _by_updated)
    zone = access.calendar.time_zone
    return paging.after(page, found, lambda item: _by_start(item, zone))


def _by_start(item: Entry, zone: str) -> Key:
    start = item.original if isinstance(item, Instance) else times.value_of(item.body["start"])
    return (times.compare_key(start, zone).timestamp(), item.id)


def _by_updated(item: Entry) -> Key:
    event = item.master if isinstance(item, Instance) else item
    return (event.updated.timestamp(), event.seq, item.id)


def _singles(state: State, access: Access, params: dict[str, Any], order: Iterable[StoredEvent]) -> Iterator[Entry]:
    """Single events and instances, without the series themselves."""
    for event in order:
        if "recurrence" in event.body:
            if not event.cancelled and ("updatedMin" not in params or event.updated >= params["updatedMin"]):
                yield from _expand(state, access, params, event)
            continue
        shown = not event.cancelled or params.get("showDeleted") or "updatedMin" in params
        if shown and _listed(event, access, params) and _matches(event, event.body, access, params):
            yield event


def _expand(state: State, access: Access, params: dict[str, Any], master: StoredEvent) -> Iterator[Instance]:
    """The occurrences that have no resource of their own."""
    taken = {
        times.value_of(exception.body["originalStartTime"])
        for exception in access.calendar.exceptions_of(master.id)
        if not exception.bare
    }
    furthest = max(state.now(), params.get("timeMin") or state.now()) + recurrence.HORIZON
    until = min(params.get("timeMax") or furthest, furthest)
    for original in recurrence.originals(master.body["recurrence"], master.body["start"], until + _DAY):
        instance = Instance(master, original)
        if original not in taken and _matches(master, instance.body(), access, params):
            yield instance


# --- the changes since a token ------------------------------------------------------------------


def _delta(state: State, access: Access, seq: int, params: dict[str, Any], page: Page) -> Iterable[tuple[Key, Entry]]:
    """What changed after ``seq``, oldest change first; deletions always among it."""
    since = seq if page.after is None else max(seq, page.after[0] - 1)
    found: list[tuple[Key, Entry]] = []
    for event in access.calendar.changed_since(since):
        if not _matches(event, event.body, access, params):
            continue
        if params.get("singleEvents") and "recurrence" in event.body:
            found += _series_as_instances(state, access, params, event)
        else:
            found.append(((event.seq, event.id), event))
    return [pair for pair in found if page.after is None or pair[0] > page.after]


def _series_as_instances(
    state: State, access: Access, params: dict[str, Any], master: StoredEvent
) -> list[tuple[Key, Entry]]:
    """A touched series: all its occurrences; a deleted one: nothing but its exceptions' tombstones.

    Google does not return all instances of a deleted series either; a client that reads
    ``singleEvents=true`` cannot rely on it. Who knows of days alone is told of each.
    """
    if master.cancelled and not sees_days_only(state, access):
        return []
    instances = sorted(_expand(state, access, params, master), key=lambda item: item.id)
    return [((master.seq, item.id), item) for item in instances]


# --- filters ------------------------------------------------------------------------------------


def _matches(event: StoredEvent, body: Json, access: Access, params: dict[str, Any]) -> bool:
    types = params.get("eventTypes")
    if types is not None and body["eventType"] not in types:
        return False
    if "iCalUID" in params and body["iCalUID"] != params["iCalUID"]:
        return False
    if not _in_window(event, body, access, params):
        return False
    asks = any(name in params for name in ("q", "privateExtendedProperty", "sharedExtendedProperty"))
    if not asks:
        return True
    if view.masked(body, access.calendar, access.reader()):
        return False
    return _has_properties(body, params) and _has_words(body, params.get("q", ""))


def _in_window(event: StoredEvent, body: Json, access: Access, params: dict[str, Any]) -> bool:
    """timeMin bounds the end, timeMax the start; both bounds are open.

    A series is inside if an occurrence is; an exception also if its original time is.
    """
    low, high = params.get("timeMin"), params.get("timeMax")
    if low is None and high is None:
        return True
    zone = access.calendar.time_zone
    duration = times.length(body["start"], body["end"])

    def inside(start: Original) -> bool:
        begin, end = times.compare_key(start, zone), times.compare_key(start + duration, zone)
        return (low is None or end > low) and (high is None or begin < high)

    if "recurrence" in body:
        limit = high or _forever(body, low)
        return any(inside(start) for start in recurrence.originals(body["recurrence"], body["start"], limit))
    if inside(times.value_of(body["start"])):
        return True
    original = event.body.get("originalStartTime")
    return original is not None and not params.get("singleEvents") and inside(times.value_of(original))


def _forever(body: Json, low: datetime | None) -> datetime:
    """Far enough to find an occurrence that ends after ``low``."""
    first = times.compare_key(times.value_of(body["start"]))
    return max(low or first, first) + recurrence.HORIZON


def _has_properties(body: Json, params: dict[str, Any]) -> bool:
    properties = body.get("extendedProperties", {})
    for side in ("private", "shared"):
        for pair in params.get(f"{side}ExtendedProperty", ()):
            name, _, value = pair.partition("=")
            if properties.get(side, {}).get(name) != value:
                return False
    return True


def _has_words(body: Json, query: str) -> bool:
    people = [*body.get("attendees", ()), body["organizer"]]
    texts = [str(body.get(name, "")) for name in _SEARCHED]
    texts += [str(person.get(name, "")) for person in people for name in ("displayName", "email")]
    text = " ".join(texts).lower()
    return all(word in text for word in query.lower().split())


# --- instances ----------------------------------------------------------------------------------


def instances(state: State, access: Access, event_id: str, params: dict[str, Any]) -> Json:
    """A page of the occurrences of a series, exceptions in their place.

    Raises:
        ApiError: 404 for what is no series, 400 for bad parameters.
    """
    master = access.calendar.events.get(event_id)
    if master is None or "recurrence" not in master.body or (master.cancelled and not params.get("showDeleted")):
        raise errors.not_found()
    low, high = params.get("timeMin"), params.get("timeMax")
    if low is not None and high is not None and low >= high:
        raise errors.time_range_empty("timeMax")
    scope = f"instances {access.calendar.id} {event_id} {access.email}"
    page = paging.read_page(state, scope, params)
    single = {**params, "singleEvents": True}
    found: list[Entry] = list(_expand(state, access, single, master))
    for exception in access.calendar.exceptions_of(event_id):
        visible = not exception.cancelled or (params.get("showDeleted") and not exception.bare)
        if visible and _matches(exception, exception.body, access, single):
            found.append(exception)
    wanted = params.get("originalStart")
    reader = access.reader(params.get("timeZone"), params.get("maxAttendees"))
    if wanted is not None:
        found = [item for item in found if _original_is(item, wanted)]
    zone = access.calendar.time_zone
    entries = paging.after(page, found, lambda item: _by_start(item, zone))
    limit = min(params.get("maxResults", PAGE_DEFAULT), PAGE_LIMIT)
    items, token = paging.cut(state, scope, params, page, entries, limit)
    reply = _head(access, page)
    reply["items"] = [_render(item, access, reader, details_of_deleted=True) for item in items]
    if token is not None:
        reply["nextPageToken"] = token
    else:
        reply["nextSyncToken"] = paging.sync_token(state, scope, access.calendar.epoch, params, page.seq)
    return reply


def _original_is(item: Entry, wanted: str) -> bool:
    value = item.original if isinstance(item, Instance) else times.value_of(item.body["originalStartTime"])
    if isinstance(value, datetime):
        return times.parse_bound(wanted, "originalStart") == value
    return wanted == value.isoformat()
