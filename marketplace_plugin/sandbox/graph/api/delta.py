"""calendarView/delta: rounds, tokens and their odd shapes.

A token fixes calendar and window. Of a series the master comes beside its occurrences; untouched
occurrences have five properties; a cancelled one leaves no trace but its absence. @removed also
means "not in the window". Sources: https://learn.microsoft.com/graph/delta-query-events,
microsoftgraph/microsoft-graph-docs issues 6599 (new events outside the window), 2350
(SyncStateNotFound), 2839 (empty first pages) and pull request 4501 (series).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api.prefer import Preferences
from marketplace_plugin.sandbox.graph.outlook import ids, view
from marketplace_plugin.sandbox.graph.outlook.access import Found, Seen
from marketplace_plugin.sandbox.graph.outlook.time import times, window
from marketplace_plugin.sandbox.graph.outlook.view import Shape
from marketplace_plugin.sandbox.graph.state import State

Json = dict[str, Any]

PAGE = 10
_REFUSED = ("$orderby", "$filter", "$select", "$expand", "$search")


@dataclass(frozen=True)
class _Position:
    """What a token stands for."""

    calendar: str
    begin: datetime
    until: datetime
    since: int | None
    """Number of the last change that is known; None in a first round."""
    before: int | None
    """``since`` of the round before."""
    upto: int
    epoch: int
    generation: int
    left: tuple[int, ...] | None = None
    """Keys that are still to be sent; None at the start of a round."""
    empty: int = 0


class Deltas:
    """The tokens that have been given out. They are opaque, and can be used again."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._skip: dict[str, _Position] = {}
        self._delta: dict[str, _Position] = {}
        self._generations: dict[str, int] = {}

    def page(self, seen: Seen, url: str, arguments: Sequence[tuple[str, str]], preferences: Preferences) -> Json:
        """One page of a round.

        Raises:
            GraphError: 400 for options that change tracking does not support, a missing or wrong
                window or a token that was never given; 410 (or as asked for) for one that ended.
        """
        given = {name.lower(): value for name, value in arguments}
        refused = [name for name in _REFUSED if name in given]
        if refused:
            raise errors.invalid_query(
                "The following parameters are not supported with change tracking over the 'CalendarView' resource: "
                f"'{', '.join(_REFUSED)}'."
            )
        if "$skiptoken" in given:
            position = self._known(self._skip, given["$skiptoken"], seen, url)
        elif given.get("$deltatoken"):
            position = self._next_round(self._known(self._delta, given["$deltatoken"], seen, url))
        else:
            position = self._first_round(seen, given)
        return self._send(seen, position, url, preferences)

    # --- positions ----------------------------------------------------------------------------

    def _known(self, tokens: dict[str, _Position], token: str, seen: Seen, url: str) -> _Position:
        position = tokens.get(token)
        if position is None or position.calendar != seen.id:
            raise errors.bad_request("The sync state is invalid.", "SyncStateInvalid")
        calendar, kept = seen.calendar, self._state.knobs.delta_generations
        if position.epoch != calendar.epoch:
            raise errors.sync_state_gone(calendar.gone_code, calendar.gone_status, position.generation, url)
        if kept is not None and position.generation <= self._generations.get(seen.id, 0) - kept:
            raise errors.sync_state_gone("SyncStateNotFound", 410, position.generation, url)
        return position

    def _first_round(self, seen: Seen, given: dict[str, str]) -> _Position:
        begin, until = limits(given)
        return _Position(
            calendar=seen.id,
            begin=begin,
            until=until,
            since=None,
            before=None,
            upto=self._state.tick,
            epoch=seen.calendar.epoch,
            generation=self._new_generation(seen.id),
            empty=self._state.knobs.empty_delta_pages,
        )

    def _next_round(self, position: _Position) -> _Position:
        return replace(
            position,
            since=position.upto,
            before=position.since,
            upto=self._state.tick,
            generation=self._new_generation(position.calendar),
            left=None,
            empty=self._state.knobs.empty_delta_pages,
        )

    def _new_generation(self, calendar: str) -> int:
        self._generations[calendar] = self._generations.get(calendar, 0) + 1
        return self._generations[calendar]

    # --- pages --------------------------------------------------------------------------------

    def _send(self, seen: Seen, position: _Position, url: str, preferences: Preferences) -> Json:
        if position.empty:
            return self._more([], replace(position, empty=position.empty - 1), url)
        left = list(self._start(seen, position) if position.left is None else position.left)
        size = min(preferences.page_size or PAGE, self._state.knobs.max_page_size or 10**9)
        items: list[Json] = []
        while left:
            group = self._group(seen, left[0], position, preferences.shape)
            if items and len(items) + len(group) > size:
                break
            items += group
            left.pop(0)
        if left:
            return self._more(items, replace(position, left=tuple(left)), url)
        token = secrets.token_urlsafe(48)
        self._delta[token] = replace(position, left=None)
        return {"value": items, "@odata.deltaLink": f"{url}?$deltatoken={token}"}

    def _more(self, items: list[Json], position: _Position, url: str) -> Json:
        token = secrets.token_urlsafe(48)
        self._skip[token] = position
        return {"value": items, "@odata.nextLink": f"{url}?$skiptoken={token}"}

    def _start(self, seen: Seen, position: _Position) -> list[int]:
        if position.since is None:
            keys = list(seen.calendar.events)
        elif self._state.knobs.delta_replays:
            keys = seen.calendar.changed_since(position.before or 0)
        else:
            keys = seen.calendar.changed_since(position.since)
        return keys * 2 if self._state.knobs.delta_duplicates else keys

    def _group(self, seen: Seen, key: int, position: _Position, shape: Shape) -> list[Json]:
        """An event, or a series with all its occurrences in the window: never split over pages."""
        event = seen.calendar.events.get(key)
        first = position.since is None
        silent = self._state.knobs.outside_is_silent
        if event is None:
            last = seen.calendar.gone[key]
            if first or (silent and not window.expanded(seen, last, position.begin, position.until)):
                return []
            place = last.placed if seen.share is None else seen.share.key
            return [_removed(ids.event_id(seen.email, place, key, immutable=shape.immutable), "deleted")]
        items = window.expanded(seen, event, position.begin, position.until)
        if not items:
            if first or silent:
                return []
            outside = seen.event_id(event, None, immutable=shape.immutable)
            return [_removed(outside, self._state.knobs.removed_reason)]
        if event.recurrence is None:
            return [self._full(items[0], shape)]
        occurrences = [
            view.slim(item, shape)
            if item.occurrence is None or item.occurrence.override is None
            else self._full(item, shape)
            for item in items
        ]
        masters = [] if self._state.knobs.delta_without_masters else [self._full(Found(seen, event), shape)]
        return [*masters, *occurrences]

    def _full(self, found: Found, shape: Shape) -> Json:
        return {"@odata.type": view.EVENT_TYPE, **view.event(self._state, found, shape)}


