"""$filter: the subset that Outlook's events support and a client of calendars needs.

Comparisons of a few properties joined with and, or, not; startswith; and Any over extended
properties: ``singleValueExtendedProperties/Any(ep: ep/id eq '...' and ep/value eq '...')``.
Source: https://learn.microsoft.com/graph/filter-query-parameter
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.outlook import fields
from marketplace_plugin.sandbox.graph.outlook.access import Found
from marketplace_plugin.sandbox.graph.outlook.time import times, window

Json = dict[str, Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<mark>[(),:])|(?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<word>[A-Za-z_][\w/]*))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}
_STRINGS = {"iCalUId", "type", "subject", "sensitivity", "showAs", "importance", "seriesMasterId"}
_BOOLEANS = {"isAllDay", "isCancelled", "isOrganizer"}
_INSTANTS = {"createdDateTime", "lastModifiedDateTime"}
_EDGES: Mapping[str, Callable[[Found], datetime]] = {"start/dateTime": window.starts, "end/dateTime": window.ends}
_ANY = "singlevalueextendedproperties/any"


@dataclass(frozen=True)
class Candidate:
    """What a test looks at: how the reader is shown an item, and its extended properties. ``found`` is an event."""

    found: Found | None
    shown: Json
    extended: Mapping[str, str]


Test = Callable[[Candidate], bool]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _Reader:
    """A recursive descent over the tokens; every surprise is the same refusal."""

    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise errors.invalid_filter()
            self._tokens.append(_Token(found.lastgroup, found.group(found.lastgroup)))
            place = found.end()
        self._tokens.reverse()

    def whole(self) -> Test:
        test = self._either()
        if self._tokens:
            raise errors.invalid_filter()
        return test

    def _next(self, text: str | None = None, kind: str | None = None) -> str:
        token = self._tokens.pop() if self._tokens else _Token("end", "")
        if (text is not None and token.text.lower() != text) or (kind is not None and token.kind != kind):
            raise errors.invalid_filter()
        return token.text

    def _at(self, text: str) -> bool:
        return bool(self._tokens) and self._tokens[-1].text.lower() == text

    def _either(self) -> Test:
        tests = [self._both()]
        while self._at("or"):
            self._next()
            tests.append(self._both())
        return lambda item: any(test(item) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._at("and"):
            self._next()
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._at("not"):
            self._next()
            inner = self._one()
            return lambda item: not inner(item)
        if self._at("("):
            self._next()
            test = self._either()
            self._next(")")
            return test
        if self._at("startswith"):
            return self._startswith()
        path = self._next(kind="word")
        return self._any() if path.lower() == _ANY else self._comparison(path)

    def _startswith(self) -> Test:
        self._next()
        self._next("(")
        path = self._next(kind="word")
        self._next(",")
        start = self._string()
        self._next(")")
        if path not in _STRINGS:
            raise errors.invalid_filter()
        return lambda item: str(item.shown.get(path) or "").lower().startswith(start.lower())

    def _string(self) -> str:
        return self._next(kind="string")[1:-1].replace("''", "'")

    def _comparison(self, path: str) -> Test:
        compare = _COMPARE.get(self._next(kind="word"))
        if compare is None:
            raise errors.invalid_filter()
        if path in _STRINGS:
            wanted = self._string()
            return lambda item: compare(item.shown.get(path) or "", wanted)
        if path in _BOOLEANS:
            truth = self._next(kind="word")
            if truth not in ("true", "false"):
                raise errors.invalid_filter()
            return lambda item: compare(item.shown[path], truth == "true")
        if path in _INSTANTS:
            moment = _instant(self._next(kind="time"))
            return lambda item: compare(times.parse_instant(item.shown[path]), moment)
        edge = _EDGES.get(path)
        if edge is None:
            raise errors.invalid_filter()
        moment = _instant(self._string())
        return lambda item: item.found is not None and compare(edge(item.found), moment)

    def _any(self) -> Test:
        self._next("(")
        name = self._next(kind="word")
        self._next(":")
        if self._next(kind="word") != f"{name}/id" or self._next() != "eq":
            raise errors.invalid_filter()
        wanted = fields.property_id(self._string())
        compare, value = _COMPARE["ne"], None
        if self._at("and"):
            self._next()
            if self._next(kind="word") != f"{name}/value":
                raise errors.invalid_filter()
            operator = self._next(kind="word")
            if operator not in ("eq", "ne"):
                raise errors.invalid_filter()
            compare = _COMPARE[operator]
            if self._at("null"):
                self._next()
            else:
                value = self._string()
        self._next(")")
        return lambda item: wanted in item.extended and compare(item.extended[wanted], value)


def _instant(text: str) -> datetime:
    try:
        return times.parse_instant(text)
    except ValueError as error:
        raise errors.invalid_filter() from error


def parse(text: str) -> Test:
    """The test of a $filter. Raises GraphError 400 for what is not supported."""
    return _Reader(text).whole()
