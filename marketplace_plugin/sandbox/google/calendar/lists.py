"""The user's list of calendars, the calendars themselves, settings, free/busy.

Source: https://developers.google.com/workspace/calendar/api/v3/reference/calendarList
"""

from __future__ import annotations

from typing import Any

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar import listing, paging
from marketplace_plugin.sandbox.google.calendar.access import Access
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import shape, times
from marketplace_plugin.sandbox.google.state import ETAG_BASE, Calendar, ListEntry, State, rank

PAGE_DEFAULT, PAGE_LIMIT = 100, 250
_NOT_WITH_SYNC = ("minAccessRole", "showOwnOrganizationOnly")
_COLOURS = {"14": "#9fe1e7", "2": "#d06b64", "8": "#16a765", "17": "#9a9cff", "24": "#a47ae2"}


def etag(seq: int) -> str:
    """The etag of a change number."""
    return f'"{ETAG_BASE + seq * 2000}"'


def entry(state: State, email: str, item: ListEntry) -> Json:
    """A list entry; a deleted one has only what is left of it."""
    calendar = state.calendars[item.calendar_id]
    role = calendar.role(email)
    head: Json = {
        "kind": "calendar#calendarListEntry",
        "etag": etag(max(item.seq, 0 if item.deleted else calendar.seq)),
        "id": calendar.id,
    }
    if item.deleted or role is None:
        return {**head, "deleted": True}
    color = item.color or calendar.color
    shown: Json = {
        **head,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": color,
        "backgroundColor": _COLOURS.get(color, "#9fe1e7"),
        "foregroundColor": "#000000",
        "accessRole": role,
        "defaultReminders": [{"method": "popup", "minutes": 30}] if _is_own(calendar, email) else [],
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    optional: Json = {
        "description": calendar.description,
        "summaryOverride": item.summary_override,
        "selected": item.selected,
        "hidden": item.hidden,
        "primary": _is_own(calendar, email),
        "dataOwner": None if calendar.primary else calendar.owner,
    }
    return {**shown, **{name: value for name, value in optional.items() if value}}


def _is_own(calendar: Calendar, email: str) -> bool:
    return calendar.primary and calendar.id == email


def calendar_list(state: State, email: str, params: dict[str, Any]) -> Json:
    """A page of the user's list.

    Raises:
        ApiError: 400 for parameters that exclude each other, 410 for an old token.
    """
    scope = f"calendarList {email}"
    epoch = state.list_epoch[email]
    since = -1
    if "syncToken" in params:
        for name in _NOT_WITH_SYNC:
            if name in params:
                raise errors.invalid("Sync token cannot be used with other query restrictions.", name)
        for name in ("showDeleted", "showHidden"):
            if params.get(name) is False:
                raise errors.invalid(f"A sync token cannot be used with {name}=false.", name)
        since = paging.read_sync_token(state, scope, epoch, params).seq
    page = paging.read_page(state, scope, params)
    minimum = rank(params.get("minAccessRole"))
    found = [
        item
        for item in state.lists[email].values()
        if item.seq > since
        and (since >= 0 or not item.deleted or params.get("showDeleted"))
        and (since >= 0 or not item.hidden or params.get("showHidden"))
        and (since >= 0 or rank(state.calendars[item.calendar_id].role(email)) >= minimum)
    ]
    entries = paging.after(page, found, lambda item: (item.seq if since >= 0 else item.ordinal,))
    limit = min(params.get("maxResults", PAGE_DEFAULT), PAGE_LIMIT)
    items, token = paging.cut(state, scope, params, page, entries, limit)
    newest = max((item.seq for item in state.lists[email].values()), default=0)
    reply: Json = {
        "kind": "calendar#calendarList",
        "etag": etag(newest),
        "items": [entry(state, email, item) for item in items],
    }
    if token is not None:
        reply["nextPageToken"] = token
    elif not any(name in params for name in _NOT_WITH_SYNC):
        reply["nextSyncToken"] = paging.sync_token(state, scope, epoch, params, page.seq)
    return reply


def list_entry(state: State, email: str, calendar_id: str) -> Json:
    """One entry of the user's list. Raises ApiError 404."""
    item = state.lists[email].get(email if calendar_id == "primary" else calendar_id)
    if item is None or item.deleted:
        raise errors.not_found()
    return entry(state, email, item)


def calendar(access: Access) -> Json:
    """The calendar's own resource."""
    found = access.calendar
    shown: Json = {
        "kind": "calendar#calendar",
        "etag": etag(found.seq),
        "id": found.id,
        "summary": found.summary,
        "timeZone": found.time_zone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    if found.description:
        shown["description"] = found.description
    if not found.primary:
        shown["dataOwner"] = found.owner
    if found.labels:
        shown["labelProperties"] = {"eventLabels": [{"id": key, "name": name} for key, name in found.labels]}
    return shown


def settings(state: State, email: str) -> list[Json]:
    """The user's settings that a client reads."""
    account = state.accounts[email]
    values = {
        "timezone": account.time_zone,
        "locale": account.locale,
        "format24HourTime": "true",
        "weekStart": "1",
    }
    return [{"kind": "calendar#setting", "etag": etag(0), "id": key, "value": value} for key, value in values.items()]


def settings_list(state: State, email: str, params: dict[str, Any]) -> Json:
    """A page of the user's settings; they never change here."""
    scope = f"settings {email}"
    if "syncToken" in params:
        paging.read_sync_token(state, scope, 0, params)
    page = paging.read_page(state, scope, params)
    found = [] if "syncToken" in params else settings(state, email)
    entries = paging.after(page, found, lambda item: (item["id"],))
    items, token = paging.cut(state, scope, params, page, entries, PAGE_LIMIT)
    reply: Json = {"kind": "calendar#settings", "etag": etag(0), "items": items}
    if token is not None:
        return {**reply, "nextPageToken": token}
    return {**reply, "nextSyncToken": paging.sync_token(state, scope, 0, params, page.seq)}


def free_busy(state: State, email: str, given: Json) -> Json:
    """When the asked calendars are busy; times only.

    Raises:
        ApiError: 400 for bad bounds.
    """
    shape.check(given, shape.FREE_BUSY_REQUEST, "")
    if not given.get("timeMin") or not given.get("timeMax"):
        raise errors.required("Missing timeMin or timeMax.")
    low = times.parse_bound(given["timeMin"], "timeMin")
    high = times.parse_bound(given["timeMax"], "timeMax")
    if low >= high:
        raise errors.time_range_empty("timeMax")
    reply: Json = {
        "kind": "calendar#freeBusy",
        "timeMin": times.stamp(low),
        "timeMax": times.stamp(high),
        "calendars": {},
    }
    for asked in given.get("items") or ():
        found = state.calendar_for(email, asked.get("id", ""))
        if found is None:
            busy: Json = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
        else:
            access = Access(email, found, "freeBusyReader")
            window = {"timeMin": low, "timeMax": high, "singleEvents": True, "orderBy": "startTime"}
            rows = listing.events(state, access, {**window, "maxResults": listing.PAGE_LIMIT})["items"]
            opaque = [row for row in rows if row.get("transparency") != "transparent"]
            busy = {"busy": [_period(row, found.time_zone) for row in opaque]}
        reply["calendars"][asked.get("id", "")] = busy
    return reply


def _period(row: Json, zone: str) -> Json:
    ends: Json = {}
    for name in ("start", "end"):
        kept = {key: row[name][key] for key in ("date", "dateTime") if key in row[name]}
        value = times.value_of(kept)
        ends[name] = times.stamp(times.compare_key(value, zone))
    return ends
