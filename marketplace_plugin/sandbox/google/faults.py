"""The faults of this service: a rule per method and path, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from marketplace_plugin.sandbox.frame import faults

Action = Literal["status", "drop_before", "drop_after", "truncate", "malformed_event", "bump_etag"]

BROKEN_EVENT: dict[str, Any] = {
    "kind": "calendar#event",
    "start": {"dateTime": "yesterday at nine"},
    "recurrence": ["RRULE:FREQ=SOMETIMES"],
    "attendees": [{"responseStatus": "perhaps"}],
}
"""What ``malformed_event`` makes of an event: id and etag stay, the rest is unreadable."""


@dataclass
class Fault(faults.PathRule):
    """One rule; ``reason`` belongs to the action ``status``."""

    action: Action
    reason: str | None = None

    ACTIONS = get_args(Action)


class Faults(faults.Queue[Fault]):
    """The rules that are in force, oldest first."""

    def add(self, action: Action, **options: Any) -> Fault:
        """Add a rule; see ``Fault`` for the options. Raises TypeError or ValueError for bad ones."""
        return self.put(Fault(action, **options))

    def take(self, method: str, path: str) -> Fault | None:
        """The rule that hits this request, if any; counts it."""
        return self.hit(lambda rule: rule.matches(method, path))


def spoil(rule: Fault, body: bytes) -> bytes:
    """The body as ``truncate`` or ``malformed_event`` leaves it."""
    if rule.action == "truncate":
        return faults.truncated(body)
    return faults.with_broken_item(body, "items", rule.index, BROKEN_EVENT, ("id", "etag", "status"))
