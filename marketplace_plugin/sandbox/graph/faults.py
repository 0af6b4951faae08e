"""Faults that a test asks for: a counted rule per method and path, and what it does.

A rule is used up by the requests that it hits. Standing behaviour is in ``state.Knobs``.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Action = Literal["status", "drop_before", "drop_after", "truncate", "malformed_event", "bump_etag", "hold"]
ACTIONS: tuple[str, ...] = get_args(Action)

BROKEN_EVENT: dict[str, Any] = {
    "type": "singleInstance",
    "start": {"dateTime": "yesterday at nine", "timeZone": "Sandbox Standard Time"},
    "recurrence": {"pattern": {"type": "sometimes"}},
    "attendees": [{"status": {"response": "perhaps"}}],
}
"""What ``malformed_event`` makes of an event: id and etag stay, the rest is unreadable."""


@dataclass
class Fault:
    """One rule.

    ``skip`` requests that match pass first; then ``times`` of them are hit. Calls inside a
    ``$batch`` are matched one by one, by their own method and path (``/v1.0/...``).
    ``status``, ``code`` and ``retry_after`` (seconds) belong to the action ``status``;
    ``index`` is the event in the page that ``malformed_event`` breaks. ``hold`` keeps the
    request, and its place among the mailbox's concurrent ones, until ``Faults.release``.
    """

    action: Action
    path: str = ".*"
    method: str = ".*"
    times: int = 1
    skip: int = 0
    status: int = 503
    code: str | None = None
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
        self._changed = threading.Condition()
        self._rules: list[Fault] = []
        self._held = 0
        self._open = 0

    def add(self, action: Action, **options: Any) -> Fault:
        """Add a rule; see ``Fault`` for the options. Raises TypeError or ValueError for bad ones."""
        rule = Fault(action, **options)
        with self._changed:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Drop all rules, and let held requests go."""
        with self._changed:
            self._rules.clear()
        self.release()

    def pending(self) -> list[Fault]:
        """The rules that are not used up."""
        with self._changed:
            return list(self._rules)

    def take(self, method: str, path: str) -> Fault | None:
        """The rule that hits this request, if any; counts it."""
        with self._changed:
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

    # --- held requests ------------------------------------------------------------------------

    def hold(self, seconds: float = 30.0) -> None:
        """Wait in a request's thread until ``release``; gives up after ``seconds``."""
        with self._changed:
            gate = self._open
            self._held += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open > gate, timeout=seconds)
            self._held -= 1

    def wait_held(self, count: int, seconds: float = 10.0) -> bool:
        """Wait until ``count`` requests are held; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: self._held >= count, timeout=seconds)

    def release(self) -> None:
        """Let all held requests go."""
        with self._changed:
            self._open += 1
            self._changed.notify_all()


def spoil(rule: Fault, body: bytes) -> bytes:
    """The body as ``truncate`` or ``malformed_event`` leaves it."""
    if rule.action == "truncate":
        return body[: len(body) // 2]
    reply = json.loads(body)
    items = reply.get("value")
    if items:
        place = min(rule.index, len(items) - 1)
        kept = {name: items[place][name] for name in ("id", "@odata.etag", "@odata.type") if name in items[place]}
        items[place] = {**BROKEN_EVENT, **kept}
    return json.dumps(reply).encode()
