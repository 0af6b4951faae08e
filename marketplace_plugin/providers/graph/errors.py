"""What a refusal by Microsoft Graph means to us.

Source: https://learn.microsoft.com/graph/errors. Messages of the service are never kept: they may quote content. What
is kept is the status, the code and the pause that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.contract.sending import pause_of
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    PermissionDenied,
    ProviderError,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.write import Deferred, DeferScope, Outcome, Refused, RefusedCode, Unanswered

_NO_ID = "errorinvalididmalformed"
_SYNC_STATE = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"})
_ABSENT = frozenset({_NO_ID, "erroritemnotfound"})
_UNSUPPORTED = frozenset({"erroroccurrencecrossingboundary", "timezonenotsupportedexception"})
_TOO_LARGE = frozenset({"errormessagesizeexceeded", "errorattachmentsizelimitexceeded"})


class Refusal(ProviderError):
    """Graph answered with a status of 300 or more. ``existing`` is the event that a used transactionId made."""

    code = "refusal"

    def __init__(self, status: int, reason: str = "", pause: timedelta | None = None, existing: str = "") -> None:
        super().__init__(f"Microsoft Graph answered {status} {reason}".rstrip())
        self.status, self.reason, self.pause, self.existing = status, reason, pause, existing

    @property
    def throttled(self) -> bool:
        return self.status in (429, 503)

    @property
    def broken(self) -> bool:
        """The service failed: done or not is unknown."""
        return self.status >= 500 and not self.throttled

    @property
    def absent(self) -> bool:
        """There is nothing at this address, or the id cannot be one."""
        return self.status in (404, 410) or (self.status == 400 and self.reason.lower() in _ABSENT)

    @property
    def expired(self) -> bool:
        """The token of a round of change tracking is no longer good."""
        return self.status == 410 or self.reason.lower() in _SYNC_STATE


def refusal(status: int, headers: Mapping[str, str], body: Any, now: datetime) -> Refusal:
    """Read the error envelope (parsed JSON, or None). ``headers`` by lower-case names; ``now`` is aware UTC."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    existing = error.get("@event.existingEventId")
    return Refusal(
        status,
        str(error.get("code") or ""),
        pause_of(headers.get("retry-after"), now),
        str(existing) if existing else "",
    )


def for_connection(problem: Refusal) -> ProviderError | None:
    """The error where ``problem`` concerns the whole connection, None where only this request."""
    if problem.status == 401:
        return AuthorizationExpired("Microsoft refuses the access token, a fresh one too")
    return None


def for_read(problem: Refusal) -> ProviderError:
    """The error that a read raises."""
    if whole := for_connection(problem):
        return whole
    if problem.throttled:
        return Throttled(str(problem), problem.pause)
    if problem.absent:
        return CollectionGone("the calendar is not there, or not shared any more")
    if problem.status == 403:
        return PermissionDenied(str(problem))
    return Unavailable(str(problem))


def for_write(op: str, problem: Refusal) -> Outcome:
    """The outcome of a write that was refused for a reason of its own (not 401, 404, 409 or 412)."""
    if problem.throttled:
        return Deferred(op, problem.pause, DeferScope.CONNECTION)
    if problem.status >= 500:
        return Unanswered(op)
    if problem.status == 403:
        return Refused(op, RefusedCode.FORBIDDEN, permanent=False)
    if problem.status == 413 or problem.reason.lower() in _TOO_LARGE:
        return Refused(op, RefusedCode.TOO_LARGE)
    if problem.reason.lower() in _UNSUPPORTED:
        return Refused(op, RefusedCode.UNSUPPORTED)
    return Refused(op, RefusedCode.INVALID)
