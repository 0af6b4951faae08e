"""Single events and pages of events with the query options applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from marketplace_plugin.sandbox.graph.api.filters import Candidate
from marketplace_plugin.sandbox.graph.api.prefer import Preferences
from marketplace_plugin.sandbox.graph.api.query import PAGE, Expand, Options
from marketplace_plugin.sandbox.graph.outlook import view
from marketplace_plugin.sandbox.graph.outlook.access import Found
from marketplace_plugin.sandbox.graph.outlook.time import series, window
from marketplace_plugin.sandbox.graph.state import State

Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A request for a collection: its URL without query, and its arguments as they came."""

    url: str
    arguments: Sequence[tuple[str, str]]
    options: Options
    preferences: Preferences


def one(state: State, found: Found, options: Options, preferences: Preferences) -> Json:
    """An event with $select and $expand."""
    shown = view.event(state, found, preferences.shape)
    selected = {name: shown[name] for name in ("@odata.etag", "id")} if options.select else shown
    for name in options.select:
        if name == "cancelledOccurrences":
            if found.occurrence is None and found.event.recurrence is not None:
                selected[name] = view.cancelled_occurrences(found, preferences.shape)
        elif name in shown:
            selected[name] = shown[name]
    return {**selected, **_expanded(state, found, options.expand, preferences)}


def extended(found: Found) -> Mapping[str, str]:
    """The extended properties of an event; an exception has its master's and its own."""
    if found.seen.detail(found.event.fields["sensitivity"]) != "full":
        return {}
    own = found.occurrence.override.extended if found.occurrence and found.occurrence.override else {}
    return {**found.event.extended, **own}


def page(state: State, items: Iterable[Found], asked: Page) -> Json:
    """One page of a collection; the rest is behind a nextLink with $skip."""
    options, shape = asked.options, asked.preferences.shape
    known = list(items)
    if options.filter is not None:
        test = options.filter
        known = [item for item in known if test(Candidate(item, view.event(state, item, shape), extended(item)))]
    if options.order is not None:
        known = _sorted(state, known, *options.order)
    reply = slice_of(state, known, asked)
    reply["value"] = [one(state, item, options, asked.preferences) for item in reply["value"]]
    return reply


def slice_of(state: State, items: Sequence[Any], asked: Page) -> Json:
    """The items of one page as they are, with the nextLink and the count."""
    options = asked.options
    size = min(options.top or asked.preferences.page_size or PAGE, state.knobs.max_page_size or 10**9)
    reply: Json = {"@odata.count": len(items)} if options.count else {}
    reply["value"] = list(items[options.skip : options.skip + size])
    if len(items) > options.skip + size:
        reply["@odata.nextLink"] = _next(asked, options.skip + size)
    return reply


def _next(asked: Page, skip: int) -> str:
    kept = [(name, value) for name, value in asked.arguments if name.lower() != "$skip"]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in [*kept, ("$skip", str(skip))])
    return f"{asked.url}?{query}"


def _sorted(state: State, items: list[Found], path: str, descending: bool) -> list[Found]:
    def key(item: Found) -> Any:
        if path == "start/dateTime":
            return window.starts(item)
        if path == "end/dateTime":
            return window.ends(item)
        return view.event(state, item, view.Shape())[path]

    return sorted(items, key=key, reverse=descending)


def _expanded(state: State, found: Found, expand: Expand, preferences: Preferences) -> Json:
    added: Json = {}
    if expand.extended:
        known = extended(found)
        values = [{"id": name, "value": known[name]} for name in expand.extended if name in known]
        if values:
            added["singleValueExtendedProperties"] = values
    if expand.exceptions is not None and found.occurrence is None and found.event.recurrence is not None:
        inner = replace(expand.exceptions, top=None, skip=0)
        items = [series.find(found.event, day) for day in sorted(found.event.overrides)]
        added["exceptionOccurrences"] = [
            one(state, Found(found.seen, found.event, item), inner, preferences) for item in items if item is not None
        ]
    return added
