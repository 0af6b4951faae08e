"""What a refusal by Google means to us.

Source: https://developers.google.com/workspace/calendar/api/guides/errors. Messages of the service are never kept: they
may quote content. What is kept is the status, the reason (a code) and the pause that was asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson

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

_SCOPES = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "accessNotConfigured"}
"""Reasons of a 403 that stand in the way of every request of this connection."""

_LIMITS = {
    "rateLimitExceeded": DeferScope.CONNECTION,  # "per calendar or per authenticated user", as 403 and as 429
    "userRateLimitExceeded": DeferScope.CONNECTION,
    "quotaExceeded": DeferScope.CONNECTION,  # the user's own Calendar use limits
    "calendarUsageLimitsExceeded": DeferScope.CONNECTION,
    "dailyLimitExceeded": DeferScope.PROJECT,
    "dailyLimitExceededUnreg": DeferScope.PROJECT,
    "RATE_LIMIT_EXCEEDED": DeferScope.CONNECTION,  # as the newer error model says it
    "RESOURCE_EXHAUSTED": DeferScope.CONNECTION,
}
_TELLING = _SCOPES | {"EXPIRED_SYNC_TOKEN", "RATE_LIMIT_EXCEEDED"}
"""Reasons in the details of an error that say more than its envelope."""


class Refusal(ProviderError):
    """Google answered with a status of 300 or more. ``where`` is the parameter or header that it names."""

    code = "refusal"

    def __init__(self, status: int, reason: str = "", where: str = "", pause: timedelta | None = None) -> None:
        super().__init__(f"Google answered {status} {reason}".rstrip())
        self.status, self.reason, self.where, self.pause = status, reason, where, pause

    @property
    def scope(self) -> DeferScope | None:
        """How far a request for a pause reaches; None where this is no such request."""
        if self.status == 429 or (self.status == 403 and self.pause is not None):
            return _LIMITS.get(self.reason, DeferScope.CONNECTION)
        return _LIMITS.get(self.reason) if self.status == 403 else None

    @property
    def absent(self) -> bool:
        """The service says that there is nothing, or nothing any more, at this address."""
        return self.status in (404, 410)


def refusal(status: int, retry_after: str | None, content: bytes, now: datetime) -> Refusal:
    """Read the error envelope. ``retry_after`` is the header's text, ``now`` aware UTC."""
    detail: dict[str, Any] = {}
    try:
        error = orjson.loads(content)["error"]
        detail = dict((error.get("errors") or [{}])[0])
        for info in error.get("details") or ():
            if info.get("reason") in _TELLING:
                detail["reason"] = info["reason"]
        detail.setdefault("reason", error.get("status", ""))  # the newer APIs need not list errors
        if detail.get("domain") == "usageLimits" and detail["reason"] not in _SCOPES | _LIMITS.keys():
            detail["reason"] = "rateLimitExceeded"
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError, ValueError):
        pass  # a proxy's page, or nothing at all: the status says enough
    return Refusal(status, str(detail.get("reason", "")), str(detail.get("location", "")), pause_of(retry_after, now))


def for_connection(problem: Refusal) -> ProviderError | None:
    """The error where ``problem`` concerns the whole connection, None where only this request."""
    if problem.status == 401:
        return AuthorizationExpired("Google refuses the access token, a fresh one too")
    if problem.status == 403 and problem.reason in _SCOPES:
        return PermissionDenied(f"Google: {problem.reason}")
    return None


def is_expired(problem: Refusal) -> bool:
    """Whether it is the sync token or page token of a list that is refused, not the calendar: asked of requests with
    one, of which all the rest is as it always was."""
    return problem.status in (400, 410)


def concerns_item(error: ProviderError) -> bool:
    """Whether a read (``error`` is what ``for_read`` made of its refusal) was refused for what the item is: neither a
    pause nor a permission that the whole connection lacks, and no failure of the service."""
    problem = error.__cause__
    if not isinstance(problem, Refusal) or problem.status not in (400, 403):
        return False
    return problem.scope is None and for_connection(problem) is None


def for_read(problem: Refusal) -> ProviderError:
    """The error that a read raises."""
    if whole := for_connection(problem):
        return whole
    if problem.scope is not None:
        return Throttled(f"Google: {problem.reason or problem.status}", problem.pause)
    if problem.absent:
        return CollectionGone("the calendar is not there, or not shared any more")
    if problem.status == 403:
        return PermissionDenied(f"Google: {problem.reason or 403}")
    return Unavailable(str(problem))


def for_write(op: str, problem: Refusal) -> Outcome:
    """The outcome of a write that was refused for a reason of its own (not 401, 404, 409, 410 or 412)."""
    if problem.scope is not None:
        return Deferred(op, problem.pause, problem.scope)
    if problem.status >= 500:
        return Unanswered(op)
    match problem.status, problem.reason:
        case 403, "forbiddenForNonOrganizer" | "cannotChangeOrganizer" | "cannotChangeOrganizerOfInstance":
            return Refused(op, RefusedCode.NOT_ORGANIZER)
        case 403, _:
            return Refused(op, RefusedCode.FORBIDDEN, permanent=False)
        case 413, _:
            return Refused(op, RefusedCode.TOO_LARGE)
        case _:
            return Refused(op, RefusedCode.INVALID)
