"""OData query options: $select, $expand, $orderby, $top, $skip, $count.

Source: https://learn.microsoft.com/graph/query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api import filters
from marketplace_plugin.sandbox.graph.outlook import fields

Json = dict[str, Any]

PAGE = 10
PAGE_LIMIT = 1000
_OPTIONS = frozenset(
    [
        "$select",
        "$expand",
        "$filter",
        "$orderby",
        "$top",
        "$skip",
        "$count",
        "$search",
        "$skiptoken",
        "$deltatoken",
        "$format",
    ]
)
_SORTABLE = ("start/dateTime", "end/dateTime", "createdDateTime", "lastModifiedDateTime", "subject")
_ID_EQ = re.compile(r"\s*id\s+eq\s+'((?:[^']|'')*)'\s*")
_NESTED = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
NAVIGATION = ("exceptionOccurrences", "singleValueExtendedProperties")
"""What $select may name, although it only comes with $expand."""
EVENT_PROPERTIES = frozenset(
    [
        *fields.READ_ONLY,
        *fields.DEFAULTS,
        *NAVIGATION,
        "start",
        "end",
        "isAllDay",
        "attendees",
        "isDraft",
        "recurrence",
        "transactionId",
    ]
)
CALENDAR_PROPERTIES = frozenset(
    [
        "id",
        "name",
        "color",
        "hexColor",
        "isDefaultCalendar",
        "changeKey",
        "canShare",
        "canViewPrivateItems",
        "canEdit",
        "isRemovable",
        "owner",
        "allowedOnlineMeetingProviders",
        "defaultOnlineMeetingProvider",
        "isTallyingResponses",
    ]
)


@dataclass(frozen=True)
class Expand:
    """What is expanded: extended properties by id, and the exceptions of a series."""

    extended: tuple[str, ...] = ()
    exceptions: Options | None = None


@dataclass(frozen=True)
class Options:
    """The query options of a request."""

    select: tuple[str, ...] = ()
    expand: Expand = Expand()
    filter: filters.Test | None = None
    order: tuple[str, bool] | None = None
    """(path, descending)"""
    top: int | None = None
    skip: int = 0
    count: bool = False


def parse(arguments: Iterable[tuple[str, str]], properties: frozenset[str]) -> Options:
    """The options of a query string. Raises GraphError 400 for what is not supported."""
    given = {name.lower(): value for name, value in arguments if name.startswith("$")}
    unknown = sorted(set(given) - _OPTIONS)
    if unknown:
        raise errors.invalid_query(f"The query parameter '{unknown[0]}' is not supported.")
    if "$search" in given:
        raise errors.invalid_query("The query parameter '$search' is not supported on this resource.")
    return Options(
        select=_select(given.get("$select"), properties),
        expand=_expand(given.get("$expand")),
        filter=filters.parse(given["$filter"]) if "$filter" in given else None,
        order=_order(given.get("$orderby")),
        top=_number(given.get("$top"), "$top", 1, PAGE_LIMIT),
        skip=_number(given.get("$skip"), "$skip", 0, 10**9) or 0,
        count=given.get("$count", "false").lower() == "true",
    )


def _number(text: str | None, name: str, low: int, high: int) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or not low <= int(text) <= high:
        raise errors.invalid_query(f"Invalid value for '{name}': {text}. It has to be between {low} and {high}.")
    return int(text)


def _select(text: str | None, properties: frozenset[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        if name not in properties:
            raise errors.bad_request(
                f"Could not find a property named '{name}' on type 'microsoft.graph.event'.", "RequestBroker--ParseUri"
            )
    return names


def _order(text: str | None) -> tuple[str, bool] | None:
    if text is None:
        return None
    path, _, direction = text.strip().partition(" ")
    if path not in _SORTABLE or direction.strip() not in ("", "asc", "desc"):
        raise errors.invalid_query(f"The $orderby expression '{text}' is not supported.", "ErrorInvalidUrlQuery")
    return path, direction.strip() == "desc"


def _expand(text: str | None) -> Expand:
    found = Expand()
    for item in _split(text or "", ","):
        nested = _NESTED.fullmatch(item.strip())
        name, inner = nested.groups() if nested else (item, None)
        if name == "singleValueExtendedProperties":
            found = Expand(_extended(inner), found.exceptions)
        elif name == "exceptionOccurrences":
            parts = [part.partition("=") for part in _split(inner or "", ";")]
            options = parse([(key.strip(), value) for key, _, value in parts], EVENT_PROPERTIES)
            found = Expand(found.extended, options)
        else:
            raise errors.bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
                "'microsoft.graph.event'.",
                "RequestBroker--ParseUri",
            )
    return found


def _extended(inner: str | None) -> tuple[str, ...]:
    name, _, condition = (inner or "").partition("=")
    if name.strip() != "$filter":
        raise errors.invalid_query(
            "$expand of singleValueExtendedProperties needs a $filter on the id.", "ErrorInvalidUrlQuery"
        )
    wanted: list[str] = []
    for part in re.split(r"\s+or\s+", condition):
        found = _ID_EQ.fullmatch(part)
        if found is None:
            raise errors.invalid_filter()
        wanted.append(fields.property_id(found.group(1).replace("''", "'")))
    return tuple(wanted)


def _split(text: str, mark: str) -> list[str]:
    """Split outside of parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == mark and depth == 0:
                parts.append(text[start:place])
                start = place + 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]
