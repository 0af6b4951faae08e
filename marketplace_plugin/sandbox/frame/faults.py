"""Faults that a test asks for: counted rules, and requests that are held.

A rule is used up by the requests that it hits. Standing behaviour is in each service's ``state.Knobs``.
"""

from __future__ import annotations

import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

FAULT_HEADER = "X-Sandbox-Fault"
"""Marks a reply that a fault has changed, for tests that check replies."""


@dataclass(kw_only=True)
class Rule:
    """What is done to which requests: ``skip`` that match pass first; then ``times`` of them are hit."""

    action: str
    times: int = 1
    skip: int = 0
    hits: int = field(default=0, init=False)

    ACTIONS: ClassVar[tuple[str, ...]] = ()
    PATTERNS: ClassVar[tuple[str, ...]] = ()
    """The fields that are regular expressions."""

    def __post_init__(self) -> None:
        if self.action not in self.ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; one of {', '.join(self.ACTIONS)}")
        for name in self.PATTERNS:
            re.compile(getattr(self, name))


@dataclass(kw_only=True)
class PathRule(Rule):
    """A rule for a method and a path.

    ``status`` and ``retry_after`` (seconds) belong to the action ``status``; ``index`` is the
    event in the page that ``malformed_event`` breaks.
    """

    path: str = ".*"
    method: str = ".*"
    status: int = 503
    retry_after: int | None = None
    index: int = 0

    PATTERNS = ("path", "method")

    def matches(self, method: str, path: str) -> bool:
        """``path`` is the path with its query string."""
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


AnyRule = TypeVar("AnyRule", bound=Rule)


class Queue(ABC, Generic[AnyRule]):
    """The rules that are in force, oldest first, and the requests that one of them holds."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rules: list[AnyRule] = []
        self._held = 0
        self._open = 0

    @abstractmethod
    def add(self, action: Any, **options: Any) -> AnyRule:
        """Add a rule; each service has its own actions and options. Raises TypeError or ValueError for bad ones."""

    def put(self, rule: AnyRule) -> AnyRule:
        with self._changed:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Drop all rules, and let held requests go."""
        with self._changed:
            self._rules.clear()
        self.release()

    def pending(self) -> list[AnyRule]:
        """The rules that are not used up."""
        with self._changed:
            return list(self._rules)

    def hit(self, matches: Callable[[AnyRule], bool]) -> AnyRule | None:
        """The rule that hits this request, if any; counts it."""
        with self._changed:
            for rule in self._rules:
                if not matches(rule):
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


def truncated(body: bytes) -> bytes:
    """The first half of a body."""
    return body[: len(body) // 2]


def with_broken_item(body: bytes, items: str, index: int, broken: Mapping[str, Any], kept: tuple[str, ...]) -> bytes:
    """A page of JSON in which one of ``items`` is ``broken`` but for the members ``kept``."""
    reply = json.loads(body)
    if found := reply.get(items):
        place = min(index, len(found) - 1)
        found[place] = {**broken, **{name: found[place][name] for name in kept if name in found[place]}}
    return json.dumps(reply).encode()
