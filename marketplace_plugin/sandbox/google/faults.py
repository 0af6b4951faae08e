"""Faults that a test asks for: a counted rule per method and path, and what it does.

A rule is used up by the requests that it hits. Standing behaviour is in ``state.Knobs``.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from marketplace_plugin.sandbox.google import errors

Action = Literal["status", "drop_before", "drop_after", "truncate", "malformed_event", "bump_etag"]
ACTIONS: tuple[str, ...] = get_args(Action)

BROKEN_EVENT: dict[str, Any] = {
    "kind": "calendar#event",
    "start": {"dateTime": "yesterday at nine"},
    "recurrence": ["RRULE:FREQ=SOMETIMES"],
    "attendees": [{"responseStatus": "perhaps"}],
}
"""What ``malformed_event`` makes of an event: id and etag stay, the rest is unreadable."""


@dataclass
class Fault:
    """One rule.

    ``skip`` requests that match pass first; then ``times`` of them are hit.
    ``status``, ``reason`` and ``retry_after`` (seconds) belong to the action ``status``;
    ``index`` is the event in the page that ``malformed_event`` breaks.
    """

    action: Action
    path: str = ".*"
    method: str = ".*"
    times: int = 1
    skip: int = 0
    status: int = 503
    reason: str | None = None
    retry_after: int | None = None
    index: int = 0
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; one of {', '.join(ACTIONS)}")
        re.compile(self.path)
        re.compile(self.method)

    def matches(self, method: str, path: str) -> bool:
        """``path`` is the path with its query string."""
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


class Faults:
    """The rules that are in force, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, action: Action, **options: Any) -> Fault:
        """Add a rule; see ``Fault`` for the options. Raises TypeError or ValueError for bad ones."""
        rule = Fault(action, **options)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Drop all rules."""
        with self._lock:
            self._rules.clear()

    def pending(self) -> list[Fault]:
        """The rules that are not used up."""
        with self._lock:
            return list(self._rules)

    def take(self, method: str, path: str) -> Fault | None:
        """The rule that hits this request, if any; counts it."""
        with self._lock:
            for rule in self._rules:
                if not rule.matches(method, path):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.hits += 1
                if rule.hits >= rule.times:
                    self._rules.remove(rule)
                return rule
        return None


def error_body(rule: Fault) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a ``status`` fault."""
    error = errors.injected(rule.status, rule.reason, rule.retry_after)
    headers = {"Content-Type": "application/json; charset=UTF-8", **error.headers}
    return error.status, headers, json.dumps(error.envelope()).encode()


def spoil(rule: Fault, chunks: Iterable[bytes]) -> bytes:
    """The body as ``truncate`` or ``malformed_event`` leaves it."""
    body = b"".join(chunks)
    if rule.action == "truncate":
        return body[: len(body) // 2]
    reply = json.loads(body)
    items = reply.get("items")
    if items:
        victim = items[min(rule.index, len(items) - 1)]
        kept = {name: victim[name] for name in ("id", "etag", "status") if name in victim}
        items[min(rule.index, len(items) - 1)] = {**BROKEN_EVENT, **kept}
    return json.dumps(reply).encode()
