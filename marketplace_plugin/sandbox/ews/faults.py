"""Faults that a test asks for: a counted rule per operation, and what it does.

A rule is used up by the requests that it hits. Standing behaviour is in ``state.Knobs``.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Action = Literal["status", "fault", "error", "drop_before", "drop_after", "truncate", "malformed_item", "bump", "hold"]
ACTIONS: tuple[str, ...] = get_args(Action)
_START = re.compile(rb"<t:Start>[^<]*</t:Start>")


@dataclass
class Fault:
    """One rule.

    ``operation`` is a pattern for the whole name of an operation (``GetItem``), or of the path of a
    request that is none (``/autodiscover/autodiscover.xml``). ``skip`` requests that match pass
    first; then ``times`` of them are hit. A request that is only half signed in is not looked at.

    ``status`` is the HTTP status of the action of that name, with ``retry_after`` (seconds);
    ``code`` is the ResponseCode of the actions ``fault`` (the whole request, HTTP 500) and
    ``error`` (one response message); ``back_off`` (milliseconds) goes with ErrorServerBusy. These
    three keep the request from being carried out.
    ``bump`` moves the version of the items that the reply names. ``malformed_item`` makes the
    first start in the reply unreadable. ``hold`` keeps the request until ``Faults.release``.
    """

    action: Action
    operation: str = ".*"
    times: int = 1
    skip: int = 0
    status: int = 503
    code: str = "ErrorServerBusy"
    back_off: int | None = None
    retry_after: int | None = None
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; one of {', '.join(ACTIONS)}")
        re.compile(self.operation)


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

    def take(self, operation: str) -> Fault | None:
        """The rule that hits this request, if any; counts it."""
        with self._changed:
            for rule in self._rules:
                if not re.fullmatch(rule.operation, operation):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.hits += 1
                if rule.hits >= rule.times:
                    self._rules.remove(rule)
                return rule
        return None

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
    """The body as ``truncate`` or ``malformed_item`` leaves it."""
    if rule.action == "truncate":
        return body[: len(body) // 2]
    return _START.sub(b"<t:Start>yesterday at nine</t:Start>", body, count=1)
