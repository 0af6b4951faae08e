"""Errors of the Calendar API in the envelope that the service sends.

Source: https://developers.google.com/workspace/calendar/api/guides/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A refusal; ``status`` is the HTTP status, ``reason`` the machine-readable cause."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str = "parameter",
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type
        self.headers = dict(headers or {})
        self.extra = extra or {}

    def envelope(self) -> Json:
        """The reply's body."""
        detail: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            detail["locationType"] = self.location_type
            detail["location"] = self.location
        return {
            "error": {
                "code": self.status,
                "message": self.message,
                "errors": [detail],
                **self.extra,
            }
        }


def invalid(message: str, location: str | None = None) -> ApiError:
    """400 for a value that cannot be accepted."""
    return ApiError(400, "invalid", message, location=location)


def invalid_parameter(name: str, message: str) -> ApiError:
    """400 for a query parameter."""
    return ApiError(400, "invalidParameter", message, location=name)


def required(message: str) -> ApiError:
    """400 for something that is missing."""
    return ApiError(400, "required", message)


def unknown_name(name: str) -> ApiError:
    """400 for a JSON field or query parameter that the contract does not name."""
    message = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    return ApiError(400, "badRequest", message, location=name, extra={"status": "INVALID_ARGUMENT"})


def time_range_empty(location: str | None = None) -> ApiError:
    """400 for an end that is not after its start."""
    message = "The specified time range is empty."
    return ApiError(400, "timeRangeEmpty", message, domain="calendar", location=location)


def not_found() -> ApiError:
    """404, also for what the user may not see."""
    return ApiError(404, "notFound", "Not Found")


def deleted() -> ApiError:
    """410 for a deletion of what is deleted."""
    return ApiError(410, "deleted", "Resource has been deleted")


def duplicate() -> ApiError:
    """409 for an id (or iCalUID) that is taken, by a deleted event too."""
    return ApiError(409, "duplicate", "The requested identifier already exists.")


def condition_not_met() -> ApiError:
    """412 for an If-Match that no longer holds."""
    return ApiError(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


def full_sync_required() -> ApiError:
    """410 for a sync token that is no longer good."""
    return ApiError(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location="syncToken",
    )


def updated_min_too_long_ago() -> ApiError:
    """410 for an updatedMin older than the tombstones that are kept."""
    return ApiError(
        410,
        "updatedMinTooLongAgo",
        "The requested minimum modification time lies too far in the past.",
        domain="calendar",
        location="updatedMin",
    )


def forbidden(message: str = "Forbidden") -> ApiError:
    """403 without a more exact reason."""
    return ApiError(403, "forbidden", message)


def access_level(role: str = "writer") -> ApiError:
    """403 for a role that is too low."""
    return ApiError(
        403,
        "requiredAccessLevel",
        f"You need to have {role} access to this calendar.",
        domain="calendar",
    )


def non_organizer() -> ApiError:
    """403 for a guest who changes what all guests share."""
    return ApiError(
        403,
        "forbiddenForNonOrganizer",
        "Shared properties can only be changed by the organizer of the event.",
        domain="calendar",
    )


def event_type(message: str) -> ApiError:
    """400 for an operation that this event type does not know."""
    return ApiError(400, "eventTypeRestriction", message, domain="calendar")


def invalid_credentials() -> ApiError:
    """401 for a token that is unknown, expired or revoked."""
    return ApiError(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
        extra={"status": "UNAUTHENTICATED"},
    )


def login_required() -> ApiError:
    """401 for a request without a token."""
    return ApiError(
        401,
        "required",
        "Login Required.",
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
        extra={"status": "UNAUTHENTICATED"},
    )


def insufficient_scope(method: str) -> ApiError:
    """403 for a token that lacks every scope of ``method`` (such as ``calendar.events.insert``)."""
    return ApiError(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'},
        extra={
            "status": "PERMISSION_DENIED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                    "domain": "googleapis.com",
                    "metadata": {"service": "calendar-json.googleapis.com", "method": method},
                }
            ],
        },
    )


_INJECTED: Mapping[str, tuple[str, str]] = {
    "rateLimitExceeded": ("usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": ("usageLimits", "User Rate Limit Exceeded"),
    "quotaExceeded": ("usageLimits", "Calendar usage limits exceeded."),
    "dailyLimitExceeded": ("usageLimits", "Daily Limit Exceeded"),
    "backendError": ("global", "Backend Error"),
    "internalError": ("global", "Internal Error"),
    "forbidden": ("global", "Forbidden"),
}


def injected(status: int, reason: str | None = None, retry_after: int | None = None) -> ApiError:
    """An error asked for by a test; ``retry_after`` in seconds."""
    if reason is None:
        reason = {403: "rateLimitExceeded", 429: "rateLimitExceeded"}.get(status, "backendError")
    domain, message = _INJECTED.get(reason, ("global", reason))
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return ApiError(status, reason, message, domain=domain, headers=headers)