def _removed(event_id: str, reason: str) -> Json:
    return {"@odata.type": view.EVENT_TYPE, "id": event_id, "@removed": {"reason": reason}}


VIEW_DAYS = 1825


def limits(given: dict[str, str]) -> tuple[datetime, datetime]:
    """The window of a request, by names in lower case: aware instants, the end exclusive.

    Raises:
        GraphError: 400 if it is missing, unreadable, reversed or too long.
    """
    begin, until = given.get("startdatetime"), given.get("enddatetime")
    if not begin or not until:
        raise errors.bad_request(
            "This request requires a time window specified by the query string parameters StartDateTime and "
            "EndDateTime.",
            "ErrorInvalidParameter",
        )
    try:
        found = times.parse_instant(begin), times.parse_instant(until)
    except ValueError as error:
        raise errors.bad_request("The value of a parameter is not a date and time.", "ErrorInvalidParameter") from error
    if found[1] < found[0]:
        raise errors.bad_request("EndDateTime has to be after StartDateTime.", "ErrorInvalidParameter")
    if (found[1] - found[0]).days > VIEW_DAYS:
        raise errors.bad_request(
            f"Requested calendar duration is too long: at most {VIEW_DAYS} days.", "ErrorCalendarViewRangeTooBig"
        )
    return found
