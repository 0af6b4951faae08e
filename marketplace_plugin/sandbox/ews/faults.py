"""The faults of this service: a rule per operation, and what it does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from marketplace_plugin.sandbox.frame import faults

Action = Literal["status", "fault", "error", "drop_before", "drop_after", "truncate", "malformed_item", "bump", "hold"]
_START = re.compile(rb"<t:Start>[^<]*</t:Start>")


@dataclass
class Fault(faults.Rule):
    """One rule.

    ``operation`` is a pattern for the whole name of an operation (``GetItem``), or of the path of a
    request that is none (``/autodiscover/autodiscover.xml``). A request that is only half signed in
    is not looked at.

    ``status`` is the HTTP status of the action of that name, with ``retry_after`` (seconds);
    ``code`` is the ResponseCode of the actions ``fault`` (the whole request, HTTP 500) and
    ``error`` (one response message); ``back_off`` (milliseconds) goes with ErrorServerBusy. These
    three keep the request from being carried out.
    ``bump`` moves the version of the items that the reply names. ``malformed_item`` makes the
    first start in the reply unreadable. ``hold`` keeps the request until ``Faults.release``.
    """

    action: Action
    operation: str = ".*"
    status: int = 503
    code: str = "ErrorServerBusy"
    back_off: int | None = None
    retry_after: int | None = None

    ACTIONS = get_args(Action)
    PATTERNS = ("operation",)


class Faults(faults.Queue[Fault]):
    """The rules that are in force, oldest first."""

    def add(self, action: Action, **options: Any) -> Fault:
        """Add a rule; see ``Fault`` for the options. Raises TypeError or ValueError for bad ones."""
        return self.put(Fault(action, **options))

    def take(self, operation: str) -> Fault | None:
        """The rule that hits this request, if any; counts it."""
        return self.hit(lambda rule: re.fullmatch(rule.operation, operation) is not None)


def spoil(rule: Fault, body: bytes) -> bytes:
    """The body as ``truncate`` or ``malformed_item`` leaves it."""
    if rule.action == "truncate":
        return faults.truncated(body)
    return _START.sub(b"<t:Start>yesterday at nine</t:Start>", body, count=1)
