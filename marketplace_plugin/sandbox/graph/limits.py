"""How much one app may ask of one mailbox: so many requests at a time, and so many in ten minutes.

Source: https://learn.microsoft.com/graph/throttling-limits (Outlook service limits).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.entra.grants import Grants
from marketplace_plugin.sandbox.graph.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_WINDOW = timedelta(minutes=10)
_BATCH = "/v1.0/$batch"


class Limits:
    """The requests that run, and the times of those of the last ten minutes, by app and mailbox."""

    def __init__(self, state: State, grants: Grants) -> None:
        self._state, self._grants = state, grants
        self._running: dict[tuple[str, str], int] = {}
        self._recent: dict[tuple[str, str], deque[datetime]] = {}
        self._counting = threading.Lock()

    @contextmanager
    def place(self, environ: WSGIEnvironment) -> Iterator[errors.GraphError | None]:
        """Count the request among those of its mailbox; the refusal if there are too many."""
        refused = self.exceeded(environ, 0)
        key = None if environ["PATH_INFO"] == _BATCH else self._mailbox(environ)
        with self._counting:
            if key is not None:
                self._running[key] = self._running.get(key, 0) + 1
        try:
            yield refused
        finally:
            with self._counting:
                if key is not None:
                    self._running[key] -= 1

    def exceeded(self, environ: WSGIEnvironment, beside: int) -> errors.GraphError | None:
        """The refusal of a request, if it is one too many; ``beside`` so many others of its batch."""
        key = self._mailbox(environ)
        if key is None:
            return None
        knobs, now = self._state.knobs, self._state.now()
        with self._counting:
            if self._running.get(key, 0) + beside >= knobs.concurrent_requests:
                return errors.throttled("MailboxConcurrency", 1)
            recent = self._recent.setdefault(key, deque())
            while recent and recent[0] <= now - _WINDOW:
                recent.popleft()
            if len(recent) >= knobs.requests_in_ten_minutes:
                wait = (recent[0] + _WINDOW - now).total_seconds()
                return errors.throttled("RequestRate", max(1, round(wait)))
            recent.append(now)
        return None

    def _mailbox(self, environ: WSGIEnvironment) -> tuple[str, str] | None:
        if not environ["PATH_INFO"].startswith("/v1.0/me/"):
            return None
        token = self._grants.access(environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2].strip())
        return None if token is None else (token.client_id, token.email)
