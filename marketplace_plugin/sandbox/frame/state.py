"""What a stand-in holds whatever it plays: its own time, the numbers of its changes, the mails that were not sent."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Clock = Callable[[], datetime]
OUTBOX_LIMIT = 10_000


def system_clock() -> datetime:
    """The only wall clock of a sandbox, but for certificates; aware, UTC."""
    return datetime.now(UTC)


class State:
    """Everything that a sandbox knows. Hold ``lock`` around each use from outside a request."""

    accounts: dict[str, Any]
    """By their mail addresses."""
    outbox: deque[Any]
    knobs: Any

    def __init__(self, clock: Clock = system_clock) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._offset = timedelta()
        self._tick = 0
        self._number = 0
        self.outbox = deque(maxlen=OUTBOX_LIMIT)

    def now(self) -> datetime:
        """The sandbox's time; aware, UTC."""
        return self._clock().astimezone(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the sandbox's clock."""
        self._offset += by

    @property
    def tick(self) -> int:
        """The number of the last change."""
        return self._tick

    def next_tick(self) -> int:
        self._tick += 1
        return self._tick

    def next_number(self) -> int:
        """A number for something new."""
        self._number += 1
        return self._number
